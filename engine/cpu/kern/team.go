package kern

import (
	"runtime"
	"sync/atomic"
)

// Team is a number of threads that share the pieces of a task. Which worker gets which piece is not determined, and results must not
// depend on it. Several tasks may use a team at the same time. The zero Team is one thread.
type Team struct {
	helpers int // in addition to the caller
	pool    *helperPool
}

// NewTeam returns a team of n threads.
func NewTeam(n int) Team {
	c := &helperPool{calls: make(chan *task, 4*n), idle: make(chan int, n)}
	for i := 1; i < n; i++ {
		c.idle <- i
	}
	return Team{n - 1, c}
}

// Size returns the number of threads.
func (t Team) Size() int { return t.helpers + 1 }

// Share runs f on as many workers at once as there are threads, each with its own number below Size. next returns 0 to n-1, each to one
// worker, and then -1. A worker begins with the same share of them in every task, so that it finds the results of its last task in its
// own cache, and then takes pieces from the shares of others.
func (t Team) Share(n int, f func(worker int, next func() int)) {
	if t.helpers == 0 || n <= 1 {
		i := -1
		f(0, func() int {
			if i++; i < n {
				return i
			}
			return -1
		})
		return
	}
	k := &task{f: f, shares: make([]share, t.Size()), left: make(chan struct{}, 1)}
	for i := range k.shares {
		k.shares[i].next.Store(int64(n * i / t.Size()))
		k.shares[i].end = int64(n * (i + 1) / t.Size())
	}
	k.members.Store(1)
	t.pool.call(k, min(t.helpers, n-1))
	k.work(0)
	k.finish()
}

// Each runs f(worker, i) for every i below n.
func (t Team) Each(n int, f func(worker, i int)) {
	t.Share(n, func(worker int, next func() int) {
		for i := next(); i >= 0; i = next() {
			f(worker, i)
		}
	})
}

// For returns the team for a task of the given number of multiply-adds: one thread below serialWork, where another saves nothing.
func (t Team) For(work int) Team {
	if work < serialWork {
		return Team{}
	}
	return t
}

const serialWork = 1 << 18

// spins is the number of times that a thread polls before it gives up, after about 50 µs. Waking a sleeping thread takes as long, and a
// training step has hundreds of short operations.
const spins = 1 << 14

// wait is called between two polls. It yields the processor from time to time.
func wait(poll int) {
	if poll%64 == 63 {
		runtime.Gosched()
	}
}

// task is one call of Share.
type task struct {
	f       func(worker int, next func() int)
	shares  []share       // by worker
	members atomic.Int64  // workers, the caller included; at 0 the task is over, and none can join
	left    chan struct{} // receives a value when the last helper leaves after the caller
}

// share is a range of pieces that remain.
type share struct {
	next atomic.Int64
	end  int64
	_    [6]int64 // a separate cache line
}

func (k *task) work(worker int) {
	from, n := 0, len(k.shares)
	k.f(worker, func() int {
		for ; from < n; from++ {
			s := &k.shares[(worker+from)%n]
			if i := s.next.Add(1); i <= s.end {
				return int(i - 1)
			}
		}
		return -1
	})
}

// join works on the task, unless it is over.
func (k *task) join(worker int) {
	for n := k.members.Load(); n > 0; n = k.members.Load() {
		if k.members.CompareAndSwap(n, n+1) {
			k.work(worker)
			if k.members.Add(-1) == 0 {
				k.left <- struct{}{}
			}
			return
		}
	}
}

// finish waits for the helpers that joined. Only the caller of Share calls it.
func (k *task) finish() {
	if k.members.Add(-1) == 0 {
		return
	}
	for i := range spins {
		if k.members.Load() == 0 {
			return
		}
		wait(i)
	}
	<-k.left
}

// helperPool is the helpers of a team: goroutines that start when there is a task, and exit after a while without one. Callers also work
// on their tasks, so that these end even if no helper joins.
type helperPool struct {
	calls chan *task // one for each helper that should join
	idle  chan int   // numbers of the helpers that are not running
}

// call requests helpers for a task.
func (c *helperPool) call(k *task, helpers int) {
	for range helpers {
		select {
		case c.calls <- k:
			c.start()
		default: // so many calls are waiting that another would come too late
			return
		}
	}
}

// start starts a helper, unless all are running.
func (c *helperPool) start() {
	select {
	case worker := <-c.idle:
		go c.help(worker)
	default:
	}
}

func (c *helperPool) help(worker int) {
	for i := 0; i < spins; i++ {
		select {
		case k := <-c.calls:
			k.join(worker)
			i = 0
		default:
			wait(i)
		}
	}
	c.idle <- worker
	if len(c.calls) > 0 { // a call after the last poll counted on this helper
		c.start()
	}
}
