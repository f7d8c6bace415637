package kern

import "unsafe"

// panels computes a convolution with a packed kernel. The output of one pixel is a batch-reduce product: rows are the batch, columns are
// output channels, and the list holds the taps that meet the input.
type panels struct {
	*Conv
	lists  []pixelList // by output pixel
	height int         // maximum number of rows of a tile
}

// pixelList is the products of a pixel, all of the same depth.
type pixelList struct {
	pairs []Pair
	depth int
}

// pageRows is the largest number of rows of a tile whose stride is whole pages: such rows share a set of the first-level cache, which
// has at least 8 ways.
const pageRows = 8

// pixelMajor is the largest packed kernel, in bytes, with which all channels of one pixel are computed before the next pixel.
const pixelMajor = 1 << 20

// minRows is the least number of rows for which another worker pays: lower tiles read the kernel too often.
const minRows = 16

func newPanels(c *Conv) *panels {
	p := &panels{Conv: c, lists: make([]pixelList, c.Out[0]*c.Out[1]), height: c.Set.Main.rows()}
	for o := range p.lists {
		list, taps, y := &p.lists[o], 0, -1
		c.Taps(o, func(t Tap) {
			if taps++; !c.rowsInOne() || t.Y != y {
				list.pairs = append(list.pairs, Pair{A: (t.Y*c.InS[0] + t.X*c.InS[1]) * 4, B: t.Number * c.K * c.Set.Main.Width * 4})
			}
			y = t.Y
		})
		list.depth = c.K * taps / max(1, len(list.pairs)) // the same for every row
	}
	if c.InS[2]*4%4096 == 0 {
		p.height = min(p.height, pageRows)
	}
	return p
}

// rowsInOne reports whether the taps of a row are contiguous in the input. They are one product then, over all their channels.
func (c *Conv) rowsInOne() bool {
	return c.InS[1] == c.K*c.InS[3] && c.KerDil[1] == 1 && c.InDil[1] == 1
}

// panels is the number of packed pieces of the kernel, each of one tile's width.
func (c *Conv) panels() int { return parts(c.N, c.Set.Main.Width) }

// size is the size of one panel.
func (p *panels) size() int { return p.Ker[0] * p.Ker[1] * p.K * p.Set.Main.Width }

func (p *panels) workspace() (shared, own int) { return p.Groups * p.panels() * p.size(), 0 }

func (p *panels) run(out, in, ker []float32, m Memory) {
	packed := m.Shared
	p.pack(ker, packed)
	workers := make([]worker, p.Team.Size())
	for i := range workers {
		workers[i].Args = Args{ARS: p.InS[2] * 4, AKS: p.InS[3] * 4, BKS: p.Set.Main.Width * 4}
	}
	nj, npix := p.panels(), p.Out[0]*p.Out[1]
	// A worker keeps to some of the rows, if there are enough. Where rows are the batch, it computed its part of the input itself.
	nh := max(1, min(p.Team.Size(), p.M/minRows))
	nt := nh * parts(parts(p.M, nh), p.height)
	all := 1 // panels of a piece of work: one stays in cache while all pixels pass
	if nj*p.size()*4 <= pixelMajor {
		all = nj
	}
	p.Team.Each(nh*p.Groups*(nj/all)*npix, func(id, it int) {
		pix, j0, g, part := it%npix, it/npix%(nj/all)*all, it/npix/(nj/all)%p.Groups, it/npix/(nj/all)/p.Groups
		for j := j0; j < j0+all; j++ {
			for tile := nt * part / nh; tile < nt*(part+1)/nh; tile++ {
				p.tile(&workers[id], g, j, pix, p.M*tile/nt, p.M*(tile+1)/nt, out, in, packed)
			}
		}
	})
}

// tile computes rows m0 to m1 of one pixel, group g and panel j.
func (p *panels) tile(w *worker, g, j, pix, m0, m1 int, out, in, packed []float32) {
	width := min(p.Set.Main.Width, p.N-j*p.Set.Main.Width)
	to := g*p.OutG + pix/p.Out[1]*p.OutS[0] + pix%p.Out[1]*p.OutS[1] + m0*p.OutS[2] + j*p.Set.Main.Width*p.OutS[3]
	list := p.lists[pix]
	if len(list.pairs) == 0 { // nothing but padding
		fillZero(out[to:], m1-m0, width, p.OutS[2], p.OutS[3])
		return
	}
	w.List, w.N, w.K = &list.pairs[0], len(list.pairs), list.depth
	w.A = unsafe.Pointer(&in[g*p.InG+m0*p.InS[2]])
	w.B = unsafe.Pointer(&packed[(g*p.panels()+j)*p.size()])
	w.tile(p.Set.last(width), m1-m0, width, out, to, p.OutS[2], p.OutS[3])
}

// pack copies the kernel to [group][panel][pixel][k][width]. Missing columns are zero.
func (p *panels) pack(ker, packed []float32) {
	kpix, nj, width, panel := p.Ker[0]*p.Ker[1], p.panels(), p.Set.Main.Width, p.size()
	p.Team.Each(p.Groups*kpix, func(_, it int) {
		g, q := it/kpix, it%kpix
		src := ker[g*p.KerG+p.kernelPixel(q/p.Ker[1], q%p.Ker[1]):]
		dst := packed[g*nj*panel+q*p.K*width:]
		for j := range nj {
			d := dst[j*panel:][:p.K*width]
			p.Set.packColumns(d, src[j*width*p.KerS[3]:], p.K, min(width, p.N-j*width), width, p.KerS[2], p.KerS[3])
		}
	})
}

// packColumns copies a matrix with the given strides to rows of a fixed width, padded with zeros.
func (set *Set) packColumns(d, s []float32, rows, cols, width, rowStride, colStride int) {
	if cols < width {
		clear(d[:rows*width])
	}
	set.copyColumns(d, s, rows, cols, width, rowStride, colStride)
}

// copyColumns copies a matrix with the given strides to rows of a fixed width.
func (set *Set) copyColumns(d, s []float32, rows, cols, width, rowStride, colStride int) {
	if colStride == 1 {
		for i := range rows {
			copy(d[i*width:][:cols], s[i*rowStride:])
		}
		return
	}
	i, j := 0, 0 // rows before i and columns before j are done
	if rowStride == 1 && set.Square > 0 {
		n := set.Square
		i, j = rows/n*n, cols/n*n
		for y := 0; y < i; y += n {
			for x := 0; x < j; x += n {
				set.Transpose(unsafe.Pointer(&d[y*width+x]), unsafe.Pointer(&s[x*colStride+y]), width*4, colStride*4)
			}
		}
		if i == rows && j == cols {
			return
		}
	}
	for x := range cols { // along the columns, which are mostly contiguous here
		col, from := s[x*colStride:], 0
		if x < j {
			from = i
		}
		for y := from; y < rows; y++ {
			d[y*width+x] = col[y*rowStride]
		}
	}
}
