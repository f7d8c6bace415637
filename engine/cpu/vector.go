package cpu

import (
	"unsafe"

	"github.com/gomlx/compute"

	"github.com/starsweep/starsweep/engine/cpu/math32"
)

//go:generate go run ./vecgen

// vectors are the functions in assembly that accompany a kernel set. Those of AVX-512 and AVX2 return the same results.
type vectors struct {
	fns  table
	runs map[compute.OpType]func(d, x ptr, n int) // reducer.run for multiples of 32 elements
}

// exactRun returns the run of a reducer for any number of elements: the portable function computes those that do not fill vectors.
func exactRun(vector, portable func(d, x ptr, n int)) func(d, x ptr, n int) {
	return func(d, x ptr, n int) {
		m := n &^ 31
		if m > 0 {
			vector(d, x, m)
		}
		if m < n {
			portable(d, unsafe.Add(x, m*4), n-m)
		}
	}
}

// trigOf returns a sine or cosine. Arguments beyond math32.TrigMax are rare, and take a call each: the vector function leaves them
// unchanged, and returns 0 if there are none. The result for an element does not depend on its neighbours, which may be beyond the end of
// a tensor.
func trigOf(vector func(d, a ptr, n int) int, f func(float32) float32) blockFn {
	return func(d, a, _, _ ptr, n int) {
		if vector(d, a, n) == 0 {
			return
		}
		y := of[float32](d, n)
		for i, v := range y {
			if !(-math32.TrigMax < v && v < math32.TrigMax) {
				y[i] = f(v)
			}
		}
	}
}
