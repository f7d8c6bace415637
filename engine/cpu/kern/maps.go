package kern

import (
	"unsafe"

	"github.com/starsweep/starsweep/engine/cpu/winograd"
)

// Rows are the arguments of a linear map: each row of Out, of N elements, is a sum of rows of In, and so are Count rows in all, each
// a step, in bytes, after the one before. The assembly knows the layout.
type Rows struct {
	In, Out         [winograd.Slots]unsafe.Pointer
	InStep, OutStep [winograd.Slots]int
	N, Count        int
}

// maps are those of package winograd, of rows that have at least so many elements.
type maps struct {
	width                                        int
	data, taps, outputs, gradients, tapGradients func(*Rows)
}

var portableMaps = maps{1, mapOf(winograd.BT()), mapOf(winograd.G()), mapOf(winograd.A().Transposed()), mapOf(winograd.A()), mapOf(winograd.G().Transposed())}

func mapOf(m winograd.Matrix) func(*Rows) {
	return func(r *Rows) {
		for c := range r.Count {
			for x := range r.N {
				var in [winograd.Slots]float32
				for j := range m[0] {
					in[j] = *at[float32](r.In[j], c*r.InStep[j]+x*4)
				}
				for i, row := range m {
					var sum float32
					for j, v := range row {
						sum += v * in[j]
					}
					*at[float32](r.Out[i], c*r.OutStep[i]+x*4) = sum
				}
			}
		}
	}
}
