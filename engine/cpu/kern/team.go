package kern

import (
	"runtime"
	"sync/atomic"
)

// Team is a number of threads that share the pieces of one task. Which worker gets which piece is left to chance, so results
// must not depend on it. Tasks may share a team at the same time. The zero Team is one thread.
type Team struct {
	helpers int // besides the caller
	pool    *helperPool
}

// NewTeam is a team of n threads.
func NewTeam(n int) Team {
	c := &helperPool{calls: make(chan *task, 4*n), idle: make(chan int, n)}
	for i := 1; i < n; i++ {
		c.idle <- i
	}
	return Team{n - 1, c}
}

// Size is the number of threads.
func (t Team) Size() int { return t.helpers + 1 }

// Share runs f on as many workers at once as there are threads, each with a number below Size of its own. next hands out 0 to
// n-1, and then -1. Each worker begins with the same share of them in every task, so that it finds in its own cache what it
// left there, and then takes from the others.
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

// For is the team for a task of so many multiply-adds: another thread saves nothing below serialWork of them.
func (t Team) For(work int) Team {
	if work < serialWork {
		return Team{}
	}
	return t
}

const serialWork = 1 << 18

// spins is how often a thread looks for something before it gives up: for some 50 us. Waking a thread that sleeps takes as
// long, and a step of training has hundreds of short operations.
const spins = 1 << 14

// wait is what a thread does between two looks: now and then it lets another goroutine have the processor.
func wait(look int) {
	if look%64 == 63 {
		runtime.Gosched()
	}
}

// task is one call of Share.
type task struct {
	f       func(worker int, next func() int)
	shares  []share       // by worker
	members atomic.Int64  // who are at work, the caller included; at 0 the task is over, and nobody can join
	left    chan struct{} // gets a value when the last helper leaves after the caller
}

// share is a range of pieces that are still to be done.
type share struct {
	next atomic.Int64
	end  int64
	_    [6]int64 // a cache line of its own
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

// join takes part, unless the task is over.
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

// finish waits, as the caller, until all who joined have finished.
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

// helperPool is the helpers of a team: goroutines that come when they are called, and go when nobody has called for a while. Callers
// work, too, so that a task ends even if no helper comes.
type helperPool struct {
	calls chan *task // one for each helper wanted
	idle  chan int   // the numbers of helpers who are not there
}

func (c *helperPool) call(k *task, helpers int) {
	for range helpers {
		select {
		case c.calls <- k:
			c.start()
		default: // so many tasks are waiting that one more would find no helper in time
			return
		}
	}
}

// start starts a helper if one is not there.
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
	if len(c.calls) > 0 { // who called just now took this helper to be there
		c.start()
	}
}
