package kern

import "unsafe"

// planes computes a convolution with few output channels, such as those of an image. Columns of a tile are pixels: the input is copied
// to [k][plane], where a plane is the rows of pixels one after another, with zeros around them. A tap of a phase is then an offset into
// the planes, and one product covers many rows. Rows of a tile are output channels: of all phases, with zeros for the taps that a phase
// lacks, or of each phase separately.
type planes struct {
	*Conv
	phases [2]int
	origin [2]int // the pixel of the input where planes begin, which may be outside
	pitch  int    // from row to row of a plane
	band   int    // rows of a phase of the output that are computed together
	bands  int    // number of bands
	height int    // rows of a plane
	length int    // from the first to the last pixel of a phase, in a plane
	size   int    // of a plane, and of a row of products, with room for whole tiles
	blocks []planeBlock
}

// planeBlock is some rows of the products, [phase y][phase x][n]: one tile.
type planeBlock struct {
	tiles       Tiles
	first, rows int
	taps        [][]int // offsets into the kernel, by tap and row; -1 is none
	list        []Pair
	packed      int // offset of the packed taps, [tap][row][k]
}

// maxPlanes is the largest number of output channels for which planes are considered.
const maxPlanes = 64

// newPlanes returns nil if the operation has strides, many channels or taps, or nothing to multiply. A worker copies at most the given
// number of bytes of the input at a time, or what a row of the output needs.
func newPlanes(c *Conv, bytes int) *planes {
	if c.Stride != [2]int{1, 1} || c.empty() || c.N == 0 || c.N > maxPlanes || c.Ker[0]*c.Ker[1] > maxSpread {
		return nil
	}
	p := &planes{Conv: c}
	var taps [2][][]phaseTap
	var span, most [2]int // of taps; outputs of a phase
	for axis := range taps {
		taps[axis] = c.phaseTaps(axis)
		p.phases[axis] = len(taps[axis])
		most[axis] = parts(c.Out[axis], c.InDil[axis])
		first, last := 1<<62, -1<<62
		for _, list := range taps[axis] {
			for _, t := range list {
				first, last = min(first, t.offset), max(last, t.offset)
			}
		}
		if first > last {
			return nil
		}
		p.origin[axis], span[axis] = first, last-first
	}
	p.pitch = most[1] + span[1]
	p.band = min(most[0], max(1, bytes/4/(c.K*p.pitch)-span[0]))
	p.bands = parts(most[0], p.band)
	p.height = p.band + span[0]
	p.length = (p.band-1)*p.pitch + most[1]
	p.size = p.height*p.pitch + max(c.Set.Main.Width, c.Set.Wide.Width)
	p.plan(taps)
	return p
}

func (p *planes) rows() int { return p.phases[0] * p.phases[1] * p.N }

// plan chooses the blocks. A phase may take several.
func (p *planes) plan(taps [2][][]phaseTap) {
	most := p.Set.Main.rows()
	pieces := parts(p.N, most)
	for phase := range p.phases[0] * p.phases[1] {
		for i := range pieces {
			from, to := p.N*i/pieces, p.N*(i+1)/pieces
			p.blocks = append(p.blocks, p.block(taps, phase*p.N+from, to-from))
		}
	}
	if p.rows() <= most {
		if together := []planeBlock{p.block(taps, 0, p.rows())}; p.tapsCost(together) < p.tapsCost(p.blocks) {
			p.blocks = together
		}
	}
	packed := 0
	for i := range p.blocks {
		b := &p.blocks[i]
		b.packed = packed
		packed += len(b.taps) * b.rows * p.K
	}
}

// block returns the block of some rows, with their taps.
func (p *planes) block(taps [2][][]phaseTap, first, rows int) planeBlock {
	b := planeBlock{tiles: p.Set.Main, first: first, rows: rows}
	if rows <= p.Set.Wide.rows() {
		b.tiles = p.Set.Wide
	}
	tapAt := map[int]int{} // by offset into a plane
	for r := range rows {
		phase, n := (first+r)/p.N, (first+r)%p.N
		for _, y := range taps[0][phase/p.phases[1]] {
			for _, x := range taps[1][phase%p.phases[1]] {
				place := (y.offset-p.origin[0])*p.pitch + x.offset - p.origin[1]
				t, ok := tapAt[place]
				if !ok {
					t = len(b.taps)
					tapAt[place] = t
					b.taps = append(b.taps, make([]int, rows))
					for i := range rows {
						b.taps[t][i] = -1
					}
					b.list = append(b.list, Pair{A: t * rows * p.K * 4, B: place * 4})
				}
				b.taps[t][r] = p.kernelPixel(y.pixel, x.pixel) + n*p.KerS[3]
			}
		}
	}
	return b
}

// kernels is the size of the packed taps of one group.
func (p *planes) kernels() int {
	last := p.blocks[len(p.blocks)-1]
	return last.packed + len(last.taps)*last.rows*p.K
}

func (p *planes) workspace() (shared, own int) {
	return p.Groups * p.kernels(), roundUp(p.K*p.size) + p.rows()*p.size
}

func (p *planes) run(out, in, ker []float32, m Memory) {
	packed := m.Shared
	for g := range p.Groups {
		p.pack(packed[g*p.kernels():], ker[g*p.KerG:])
	}
	workers := make([]worker, p.Team.Size())
	p.Team.Share(p.M*p.Groups*p.bands, func(id int, next func() int) {
		own := m.Own[id]
		planes, products := carve(&own, p.K*p.size), carve(&own, p.rows()*p.size)
		clear(planes) // the zeros around the pixels remain
		for it := next(); it >= 0; it = next() {
			b, g, band := it/p.bands/p.Groups, it/p.bands%p.Groups, it%p.bands
			p.copyIn(planes, in[g*p.InG+b*p.InS[2]:], band)
			for i := range p.blocks {
				p.multiply(&workers[id], &p.blocks[i], products, planes, packed[g*p.kernels():])
			}
			p.copyOut(out[g*p.OutG+b*p.OutS[2]:], products, band)
		}
	})
}

// pack copies the kernel of one group to [block][tap][row][k].
func (p *planes) pack(d, ker []float32) {
	for _, b := range p.blocks {
		for t, rows := range b.taps {
			for r, from := range rows {
				row := d[b.packed+(t*b.rows+r)*p.K:][:p.K]
				if from < 0 {
					clear(row)
					continue
				}
				for k := range row {
					row[k] = ker[from+k*p.KerS[2]]
				}
			}
		}
	}
}

// copyIn copies the pixels that a band needs to the planes, and clears rows outside the image where another band may have had pixels.
func (p *planes) copyIn(planes, in []float32, band int) {
	x0, x1 := max(0, p.origin[1]), min(p.In[1], p.origin[1]+p.pitch)
	if x0 >= x1 {
		return
	}
	for row := range p.height {
		y, place := p.origin[0]+band*p.band+row, row*p.pitch+x0-p.origin[1]
		if y >= 0 && y < p.In[0] {
			p.Set.copyColumns(planes[place:], in[y*p.InS[0]+x0*p.InS[1]:], p.K, x1-x0, p.size, p.InS[3], p.InS[1])
		} else if p.bands > 1 {
			for k := range p.K {
				clear(planes[k*p.size+place:][:x1-x0])
			}
		}
	}
}

// planeDepth is the number of contracted channels that a tile sums at a time, for all of its taps. Their pixels stay in the first-level
// cache.
const planeDepth = 32

func (p *planes) multiply(w *worker, b *planeBlock, products, planes, packed []float32) {
	products = products[b.first*p.size:]
	if len(b.list) == 0 { // a phase without taps
		clear(products[:b.rows*p.size])
		return
	}
	w.Args = Args{List: &b.list[0], N: len(b.list), ARS: p.K * 4, AKS: 4, BKS: p.size * 4, CRS: p.size * 4}
	for at := 0; at < p.length; {
		tiles := b.tiles
		if left := p.length - at; left <= p.Set.Main.Width {
			tiles = p.Set.last(left)
		}
		w.C = unsafe.Pointer(&products[at])
		for k := 0; k < p.K; k += planeDepth {
			w.A, w.B = unsafe.Pointer(&packed[b.packed+k]), unsafe.Pointer(&planes[k*p.size+at])
			w.K, w.Acc = min(planeDepth, p.K-k), min(k, 1)
			tiles.By[b.rows](&w.Args)
		}
		at += tiles.Width
	}
}

// copyOut copies the products of a band to their pixels.
func (p *planes) copyOut(out, products []float32, band int) {
	step := p.InDil[1] * p.OutS[1] * 4
	for r := range p.rows() {
		phase, n := r/p.N, r%p.N
		oy, ox := phase/p.phases[1], phase%p.phases[1]
		pixels := parts(p.Out[1]-ox, p.InDil[1])
		for i := range p.band {
			y := oy + p.InDil[0]*(band*p.band+i)
			if y >= p.Out[0] {
				break
			}
			d := unsafe.Pointer(&out[y*p.OutS[0]+ox*p.OutS[1]+n*p.OutS[3]])
			for j, v := range products[r*p.size+i*p.pitch:][:pixels] {
				*at[float32](d, j*step) = v
			}
		}
	}
}
