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

// from sets where a linear map reads: at offsets from base, and zeros where the offset is negative.
func (h *slotHand) from(s []float32, base int, offsets []int) {
	for i, o := range offsets {
		if h.In[i] = h.none; o >= 0 {
			h.In[i] = unsafe.Pointer(&s[base+o])
		}
	}
}

// padded is offsets, or as many that are outside.
func padded(offsets []int, outside bool) []int {
	if outside {
		return nowhere[:len(offsets)]
	}
	return offsets
}

var nowhere = []int{-1, -1, -1, -1, -1, -1}

// offset is that of pixel x of n, -1 if it is outside.
func offset(x, n, stride int) int {
	if x < 0 || x >= n {
		return -1
	}
	return x * stride
}
