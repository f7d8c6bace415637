package lower

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/starsweep/starsweep/engine/expr"
)

// Exec is a compiled tuple of expressions.
type Exec struct {
	Inputs []*expr.Node // inputs and reals, in the order of the arguments
	run    *graph.Exec
}

func Compile(b compute.Backend, s Strategy, outs ...*expr.Node) (*Exec, error) {
	run, err := graph.NewExec(b, func(in []*graph.Node) []*graph.Node { return Build(s, in[0].Graph(), in, outs...) })
	if err != nil {
		return nil, err
	}
	return &Exec{Inputs(outs...), run}, nil
}

// Run takes one value per input, by name; reals that are not given take the value of the script.
func (e *Exec) Run(give func(*expr.Node) any) ([]*tensors.Tensor, error) {
	args := make([]any, len(e.Inputs))
	for i, in := range e.Inputs {
		if args[i] = give(in); args[i] == nil {
			return nil, fmt.Errorf("no value for %v", in.Attr)
		}
	}
	return e.run.Call(args...)
}

// RealValue is the tensor of a real's value in the script, repeated over trials if it is packed.
func RealValue(n *expr.Node) *tensors.Tensor {
	v := make([]float64, n.Shape.Elems())
	for i := range v {
		v[i] = n.Value
	}
	return Tensor(n.Shape, v)
}

// Tensor makes a tensor of shape s from float64s.
func Tensor(s expr.Shape, v []float64) *tensors.Tensor {
	t := tensors.FromShape(TensorShape(s))
	t.MustMutableFlatData(func(flat any) {
		for i, f := range v {
			switch d := flat.(type) {
			case []float32:
				d[i] = float32(f)
			case []float64:
				d[i] = f
			case []uint32:
				d[i] = uint32(f)
			case []int32:
				d[i] = int32(f)
			case []bool:
				d[i] = f != 0
			}
		}
	})
	return t
}

// Floats reads a tensor as float64s.
func Floats(t *tensors.Tensor) (v []float64) {
	t.MustConstFlatData(func(flat any) {
		switch d := flat.(type) {
		case []float32:
			for _, f := range d {
				v = append(v, float64(f))
			}
		case []float64:
			v = append(v, d...)
		case []uint32:
			for _, f := range d {
				v = append(v, float64(f))
			}
		case []int32:
			for _, f := range d {
				v = append(v, float64(f))
			}
		case []bool:
			for _, f := range d {
				if f {
					v = append(v, 1)
				} else {
					v = append(v, 0)
				}
			}
		}
	})
	return v
}
