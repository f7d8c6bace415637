package kern

import "github.com/starsweep/starsweep/engine/cpu/winograd"

// The gradient of a kernel is a convolution with a large kernel, the gradient of the output, and a small output, the taps. Minimal
// filtering F(3, 4) computes three taps g from four pixels y of that kernel and six pixels d of the image,
//
//	g = Gᵀ[(A y) ⊙ (Bᵀ d)],
//
// the transpose of F(4, 3) in winograd.go. Examples and tiles are what the products sum over:
//
//	image [y][x][example][m]      kernel [y][x][example][n]      output [tap y][tap x][m][n]
//	        │                             │                              ▲
//	        │ Bᵀ along x                  │ A along x                    │ Gᵀ along x
//	        │ Bᵀ along y                  │ A along y                    │ Gᵀ along y
//	        ▼                             ▼                              │
//	data                          pixels                         products
//	[phase x][row][slot x]        [row][slot x]                  [m][slot y][slot x][column]
//	        [example][tile][m]            [example][tile][n]
//
//	phase      of the output: with a stride of 2 in the convolution whose gradient this is, even and odd taps
//	row        with filters along y: [phase y][slot y][tile y] of data, [slot y][tile y] of pixels; else a row of the image, or
//	           of the kernel, and the list sums over those that meet

// winogradGradient computes the gradient of a kernel by F(3, 4), along rows of pixels or along both axes.
type winogradGradient struct {
	*Conv
	x, y      *gradientFilters // y is nil without filters along y
	chunkSize int              // examples that are transformed together
	pieces    []gradientPart
	groups    int // of panels, which different workers may compute
	rowGroups int // of rows of the products, likewise

	zeros            []float32
	dataX, dataY     []rowOffsets // transforms of data, by phase and tile
	pixelsX, pixelsY []rowOffsets // transforms of pixels of the kernel, by tile
}

// gradientFilters are what the algorithm computes along one axis.
type gradientFilters struct {
	phases, tiles int
	taps          []int                   // number of taps, by phase of the output
	data          [][winograd.Slots]int   // six pixels of the image, by phase and tile; -1 is outside
	pixels        [][winograd.Outputs]int // four pixels of the kernel, by tile; -1 is outside
}

// gradientFilters returns those of an axis, nil if a phase of the output has more than three taps.
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

// slotCount is the number of slots of a phase of the output. That of the last tap comes last, and is not needed without it.
func (f *gradientFilters) slotCount(phase int) int {
	if f.taps[phase] < winograd.Taps {
		return winograd.Slots - 1
	}
	return winograd.Slots
}

// gradientPart is a row of the output or, with filters along y, all rows of one phase along y; of one phase along x.
type gradientPart struct {
	lists [][]Pair   // products, [slot y][slot x]
	x, y  rowOffsets // how they are transformed back along the axes
	out   int        // offset of its first element
	taps  int        // along y
}

// newWinogradGradient returns nil if the algorithm does not apply. At most the given number of bytes of data is transformed at a time.
func newWinogradGradient(c *Conv, both bool, bytes int) *winogradGradient {
	width := c.Set.transforms.width
	if width == 0 || c.empty() || c.InS[2] != 1 || c.KerS[3] != 1 || c.OutS[3] != 1 || min(c.M, c.N) < width || c.Reverse {
		return nil
	}
	w := &winogradGradient{Conv: c, x: c.gradientFilters(1)}
	if both {
		w.y = c.gradientFilters(0)
	}
	if w.x == nil || both && w.y == nil {
		return nil
	}
	w.chunkSize = 1
	example := 4 * (w.dataAt(w.x.phases, 0, 0) + w.pixelsAt(w.pixelRows(), 0))
	w.chunkSize = parts(c.K, parts(c.K, max(1, bytes/example)))
	rows := c.Out[0]
	if both {
		rows = w.y.phases
	}
	bytesOfRow := w.slotCount() * c.Set.Main.Width * 4
	w.rowGroups = min(parts(c.M, c.Set.Main.rows()), max(parts(c.M*bytesOfRow, productBytes), parts(minPieces, w.x.phases*rows*c.panels())))
	w.groups = c.panelGroups(w.x.phases*rows*w.rowGroups, max(1, productBytes/(w.rows()*bytesOfRow)))
	for o := range w.x.phases {
		for row := range rows {
			w.pieces = append(w.pieces, w.piece(o, row))
		}
	}
	w.planTransforms()
	w.zeros = make([]float32, w.sizes().row)
	return w
}

func (c *winogradGradient) slotCount() int { return slotCount(c.y != nil) }

// depth is the depth of products of the given number of examples.
func (c *winogradGradient) depth(examples int) int { return c.x.tiles * examples }

// rows and columns are the size of the products of the largest group.
func (c *winogradGradient) rows() int    { return parts(c.M, c.rowGroups) }
func (c *winogradGradient) columns() int { return c.groupColumns(c.groups) }

// Offsets into the transformed data and into the transformed pixels of the kernel, laid out as drawn above.

func (c *winogradGradient) dataRows() int {
	if c.y == nil {
		return c.In[0]
	}
	return c.y.phases * winograd.Slots * c.y.tiles
}

func (c *winogradGradient) dataAt(phase, row, slot int) int {
	return ((phase*c.dataRows()+row)*winograd.Slots + slot) * c.depth(c.chunkSize) * c.M
}

func (c *winogradGradient) pixelRows() int {
	if c.y == nil {
		return c.Ker[0]
	}
	return winograd.Slots * c.y.tiles
}

func (c *winogradGradient) pixelsAt(row, slot int) int {
	return (row*winograd.Slots + slot) * c.depth(c.chunkSize) * c.N
}

// piece plans the products of one phase along x and a row of the output, or a phase along y.
func (c *winogradGradient) piece(o, row int) gradientPart {
	columns, width := c.columns(), winograd.Slots*c.columns()
	p := gradientPart{lists: make([][]Pair, c.slotCount()), x: newRowOffsets(), y: newRowOffsets(), out: row*c.OutS[0] + o*c.OutS[1], taps: 1}
	add := func(slotY, dataRow, pixelRow int) {
		for slot := range c.x.slotCount(o) {
			l := &p.lists[slotY*winograd.Slots+slot]
			*l = append(*l, Pair{A: c.dataAt(o, dataRow, slot) * 4, B: c.pixelsAt(pixelRow, slot) * 4})
			p.x.read(slot, slot*columns, width)
		}
	}
	step := c.OutS[2] // of the next row of products
	if c.y == nil {
		for ky := range c.Ker[0] {
			if y, ok := c.meets(0, row, ky); ok {
				add(0, y, ky)
			}
		}
	} else {
		for slot := range c.y.slotCount(row) {
			p.y.read(slot, slot*width, 0)
			for tile := range c.y.tiles {
				add(slot, (row*winograd.Slots+slot)*c.y.tiles+tile, slot*c.y.tiles+tile)
			}
		}
		p.taps, step = c.y.taps[row], c.KerDil[0]*c.OutS[0]
		p.y.writeSlots(p.taps, 0, width, 0)
	}
	p.x.writeSlots(c.x.taps[o], 0, c.KerDil[1]*c.OutS[1], step)
	return p
}

// planTransforms plans how data and pixels are transformed.
func (c *winogradGradient) planTransforms() {
	for i, from := range c.x.data {
		phase, tile := i/c.x.tiles, i%c.x.tiles
		r := newRowOffsets()
		r.readPixels(from[:], c.InS[1], c.InS[0])
		if c.y == nil {
			r.writeSlots(c.x.slotCount(phase), c.dataAt(phase, 0, 0)+tile*c.M, c.dataAt(0, 0, 1), c.dataAt(0, 1, 0))
		} else {
			r.writeSlots(c.x.slotCount(phase), 0, c.M, winograd.Slots*c.M)
		}
		c.dataX = append(c.dataX, r)
	}
	for tile, from := range c.x.pixels {
		r := newRowOffsets()
		r.readPixels(from[:], c.KerS[1], c.KerS[0])
		if c.y == nil {
			r.writeSlots(winograd.Slots, tile*c.N, c.pixelsAt(0, 1), c.pixelsAt(1, 0))
		} else {
			r.writeSlots(winograd.Slots, 0, c.N, winograd.Slots*c.N)
		}
		c.pixelsX = append(c.pixelsX, r)
	}
	if c.y == nil {
		return
	}
	for i, from := range c.y.data {
		phase, tile := i/c.y.tiles, i%c.y.tiles
		r := newRowOffsets()
		r.readPixels(from[:], winograd.Slots*c.M, c.M)
		r.writeSlots(c.y.slotCount(phase), c.dataAt(0, phase*winograd.Slots*c.y.tiles+tile, 0), c.dataAt(0, c.y.tiles, 0), c.dataAt(0, 0, 1))
		c.dataY = append(c.dataY, r)
	}
	for tile, from := range c.y.pixels {
		r := newRowOffsets()
		r.readPixels(from[:], winograd.Slots*c.N, c.N)
		r.writeSlots(winograd.Slots, c.pixelsAt(tile, 0), c.pixelsAt(c.y.tiles, 0), c.pixelsAt(0, 1))
		c.pixelsY = append(c.pixelsY, r)
	}
}

func (c *winogradGradient) sizes() slotSizes {
	s := slotSizes{row: max(c.M, c.N, winograd.Slots*c.columns()), products: c.rows() * c.slotCount() * c.columns()}
	if c.y != nil {
		s.spare = winograd.Slots * max(c.In[0]*c.M, c.Ker[0]*c.N, winograd.Taps*c.columns())
	}
	return s
}

// sums is the size of the products of all tasks, which are kept while chunks of examples are added to them; zero with one chunk.
func (c *winogradGradient) sums() int {
	if c.chunkSize == c.K {
		return 0
	}
	return c.tasks() * roundUp(c.sizes().products)
}

func (c *winogradGradient) tasks() int { return len(c.pieces) * c.rowGroups * c.groups }

// data and images are the sizes of the transformed data and pixels. The last panel is read beyond the last pixel.
func (c *winogradGradient) data() int   { return c.dataAt(c.x.phases, 0, 0) }
func (c *winogradGradient) images() int { return c.pixelsAt(c.pixelRows(), 0) + c.Set.Main.Width }

func (c *winogradGradient) workspace() (shared, own int) {
	return roundUp(c.data()) + roundUp(c.images()) + c.sums(), c.sizes().total()
}

func (c *winogradGradient) run(out, in, ker []float32, m Memory) {
	data, pixels, sums := carve(&m.Shared, c.data()), carve(&m.Shared, c.images()), carve(&m.Shared, c.sums())
	workers := c.sizes().workers(m.Own, c.zeros)
	for g := range c.Groups {
		for from := 0; from < c.K; from += c.chunkSize {
			n := min(c.chunkSize, c.K-from)
			c.transformData(workers, data, in[g*c.InG+from*c.InS[3]:], n)
			c.transformPixels(workers, pixels, ker[g*c.KerG+from*c.KerS[2]:], n)
			c.multiply(workers, out[g*c.OutG:], data, pixels, sums, from, n)
		}
	}
}

func (c *winogradGradient) transformData(workers []slotWorker, data, in []float32, examples int) {
	c.Team.Each(examples*len(c.dataX), func(id, it int) {
		w, b, i := &workers[id], it/len(c.dataX), it%len(c.dataX)
		image, place := in[b*c.InS[3]:], data[b*c.x.tiles*c.M:]
		if c.y == nil {
			w.apply(c.Set.transforms.data, &c.dataX[i], image, place, c.M, c.In[0])
			return
		}
		phase, tile := i/c.x.tiles, i%c.x.tiles
		w.apply(c.Set.transforms.data, &c.dataX[i], image, w.spare, c.M, c.In[0])
		for j := range c.dataY {
			w.apply(c.Set.transforms.data, &c.dataY[j], w.spare, place[c.dataAt(phase, 0, 0)+tile*c.M:], c.M, c.x.slotCount(phase))
		}
	})
}

func (c *winogradGradient) transformPixels(workers []slotWorker, pixels, ker []float32, examples int) {
	c.Team.Each(examples*c.x.tiles, func(id, it int) {
		w, b, tile := &workers[id], it/c.x.tiles, it%c.x.tiles
		image, place := ker[b*c.KerS[2]:], pixels[b*c.x.tiles*c.N:]
		if c.y == nil {
			w.apply(c.Set.transforms.gradients, &c.pixelsX[tile], image, place, c.N, c.Ker[0])
			return
		}
		w.apply(c.Set.transforms.gradients, &c.pixelsX[tile], image, w.spare, c.N, c.Ker[0])
		for j := range c.pixelsY {
			w.apply(c.Set.transforms.gradients, &c.pixelsY[j], w.spare, place[tile*c.N:], c.N, winograd.Slots)
		}
	})
}

// multiply adds the products of some examples to the sums, and transforms these back after the last ones.
func (c *winogradGradient) multiply(workers []slotWorker, out, data, pixels, sums []float32, from, examples int) {
	width, nj, columns := c.Set.Main.Width, c.panels(), c.columns()
	panel := func(j int) []float32 { return pixels[j*width:] }
	c.Team.Each(c.tasks(), func(id, it int) {
		w, group, rowGroup, p := &workers[id], it%c.groups, it/c.groups%c.rowGroups, &c.pieces[it/c.groups/c.rowGroups]
		j0, j1 := nj*group/c.groups, nj*(group+1)/c.groups
		r0, r1 := c.M*rowGroup/c.rowGroups, c.M*(rowGroup+1)/c.rowGroups
		products := w.products
		if len(sums) > 0 {
			products = sums[it*roundUp(len(w.products)):]
		}
		w.Args = Args{K: c.depth(examples), ARS: 4, AKS: c.M * 4, BKS: c.N * 4, CRS: c.slotCount() * columns * 4, Acc: min(from, 1)}
		w.multiply(c.Set, p.lists, products, columns, r1-r0, data[r0:], j0, j1, c.N, panel)
		if from+examples == c.K {
			c.transformProducts(w, p, products, out[p.out+r0*c.OutS[2]+j0*width:], r1-r0, min(j1*width, c.N)-j0*width)
		}
	})
}

// transformProducts computes n columns of some rows of a piece of the output.
func (c *winogradGradient) transformProducts(w *slotWorker, p *gradientPart, products, out []float32, rows, n int) {
	if c.y == nil {
		w.apply(c.Set.transforms.tapGradients, &p.x, products, out, n, rows)
		return
	}
	for m := range rows {
		w.apply(c.Set.transforms.tapGradients, &p.y, products[m*c.slotCount()*c.columns():], w.spare, winograd.Slots*c.columns(), 1)
		w.apply(c.Set.transforms.tapGradients, &p.x, w.spare, out[m*c.OutS[2]:], n, p.taps)
	}
}
