package kern

import "github.com/starsweep/starsweep/engine/cpu/winograd"

// minimalKernel computes the gradient of a kernel by Winograd's minimal filtering F(3, 4), see package winograd, along rows of pixels.
// What is small here is the output, with at most three columns of each phase, and what is called the kernel is an image, of which
// four pixels of a row make a tile. Examples and tiles are the depth of the products.
type minimalKernel struct {
	*Conv
	chunk  int                     // examples at a time
	tiles  int                     // of the kernel, along a row
	data   [][winograd.Slots]int   // by phase and tile: six pixels; -1 is one outside
	pixels [][winograd.Outputs]int // by tile: four pixels of the kernel; -1 is one outside
	lists  [][][]Pair              // by phase and row of the output, slot
	groups int                     // of panels, which different workers may compute
}

// newMinimalKernel is nil if the operation does not fit. It transforms data for so many bytes, at most, before they are used.
func newMinimalKernel(c *Conv, bytes int) *minimalKernel {
	least, phases := c.Set.maps.width, c.KerDil[1]
	if least == 0 || c.empty() || c.InS[2] != 1 || c.KerS[3] != 1 || c.OutS[3] != 1 || min(c.M, c.N) < least ||
		c.Stride[1] != 1 || c.InDil[1] != 1 || parts(c.Out[1], phases) > winograd.Taps || c.Reverse {
		return nil
	}
	w := &minimalKernel{Conv: c, tiles: parts(c.Ker[1], winograd.Outputs)}
	for t := range w.tiles {
		var p [winograd.Outputs]int
		for j := range p {
			p[j] = within(winograd.Outputs*t+j, c.Ker[1])
		}
		w.pixels = append(w.pixels, p)
	}
	for o := range phases {
		for t := range w.tiles {
			var d [winograd.Slots]int
			for j := range d {
				d[j] = within(o+phases*(winograd.Outputs*t+j)-c.Pad[1], c.In[1])
			}
			w.data = append(w.data, d)
		}
	}
	example := winograd.Slots * w.tiles * (phases*c.In[0]*c.M + c.Ker[0]*c.N) * 4
	w.chunk = parts(c.K, parts(c.K, max(1, bytes/example)))
	for o := range phases {
		for oy := range c.Out[0] {
			w.lists = append(w.lists, w.pairs(o, oy))
		}
	}
	w.groups = c.panelGroups(len(w.lists), max(1, placeBytes/4/(winograd.Slots*c.M*c.Set.Main.Width)))
	return w
}

// needs says whether phase o of the output has anything in a slot.
func (w *minimalKernel) needs(o, slot int) bool {
	return slot != winograd.LastTap || o+w.KerDil[1]*(winograd.Taps-1) < w.Out[1]
}

func (w *minimalKernel) pairs(o, oy int) [][]Pair {
	lists := make([][]Pair, winograd.Slots)
	for ky := range w.Ker[0] {
		y, ok := w.meets(0, oy, ky)
		if !ok {
			continue
		}
		for slot := range lists {
			if w.needs(o, slot) {
				lists[slot] = append(lists[slot], Pair{A: w.dataAt(o, y, slot) * 4, B: w.pixelsAt(ky, slot) * 4})
			}
		}
	}
	return lists
}

// depth is that of a slot's product.
func (w *minimalKernel) depth() int { return w.tiles * w.chunk }

// Transformed data are [phase][row][slot][tile][example][m], pixels of the kernel [row][slot][tile][example][n].

func (w *minimalKernel) dataAt(phase, y, slot int) int {
	return ((phase*w.In[0]+y)*winograd.Slots + slot) * w.depth() * w.M
}

func (w *minimalKernel) pixelsAt(ky, slot int) int {
	return (ky*winograd.Slots + slot) * w.depth() * w.N
}

func (w *minimalKernel) sizes() slotSizes {
	width := w.Set.Main.Width
	columns := w.groupColumns(w.groups)
	return slotSizes{data: w.dataAt(w.KerDil[1], 0, 0), taps: w.pixelsAt(w.Ker[0], 0) + width, row: max(w.M, w.N),
		products: winograd.Slots * w.M * columns, spare: winograd.Taps * w.M * columns}
}

func (w *minimalKernel) workspace() int { return w.sizes().total(w.Team.Size()) }

func (w *minimalKernel) run(t Team, out, in, ker, work []float32) {
	data, pixels, hands := w.sizes().cut(work, t.Size())
	for g := range w.Groups {
		for from := 0; from < w.K; from += w.chunk {
			n := min(w.chunk, w.K-from)
			w.transformData(t, hands, data, in[g*w.InG+from*w.InS[3]:], n)
			w.transformPixels(t, hands, pixels, ker[g*w.KerG+from*w.KerS[2]:], n)
			w.multiply(t, hands, out[g*w.OutG:], data, pixels, from > 0)
		}
	}
}

func (w *minimalKernel) transformData(t Team, hands []slotHand, data, in []float32, examples int) {
	t.Each(w.chunk*len(w.data), func(worker, it int) {
		h, b, i := &hands[worker], it/len(w.data), it%len(w.data)
		phase, tile := i/w.tiles, i%w.tiles
		h.rows(w.M, w.In[0])
		h.readPixels(in[min(b, examples-1)*w.InS[3]:], padded(w.data[i][:], b >= examples), w.InS[1], w.InS[0])
		for slot := range winograd.Slots {
			if h.drop(slot); w.needs(phase, slot) {
				h.write(slot, data[w.dataAt(phase, 0, slot)+(tile*w.chunk+b)*w.M:], w.dataAt(0, 1, 0))
			}
		}
		w.Set.maps.data(&h.Rows)
	})
}

func (w *minimalKernel) transformPixels(t Team, hands []slotHand, pixels, ker []float32, examples int) {
	t.Each(w.chunk*w.tiles, func(worker, it int) {
		h, b, tile := &hands[worker], it/w.tiles, it%w.tiles
		h.rows(w.N, w.Ker[0])
		h.readPixels(ker[min(b, examples-1)*w.KerS[2]:], padded(w.pixels[tile][:], b >= examples), w.KerS[1], w.KerS[0])
		for slot := range winograd.Slots {
			h.write(slot, pixels[w.pixelsAt(0, slot)+(tile*w.chunk+b)*w.N:], w.pixelsAt(1, 0))
		}
		w.Set.maps.gradients(&h.Rows)
	})
}

func (w *minimalKernel) multiply(t Team, hands []slotHand, out, data, pixels []float32, add bool) {
	width, nj := w.Set.Main.Width, w.panels()
	columns := w.groupColumns(w.groups)
	panel := func(j int) []float32 { return pixels[j*width:] }
	t.Each(len(w.lists)*w.groups, func(worker, it int) {
		h, lists, group := &hands[worker], w.lists[it/w.groups], it%w.groups
		j0, j1 := nj*group/w.groups, nj*(group+1)/w.groups
		h.Args = Args{K: w.depth(), ARS: 4, AKS: w.M * 4, BKS: w.N * 4, CRS: columns * 4}
		h.multiply(w.Set, lists, w.M*columns, w.M, data, j0, j1, w.N, panel)
		number := it / w.groups
		w.transformProducts(h, lists, out[number%w.Out[0]*w.OutS[0]+j0*width:], number/w.Out[0], min(j1*width, w.N)-j0*width, add)
	})
}

// transformProducts makes, or adds to, n columns of one phase of a row.
func (w *minimalKernel) transformProducts(h *slotHand, lists [][]Pair, row []float32, phase, n int, add bool) {
	columns := w.groupColumns(w.groups)
	taps := parts(w.Out[1]-phase, w.KerDil[1])
	at := func(tap int) []float32 { return row[(phase+w.KerDil[1]*tap)*w.OutS[1]:] }
	h.rows(n, w.M)
	for slot := range winograd.Slots {
		if h.readZeros(slot); len(lists[slot]) > 0 {
			h.read(slot, h.products[slot*w.M*columns:], columns)
		}
	}
	for tap := range winograd.Taps {
		switch {
		case tap >= taps:
			h.drop(tap)
		case add:
			h.write(tap, h.spare[tap*w.M*columns:], columns)
		default:
			h.write(tap, at(tap), w.OutS[2])
		}
	}
	w.Set.maps.tapGradients(&h.Rows)
	for tap := 0; add && tap < taps; tap++ {
		for m := range w.M {
			sums := at(tap)[m*w.OutS[2]:][:n]
			for i, v := range h.spare[(tap*w.M+m)*columns:][:n] {
				sums[i] += v
			}
		}
	}
}
