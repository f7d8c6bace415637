package lower

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/starsweep/starsweep/engine/expr"
)

// Exec is a compiled tuple of expressions. It may be run from several goroutines.
type Exec struct {
	Inputs  []*expr.Node // inputs and reals, in the order of Run's arguments
	backend compute.Backend
	graph   *graph.Graph
}

// Compile builds and compiles outs for a backend. The outputs come in the order given. Where the backend refuses an
// expression, the error wraps an *expr.Error with its place in the script. Several goroutines may compile the same
// expressions at once.
func Compile(b compute.Backend, outs ...*expr.Node) (*Exec, error) {
	if len(outs) == 0 {
		return nil, errors.New("compile: got no outputs, want at least one")
	}
	e := &Exec{Inputs(outs...), b, graph.NewGraph(b, "starsweep")}
	err := try(func() error {
		in := make([]*graph.Node, len(e.Inputs))
		for i, n := range e.Inputs {
			in[i] = graph.Parameter(e.graph, fmt.Sprint("arg", i), TensorShape(n.Shape))
		}
		return e.graph.Compile(Build(e.graph, in, outs...)...)
	})
	if err != nil {
		e.graph.Finalize()
		return nil, fmt.Errorf("compile for %s: %w", b.Name(), err)
	}
	return e, nil
}

// try turns what GoMLX panics with, errors, into a result. A fault of our own passes.
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

// Run evaluates the outputs for one tensor per input, in the order of e.Inputs. The inputs stay valid.
func (e *Exec) Run(in ...*tensors.Tensor) ([]*tensors.Tensor, error) {
	return e.RunDonating(nil, in...)
}

// RunDonating is Run, but the tensors whose donate is true are given up: the backend may reuse their memory, and they are
// invalid afterwards, whether or not it succeeds. A nil donate gives up none.
func (e *Exec) RunDonating(donate []bool, in ...*tensors.Tensor) (out []*tensors.Tensor, err error) {
	if len(in) != len(e.Inputs) {
		return nil, fmt.Errorf("run: got %d tensors, want %d", len(in), len(e.Inputs))
	}
	for i, n := range e.Inputs {
		if want := TensorShape(n.Shape); !in[i].Shape().Equal(want) {
			return nil, fmt.Errorf("run: input %v: got %v, want %v", n.Attr, in[i].Shape(), want)
		}
	}
	args := make([]any, len(in))
	err = try(func() error {
		for i, t := range in {
			args[i] = t
			if donate != nil && donate[i] {
				if args[i], err = graph.DonateTensorBuffer(t, e.backend, 0); err != nil {
					return fmt.Errorf("donate %v: %w", e.Inputs[i].Attr, err)
				}
			}
		}
		out = e.graph.Run(args...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("run on %s: %w", e.backend.Name(), err)
	}
	return out, nil
}

// Finalize frees the program.
func (e *Exec) Finalize() { e.graph.Finalize() }
