package cpu

import (
	"cmp"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"
	"unsafe"

	"github.com/starsweep/starsweep/engine/cpu/kern"
)

// Timing is the cost of one kind of instruction, over all its calls.
type Timing struct {
	What  string // operation and shapes
	Calls int
	Time  time.Duration
	Flop  float64 // multiplications and additions of convolutions and products; else 0
	Bytes float64 // of operands, results and workspaces, each counted once for each call
}

// trace is a record of instructions.
type trace struct {
	now func() time.Time

	mu sync.Mutex
	of map[*instruction]*Timing
}

// Trace begins to record the time of instructions by the given clock, and drops earlier records. A nil clock ends recording. Programs
// that run concurrently are charged for the time that they wait for each other. Closures count twice: by themselves, and in the While or
// If that runs them.
func (b *Backend) Trace(now func() time.Time) {
	var t *trace
	if now != nil {
		t = &trace{now: now, of: map[*instruction]*Timing{}}
	}
	b.trace.Store(t)
}

// Timings returns what was recorded since Trace, the longest time first; nil if Trace is off.
func (b *Backend) Timings() []Timing {
	t := b.trace.Load()
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	kinds := map[string]Timing{}
	for _, x := range t.of {
		k, n := kinds[x.What], float64(x.Calls)
		kinds[x.What] = Timing{x.What, k.Calls + x.Calls, k.Time + x.Time, k.Flop + n*x.Flop, k.Bytes + n*x.Bytes}
	}
	return slices.SortedFunc(maps.Values(kinds), func(a, b Timing) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(a.What, b.What))
	})
}

// run runs an instruction and records it.
func (t *trace) run(p *executable, c *instruction, m *memory) {
	start := t.now()
	c.run(m)
	took := t.now().Sub(start)
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.of[c]
	if x == nil {
		x = &Timing{What: c.what} // Flop and Bytes are those of one call
		if c.flop != nil {
			x.Flop = c.flop()
		}
		for _, b := range slices.Concat(c.reads, c.makes) {
			x.Bytes += float64(p.bufs[b].bytes)
		}
		t.of[c] = x
	}
	x.Calls++
	x.Time += took
}

// Peak is the best that the processor achieves with the threads of the backend, per second.
type Peak struct {
	Flop  float64 // of the widest micro-kernel, its operands in the first-level cache
	Bytes float64 // read and written by copies of memory too large for any cache
}

// Peak measures the peak by the given clock, in about half a second.
func (b *Backend) Peak(now func() time.Time) Peak {
	threads := b.team.Size()
	return Peak{
		Flop:  bestRate(now, threads, kernelWork(b.kernels)),
		Bytes: bestRate(now, threads, copyWork),
	}
}

// bestRate returns the highest rate of several tries, in units of work of all threads per second. work is called once for each thread, and
// returns a function and its units of work.
func bestRate(now func() time.Time, threads int, work func() (run func(), amount float64)) float64 {
	const tries = 10
	runs, total := make([]func(), threads), 0.0
	for i := range runs {
		run, amount := work()
		runs[i], total = run, total+amount
	}
	top := 0.0
	for range tries {
		var wg sync.WaitGroup
		start := now()
		for _, run := range runs {
			wg.Go(run)
		}
		wg.Wait()
		top = max(top, total/now().Sub(start).Seconds())
	}
	return top
}

// kernelWork is a sum of many pairs, all of the same two small matrices.
func kernelWork(s *kern.Set) func() (func(), float64) {
	const depth, pairs, calls = 64, 256, 100
	rows, width := len(s.Main.By)-1, s.Main.Width
	return func() (func(), float64) {
		list := make([]kern.Pair, pairs)
		a := kern.Args{A: newMemory(4 * rows * depth), B: newMemory(4 * depth * width), C: newMemory(4 * rows * width), List: &list[0],
			N: pairs, K: depth, ARS: 4 * depth, AKS: 4, BKS: 4 * width, CRS: 4 * width}
		n := calls
		if s.Name == "go" { // about 20 times as slow
			n = calls / 20
		}
		run := func() {
			for range n {
				s.Main.By[rows](&a)
			}
			runtime.KeepAlive(list)
		}
		return run, 2 * float64(rows*width*depth*pairs*n)
	}
}

// copyWork is a copy of memory larger than any cache.
func copyWork() (func(), float64) {
	const size = 64 << 20
	from, to := newMemory(size), newMemory(size)
	for _, m := range []ptr{from, to} { // pages that were never written share one page of memory
		for i := 0; i < size; i += 4096 {
			*(*byte)(unsafe.Add(m, i)) = 1
		}
	}
	return func() { copyBytes(to, from, size) }, 2 * size
}
