package cpu

import (
	"unsafe"

	"github.com/gomlx/compute"

	"github.com/starsweep/starsweep/engine/cpu/math32"
)

//go:generate go run ./vecgen

// vectors are the functions in assembly that go with a set of kernels. Those of AVX-512 and of AVX2 give the same results.
type vectors struct {
	fns  table
	runs map[compute.OpType]func(d, x ptr, n int) // reducer.run for multiples of 32 elements
}

// exactRun makes a reducer's run of any number of elements: the portable one does what does not fill vectors.
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

// trigOf is a sine or cosine. Numbers beyond math32.TrigMax are few, and take one call each. The vector function leaves them as
// they are, and gives 0 if there are none. What it computes of an element depends on that alone, not on its neighbours, which
// may be what lies behind a tensor.
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
