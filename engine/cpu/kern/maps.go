package kern

import (
	"unsafe"

	"github.com/starsweep/starsweep/engine/cpu/winograd"
)

// Rows are where a linear map reads and writes: offsets in bytes from two places, and how far the rows of the next application are.
// A negative offset is a row that is absent: zeros are read, and what is written is lost. The assembly knows the layout.
type Rows struct {
	In, Out         [winograd.Slots]int
	InStep, OutStep [winograd.Slots]int
}

// newRows are all absent.
func newRows() Rows {
	absent := [winograd.Slots]int{-1, -1, -1, -1, -1, -1}
	return Rows{In: absent, Out: absent}
}

// read sets where row i comes from, and how far the next one is, in floats.
func (r *Rows) read(i, at, step int) { r.In[i], r.InStep[i] = at*4, step*4 }

// readPixels has rows come from pixels that are stride apart; -1 is one outside.
func (r *Rows) readPixels(pixels []int, stride, step int) {
	for i, p := range pixels {
		if p >= 0 {
			r.read(i, p*stride, step)
		}
	}
}

// write sets where row i goes.
func (r *Rows) write(i, at, step int) { r.Out[i], r.OutStep[i] = at*4, step*4 }

// writeSlots has the first n rows, from at on, go to places that are apart by so much.
func (r *Rows) writeSlots(n, at, apart, step int) {
	for i := range n {
		r.write(i, at+i*apart, step)
	}
}

// linearMap makes rows of n elements, each a sum of rows, and then the next ones, count times in all.
type linearMap func(r *Rows, in, out, zeros, waste unsafe.Pointer, n, count int)

// maps are those of package winograd, of rows that have at least so many elements.
type maps struct {
	width                                        int
	data, taps, outputs, gradients, tapGradients linearMap
}

var portableMaps = maps{1, mapOf(winograd.BT()), mapOf(winograd.G()), mapOf(winograd.A().Transposed()), mapOf(winograd.A()), mapOf(winograd.G().Transposed())}

func mapOf(m winograd.Matrix) linearMap {
	return func(r *Rows, in, out, zeros, waste unsafe.Pointer, n, count int) {
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
