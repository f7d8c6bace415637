package kern

import "github.com/starsweep/starsweep/engine/cpu/winograd"

// minimalKernel computes the gradient of a kernel by Winograd's minimal filtering F(3, 4), see package winograd, along rows of pixels,
// or along both axes. What is small here is the output, with at most three columns of each phase, and what is called the kernel is
// an image, of which four pixels of a row make a tile. Examples and tiles are the depth of the products.
type minimalKernel struct {
	*Conv
	x, y      *gradientFilters // y is nil if it has none
	chunk     int              // examples at a time
	pieces    []gradientPiece
	groups    int // of panels, which different workers may compute
	rowGroups int // of rows of the products, likewise

	zeros            []float32
	dataX, dataY     []Rows // by phase and tile: the transforms of data along an axis
	pixelsX, pixelsY []Rows // by tile: those of pixels of the kernel
}

// gradientFilters are what the algorithm computes along one axis of the gradient of a kernel.
type gradientFilters struct {
	phases, tiles int
	taps          []int                   // by phase of the output: how many
	data          [][winograd.Slots]int   // by phase and tile: six pixels of the input; -1 is one outside
	pixels        [][winograd.Outputs]int // by tile: four pixels of the kernel; -1 is one outside
}

// gradientFilters of an axis are nil if a phase of the output has more than three taps.
func (c *Conv) gradientFilters(axis int) *gradientFilters {
	f := &gradientFilters{phases: min(c.KerDil[axis], c.Out[axis]), tiles: parts(c.Ker[axis], winograd.Outputs)}
	if c.Stride[axis] != 1 || c.InDil[axis] != 1 || parts(c.Out[axis], f.phases) > winograd.Taps {
		return nil
	}
	for t := range f.tiles {
		var p [winograd.Outputs]int
		for j := range p {
			p[j] = within(winograd.Outputs*t+j, c.Ker[axis])
		}
		f.pixels = append(f.pixels, p)
	}
	for o := range f.phases {
		f.taps = append(f.taps, parts(c.Out[axis]-o, f.phases))
		for t := range f.tiles {
			var d [winograd.Slots]int
			for j := range d {
				d[j] = within(o+c.KerDil[axis]*(winograd.Outputs*t+j)-c.Pad[axis], c.In[axis])
			}
			f.data = append(f.data, d)
		}
	}
	return f
}

// slots is how many a phase of the output has: the last tap's comes last.
func (f *gradientFilters) slots(phase int) int {
	if f.taps[phase] < winograd.Taps {
		return winograd.Slots - 1
	}
	return winograd.Slots
}

// gradientPiece is a row of the output, or all rows of one phase, if y has filters, of one phase of x: its products by slot, [of y][of
// x], and how they are transformed back along the axes.
type gradientPiece struct {
	lists [][]Pair
	x, y  Rows
	out   int // where it begins
	taps  int // of y
}

// newMinimalKernel is nil if the operation does not fit. It transforms data for so many bytes, at most, before they are used.
func newMinimalKernel(c *Conv, both bool, bytes int) *minimalKernel {
	least := c.Set.maps.width
	if least == 0 || c.empty() || c.InS[2] != 1 || c.KerS[3] != 1 || c.OutS[3] != 1 || min(c.M, c.N) < least || c.Reverse {
		return nil
	}
	w := &minimalKernel{Conv: c, x: c.gradientFilters(1)}
	if both {
		w.y = c.gradientFilters(0)
	}
	if w.x == nil || both && w.y == nil {
		return nil
	}
	w.chunk = 1
	example := 4 * (w.dataAt(w.x.phases, 0, 0) + w.pixelsAt(w.pixelRows(), 0))
	w.chunk = parts(c.K, parts(c.K, max(1, bytes/example)))
	rows := c.Out[0]
	if both {
		rows = w.y.phases
	}
	bytesOfRow := w.slots() * c.Set.Main.Width * 4
	w.rowGroups = min(parts(c.M, c.Set.Main.rows()), max(parts(c.M*bytesOfRow, placeBytes), parts(items, w.x.phases*rows*c.panels())))
	w.groups = c.panelGroups(w.x.phases*rows*w.rowGroups, max(1, placeBytes/(w.rows()*bytesOfRow)))
	for o := range w.x.phases {
		for row := range rows {
			w.pieces = append(w.pieces, w.piece(o, row))
		}
	}
	w.planTransforms()
	w.zeros = make([]float32, w.sizes().row)
	return w
}

func (w *minimalKernel) slots() int { return slots(w.y != nil) }

// depth is that of products of so many examples.
func (w *minimalKernel) depth(examples int) int { return w.x.tiles * examples }

// rows is the height of the products of the largest group, columns their width.
func (w *minimalKernel) rows() int    { return parts(w.M, w.rowGroups) }
func (w *minimalKernel) columns() int { return w.groupColumns(w.groups) }

// Transformed data are [phase of x][row][slot of x][example][tile][m], where a row is one of the input, or y's [phase][slot][tile].
// Pixels of the kernel are [row][slot of x][example][tile][n], where a row is one of the kernel, or y's [slot][tile].

func (w *minimalKernel) dataRows() int {
	if w.y == nil {
		return w.In[0]
	}
	return w.y.phases * winograd.Slots * w.y.tiles
}

func (w *minimalKernel) dataAt(phase, row, slot int) int {
	return ((phase*w.dataRows()+row)*winograd.Slots + slot) * w.depth(w.chunk) * w.M
}

func (w *minimalKernel) pixelRows() int {
	if w.y == nil {
		return w.Ker[0]
	}
	return winograd.Slots * w.y.tiles
}

func (w *minimalKernel) pixelsAt(row, slot int) int {
	return (row*winograd.Slots + slot) * w.depth(w.chunk) * w.N
}

// piece plans the products of one phase of x and a row of the output, or a phase of y.
func (w *minimalKernel) piece(o, row int) gradientPiece {
	columns, width := w.columns(), winograd.Slots*w.columns()
	p := gradientPiece{lists: make([][]Pair, w.slots()), x: newRows(), y: newRows(), out: row*w.OutS[0] + o*w.OutS[1], taps: 1}
	add := func(slotY, dataRow, pixelRow int) {
		for slot := range w.x.slots(o) {
			l := &p.lists[slotY*winograd.Slots+slot]
			*l = append(*l, Pair{A: w.dataAt(o, dataRow, slot) * 4, B: w.pixelsAt(pixelRow, slot) * 4})
			p.x.read(slot, slot*columns, width)
		}
	}
	step := w.OutS[2] // of the next row of products
	if w.y == nil {
		for ky := range w.Ker[0] {
			if y, ok := w.meets(0, row, ky); ok {
				add(0, y, ky)
			}
		}
	} else {
		for slot := range w.y.slots(row) {
			p.y.read(slot, slot*width, 0)
			for tile := range w.y.tiles {
				add(slot, (row*winograd.Slots+slot)*w.y.tiles+tile, slot*w.y.tiles+tile)
			}
		}
		p.taps, step = w.y.taps[row], w.KerDil[0]*w.OutS[0]
		p.y.writeSlots(p.taps, 0, width, 0)
	}
	p.x.writeSlots(w.x.taps[o], 0, w.KerDil[1]*w.OutS[1], step)
	return p
}

// planTransforms says how data and pixels are transformed.
func (w *minimalKernel) planTransforms() {
	for i, from := range w.x.data {
		phase, tile := i/w.x.tiles, i%w.x.tiles
		r := newRows()
		r.readPixels(from[:], w.InS[1], w.InS[0])
		if w.y == nil {
			r.writeSlots(w.x.slots(phase), w.dataAt(phase, 0, 0)+tile*w.M, w.dataAt(0, 0, 1), w.dataAt(0, 1, 0))
		} else {
			r.writeSlots(w.x.slots(phase), 0, w.M, winograd.Slots*w.M)
		}
		w.dataX = append(w.dataX, r)
	}
	for tile, from := range w.x.pixels {
		r := newRows()
		r.readPixels(from[:], w.KerS[1], w.KerS[0])
		if w.y == nil {
			r.writeSlots(winograd.Slots, tile*w.N, w.pixelsAt(0, 1), w.pixelsAt(1, 0))
		} else {
			r.writeSlots(winograd.Slots, 0, w.N, winograd.Slots*w.N)
		}
		w.pixelsX = append(w.pixelsX, r)
	}
	if w.y == nil {
		return
	}
	for i, from := range w.y.data {
		phase, tile := i/w.y.tiles, i%w.y.tiles
		r := newRows()
		r.readPixels(from[:], winograd.Slots*w.M, w.M)
		r.writeSlots(w.y.slots(phase), w.dataAt(0, phase*winograd.Slots*w.y.tiles+tile, 0), w.dataAt(0, w.y.tiles, 0), w.dataAt(0, 0, 1))
		w.dataY = append(w.dataY, r)
	}
	for tile, from := range w.y.pixels {
		r := newRows()
		r.readPixels(from[:], winograd.Slots*w.N, w.N)
		r.writeSlots(winograd.Slots, w.pixelsAt(tile, 0), w.pixelsAt(w.y.tiles, 0), w.pixelsAt(0, 1))
		w.pixelsY = append(w.pixelsY, r)
	}
}

func (w *minimalKernel) sizes() slotSizes {
	s := slotSizes{row: max(w.M, w.N, winograd.Slots*w.columns()), products: w.rows() * w.slots() * w.columns()}
	if w.y != nil {
		s.spare = winograd.Slots * max(w.In[0]*w.M, w.Ker[0]*w.N, winograd.Taps*w.columns())
	}
	return s
}

// sums is the size of the products of all tasks, which are kept while chunks of examples are added to them.
func (w *minimalKernel) sums() int {
	if w.chunk == w.K {
		return 0
	}
	return w.tasks() * whole(w.sizes().products)
}

func (w *minimalKernel) tasks() int { return len(w.pieces) * w.rowGroups * w.groups }

// data and images are the sizes of what is transformed; panels are read beyond the last row of an image.
func (w *minimalKernel) data() int   { return w.dataAt(w.x.phases, 0, 0) }
func (w *minimalKernel) images() int { return w.pixelsAt(w.pixelRows(), 0) + w.Set.Main.Width }

func (w *minimalKernel) workspace() (shared, own int) {
	return whole(w.data()) + whole(w.images()) + w.sums(), w.sizes().total()
}

func (w *minimalKernel) run(out, in, ker []float32, m Memory) {
	data, pixels, sums := cut(&m.Shared, w.data()), cut(&m.Shared, w.images()), cut(&m.Shared, w.sums())
	hands := w.sizes().hands(m.Own, w.zeros)
	for g := range w.Groups {
		for from := 0; from < w.K; from += w.chunk {
			n := min(w.chunk, w.K-from)
			w.transformData(hands, data, in[g*w.InG+from*w.InS[3]:], n)
			w.transformPixels(hands, pixels, ker[g*w.KerG+from*w.KerS[2]:], n)
			w.multiply(hands, out[g*w.OutG:], data, pixels, sums, from, n)
		}
	}
}

func (w *minimalKernel) transformData(hands []slotHand, data, in []float32, examples int) {
	w.Team.Each(examples*len(w.dataX), func(worker, it int) {
		h, b, i := &hands[worker], it/len(w.dataX), it%len(w.dataX)
		image, place := in[b*w.InS[3]:], data[b*w.x.tiles*w.M:]
		if w.y == nil {
			h.apply(w.Set.maps.data, &w.dataX[i], image, place, w.M, w.In[0])
			return
		}
		phase, tile := i/w.x.tiles, i%w.x.tiles
		h.apply(w.Set.maps.data, &w.dataX[i], image, h.spare, w.M, w.In[0])
		for j := range w.dataY {
			h.apply(w.Set.maps.data, &w.dataY[j], h.spare, place[w.dataAt(phase, 0, 0)+tile*w.M:], w.M, w.x.slots(phase))
		}
	})
}

func (w *minimalKernel) transformPixels(hands []slotHand, pixels, ker []float32, examples int) {
	w.Team.Each(examples*w.x.tiles, func(worker, it int) {
		h, b, tile := &hands[worker], it/w.x.tiles, it%w.x.tiles
		image, place := ker[b*w.KerS[2]:], pixels[b*w.x.tiles*w.N:]
		if w.y == nil {
			h.apply(w.Set.maps.gradients, &w.pixelsX[tile], image, place, w.N, w.Ker[0])
			return
		}
		h.apply(w.Set.maps.gradients, &w.pixelsX[tile], image, h.spare, w.N, w.Ker[0])
		for j := range w.pixelsY {
			h.apply(w.Set.maps.gradients, &w.pixelsY[j], h.spare, place[tile*w.N:], w.N, winograd.Slots)
		}
	})
}

// multiply adds up the products of so many examples, and transforms them back after the last ones.
func (w *minimalKernel) multiply(hands []slotHand, out, data, pixels, sums []float32, from, examples int) {
	width, nj, columns := w.Set.Main.Width, w.panels(), w.columns()
	panel := func(j int) []float32 { return pixels[j*width:] }
	w.Team.Each(w.tasks(), func(worker, it int) {
		h, group, rowGroup, p := &hands[worker], it%w.groups, it/w.groups%w.rowGroups, &w.pieces[it/w.groups/w.rowGroups]
		j0, j1 := nj*group/w.groups, nj*(group+1)/w.groups
		r0, r1 := w.M*rowGroup/w.rowGroups, w.M*(rowGroup+1)/w.rowGroups
		products := h.products
		if len(sums) > 0 {
			products = sums[it*whole(len(h.products)):]
		}
		h.Args = Args{K: w.depth(examples), ARS: 4, AKS: w.M * 4, BKS: w.N * 4, CRS: w.slots() * columns * 4, Acc: min(from, 1)}
		h.multiply(w.Set, p.lists, products, columns, r1-r0, data[r0:], j0, j1, w.N, panel)
		if from+examples == w.K {
			w.transformProducts(h, p, products, out[p.out+r0*w.OutS[2]+j0*width:], r1-r0, min(j1*width, w.N)-j0*width)
		}
	})
}

// transformProducts makes n columns of some rows of a piece of the output.
func (w *minimalKernel) transformProducts(h *slotHand, p *gradientPiece, products, out []float32, rows, n int) {
	if w.y == nil {
		h.apply(w.Set.maps.tapGradients, &p.x, products, out, n, rows)
		return
	}
	for m := range rows {
		h.apply(w.Set.maps.tapGradients, &p.y, products[m*w.slots()*w.columns():], h.spare, winograd.Slots*w.columns(), 1)
		h.apply(w.Set.maps.tapGradients, &p.x, h.spare, out[m*w.OutS[2]:], n, p.taps)
	}
}
