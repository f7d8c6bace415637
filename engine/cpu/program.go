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

// program is a compiled function: a list of instructions on numbered buffers. It is immutable but for the memory of past
// executions, so that any number of executions may run at once.
type program struct {
	backend *Backend
	params  []parameter
	outs    []shapes.Shape
	bufs    []buf
	code    []instruction
	passed  []passed // parameters that are results as they are
	updated []passed // parameters whose last reader makes a result that may take their place
	arena   int      // bytes of all temporaries
	scratch int      // bytes per worker
	nodes   int      // of the function

	mu   sync.Mutex
	idle []*machine
	dead atomic.Bool
}

type parameter struct {
	name  string
	shape shapes.Shape
}

// passed is a parameter whose memory a result may have: input in is, or becomes, output out.
type passed struct{ in, out int }

// buf is a piece of memory that instructions name by its number.
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
	run          func(*machine)
	reads, makes []int
	flop         func() float64 // multiplications and additions of a product; nil of others
	over         []over
}

// over says that buffer to may take the place of buffer from, which the same instruction reads.
type over struct{ from, to int }

// machine is the memory of one execution.
type machine struct {
	p       []ptr       // by buffer
	scratch [][]float32 // by worker
}

// maxIdle is how many machines of a program are kept for its next execution.
const maxIdle = 4

func (p *program) newMachine() *machine {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		m := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return m
	}
	p.mu.Unlock()
	m := &machine{make([]ptr, len(p.bufs)), make([][]float32, p.backend.team.Size())}
	arena := newMemory(p.arena)
	for w := range m.scratch {
		m.scratch[w] = of[float32](newMemory(p.scratch), p.scratch/4)
	}
	for i, b := range p.bufs {
		switch b.kind {
		case temporary:
			m.p[i] = unsafe.Add(arena, b.offset)
		case constant:
			m.p[i] = b.p
		}
	}
	return m
}

func (p *program) release(m *machine) {
	for i, b := range p.bufs {
		if b.kind == input || b.kind == result {
			m.p[i] = nil // not ours to keep
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) < maxIdle && !p.dead.Load() {
		p.idle = append(p.idle, m)
	}
}

// exec runs the program on memory. Where a parameter is a result, the two may share theirs.
func (p *program) exec(in, out []ptr) {
	m := p.newMachine()
	for i, b := range p.bufs {
		switch b.kind {
		case input:
			m.p[i] = in[b.index]
		case result:
			m.p[i] = out[b.index]
		}
	}
	t := p.backend.trace.Load()
	for i := range p.code {
		c := &p.code[i]
		switch {
		case t != nil:
			t.run(p, c, m)
		case p.backend.profile:
			pprof.Do(context.Background(), pprof.Labels("op", c.what), func(context.Context) { c.run(m) })
		default:
			c.run(m)
		}
	}
	for _, h := range p.passed {
		if out[h.out] != in[h.in] {
			copyBytes(out[h.out], in[h.in], byteSize(p.outs[h.out]))
		}
	}
	p.release(m)
}

// nodeBytes is what a node of a graph takes at the peak, with its like in GoMLX's graph and its part of the instructions: some 900
// bytes that stay, and what compiling leaves to the garbage collector. Measured on unrolled samplers of 30,000 to 850,000 nodes.
const nodeBytes = 1500

// Memory tells, in bytes, what executions of the program take beside their inputs: work are temporaries, which are kept for the next
// execution, results are those that no donated input gives its memory to, and fixed is the program itself.
func (p *program) Memory() (work, results, fixed int) {
	work = roundUp(p.arena) + p.backend.team.Size()*roundUp(p.scratch)
	reused := map[int]bool{}
	for _, h := range slices.Concat(p.passed, p.updated) {
		reused[h.out] = true
	}
	for i, s := range p.outs {
		if !reused[i] {
			results += roundUp(byteSize(s))
		}
	}
	fixed = p.nodes * nodeBytes
	for _, b := range p.bufs {
		if b.kind == constant {
			fixed += b.bytes
		}
	}
	return work, results, fixed
}

// Release drops the memory that is kept for the next execution, and that of finalized buffers, whose sizes may not come again.
func (p *program) Release() {
	p.backend.pool.empty()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = nil
}

// Finalize drops the memory. Executions under way end normally.
func (p *program) Finalize() {
	p.dead.Store(true)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = nil
}

func (p *program) Inputs() (names []string, s []shapes.Shape) {
	for _, n := range p.params {
		names, s = append(names, n.name), append(s, n.shape)
	}
	return names, s
}

func (p *program) Outputs() []shapes.Shape { return p.outs }

// Execute runs the program. Donated buffers are finalized, whether or not their memory served. Those that the program returns
// as they are become the results, and those that it reads a last time to compute a result of their size are overwritten with it.
func (p *program) Execute(in []compute.Buffer, donate []bool, _ compute.DeviceNum) ([]compute.Buffer, error) {
	if p.dead.Load() {
		return nil, errors.New("backend cpu: the executable is finalized")
	}
	if len(in) != len(p.params) {
		return nil, fmt.Errorf("backend cpu: got %d inputs, want %d", len(in), len(p.params))
	}
	args, results := make([]ptr, len(in)), make([]ptr, len(p.outs))
	for i, b := range in {
		f, ok := b.(*Buffer)
		if !ok || f.backend != p.backend {
			return nil, fmt.Errorf("backend cpu: input %d (%T) belongs to another backend", i, b)
		}
		if f.p == nil {
			return nil, fmt.Errorf("input %d: %w", i, errFinalized)
		}
		if want := p.params[i].shape; !f.shape.Equal(want) {
			return nil, fmt.Errorf("backend cpu: input %d is a %s, want a %s", i, f.shape, want)
		}
		args[i] = f.p
	}
	outs := make([]compute.Buffer, len(p.outs))
	take := func(h passed) {
		if f := in[h.in].(*Buffer); h.in < len(donate) && donate[h.in] && f.p != nil {
			outs[h.out], results[h.out] = &Buffer{p.backend, p.outs[h.out].Clone(), f.p}, f.p
			f.p = nil // one result takes it, the others are copies
		}
	}
	for _, h := range p.passed {
		take(h)
	}
	for _, h := range p.updated {
		memory := args[h.in]
		if slices.Index(args, memory) == h.in && !slices.Contains(args[h.in+1:], memory) { // else another parameter is there
			take(h)
		}
	}
	for i, s := range p.outs {
		if outs[i] == nil {
			f := p.backend.newBuffer(s)
			outs[i], results[i] = f, f.p
		}
	}
	p.exec(args, results)
	for i, d := range donate {
		if d {
			in[i].Finalize()
		}
	}
	return outs, nil
}
