package kern

import (
	"math"

	"github.com/starsweep/starsweep/engine/cpu/kern/winograd"
)

// What things cost, in the time of one multiply-add of a full tile; measured, and roughly right on every kernel set.
const (
	pairCost = 400 // a pair of a list, for one tile
	edgeCost = 400 // a row of a tile that is copied, since some of its columns are not wanted
	packCost = 90  // an element that is transposed
	termCost = 90  // a product that is added to its pixel

	slotDataCost    = 50 // an element of transformed data, of taps, or of products that are transformed back
	slotTapsCost    = 20
	slotProductCost = 40
)

// tileCost is that of tiles of the given rows for one pair and one k, all in all.
func tileCost(t Tiles, rows, columns int) int {
	n := parts(rows, t.rows())
	full := max(rows, n*128/t.Width) // few rows have to wait for their own sums
	return full * columns
}

// panelCost is that of packing the kernel, given the number of taps of all pixels.
func (c *Conv) panelCost(taps int) int {
	opix := c.Out[0] * c.Out[1]
	whole, rest := c.N/c.Set.Main.Width, c.N%c.Set.Main.Width
	cost := taps * c.K * tileCost(c.Set.Main, c.M, whole*c.Set.Main.Width)
	cost += taps * pairCost * parts(c.M, c.Set.Main.rows()) * c.panels()
	if rest > 0 {
		last := c.Set.last(rest)
		cost += taps*c.K*tileCost(last, c.M, last.Width) + edgeCost*opix*c.M
	}
	return cost
}

// laneCost is that of packing the input.
func (c *Conv) laneCost(taps int) int {
	if c.empty() {
		return math.MaxInt
	}
	t := c.laneTiles()
	batch := parts(c.M, t.Width) * t.Width
	cost := taps * c.K * tileCost(t, c.N, batch)
	cost += taps * pairCost * parts(c.N, t.rows()) * (batch / t.Width)
	return cost + packCost*c.M*(c.In[0]*c.In[1]*c.K+c.Out[0]*c.Out[1]*c.N)
}

// cost is that of minimal filtering.
func (w *minimal) cost() int {
	if w == nil {
		return math.MaxInt
	}
	rows, chunks, cost := w.rows(), parts(w.M, w.chunk), 0
	columns := w.panels() * w.Set.Main.Width
	pair := w.K*tileCost(w.Set.Main, rows, columns) + pairCost*parts(rows, w.Set.Main.rows())*w.panels()
	for _, lists := range w.lists {
		for _, list := range lists {
			cost += chunks * (len(list)*pair + slotProductCost*rows*columns)
		}
	}
	taps := 0
	for _, phases := range w.taps {
		for _, p := range phases {
			for slot := range winograd.Slots {
				if p.needs(slot) {
					taps++
				}
			}
		}
	}
	data := 0
	for _, needed := range w.needed {
		for _, n := range needed {
			if n {
				data++
			}
		}
	}
	return cost + slotTapsCost*taps*w.Ker[0]*w.K*columns + slotDataCost*chunks*data*w.In[0]*rows*w.K
}

// spreadCost is that of multiplying by all taps at once.
func (c *Conv) spreadCost(taps int) int {
	columns := c.Ker[0] * c.Ker[1] * c.N
	if c.empty() || columns > maxSpread {
		return math.MaxInt
	}
	columns = parts(columns, c.Set.Main.Width) * c.Set.Main.Width
	return c.M*c.K*tileCost(c.Set.Main, c.In[0]*c.In[1], columns) + termCost*c.M*taps*c.N
}

// maxSpread bounds the products of one pixel.
const maxSpread = 256
