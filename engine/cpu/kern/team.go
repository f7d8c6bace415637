package kern

import (
	"sync"
	"sync/atomic"
)

// Team is a number of threads that share the pieces of one task. Which worker gets which piece is left to chance, so results
// must not depend on it.
type Team int

// Share runs f on up to t workers at once, each with a number below t of its own. next hands out 0 to n-1, then -1.
func (t Team) Share(n int, f func(worker int, next func() int)) {
	workers := min(int(t), n)
	if workers <= 1 {
		i := -1
		f(0, func() int {
			if i++; i < n {
				return i
			}
			return -1
		})
		return
	}
	var taken atomic.Int64
	next := func() int {
		if i := int(taken.Add(1)) - 1; i < n {
			return i
		}
		return -1
	}
	var wg sync.WaitGroup
	wg.Add(workers - 1)
	for w := 1; w < workers; w++ {
		go func() {
			f(w, next)
			wg.Done()
		}()
	}
	f(0, next)
	wg.Wait()
}

// For is the team for a task of so many multiply-adds: waking another thread takes as long as serialWork of them.
func (t Team) For(work int) Team {
	if work < serialWork {
		return 1
	}
	return t
}

const serialWork = 1 << 19

// Each runs f(worker, i) for every i below n.
func (t Team) Each(n int, f func(worker, i int)) {
	t.Share(n, func(worker int, next func() int) {
		for i := next(); i >= 0; i = next() {
			f(worker, i)
		}
	})
}
