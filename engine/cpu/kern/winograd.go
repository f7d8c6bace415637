package kern

import "github.com/starsweep/starsweep/engine/cpu/winograd"

// winogradConv computes a convolution by Winograd's minimal filtering F(4, 3) or F(3, 4), see package winograd, along rows of pixels, or
// along both axes: for each of six, or 36, slots a batch-reduce product of transformed data and taps. The list of a product holds the
// phases of the input, and the rows of the kernel if they are summed as they are. All phases of the output share the transformed
// data.
type winogradConv struct {
	*Conv
	x, y      *filters  // y is nil if it has none
	chunkSize int       // of examples, whose products are computed together
	chunks    int       // of which data are transformed before they are used: one from each share of the batch
	share     int       // of examples, which a worker keeps to, in all operations: it finds them in its own cache
	folded    bool      // phases of a row of the output lie side by side in one panel
	tileRows  []tileRow // by phase of x
	groups    int       // of panels, which different workers may compute

	zeros        []float32
	dataX, dataY []rowOffsets // by phase of the input and tile: the transforms of data along an axis
	tapsX, tapsY []rowOffsets // by phase of the output and of the input
}

// tileRow is a row of the output, or four of them of one phase, if y has filters: its products by slot, [of y][of x], and how they are
// transformed back along y, if at all, and along x: by phase, for a tile and for the last one.
type tileRow struct {
	lists [][]Pair
	y     rowOffsets
	x     [][2]rowOffsets
}

// tapBlock is how many rows of the kernel are transformed at a time.
const tapBlock = 16

// newWinogradConv is nil if the operation does not fit. A worker transforms so many bytes of data, at most, before it uses them, or what
// a few rows of products need.
func newWinogradConv(c *Conv, both bool, bytes int) *winogradConv {
	if least := c.Set.transforms.width; least == 0 || c.empty() || c.M == 0 || c.InS[3] != 1 || c.OutS[3] != 1 || min(c.K, c.N) < least {
		return nil
	}
	c, x := c.bestFilters(1)
	if x == nil {
		return nil
	}
	w := &winogradConv{Conv: c, x: x}
	if both {
		if c, w.y = c.bestFilters(0); w.y == nil {
			return nil
		}
		w.Conv = c
	}
	w.folded = len(w.x.taps) > 1 && c.N*len(w.x.taps) <= c.Set.Main.Width
	rows, most := minRowsNear, max(1, bytes/4/w.example())
	if w.tapsAt(w.panels(), 0, 0, 0, 0)*4 > bytes {
		rows = minRowsFar
	}
	size := max(parts(rows, w.x.tiles), min(most, parts(c.M, c.Team.Size())))
	w.chunks = min(parts(c.M, size), c.Team.Size())
	w.share = parts(c.M, w.chunks)
	w.chunkSize = parts(w.share, parts(w.share, size))
	for o := range w.phases() {
		for s := range w.tileRowCount() {
			w.tileRows = append(w.tileRows, w.planTileRow(o, s))
		}
	}
	w.groups = c.panelGroups(w.chunks*len(w.tileRows), max(1, productBytes/4/(w.slotCount()*w.rows()*c.Set.Main.Width)))
	for i := range w.tileRows {
		w.planProducts(&w.tileRows[i], i/w.tileRowCount())
	}
	w.planData()
	w.planTaps()
	w.zeros = make([]float32, w.sizes().row)
	return w
}

// The least height of products, if the batch has it, for transformed taps that stay in the second-level cache and for others.
const (
	minRowsNear = 28
	minRowsFar  = 64
)

// productBytes is how much of products a worker makes before it transforms them back, if it has a choice.
const productBytes = 600 << 10

// panelGroups cuts the panels for so many tasks each, at most so many together. Every group has a vector of columns at least.
func (c *Conv) panelGroups(tasks, most int) int {
	if rest := c.N % c.Set.Main.Width; rest > 0 && rest < c.Set.transforms.width {
		return 1
	}
	return min(c.panels(), max(parts(minPieces, tasks), parts(c.panels(), most)))
}

// groupColumns is the columns of the largest of so many groups of panels.
func (c *Conv) groupColumns(groups int) int { return parts(c.panels(), groups) * c.Set.Main.Width }

// phases is how many phases of x are computed for themselves.
func (c *winogradConv) phases() int {
	if c.folded {
		return 1
	}
	return len(c.x.taps)
}

func (c *winogradConv) slotCount() int { return slotCount(c.y != nil) }

// tileRowCount is the number of tile rows.
func (c *winogradConv) tileRowCount() int {
	if c.y == nil {
		return c.Out[0]
	}
	return len(c.y.taps) * c.y.tiles
}

// rows is the height of a slot's product.
func (c *winogradConv) rows() int { return c.x.tiles * c.chunkSize }

// Transformed data of a chunk are [row][phase of the input][tile][example][slot of x][k], where a row is one of the input, or y's [phase
// of the input][tile][slot]. Transformed taps are [panel][row][phase of the output][of the input][slot of x][k][width], where a row
// is one of the kernel, or y's [phase of the output][of the input][slot].

func (c *winogradConv) dataRows() int {
	if c.y == nil {
		return c.In[0]
	}
	return len(c.y.data) * winograd.Slots
}

// example is the size of the transformed data of one.
func (c *winogradConv) example() int {
	return c.dataRows() * c.x.inputs * c.x.tiles * winograd.Slots * c.K
}

func (c *winogradConv) dataAt(row, in, tile, example int) int {
	return (((row*c.x.inputs+in)*c.x.tiles+tile)*c.chunkSize + example) * winograd.Slots * c.K
}

func (c *winogradConv) tapsRows() int {
	if c.y == nil {
		return c.Ker[0]
	}
	return len(c.y.taps) * c.y.inputs * winograd.Slots
}

func (c *winogradConv) tapsAt(panel, row, out, in, slot int) int {
	return ((((panel*c.tapsRows()+row)*c.phases()+out)*c.x.inputs+in)*winograd.Slots + slot) * c.K * c.Set.Main.Width
}

// need says whether there is anything to multiply in a slot of x.
func (c *winogradConv) need(out, in, slot int) bool {
	if c.folded {
		return c.x.needed[in][slot]
	}
	return c.x.taps[out][in].need(slot)
}

// planTileRow lists the products of one.
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

// firstRow is the first row of a tile row.
func (c *winogradConv) firstRow(number int) int {
	if c.y == nil {
		return number
	}
	return number/c.y.tiles + c.InDil[0]*c.y.form.outputs*(number%c.y.tiles)
}

// planProducts says how the products of a tile row, [row][slot][column], are transformed back. A tile of pixels, in one row or in
// several, is of one phase of x, or folded.
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

func (c *winogradConv) planData() {
	step := winograd.Slots * c.K // from row to row, of what y's map takes or of the data
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

// columns is the width of a group's products.
func (c *winogradConv) columns() int { return c.groupColumns(c.groups) }

// intermediate is a worker's place for what x's map makes and y's takes, or the other way round.
func (c *winogradConv) intermediate(w *slotWorker) []float32 {
	return w.spare[maxTaps*tapBlock*c.Set.Main.Width:]
}

// intermediateAt is where some rows of x's transformed taps begin there.
func (c *winogradConv) intermediateAt(ky, slot int) int {
	return (ky*winograd.Slots + slot) * tapBlock * c.Set.Main.Width
}

func (c *winogradConv) sizes() slotSizes {
	width := c.Set.Main.Width
	s := slotSizes{data: c.dataAt(c.dataRows(), 0, 0, 0),
		row: winograd.Slots * max(c.K, c.columns(), tapBlock*width), products: c.rows() * c.slotCount() * c.columns(),
		spare: maxTaps * tapBlock * width}
	if c.y != nil {
		s.spare += max(c.intermediateAt(c.Ker[0], 0), c.In[0]*winograd.Slots*c.K, winograd.Outputs*winograd.Slots*c.columns())
	}
	return s
}

// taps is the size of all transformed taps.
func (c *winogradConv) taps() int { return c.tapsAt(c.panels(), 0, 0, 0, 0) }

func (c *winogradConv) workspace() (shared, own int) { return c.taps(), c.sizes().total() }

func (c *winogradConv) run(out, in, ker []float32, m Memory) {
	taps, workers := m.Shared[:c.taps()], c.sizes().workers(m.Own, c.zeros)
	for g := range c.Groups {
		c.transformTaps(workers, taps, ker[g*c.KerG:])
		for done := 0; done < c.share; done += c.chunkSize {
			c.transformData(workers, in[g*c.InG:], done)
			c.multiply(workers, out[g*c.OutG:], taps, done)
		}
	}
}

// transformTaps makes those of a panel and some rows of the kernel, for one phase of the output and of the input, as a piece.
func (c *winogradConv) transformTaps(workers []slotWorker, taps, ker []float32) {
	width, blocks := c.Set.Main.Width, parts(c.K, tapBlock)
	pairs := c.phases() * c.x.inputs
	c.Team.Each(c.panels()*blocks*pairs, func(id, it int) {
		w, pair, out, in := &workers[id], it%pairs, it%pairs/c.x.inputs, it%c.x.inputs
		panel, k := it/pairs/blocks, it/pairs%blocks*tapBlock
		rows := min(tapBlock, c.K-k)
		for ky := range c.Ker[0] {
			c.packTaps(w.spare, ker, panel, k, rows, ky, out, in)
			if c.y == nil {
				w.apply(c.x.toSlots, &c.tapsX[pair], w.spare, taps[c.tapsAt(panel, ky, 0, 0, 0)+k*width:], rows*width, 1)
			} else {
				w.apply(c.x.toSlots, &c.tapsX[pair], w.spare, c.intermediate(w)[c.intermediateAt(ky, 0):], rows*width, 1)
			}
		}
		for slot := range winograd.Slots {
			if !c.need(out, in, slot) {
				continue
			}
			for i := range c.tapsY {
				w.apply(c.y.toSlots, &c.tapsY[i], c.intermediate(w)[c.intermediateAt(0, slot):], taps[c.tapsAt(panel, 0, out, in, slot)+k*width:], rows*width, 1)
			}
		}
	})
}

// packTaps packs the taps of a filter: rows of the kernel from k on, filled up with zeros to a panel's width.
func (c *winogradConv) packTaps(packed, ker []float32, panel, k, rows, ky, out, in int) {
	width := c.Set.Main.Width
	for j := range c.x.form.taps {
		tap := packed[j*tapBlock*width:][:rows*width]
		if c.folded {
			clear(tap)
			for o, phases := range c.x.taps {
				if kx := phases[in][j]; kx >= 0 {
					c.Set.copyColumns(tap[o*c.N:], ker[c.kernelPixel(ky, kx)+k*c.KerS[2]:], rows, c.N, width, c.KerS[2], c.KerS[3])
				}
			}
		} else if kx := c.x.taps[out][in][j]; kx >= 0 {
			n := min(width, c.N-panel*width)
			c.Set.packColumns(tap, ker[c.kernelPixel(ky, kx)+k*c.KerS[2]+panel*width*c.KerS[3]:], rows, n, width, c.KerS[2], c.KerS[3])
		}
	}
}

// examples is a chunk, by its first example and their number, when so many of each share are done.
func (c *winogradConv) examples(chunk, done int) (first, n int) {
	first = chunk*c.share + done
	return first, min(c.chunkSize, c.share-done, c.M-first)
}

func (c *winogradConv) transformData(workers []slotWorker, in []float32, done int) {
	c.Team.Each(c.chunks*c.chunkSize*len(c.dataX), func(id, it int) {
		w, i, b, chunk := &workers[id], it%len(c.dataX), it/len(c.dataX)%c.chunkSize, it/len(c.dataX)/c.chunkSize
		first, n := c.examples(chunk, done)
		if b >= n {
			return
		}
		image, place := in[(first+b)*c.InS[2]:], workers[chunk].data[c.dataAt(0, i/c.x.tiles, i%c.x.tiles, b):]
		if c.y == nil {
			w.apply(c.Set.transforms.data, &c.dataX[i], image, place, c.K, c.In[0])
			return
		}
		mid := c.intermediate(w) // [row][slot][k]
		w.apply(c.Set.transforms.data, &c.dataX[i], image, mid, c.K, c.In[0])
		for j := range c.dataY {
			w.apply(c.Set.transforms.data, &c.dataY[j], mid, place, winograd.Slots*c.K, 1)
		}
	})
}

func (c *winogradConv) multiply(workers []slotWorker, out, taps []float32, done int) {
	width, nj, columns := c.Set.Main.Width, c.panels(), c.columns()
	wide := c.N // of all columns of products
	if c.folded {
		wide *= len(c.x.taps)
	}
	ns := len(c.tileRows)
	panel := func(j int) []float32 { return taps[c.tapsAt(j, 0, 0, 0, 0):] }
	c.Team.Each(c.chunks*ns*c.groups, func(id, it int) {
		w, group, number, chunk := &workers[id], it%c.groups, it/c.groups%ns, it/c.groups/ns
		first, n := c.examples(chunk, done)
		if n <= 0 {
			return
		}
		s := &c.tileRows[number]
		j0, j1 := nj*group/c.groups, nj*(group+1)/c.groups
		w.Args = Args{K: c.K, ARS: winograd.Slots * c.K * 4, AKS: 4, BKS: width * 4, CRS: c.slotCount() * columns * 4}
		w.multiply(c.Set, s.lists, w.products, columns, c.rows(), workers[chunk].data, j0, j1, wide, panel)
		c.transformProducts(w, s, out[first*c.OutS[2]+j0*width:], number, min(j1*width, c.N)-j0*width, n)
	})
}

// transformProducts computes n channels of the pixels of one phase of x and tile row.
func (c *winogradConv) transformProducts(w *slotWorker, s *tileRow, out []float32, number, n, examples int) {
	columns, y, height := c.columns(), c.firstRow(number%c.tileRowCount()), 1
	if c.y != nil {
		height = min(c.y.form.outputs, parts(c.Out[0]-y, c.InDil[0]))
	}
	if height <= 0 {
		return
	}
	for r := range c.rows() {
		tile, b := r/c.chunkSize, r%c.chunkSize
		if b >= examples {
			continue
		}
		products := w.products[r*c.slotCount()*columns:]
		if c.y != nil {
			mid := c.intermediate(w) // [row][slot][column]
			w.apply(c.y.fromSlots, &s.y, products, mid, winograd.Slots*columns, 1)
			products = mid
		}
		last := 0
		if tile == c.x.tiles-1 {
			last = 1
		}
		for o := range s.x {
			pixels := out[b*c.OutS[2]+y*c.OutS[0]+c.InDil[1]*c.x.form.outputs*tile*c.OutS[1]:]
			w.apply(c.x.fromSlots, &s.x[o][last], products, pixels, n, height)
		}
	}
}
