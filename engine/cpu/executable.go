package cpu

import (
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// executable is a compiled function: a list of instructions on numbered buffers. It is immutable, except for the memory that past
// executions leave, and any number of executions may run at once.
type executable struct {
	backend *Backend
	params  []parameter
	outs    []shapes.Shape
	bufs    []buf
	code    []instruction
	passed  []inOut // parameters that are results unchanged
	updated []inOut // parameters whose last reader computes a result that may overwrite them
	arena   int     // bytes of all temporaries
	scratch int     // bytes for each worker
	nodes   int     // number of nodes of the function

	mu   sync.Mutex
	idle []*memory
	dead atomic.Bool
}

type parameter struct {
	name  string
	shape shapes.Shape
}

// inOut pairs a parameter with a result that may have its memory: input in is, or becomes, output out.
type inOut struct{ in, out int }

// buf is a piece of memory. Instructions refer to it by number.
type buf struct {
	kind   bufKind
	bytes  int
	index  int // of an input or result
	p      ptr // of a constant
	offset int // of a temporary in the arena
}

type bufKind int

const (
	temporary bufKind = iota
	input
	constant
	result
)

// instruction runs to its end before the next one starts. makes includes its workspace.
type instruction struct {
	what         string
	run          func(*memory)
	reads, makes []int
	flop         func() float64 // multiplications and additions of products and convolutions; else nil
	overwrites   []overwrite
}

// overwrite means that buffer to may take the place of buffer from, which the same instruction reads.
type overwrite struct{ from, to int }

// memory is the memory of one execution, kept for the next one.
type memory struct {
	p       []ptr       // by buffer
	scratch [][]float32 // by worker
}

// maxIdle is the number of memories of an executable that are kept for its next executions.
const maxIdle = 4

// acquire returns memory for an execution: that of an earlier one, if there is any.
func (e *executable) acquire() *memory {
	e.mu.Lock()
	if n := len(e.idle); n > 0 {
		m := e.idle[n-1]
		e.idle = e.idle[:n-1]
		e.mu.Unlock()
		return m
	}
	e.mu.Unlock()
	m := &memory{make([]ptr, len(e.bufs)), make([][]float32, e.backend.team.Size())}
	arena := newMemory(e.arena)
	for w := range m.scratch {
		m.scratch[w] = of[float32](newMemory(e.scratch), e.scratch/4)
	}
	for i, b := range e.bufs {
		switch b.kind {
		case temporary:
			m.p[i] = unsafe.Add(arena, b.offset)
		case constant:
			m.p[i] = b.p
		}
	}
	return m
}

// release keeps memory for the next execution.
func (e *executable) release(m *memory) {
	for i, b := range e.bufs {
		if b.kind == input || b.kind == result {
			m.p[i] = nil // belongs to the caller
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.idle) < maxIdle && !e.dead.Load() {
		e.idle = append(e.idle, m)
	}
}

// exec runs the program on the memory of its parameters and results. A parameter that is a result may share its memory.
func (e *executable) exec(in, out []ptr) {
	m := e.acquire()
	for i, b := range e.bufs {
		switch b.kind {
		case input:
			m.p[i] = in[b.index]
		case result:
			m.p[i] = out[b.index]
		}
	}
	t := e.backend.trace.Load()
	for i := range e.code {
		c := &e.code[i]
		switch {
		case t != nil:
			t.run(e, c, m)
		case e.backend.profile:
			pprof.Do(context.Background(), pprof.Labels("op", c.what), func(context.Context) { c.run(m) })
		default:
			c.run(m)
		}
	}
	for _, h := range e.passed {
		if out[h.out] != in[h.in] {
			copyBytes(out[h.out], in[h.in], byteSize(e.outs[h.out]))
		}
	}
	e.release(m)
}

// nodeBytes is the peak memory of a node, its counterpart in GoMLX's graph and its share of the instructions: about 900 bytes that
// remain, and garbage of compilation. It was measured on unrolled samplers of 30,000 to 850,000 nodes.
const nodeBytes = 1500

// Memory returns, in bytes, what executions of the program need in addition to their inputs: work is temporaries, which are kept for
// the next execution, results is the results that do not take the memory of a donated input, and fixed is the program itself.
func (e *executable) Memory() (work, results, fixed int) {
	work = roundUp(e.arena) + e.backend.team.Size()*roundUp(e.scratch)
	reused := map[int]bool{}
	for _, h := range slices.Concat(e.passed, e.updated) {
		reused[h.out] = true
	}
	for i, s := range e.outs {
		if !reused[i] {
			results += roundUp(byteSize(s))
		}
	}
	fixed = e.nodes * nodeBytes
	for _, b := range e.bufs {
		if b.kind == constant {
			fixed += b.bytes
		}
	}
	return work, results, fixed
}

// Release drops the memory that is kept for the next execution, and that of finalized buffers, whose sizes may not recur.
func (e *executable) Release() {
	e.backend.pool.empty()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.idle = nil
}

// Finalize drops the memory. Executions in progress complete normally.
func (e *executable) Finalize() {
	e.dead.Store(true)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.idle = nil
}

func (e *executable) Inputs() (names []string, s []shapes.Shape) {
	for _, n := range e.params {
		names, s = append(names, n.name), append(s, n.shape)
	}
	return names, s
}

func (e *executable) Outputs() []shapes.Shape { return e.outs }

// Execute runs the program. Donated buffers are finalized, whether or not their memory was used. The memory of those that the program
// returns unchanged becomes that of the results, and those that it reads for the last time to compute a result of their size are
// overwritten with it.
func (e *executable) Execute(in []compute.Buffer, donate []bool, _ compute.DeviceNum) ([]compute.Buffer, error) {
	if e.dead.Load() {
		return nil, errors.New("backend cpu: the executable is finalized")
	}
	if len(in) != len(e.params) {
		return nil, fmt.Errorf("backend cpu: got %d inputs, want %d", len(in), len(e.params))
	}
	args, results := make([]ptr, len(in)), make([]ptr, len(e.outs))
	for i, b := range in {
		f, ok := b.(*Buffer)
		if !ok || f.backend != e.backend {
			return nil, fmt.Errorf("backend cpu: input %d (%T) belongs to another backend", i, b)
		}
		if f.p == nil {
			return nil, fmt.Errorf("input %d: %w", i, errFinalized)
		}
		if want := e.params[i].shape; !f.shape.Equal(want) {
			return nil, fmt.Errorf("backend cpu: input %d is a %s, want a %s", i, f.shape, want)
		}
		args[i] = f.p
	}
	outs := make([]compute.Buffer, len(e.outs))
	take := func(h inOut) {
		if f := in[h.in].(*Buffer); h.in < len(donate) && donate[h.in] && f.p != nil {
			outs[h.out], results[h.out] = &Buffer{e.backend, e.outs[h.out].Clone(), f.p}, f.p
			f.p = nil // one result takes it; others are copies
		}
	}
	for _, h := range e.passed {
		take(h)
	}
	for _, h := range e.updated {
		memory := args[h.in]
		if slices.Index(args, memory) == h.in && !slices.Contains(args[h.in+1:], memory) { // no other parameter has the same memory
			take(h)
		}
	}
	for i, s := range e.outs {
		if outs[i] == nil {
			f := e.backend.newBuffer(s)
			outs[i], results[i] = f, f.p
		}
	}
	e.exec(args, results)
	for i, d := range donate {
		if d {
			in[i].Finalize()
		}
	}
	return outs, nil
}
