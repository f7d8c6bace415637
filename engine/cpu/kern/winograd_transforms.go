package kern

import (
	"unsafe"

	"github.com/starsweep/starsweep/engine/cpu/winograd"
)

// rowOffsets are where a linear map reads and writes: offsets in bytes from two places, and how far the rows of the next application are.
// A negative offset is a row that is absent: zeros are read, and what is written is lost. The assembly knows the layout.
type rowOffsets struct {
	In, Out         [winograd.Slots]int
	InStep, OutStep [winograd.Slots]int
}

// newRowOffsets are all absent.
func newRowOffsets() rowOffsets {
	absent := [winograd.Slots]int{-1, -1, -1, -1, -1, -1}
	return rowOffsets{In: absent, Out: absent}
}

// read sets where row i comes from, and how far the next one is, in floats.
func (r *rowOffsets) read(i, at, step int) { r.In[i], r.InStep[i] = at*4, step*4 }

// readPixels has rows come from pixels that are stride apart; -1 is one outside.
func (r *rowOffsets) readPixels(pixels []int, stride, step int) {
	for i, p := range pixels {
		if p >= 0 {
			r.read(i, p*stride, step)
		}
	}
}

// write sets where row i goes.
func (r *rowOffsets) write(i, at, step int) { r.Out[i], r.OutStep[i] = at*4, step*4 }

// writeSlots has the first n rows, from at on, go to places that are apart by so much.
func (r *rowOffsets) writeSlots(n, at, apart, step int) {
	for i := range n {
		r.write(i, at+i*apart, step)
	}
}

// transform makes rows of n elements, each a sum of rows, and then the next ones, count times in all.
type transform func(r *rowOffsets, in, out, zeros, waste unsafe.Pointer, n, count int)

// transforms are those of package winograd, of rows that have at least so many elements.
type transforms struct {
	width                                        int
	data, taps, outputs, gradients, tapGradients transform
}

var portableTransforms = transforms{1, transformOf(winograd.BT()), transformOf(winograd.G()), transformOf(winograd.A().Transposed()), transformOf(winograd.A()), transformOf(winograd.G().Transposed())}

func transformOf(m winograd.Matrix) transform {
	return func(r *rowOffsets, in, out, zeros, waste unsafe.Pointer, n, count int) {
		place := func(base unsafe.Pointer, offset int, absent unsafe.Pointer) unsafe.Pointer {
			if offset < 0 {
				return absent
			}
			return unsafe.Add(base, offset)
		}
		var from, to [winograd.Slots]unsafe.Pointer
		for i := range from {
			from[i], to[i] = place(in, r.In[i], zeros), place(out, r.Out[i], waste)
		}
		for c := range count {
			for x := range n {
				var v [winograd.Slots]float32
				for j := range m[0] {
					v[j] = *at[float32](from[j], c*r.InStep[j]+x*4)
				}
				for i, row := range m {
					var sum float32
					for j, coefficient := range row {
						sum += coefficient * v[j]
					}
					*at[float32](to[i], c*r.OutStep[i]+x*4) = sum
				}
			}
		}
	}
}
