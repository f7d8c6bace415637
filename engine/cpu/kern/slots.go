package kern

import "unsafe"

// slotSizes are how many floats the ways of minimal filtering need: for transformed data and taps, a row of each, and for what a
// worker has for itself, products and a place for something more.
type slotSizes struct{ data, taps, row, products, spare int }

// slotHand is what a worker computes with.
type slotHand struct {
	hand
	Rows
	none                   unsafe.Pointer // a row of zeros
	waste, products, spare []float32      // waste is a row that nobody reads
}

func (s slotSizes) total(workers int) int {
	return whole(s.data) + whole(s.taps) + whole(s.row) + workers*(whole(s.row)+whole(s.products)+whole(s.spare))
}

// whole rounds up to lines of the cache.
func whole(floats int) int { return (floats + 15) &^ 15 }

// cut shares out the workspace.
func (s slotSizes) cut(work []float32, workers int) (data, taps []float32, hands []slotHand) {
	next := func(n int) []float32 {
		piece := work[:n:n]
		work = work[whole(n):]
		return piece
	}
	data, taps = next(s.data), next(s.taps)
	none := next(s.row)
	clear(none)
	hands = make([]slotHand, workers)
	for i := range hands {
		hands[i] = slotHand{none: unsafe.Pointer(&none[0]), waste: next(s.row), products: next(s.products), spare: next(s.spare)}
	}
	return data, taps, hands
}

// multiply computes the products of all slots, which lie step apart: so many rows of a, by the panels from j0 to j1 of a matrix with
// so many columns in all. The depth and the strides of Args are set.
func (h *slotHand) multiply(set *Set, lists [][]Pair, step, rows int, a []float32, j0, j1, columns int, panel func(j int) []float32) {
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
				h.C = unsafe.Pointer(&h.products[slot*step+r0*h.CRS/4+(j-j0)*width])
				tiles.By[r1-r0](&h.Args)
			}
		}
	}
}

// rows begins a linear map of count rows of n elements.
func (h *slotHand) rows(n, count int) { h.Rows.N, h.Count = n, count }

// read sets where row i of a linear map comes from; steps are in floats.
func (h *slotHand) read(i int, s []float32, step int) {
	h.In[i], h.InStep[i] = unsafe.Pointer(&s[0]), step*4
}

// readZeros has row i come from nowhere.
func (h *slotHand) readZeros(i int) { h.In[i], h.InStep[i] = h.none, 0 }

// readPixels has rows come from some pixels, and zeros from those outside.
func (h *slotHand) readPixels(s []float32, pixels []int, stride, step int) {
	for i, p := range pixels {
		if h.readZeros(i); p >= 0 {
			h.read(i, s[p*stride:], step)
		}
	}
}

// write sets where row i goes.
func (h *slotHand) write(i int, s []float32, step int) {
	h.Out[i], h.OutStep[i] = unsafe.Pointer(&s[0]), step*4
}

// drop has row i go nowhere.
func (h *slotHand) drop(i int) { h.write(i, h.waste, 0) }

// padded is pixels, or as many that are outside.
func padded(pixels []int, outside bool) []int {
	if outside {
		return nowhere[:len(pixels)]
	}
	return pixels
}

var nowhere = []int{-1, -1, -1, -1, -1, -1}

// within is pixel x of n, -1 if it is outside.
func within(x, n int) int {
	if x < 0 || x >= n {
		return -1
	}
	return x
}
