package kern

import "github.com/starsweep/starsweep/engine/cpu/winograd"

// tileRow is a row of tiles of the output: a row of pixels or, with filters along y, four rows of one phase.
type tileRow struct {
	lists [][]Pair        // products, [slot y][slot x]
	y     rowOffsets      // how they are transformed back along y, if at all,
	x     [][2]rowOffsets // and along x: by phase, for all tiles but the last, and for the last
}

// need reports whether there is anything to multiply in a slot of x.
func (c *winogradConv) need(out, in, slot int) bool {
	if c.folded {
		return c.x.needed[in][slot]
	}
	return c.x.taps[out][in].need(slot)
}

// planTileRow lists the products of a row of tiles.
func (c *winogradConv) planTileRow(out, number int) tileRow {
	s := tileRow{lists: make([][]Pair, c.slotCount())}
	add := func(slotY, dataRow, tapsRow int) {
		for in := range c.x.inputs {
			for slot := range winograd.Slots {
				if c.need(out, in, slot) {
					l := &s.lists[slotY*winograd.Slots+slot]
					*l = append(*l, Pair{A: (c.dataAt(dataRow, in, 0, 0) + slot*c.K) * 4, B: c.tapsAt(0, tapsRow, out, in, slot) * 4})
				}
			}
		}
	}
	if c.y == nil {
		for ky := range c.Ker[0] {
			if y, ok := c.meets(0, number, ky); ok {
				add(0, y, ky)
			}
		}
		return s
	}
	outY, tile := number/c.y.tiles, number%c.y.tiles
	if c.firstRow(number) >= c.Out[0] { // this phase has fewer tiles
		return s
	}
	for in, t := range c.y.taps[outY] {
		for slot := range winograd.Slots {
			if t.need(slot) {
				add(slot, (in*c.y.tiles+tile)*winograd.Slots+slot, (outY*c.y.inputs+in)*winograd.Slots+slot)
			}
		}
	}
	return s
}

// firstRow is the first row of pixels of a row of tiles.
func (c *winogradConv) firstRow(number int) int {
	if c.y == nil {
		return number
	}
	return number/c.y.tiles + c.InDil[0]*c.y.form.outputs*(number%c.y.tiles)
}

// planProducts plans how the products of a row of tiles are transformed back. A tile belongs to one phase along x, unless phases are
// folded.
func (c *winogradConv) planProducts(s *tileRow, phase int) {
	columns, dil := c.columns(), c.InDil[1]
	var slotsX, slotsY [winograd.Slots]bool
	for i, list := range s.lists {
		slotsX[i%winograd.Slots] = slotsX[i%winograd.Slots] || len(list) > 0
		slotsY[i/winograd.Slots] = slotsY[i/winograd.Slots] || len(list) > 0
	}
	if s.y = newRowOffsets(); c.y != nil {
		for slot, ok := range slotsY {
			if ok {
				s.y.read(slot, slot*winograd.Slots*columns, 0)
			}
		}
		s.y.writeSlots(c.y.form.outputs, 0, winograd.Slots*columns, 0)
	}
	first, last := phase, phase
	if c.folded {
		first, last = 0, len(c.x.taps)-1
	}
	for o := first; o <= last; o++ {
		var x [2]rowOffsets
		for k, tile := range []int{0, c.x.tiles - 1} {
			x[k] = newRowOffsets()
			for slot, ok := range slotsX {
				if ok {
					x[k].read(slot, slot*columns+(o-first)*c.N, winograd.Slots*columns)
				}
			}
			for i := range c.x.form.outputs {
				if o+dil*(c.x.form.outputs*tile+i) < c.Out[1] {
					x[k].write(i, (o+dil*i)*c.OutS[1], c.InDil[0]*c.OutS[0])
				}
			}
		}
		s.x = append(s.x, x)
	}
}

// planData plans how data are transformed.
func (c *winogradConv) planData() {
	step := winograd.Slots * c.K // from row to row: of the intermediate result, or of the data
	if c.y == nil {
		step = c.dataAt(1, 0, 0, 0)
	}
	for _, pixels := range c.x.data {
		r := newRowOffsets()
		r.readPixels(pixels[:], c.InS[1], c.InS[0])
		r.writeSlots(winograd.Slots, 0, c.K, step)
		c.dataX = append(c.dataX, r)
	}
	if c.y == nil {
		return
	}
	for j, pixels := range c.y.data {
		r := newRowOffsets()
		r.readPixels(pixels[:], winograd.Slots*c.K, 0)
		for slot, ok := range c.y.needed[j/c.y.tiles] {
			if ok {
				r.write(slot, c.dataAt(j*winograd.Slots+slot, 0, 0, 0), 0)
			}
		}
		c.dataY = append(c.dataY, r)
	}
}

// planTaps plans how taps are transformed.
func (c *winogradConv) planTaps() {
	size := tapBlock * c.Set.Main.Width
	for out := range c.phases() {
		for in := range c.x.inputs {
			r := newRowOffsets()
			for j := range c.x.form.taps {
				if c.folded || c.x.taps[out][in][j] >= 0 {
					r.read(j, j*size, 0)
				}
			}
			for slot := range winograd.Slots {
				switch {
				case !c.need(out, in, slot):
				case c.y == nil:
					r.write(slot, c.tapsAt(0, 0, out, in, slot), 0)
				default:
					r.write(slot, c.intermediateAt(0, slot), 0)
				}
			}
			c.tapsX = append(c.tapsX, r)
		}
	}
	if c.y == nil {
		return
	}
	for out, phases := range c.y.taps {
		for in, t := range phases {
			r := newRowOffsets()
			for j, ky := range t {
				if ky >= 0 {
					r.read(j, c.intermediateAt(ky, 0), 0)
				}
			}
			for slot := range winograd.Slots {
				if t.need(slot) {
					r.write(slot, c.tapsAt(0, (out*c.y.inputs+in)*winograd.Slots+slot, 0, 0, 0), 0)
				}
			}
			c.tapsY = append(c.tapsY, r)
		}
	}
}
