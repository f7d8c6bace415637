package kern

import (
	"unsafe"

	"github.com/starsweep/starsweep/engine/cpu/winograd"
)

// slotCount is the number of slots along rows of pixels, or along both axes.
func slotCount(both bool) int {
	if both {
		return winograd.Slots * winograd.Slots
	}
	return winograd.Slots
}

// slotSizes are the sizes of a worker's own memory, in floats: transformed data, a row that is written and never read, products, and
// anything else an algorithm needs.
type slotSizes struct{ data, row, products, spare int }

// slotWorker is a worker of Winograd's algorithms, with its memory.
type slotWorker struct {
	worker
	zeros, discarded      unsafe.Pointer // a row of zeros, and one that is never read
	data, products, spare []float32
}

func (s slotSizes) total() int {
	return roundUp(s.data) + roundUp(s.row) + roundUp(s.products) + roundUp(s.spare)
}

// workers divides the memory of each worker. zeros is a row.
func (s slotSizes) workers(own [][]float32, zeros []float32) []slotWorker {
	workers := make([]slotWorker, len(own))
	for i := range workers {
		m := own[i]
		workers[i] = slotWorker{
			zeros:     unsafe.Pointer(&zeros[0]),
			data:      carve(&m, s.data),
			discarded: unsafe.Pointer(&carve(&m, s.row)[0]),
			products:  carve(&m, s.products),
			spare:     carve(&m, s.spare),
		}
	}
	return workers
}

// multiply computes the products of all slots, which are step apart: the first rows of a by panels j0 to j1 of a matrix that has the
// given number of columns in all. The depth and the strides of Args are set.
func (w *slotWorker) multiply(set *Set, lists [][]Pair, products []float32, step, rows int, a []float32,
	j0, j1, columns int, panel func(j int) []float32) {
	width, nt := set.Main.Width, parts(rows, set.Main.rows())
	for slot, list := range lists {
		if len(list) == 0 {
			continue
		}
		w.List, w.Args.N = &list[0], len(list)
		for j := j0; j < j1; j++ {
			tiles := set.last(min(width, columns-j*width))
			w.B = unsafe.Pointer(&panel(j)[0])
			for tile := range nt {
				r0, r1 := rows*tile/nt, rows*(tile+1)/nt
				w.A = unsafe.Pointer(&a[r0*w.ARS/4])
				w.C = unsafe.Pointer(&products[slot*step+r0*w.CRS/4+(j-j0)*width])
				tiles.By[r1-r0](&w.Args)
			}
		}
	}
}

// apply transforms rows of n elements, count times.
func (w *slotWorker) apply(f transform, r *rowOffsets, in, out []float32, n, count int) {
	f(r, unsafe.Pointer(&in[0]), unsafe.Pointer(&out[0]), w.zeros, w.discarded, n, count)
}

// within is x if that is a pixel of n, else -1.
func within(x, n int) int {
	if x < 0 || x >= n {
		return -1
	}
	return x
}
