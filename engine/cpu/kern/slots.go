package kern

import (
	"unsafe"

	"github.com/starsweep/starsweep/engine/cpu/winograd"
)

// slots is how many there are along rows of pixels, or along both axes.
func slots(both bool) int {
	if both {
		return winograd.Slots * winograd.Slots
	}
	return winograd.Slots
}

// slotSizes are how many floats a worker has for itself in the ways of minimal filtering: for transformed data, a row that nobody
// reads, products, and a place for something more.
type slotSizes struct{ data, row, products, spare int }

// slotHand is what a worker computes with.
type slotHand struct {
	hand
	zeros, waste          unsafe.Pointer // a row of zeros, and one that nobody reads
	data, products, spare []float32
}

func (s slotSizes) total() int {
	return whole(s.data) + whole(s.row) + whole(s.products) + whole(s.spare)
}

// hands share out what workers have. zeros is a row.
func (s slotSizes) hands(own [][]float32, zeros []float32) []slotHand {
	hands := make([]slotHand, len(own))
	for i := range hands {
		m := own[i]
		hands[i] = slotHand{zeros: unsafe.Pointer(&zeros[0]), data: cut(&m, s.data), waste: unsafe.Pointer(&cut(&m, s.row)[0]),
			products: cut(&m, s.products), spare: cut(&m, s.spare)}
	}
	return hands
}

// multiply computes the products of all slots, which lie step apart: so many rows of a, by the panels from j0 to j1 of a matrix with
// so many columns in all. The depth and the strides of Args are set.
func (h *slotHand) multiply(set *Set, lists [][]Pair, products []float32, step, rows int, a []float32, j0, j1, columns int, panel func(j int) []float32) {
	width, nt := set.Main.Width, parts(rows, set.Main.rows())
	for slot, list := range lists {
		if len(list) == 0 {
			continue
		}
		h.List, h.Args.N = &list[0], len(list)
		for j := j0; j < j1; j++ {
			tiles := set.last(min(width, columns-j*width))
			h.B = unsafe.Pointer(&panel(j)[0])
			for tile := range nt {
				r0, r1 := rows*tile/nt, rows*(tile+1)/nt
				h.A = unsafe.Pointer(&a[r0*h.ARS/4])
				h.C = unsafe.Pointer(&products[slot*step+r0*h.CRS/4+(j-j0)*width])
				tiles.By[r1-r0](&h.Args)
			}
		}
	}
}

// apply makes rows of n elements, count times, from and at two places.
func (h *slotHand) apply(f linearMap, r *Rows, in, out []float32, n, count int) {
	f(r, unsafe.Pointer(&in[0]), unsafe.Pointer(&out[0]), h.zeros, h.waste, n, count)
}

// within is pixel x of n, -1 if it is outside.
func within(x, n int) int {
	if x < 0 || x >= n {
		return -1
	}
	return x
}
