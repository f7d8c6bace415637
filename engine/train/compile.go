package train

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/internal/once"
)

// Compiled is a program ready to run on a backend. It is safe for concurrent use.
type Compiled struct {
	backend *Backend
	program *model.Program

	step   *lower.Exec // nil on backends that loop on the device: the loop depends on the number of images
	sample *lower.Exec // nil if the program samples nothing
	test   *lower.Exec // nil if the program has no tests

	given   once.Map[struct{}, *lower.Exec] // what samples are given; few ask for it
	testOne once.Map[struct{}, *lower.Exec] // needed only for splits that are not a multiple of model.TestBatch
	loops   once.Map[int, *lower.Loop]      // by number of images

	mu   sync.Mutex
	cost CompileCost // that TakeCompileCost has not returned yet
	runs int         // open ones
}

// keptPrograms is the number of programs that a backend with evicts keeps. A program of cpu holds all its temporaries, up to
// hundreds of megabytes, and compiles in a tenth of a second; XLA's hold nothing between calls and take many seconds to compile.
const keptPrograms = 2

// Compile compiles a program for a backend, or returns it if it is compiled already: programs with the same fingerprint share one
// Compiled. A backend that runs many steps per call compiles their loop in NewRun or Resume, where the size of the data set is
// known, once for each size.
func Compile(b *Backend, p *model.Program) (*Compiled, error) {
	b, err := b.For(p)
	if err != nil {
		return nil, err
	}
	b.use(p.Fingerprint())
	return b.programs.Do(context.Background(), p.Fingerprint(), func() (*Compiled, error) {
		return compile(b, p)
	})
}

// use records that a program was requested. If the backend then keeps too many, it drops the least recently used one.
func (b *Backend) use(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.recent = append(slices.DeleteFunc(b.recent, func(other string) bool { return other == id }), id)
	if b.evicts && len(b.recent) > keptPrograms { // its open runs still hold it; once they close it is garbage
		b.programs.Forget(b.recent[0])
		b.recent = b.recent[1:]
	}
}

func compile(b *Backend, p *model.Program) (*Compiled, error) {
	c := &Compiled{backend: b, program: p}
	var err error
	if !b.deviceLoop {
		if c.step, err = c.build("step", p.Step()...); err != nil {
			return nil, err
		}
	}
	if p.Sample != nil {
		if c.sample, err = c.build("sample", p.Sample); err != nil {
			return nil, err
		}
	}
	if len(p.Test) > 0 {
		if c.test, err = c.build("test", nodes(p.Test)...); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// CompileCost is the work of compilers for a program.
type CompileCost struct {
	Graphs  int // GoMLX graphs: a program has one for training, one for sampling and one for tests
	Seconds float64
}

// TakeCompileCost returns the cost of the program that no earlier call returned: of several trials that share it, the first caller is
// charged, and the others are not.
func (c *Compiled) TakeCompileCost() CompileCost {
	c.mu.Lock()
	defer c.mu.Unlock()
	cost := c.cost
	c.cost = CompileCost{}
	return cost
}

// use adds to the number of open runs. While there are none, a program does not keep the memory of its calls.
func (c *Compiled) use(runs int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runs += runs; c.runs > 0 {
		return
	}
	for _, e := range []*lower.Exec{c.step, c.sample, c.test} {
		if e != nil {
			e.Release()
		}
	}
}

// device is on, as a device of c's backend: a program of bfloat16 runs on a separate backend.
func (c *Compiled) device(on lower.Device) lower.Device {
	return lower.Device{Backend: c.backend.lower, Number: on.Number}
}

// build compiles expressions for one call.
func (c *Compiled) build(what string, outs ...*expr.Node) (e *lower.Exec, err error) {
	err = c.timed(what, func() error {
		e, err = lower.Compile(c.backend.lower, outs...)
		return err
	})
	return e, err
}

// timed runs a compilation, and counts and times it.
func (c *Compiled) timed(what string, do func() error) error {
	b := c.backend
	start := b.now()
	err := do()
	seconds := b.now().Sub(start).Seconds()
	c.mu.Lock()
	c.cost.Graphs++
	c.cost.Seconds += seconds
	c.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%s of program %s: %w", what, c.program.Fingerprint(), err)
	}
	return nil
}

// leaves lists the inputs of outs in the order of the parameters of build. Programs of one fingerprint list the same.
func leaves(outs ...*expr.Node) (list []expr.Leaf) {
	for _, n := range lower.Inputs(outs...) {
		list = append(list, n.Attr.(expr.Leaf))
	}
	return list
}
