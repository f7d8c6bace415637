package kern

import (
	"unsafe"

	"github.com/starsweep/starsweep/engine/cpu/winograd"
)

// rowOffsets say where a transform reads and writes its rows, in bytes from its operands. A negative offset is an absent row: zeros are
// read, and what is written is lost. The assembly depends on the layout of this struct; see gen.
type rowOffsets struct {
	In, Out         [winograd.Slots]int
	InStep, OutStep [winograd.Slots]int // to the rows of the next application
}

// newRowOffsets returns offsets of absent rows.
func newRowOffsets() rowOffsets {
	absent := [winograd.Slots]int{-1, -1, -1, -1, -1, -1}
	return rowOffsets{In: absent, Out: absent}
}

// read sets the place of input row i, and the step to the next one, in floats.
func (r *rowOffsets) read(i, at, step int) { r.In[i], r.InStep[i] = at*4, step*4 }

// readPixels makes pixels the input rows. They are stride apart; -1 is a pixel outside.
func (r *rowOffsets) readPixels(pixels []int, stride, step int) {
	for i, p := range pixels {
		if p >= 0 {
			r.read(i, p*stride, step)
		}
	}
}

// write sets the place of output row i, and the step to the next one, in floats.
func (r *rowOffsets) write(i, at, step int) { r.Out[i], r.OutStep[i] = at*4, step*4 }

// writeSlots makes n places that are stride apart the output rows.
func (r *rowOffsets) writeSlots(n, at, stride, step int) {
	for i := range n {
		r.write(i, at+i*stride, step)
	}
}

// transform multiplies a matrix by rows of n elements, and by those a step further, count times in all.
type transform func(r *rowOffsets, in, out, zeros, discarded unsafe.Pointer, n, count int)

// transforms are those of the matrices of package winograd.
type transforms struct {
	width        int       // the least number of elements of a row
	data         transform // Bᵀ
	taps         transform // G
	outputs      transform // Aᵀ
	gradients    transform // A
	tapGradients transform // Gᵀ
}

var portableTransforms = transforms{
	width:        1,
	data:         transformOf(winograd.BT()),
	taps:         transformOf(winograd.G()),
	outputs:      transformOf(winograd.A().Transposed()),
	gradients:    transformOf(winograd.A()),
	tapGradients: transformOf(winograd.G().Transposed()),
}

func transformOf(m winograd.Matrix) transform {
	return func(r *rowOffsets, in, out, zeros, discarded unsafe.Pointer, n, count int) {
		place := func(base unsafe.Pointer, offset int, absent unsafe.Pointer) unsafe.Pointer {
			if offset < 0 {
				return absent
			}
			return unsafe.Add(base, offset)
		}
		var from, to [winograd.Slots]unsafe.Pointer
		for i := range from {
			from[i], to[i] = place(in, r.In[i], zeros), place(out, r.Out[i], discarded)
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
