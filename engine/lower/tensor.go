package lower

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/starsweep/starsweep/engine/expr"
)

// Tensor makes a tensor of shape s from its elements in memory order; they are converted to s.DType (truth: not 0).
func Tensor(s expr.Shape, v []float64) *tensors.Tensor {
	if len(v) != s.Elems() {
		panic(fmt.Sprintf("lower: got %d elements for %v, want %d", len(v), s, s.Elems()))
	}
	t := tensors.FromShape(TensorShape(s))
	t.MustMutableFlatData(func(flat any) {
		switch d := flat.(type) {
		case []float32:
			fill(d, v)
		case []float64:
			copy(d, v)
		case []uint32:
			fill(d, v)
		case []int32:
			fill(d, v)
		case []bool:
			for i, x := range v {
				d[i] = x != 0
			}
		}
	})
	return t
}

// Floats reads the elements of a tensor in memory order (truth: 1, else 0).
func Floats(t *tensors.Tensor) []float64 {
	v := make([]float64, t.Shape().Size())
	t.MustConstFlatData(func(flat any) {
		switch d := flat.(type) {
		case []float32:
			fill(v, d)
		case []float64:
			copy(v, d)
		case []uint32:
			fill(v, d)
		case []int32:
			fill(v, d)
		case []bool:
			for i, x := range d {
				if x {
					v[i] = 1
				}
			}
		default:
			panic(fmt.Sprintf("lower: got a tensor %v, want one of an element type of expr", t.Shape()))
		}
	})
	return v
}

type number interface {
	~float32 | ~float64 | ~uint32 | ~int32
}

func fill[T, S number](to []T, from []S) {
	for i, x := range from {
		to[i] = T(x)
	}
}
