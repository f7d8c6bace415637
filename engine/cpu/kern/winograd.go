package kern

import "github.com/starsweep/starsweep/engine/cpu/winograd"

// Winograd's minimal filtering computes four outputs y of a filter g with three taps from six pixels d with six products instead of
// twelve. With the matrices of package winograd,
//
//	y = Aᵀ[(G g) ⊙ (Bᵀ d)]                 F(4, 3), along one axis,
//	Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ D B)] A          F(4x4, 3x3), along both,
//
// where ⊙ multiplies element by element (Winograd, Arithmetic Complexity of Computations, 1980; Lavin and Gray, Fast Algorithms for
// Convolutional Neural Networks, arXiv:1509.09308, section 4.1). An element of the transformed vectors is called a slot. The sum over
// input channels turns ⊙ into one matrix product for each slot, which the micro-kernels compute:
//
//	image [y][x][example][k]      kernel [ky][kx][k][n]          output [y][x][example][n]
//	        │                             │                              ▲
//	        │ Bᵀ along x                  │ G along x                    │ Aᵀ along x
//	        │ Bᵀ along y                  │ G along y                    │ Aᵀ along y
//	        ▼                             ▼                              │
//	data                          taps                           products
//	[row][in][tile][example]      [panel][row][out][in]          [tile][example]
//	            [slot x][k]               [slot x][k][width]             [slot y][slot x][column]
//	        │                             │                              ▲
//	        │ A: rows are                 │ B: columns are               │ C, for each slot: the sum of A·B
//	        │ [tile][example]             │ those of a panel             │ over the list of (row, in)
//	        └─────────────────────────────┴──────────────────────────────┘
//
//	k, n       input and output channels of a group; n is cut into panels of width columns
//	tile       six pixels of a row, four of them its own: ┌d0 d1 d2 d3┐d4 d5  makes y0 to y3, and
//	                                                                  └d4 d5 d6 d7┘d8 d9  y4 to y7
//	in, out    phases along x of the input and of the output: with a stride of 2, even and odd pixels are filtered separately
//	row        with filters along y: [in y][tile y][slot y] of data, [out y][in y][slot y] of taps; else a row of the image, or
//	           of the kernel, and the list sums over those that meet
//
// Taps are in shared memory. A worker transforms the data of a chunk of examples at a time into its own memory, and its products also
// remain there until they are transformed back.

// winogradConv computes a convolution by F(4, 3) or F(3, 4), along rows of pixels or along both axes. All phases of the output share
// the transformed data.
type winogradConv struct {
	*Conv
	x, y      *filters  // y is nil without filters along y
	chunkSize int       // examples whose products are computed together
	chunks    int       // chunks whose data are transformed together: one of each share of the batch
	share     int       // examples of a share; a worker keeps to its share in all operations, and finds it in its own cache
	folded    bool      // the phases of a row of the output are next to each other in one panel
	tileRows  []tileRow // [phase of x][row of tiles]
	groups    int       // of panels, which different workers may compute

	zeros        []float32
	dataX, dataY []rowOffsets // transforms of data, by phase of the input and tile
	tapsX, tapsY []rowOffsets // transforms of taps, by phase of the output and phase of the input
}

// tapBlock is the number of input channels whose taps are transformed at a time.
const tapBlock = 16

// newWinogradConv returns nil if the algorithm does not apply. A worker transforms at most the given number of bytes of data before it
// uses them, or what a few rows of products need.
func newWinogradConv(c *Conv, both bool, bytes int) *winogradConv {
	width := c.Set.transforms.width
	if width == 0 || c.empty() || c.M == 0 || c.InS[3] != 1 || c.OutS[3] != 1 || min(c.K, c.N) < width {
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

// Minimum heights of products, if the batch allows them: where transformed taps stay in the second-level cache, and elsewhere.
const (
	minRowsNear = 28
	minRowsFar  = 64
)

// productBytes is the size of the products that a worker computes before it transforms them back, where it has a choice.
const productBytes = 600 << 10

// panelGroups is the number of groups that the panels are cut into: enough to have minPieces with the given number of tasks, and with
// at most so many panels each. Every group has at least a vector of columns.
func (c *Conv) panelGroups(tasks, most int) int {
	if rest := c.N % c.Set.Main.Width; rest > 0 && rest < c.Set.transforms.width {
		return 1
	}
	return min(c.panels(), max(parts(minPieces, tasks), parts(c.panels(), most)))
}

// groupColumns is the number of columns of the largest group of panels.
func (c *Conv) groupColumns(groups int) int { return parts(c.panels(), groups) * c.Set.Main.Width }

// phases is the number of phases along x that are computed separately.
func (c *winogradConv) phases() int {
	if c.folded {
		return 1
	}
	return len(c.x.taps)
}

func (c *winogradConv) slotCount() int { return slotCount(c.y != nil) }

// tileRowCount is the number of rows of tiles of one phase along x.
func (c *winogradConv) tileRowCount() int {
	if c.y == nil {
		return c.Out[0]
	}
	return len(c.y.taps) * c.y.tiles
}

// rows is the number of rows of the product of a slot.
func (c *winogradConv) rows() int { return c.x.tiles * c.chunkSize }

// Offsets into the transformed data of a chunk and into the transformed taps, laid out as drawn above.

func (c *winogradConv) dataRows() int {
	if c.y == nil {
		return c.In[0]
	}
	return len(c.y.data) * winograd.Slots
}

// example is the size of the transformed data of one example.
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

// columns is the number of columns of the products of a group.
func (c *winogradConv) columns() int { return c.groupColumns(c.groups) }

// intermediate is a worker's memory for the results of one of two transforms: the input of the other.
func (c *winogradConv) intermediate(w *slotWorker) []float32 {
	return w.spare[maxTaps*tapBlock*c.Set.Main.Width:]
}

// intermediateAt is the offset into it of taps that are transformed along x.
func (c *winogradConv) intermediateAt(ky, slot int) int {
	return (ky*winograd.Slots + slot) * tapBlock * c.Set.Main.Width
}

func (c *winogradConv) sizes() slotSizes {
	width := c.Set.Main.Width
	s := slotSizes{
		data:     c.dataAt(c.dataRows(), 0, 0, 0),
		row:      winograd.Slots * max(c.K, c.columns(), tapBlock*width),
		products: c.rows() * c.slotCount() * c.columns(),
		spare:    maxTaps * tapBlock * width,
	}
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

// transformTaps transforms the kernel. A piece of work is some input channels of a panel, for one phase of the output and one of the
// input.
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
				from, to := c.intermediate(w)[c.intermediateAt(0, slot):], taps[c.tapsAt(panel, 0, out, in, slot)+k*width:]
				w.apply(c.y.toSlots, &c.tapsY[i], from, to, rows*width, 1)
			}
		}
	})
}

// packTaps copies the taps of a filter: input channels from k on, padded with zeros to the width of a panel.
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

// examples returns the first example of a chunk and their number, after done examples of each share.
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
	wide := c.N // columns of the products of all panels
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

// transformProducts computes n channels of the pixels of a row of tiles, of one phase along x.
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
