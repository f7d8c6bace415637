package lower

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/starsweep/starsweep/engine/expr"
)

// Exec is a compiled tuple of expressions. It is safe for concurrent use, and runs on any device of its backend.
type Exec struct {
	Inputs  []*expr.Node // inputs and reals, in the order of Run's arguments
	backend *Backend
	graph   *graph.Graph
}

// Compile builds and compiles outs for a backend. The outputs keep their order. Where the backend does not support an
// expression, the error wraps an *expr.Error with its place in the script. Several goroutines may compile the same
// expressions at once.
func Compile(b *Backend, outs ...*expr.Node) (*Exec, error) {
	if len(outs) == 0 {
		return nil, errors.New("compile: got no outputs, want at least one")
	}
	e := &Exec{Inputs(outs...), b, graph.NewGraph(b.compute, "starsweep")}
	c := &ctx{}
	err := try(func() error {
		in := make([]val, len(e.Inputs))
		for i, n := range e.Inputs {
			in[i] = graph.Parameter(e.graph, fmt.Sprint("arg", i), tensorShape(n.Shape))
		}
		return e.graph.Compile(c.build(e.graph, in, outs...)...)
	})
	if err != nil {
		e.graph.Finalize()
		return nil, fmt.Errorf("compile for %s: %w", b.Name(), c.placed(err))
	}
	return e, nil
}

// try is the boundary to GoMLX, which reports errors by panicking: it returns these errors. Other panics, which are bugs, pass through.
func try(f func() error) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case runtime.Error:
			panic(r)
		case error:
			err = r
		default:
			panic(r)
		}
	}()
	return f()
}

// Run evaluates the outputs on a device for one buffer per input, in the order of e.Inputs. The inputs stay valid.
func (e *Exec) Run(on Device, in ...*Buffer) ([]*Buffer, error) {
	return e.RunDonating(on, nil, in...)
}

// RunDonating is Run, but donates the buffers whose donate is true: the backend may reuse their memory, and they are invalid
// afterwards, even after an error. A nil donate donates none.
func (e *Exec) RunDonating(on Device, donate []bool, in ...*Buffer) ([]*Buffer, error) {
	if len(in) != len(e.Inputs) {
		return nil, fmt.Errorf("run: got %d tensors, want %d", len(in), len(e.Inputs))
	}
	for i, n := range e.Inputs {
		if want := tensorShape(n.Shape); !in[i].tensor().Shape().Equal(want) {
			return nil, fmt.Errorf("run: input %v: got %v, want %v", n.Attr, in[i].tensor().Shape(), want)
		}
	}
	out, err := run(e.graph, on, donate, in)
	if err != nil {
		return nil, fmt.Errorf("run on %s: %w", e.backend.Name(), err)
	}
	return out, nil
}

// run calls a graph on a device of its backend.
func run(g *graph.Graph, on Device, donate []bool, in []*Buffer) (out []*Buffer, err error) {
	args := make([]any, len(in))
	err = try(func() error {
		for i, b := range in {
			if args[i] = b.tensor(); donate != nil && donate[i] {
				if args[i], err = graph.DonateTensorBuffer(b.tensor(), on.Backend.compute, on.num()); err != nil {
					return fmt.Errorf("donate input %d: %w", i, err)
				}
			}
		}
		results := g.RunOnDevice(on.num(), args...)
		out = make([]*Buffer, len(results))
		for i, t := range results {
			out[i] = (*Buffer)(t)
		}
		return nil
	})
	return out, err
}

// Close frees the program.
func (e *Exec) Close() { e.graph.Finalize() }
