package kern

import "github.com/starsweep/starsweep/engine/cpu/winograd"

// minimal computes a convolution by Winograd's minimal filtering F(4, 3) or F(3, 4), see package winograd, along rows of pixels, or
// along both axes: for each of six, or 36, slots a batch-reduce product of transformed data and taps. The list of a product holds the
// phases of the input, and the rows of the kernel if they are summed as they are. All phases of the output share the transformed
// data.
type minimal struct {
	*Conv
	x, y    *filters // y is nil if it has none
	lot     int      // of examples, whose products are computed together
	lots    int      // of which data are transformed before they are used: one from each share of the batch
	share   int      // of examples, which a worker keeps to, in all operations: it finds them in its own cache
	folded  bool     // phases of a row of the output lie side by side in one panel
	stripes []stripe // by phase of x
	groups  int      // of panels, which different workers may compute

	zeros        []float32
	dataX, dataY []Rows // by phase of the input and tile: the transforms of data along an axis
	tapsX, tapsY []Rows // by phase of the output and of the input
}

// stripe is a row of the output, or four of them of one phase, if y has filters: its products by slot, [of y][of x], and how they are
// transformed back along y, if at all, and along x: by phase, for a tile and for the last one.
type stripe struct {
	lists [][]Pair
	y     Rows
	x     [][2]Rows
}

// tapRows is how many rows of the kernel are transformed at a time.
const tapRows = 16

// newMinimal is nil if the operation does not fit. A worker transforms so many bytes of data, at most, before it uses them, or what
// a few rows of products need.
func newMinimal(c *Conv, both bool, bytes int) *minimal {
	if least := c.Set.maps.width; least == 0 || c.empty() || c.M == 0 || c.InS[3] != 1 || c.OutS[3] != 1 || min(c.K, c.N) < least {
		return nil
	}
	c, x := c.filtered(1)
	if x == nil {
		return nil
	}
	w := &minimal{Conv: c, x: x}
	if both {
		if c, w.y = c.filtered(0); w.y == nil {
			return nil
		}
		w.Conv = c
	}
	w.folded = len(w.x.taps) > 1 && c.N*len(w.x.taps) <= c.Set.Main.Width
	rows, most := fewRows, max(1, bytes/4/w.example())
	if w.tapsAt(w.panels(), 0, 0, 0, 0)*4 > bytes {
		rows = manyRows
	}
	lot := max(parts(rows, w.x.tiles), min(most, parts(c.M, c.Team.Size())))
	w.lots = min(parts(c.M, lot), c.Team.Size())
	w.share = parts(c.M, w.lots)
	w.lot = parts(w.share, parts(w.share, lot))
	for o := range w.phases() {
		for s := range w.height() {
			w.stripes = append(w.stripes, w.stripe(o, s))
		}
	}
	w.groups = c.panelGroups(w.lots*len(w.stripes), max(1, placeBytes/4/(w.slots()*w.rows()*c.Set.Main.Width)))
	for i := range w.stripes {
		w.planProducts(&w.stripes[i], i/w.height())
	}
	w.planData()
	w.planTaps()
	w.zeros = make([]float32, w.sizes().row)
	return w
}

// The least height of products, if the batch has it, for transformed taps that stay in the second-level cache and for others.
const (
	fewRows  = 28
	manyRows = 64
)

// placeBytes is how much of products a worker makes before it transforms them back, if it has a choice.
const placeBytes = 600 << 10

// panelGroups cuts the panels for so many tasks each, at most so many together. Every group has a vector of columns at least.
func (c *Conv) panelGroups(tasks, most int) int {
	if rest := c.N % c.Set.Main.Width; rest > 0 && rest < c.Set.maps.width {
		return 1
	}
	return min(c.panels(), max(parts(items, tasks), parts(c.panels(), most)))
}

// groupColumns is the columns of the largest of so many groups of panels.
func (c *Conv) groupColumns(groups int) int { return parts(c.panels(), groups) * c.Set.Main.Width }

// phases is how many phases of x are computed for themselves.
func (w *minimal) phases() int {
	if w.folded {
		return 1
	}
	return len(w.x.taps)
}

func (w *minimal) slots() int { return slots(w.y != nil) }

// height is the number of stripes.
func (w *minimal) height() int {
	if w.y == nil {
		return w.Out[0]
	}
	return len(w.y.taps) * w.y.tiles
}

// rows is the height of a slot's product.
func (w *minimal) rows() int { return w.x.tiles * w.lot }

// Transformed data of a lot are [row][phase of the input][tile][example][slot of x][k], where a row is one of the input, or y's [phase
// of the input][tile][slot]. Transformed taps are [panel][row][phase of the output][of the input][slot of x][k][width], where a row
// is one of the kernel, or y's [phase of the output][of the input][slot].

func (w *minimal) dataRows() int {
	if w.y == nil {
		return w.In[0]
	}
	return len(w.y.data) * winograd.Slots
}

// example is the size of the transformed data of one.
func (w *minimal) example() int { return w.dataRows() * w.x.inputs * w.x.tiles * winograd.Slots * w.K }

func (w *minimal) dataAt(row, in, tile, example int) int {
	return (((row*w.x.inputs+in)*w.x.tiles+tile)*w.lot + example) * winograd.Slots * w.K
}

func (w *minimal) tapsRows() int {
	if w.y == nil {
		return w.Ker[0]
	}
	return len(w.y.taps) * w.y.inputs * winograd.Slots
}

func (w *minimal) tapsAt(panel, row, out, in, slot int) int {
	return ((((panel*w.tapsRows()+row)*w.phases()+out)*w.x.inputs+in)*winograd.Slots + slot) * w.K * w.Set.Main.Width
}

// need says whether there is anything to multiply in a slot of x.
func (w *minimal) need(out, in, slot int) bool {
	if w.folded {
		return w.x.needed[in][slot]
	}
	return w.x.taps[out][in].need(slot)
}

// stripe lists the products of one.
func (w *minimal) stripe(out, number int) stripe {
	s := stripe{lists: make([][]Pair, w.slots())}
	add := func(slotY, dataRow, tapsRow int) {
		for in := range w.x.inputs {
			for slot := range winograd.Slots {
				if w.need(out, in, slot) {
					l := &s.lists[slotY*winograd.Slots+slot]
					*l = append(*l, Pair{A: (w.dataAt(dataRow, in, 0, 0) + slot*w.K) * 4, B: w.tapsAt(0, tapsRow, out, in, slot) * 4})
				}
			}
		}
	}
	if w.y == nil {
		for ky := range w.Ker[0] {
			if y, ok := w.meets(0, number, ky); ok {
				add(0, y, ky)
			}
		}
		return s
	}
	outY, tile := number/w.y.tiles, number%w.y.tiles
	if w.row(number) >= w.Out[0] { // this phase has fewer tiles
		return s
	}
	for in, t := range w.y.taps[outY] {
		for slot := range winograd.Slots {
			if t.need(slot) {
				add(slot, (in*w.y.tiles+tile)*winograd.Slots+slot, (outY*w.y.inputs+in)*winograd.Slots+slot)
			}
		}
	}
	return s
}

// row is the first one of a stripe.
func (w *minimal) row(stripe int) int {
	if w.y == nil {
		return stripe
	}
	return stripe/w.y.tiles + w.InDil[0]*w.y.form.outputs*(stripe%w.y.tiles)
}

// planProducts says how the products of a stripe, [row][slot][column], are transformed back. A tile of pixels, in one row or in
// several, is of one phase of x, or folded.
func (w *minimal) planProducts(s *stripe, phase int) {
	columns, dil := w.columns(), w.InDil[1]
	var slotsX, slotsY [winograd.Slots]bool
	for i, list := range s.lists {
		slotsX[i%winograd.Slots] = slotsX[i%winograd.Slots] || len(list) > 0
		slotsY[i/winograd.Slots] = slotsY[i/winograd.Slots] || len(list) > 0
	}
	if s.y = newRows(); w.y != nil {
		for slot, ok := range slotsY {
			if ok {
				s.y.read(slot, slot*winograd.Slots*columns, 0)
			}
		}
		s.y.writeSlots(w.y.form.outputs, 0, winograd.Slots*columns, 0)
	}
	first, last := phase, phase
	if w.folded {
		first, last = 0, len(w.x.taps)-1
	}
	for o := first; o <= last; o++ {
		var x [2]Rows
		for k, tile := range []int{0, w.x.tiles - 1} {
			x[k] = newRows()
			for slot, ok := range slotsX {
				if ok {
					x[k].read(slot, slot*columns+(o-first)*w.N, winograd.Slots*columns)
				}
			}
			for i := range w.x.form.outputs {
				if o+dil*(w.x.form.outputs*tile+i) < w.Out[1] {
					x[k].write(i, (o+dil*i)*w.OutS[1], w.InDil[0]*w.OutS[0])
				}
			}
		}
		s.x = append(s.x, x)
	}
}

func (w *minimal) planData() {
	step := winograd.Slots * w.K // from row to row, of what y's map takes or of the data
	if w.y == nil {
		step = w.dataAt(1, 0, 0, 0)
	}
	for _, pixels := range w.x.data {
		r := newRows()
		r.readPixels(pixels[:], w.InS[1], w.InS[0])
		r.writeSlots(winograd.Slots, 0, w.K, step)
		w.dataX = append(w.dataX, r)
	}
	if w.y == nil {
		return
	}
	for j, pixels := range w.y.data {
		r := newRows()
		r.readPixels(pixels[:], winograd.Slots*w.K, 0)
		for slot, ok := range w.y.needed[j/w.y.tiles] {
			if ok {
				r.write(slot, w.dataAt(j*winograd.Slots+slot, 0, 0, 0), 0)
			}
		}
		w.dataY = append(w.dataY, r)
	}
}

func (w *minimal) planTaps() {
	size := tapRows * w.Set.Main.Width
	for out := range w.phases() {
		for in := range w.x.inputs {
			r := newRows()
			for j := range w.x.form.taps {
				if w.folded || w.x.taps[out][in][j] >= 0 {
					r.read(j, j*size, 0)
				}
			}
			for slot := range winograd.Slots {
				switch {
				case !w.need(out, in, slot):
				case w.y == nil:
					r.write(slot, w.tapsAt(0, 0, out, in, slot), 0)
				default:
					r.write(slot, w.madeAt(0, slot), 0)
				}
			}
			w.tapsX = append(w.tapsX, r)
		}
	}
	if w.y == nil {
		return
	}
	for out, phases := range w.y.taps {
		for in, t := range phases {
			r := newRows()
			for j, ky := range t {
				if ky >= 0 {
					r.read(j, w.madeAt(ky, 0), 0)
				}
			}
			for slot := range winograd.Slots {
				if t.need(slot) {
					r.write(slot, w.tapsAt(0, (out*w.y.inputs+in)*winograd.Slots+slot, 0, 0, 0), 0)
				}
			}
			w.tapsY = append(w.tapsY, r)
		}
	}
}

// columns is the width of a group's products.
func (w *minimal) columns() int { return w.groupColumns(w.groups) }

// made is a worker's place for what x's map makes and y's takes, or the other way round.
func (w *minimal) made(h *slotHand) []float32 {
	return h.spare[mostTaps*tapRows*w.Set.Main.Width:]
}

// madeAt is where some rows of x's transformed taps begin there.
func (w *minimal) madeAt(ky, slot int) int {
	return (ky*winograd.Slots + slot) * tapRows * w.Set.Main.Width
}

func (w *minimal) sizes() slotSizes {
	width := w.Set.Main.Width
	s := slotSizes{data: w.dataAt(w.dataRows(), 0, 0, 0),
		row: winograd.Slots * max(w.K, w.columns(), tapRows*width), products: w.rows() * w.slots() * w.columns(),
		spare: mostTaps * tapRows * width}
	if w.y != nil {
		s.spare += max(w.madeAt(w.Ker[0], 0), w.In[0]*winograd.Slots*w.K, winograd.Outputs*winograd.Slots*w.columns())
	}
	return s
}

// taps is the size of all transformed taps.
func (w *minimal) taps() int { return w.tapsAt(w.panels(), 0, 0, 0, 0) }

func (w *minimal) workspace() (shared, own int) { return w.taps(), w.sizes().total() }

func (w *minimal) run(out, in, ker []float32, m Memory) {
	taps, hands := m.Shared[:w.taps()], w.sizes().hands(m.Own, w.zeros)
	for g := range w.Groups {
		w.transformTaps(hands, taps, ker[g*w.KerG:])
		for done := 0; done < w.share; done += w.lot {
			w.transformData(hands, in[g*w.InG:], done)
			w.multiply(hands, out[g*w.OutG:], taps, done)
		}
	}
}

// transformTaps makes those of a panel and some rows of the kernel, for one phase of the output and of the input, as a piece.
func (w *minimal) transformTaps(hands []slotHand, taps, ker []float32) {
	width, blocks := w.Set.Main.Width, parts(w.K, tapRows)
	pairs := w.phases() * w.x.inputs
	w.Team.Each(w.panels()*blocks*pairs, func(worker, it int) {
		h, pair, out, in := &hands[worker], it%pairs, it%pairs/w.x.inputs, it%w.x.inputs
		panel, k := it/pairs/blocks, it/pairs%blocks*tapRows
		rows := min(tapRows, w.K-k)
		for ky := range w.Ker[0] {
			w.packTaps(h.spare, ker, panel, k, rows, ky, out, in)
			if w.y == nil {
				h.apply(w.x.toSlots, &w.tapsX[pair], h.spare, taps[w.tapsAt(panel, ky, 0, 0, 0)+k*width:], rows*width, 1)
			} else {
				h.apply(w.x.toSlots, &w.tapsX[pair], h.spare, w.made(h)[w.madeAt(ky, 0):], rows*width, 1)
			}
		}
		for slot := range winograd.Slots {
			if !w.need(out, in, slot) {
				continue
			}
			for i := range w.tapsY {
				h.apply(w.y.toSlots, &w.tapsY[i], w.made(h)[w.madeAt(0, slot):], taps[w.tapsAt(panel, 0, out, in, slot)+k*width:], rows*width, 1)
			}
		}
	})
}

// packTaps packs the taps of a filter: rows of the kernel from k on, filled up with zeros to a panel's width.
func (w *minimal) packTaps(packed, ker []float32, panel, k, rows, ky, out, in int) {
	width := w.Set.Main.Width
	for j := range w.x.form.taps {
		tap := packed[j*tapRows*width:][:rows*width]
		if w.folded {
			clear(tap)
			for o, phases := range w.x.taps {
				if kx := phases[in][j]; kx >= 0 {
					w.Set.copyColumns(tap[o*w.N:], ker[w.kernelPixel(ky, kx)+k*w.KerS[2]:], rows, w.N, width, w.KerS[2], w.KerS[3])
				}
			}
		} else if kx := w.x.taps[out][in][j]; kx >= 0 {
			n := min(width, w.N-panel*width)
			w.Set.packColumns(tap, ker[w.kernelPixel(ky, kx)+k*w.KerS[2]+panel*width*w.KerS[3]:], rows, n, width, w.KerS[2], w.KerS[3])
		}
	}
}

// examples is a lot, by its first example and their number, when so many of each share are done.
func (w *minimal) examples(lot, done int) (first, n int) {
	first = lot*w.share + done
	return first, min(w.lot, w.share-done, w.M-first)
}

func (w *minimal) transformData(hands []slotHand, in []float32, done int) {
	w.Team.Each(w.lots*w.lot*len(w.dataX), func(worker, it int) {
		h, i, b, lot := &hands[worker], it%len(w.dataX), it/len(w.dataX)%w.lot, it/len(w.dataX)/w.lot
		first, n := w.examples(lot, done)
		if b >= n {
			return
		}
		image, place := in[(first+b)*w.InS[2]:], hands[lot].data[w.dataAt(0, i/w.x.tiles, i%w.x.tiles, b):]
		if w.y == nil {
			h.apply(w.Set.maps.data, &w.dataX[i], image, place, w.K, w.In[0])
			return
		}
		made := w.made(h) // [row][slot][k]
		h.apply(w.Set.maps.data, &w.dataX[i], image, made, w.K, w.In[0])
		for j := range w.dataY {
			h.apply(w.Set.maps.data, &w.dataY[j], made, place, winograd.Slots*w.K, 1)
		}
	})
}

func (w *minimal) multiply(hands []slotHand, out, taps []float32, done int) {
	width, nj, columns := w.Set.Main.Width, w.panels(), w.columns()
	wide := w.N // of all columns of products
	if w.folded {
		wide *= len(w.x.taps)
	}
	ns := len(w.stripes)
	panel := func(j int) []float32 { return taps[w.tapsAt(j, 0, 0, 0, 0):] }
	w.Team.Each(w.lots*ns*w.groups, func(worker, it int) {
		h, group, number, lot := &hands[worker], it%w.groups, it/w.groups%ns, it/w.groups/ns
		first, n := w.examples(lot, done)
		if n <= 0 {
			return
		}
		s := &w.stripes[number]
		j0, j1 := nj*group/w.groups, nj*(group+1)/w.groups
		h.Args = Args{K: w.K, ARS: winograd.Slots * w.K * 4, AKS: 4, BKS: width * 4, CRS: w.slots() * columns * 4}
		h.multiply(w.Set, s.lists, h.products, columns, w.rows(), hands[lot].data, j0, j1, wide, panel)
		w.transformProducts(h, s, out[first*w.OutS[2]+j0*width:], number, min(j1*width, w.N)-j0*width, n)
	})
}

// transformProducts computes n channels of the pixels of one phase of x and stripe.
func (w *minimal) transformProducts(h *slotHand, s *stripe, out []float32, number, n, examples int) {
	columns, y, height := w.columns(), w.row(number%w.height()), 1
	if w.y != nil {
		height = min(w.y.form.outputs, parts(w.Out[0]-y, w.InDil[0]))
	}
	if height <= 0 {
		return
	}
	for r := range w.rows() {
		tile, b := r/w.lot, r%w.lot
		if b >= examples {
			continue
		}
		products := h.products[r*w.slots()*columns:]
		if w.y != nil {
			made := w.made(h) // [row][slot][column]
			h.apply(w.y.fromSlots, &s.y, products, made, winograd.Slots*columns, 1)
			products = made
		}
		last := 0
		if tile == w.x.tiles-1 {
			last = 1
		}
		for o := range s.x {
			pixels := out[b*w.OutS[2]+y*w.OutS[0]+w.InDil[1]*w.x.form.outputs*tile*w.OutS[1]:]
			h.apply(w.x.fromSlots, &s.x[o][last], products, pixels, n, height)
		}
	}
}
