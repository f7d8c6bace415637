package kern

import "unsafe"

// Conv is a 2D convolution (cross-correlation) with any strides of its operands, in floats. The gradients with respect to
// the input (input dilation, reversed kernel, channel axes swapped) and to the kernel (batch and channels swapped, kernel
// dilation) are the same operation with other numbers.
//
// The output of one pixel is a batch-reduce product: rows are the batch, columns the output channels, and the list holds the
// taps that fall on the input. The kernel operand is packed first, columns side by side. If there are too few output
// channels for that, the operands change roles, and the input is packed with the batch side by side: see lanes.go. Gradients
// of kernels go along rows of pixels: see strips.go.
type Conv struct {
	Set             *Set
	M, K, N, Groups int    // batch; contracted and output channels of one group
	In, Ker, Out    [2]int // pixels: y, x
	InS             [4]int // strides: y, x, batch, contracted channel
	KerS            [4]int // strides: y, x, contracted channel, output channel
	OutS            [4]int // strides: y, x, batch, output channel
	InG, KerG, OutG int    // from group to group
	Stride, Pad     [2]int // Pad: before the first pixel; what follows the last is in Out
	InDil, KerDil   [2]int
	Reverse         bool // read the kernel's pixels backwards

	work   int      // multiply-adds
	lanes  *lanes   // if the input is packed
	strips *strips  // if nothing is packed
	lists  [][]Pair // by output pixel
	height int      // of the tallest tile
}

// At most so many rows that share a set of the first-level cache, which has 12 ways: strides of whole pages.
const pageRows = 12

// pixelMajor limits the packed kernel, in bytes, for which one pixel takes all channels before the next pixel.
const pixelMajor = 1 << 20

// items is the number of pieces that a task is cut into, at least, if it is short of them. It is no function of the number
// of threads, so that the order of sums is not either.
const items = 16

// minRows is the least number of rows that are worth a worker of their own: lower tiles read the kernel too often.
const minRows = 16

// Plan decides how to compute and builds the lists, once.
func (c *Conv) Plan() {
	taps := 0
	for o := range c.Out[0] * c.Out[1] {
		c.Taps(o, func(Tap) { taps++ })
	}
	c.work = c.Groups * c.M * c.K * c.N * taps
	if c.useStrips() {
		c.strips = newStrips(c)
		return
	}
	if c.useLanes(taps) {
		c.lanes = newLanes(c)
		return
	}
	c.lists = make([][]Pair, c.Out[0]*c.Out[1])
	for o := range c.lists {
		c.Taps(o, func(t Tap) {
			c.lists[o] = append(c.lists[o], Pair{A: (t.Y*c.InS[0] + t.X*c.InS[1]) * 4, B: t.Number * c.K * c.Set.Main.Width * 4})
		})
	}
	c.height = c.Set.Main.rows()
	if c.InS[2]*4%4096 == 0 {
		c.height = min(c.height, pageRows)
	}
}

// Tap is a pixel of the kernel that meets a pixel of the input.
type Tap struct {
	Number int // of the kernel's pixel: y * width + x
	Kernel int // its offset
	Y, X   int // of the input
}

// Taps calls f for every tap of output pixel o.
func (c *Conv) Taps(o int, f func(t Tap)) {
	oy, ox := o/c.Out[1], o%c.Out[1]
	for ky := range c.Ker[0] {
		y := oy*c.Stride[0] + ky*c.KerDil[0] - c.Pad[0]
		if y < 0 || y%c.InDil[0] != 0 || y/c.InDil[0] >= c.In[0] {
			continue
		}
		for kx := range c.Ker[1] {
			x := ox*c.Stride[1] + kx*c.KerDil[1] - c.Pad[1]
			if x < 0 || x%c.InDil[1] != 0 || x/c.InDil[1] >= c.In[1] {
				continue
			}
			f(Tap{ky*c.Ker[1] + kx, c.kernelPixel(ky, kx), y / c.InDil[0], x / c.InDil[1]})
		}
	}
}

// kernelPixel is the offset of the kernel's pixel (ky, kx), counted from the end if the kernel is reversed.
func (c *Conv) kernelPixel(ky, kx int) int {
	if c.Reverse {
		ky, kx = c.Ker[0]-1-ky, c.Ker[1]-1-kx
	}
	return ky*c.KerS[0] + kx*c.KerS[1]
}

// panels is the number of packed pieces of the kernel, each of one tile's width.
func (c *Conv) panels() int { return parts(c.N, c.Set.Main.Width) }

// panel is the size of one.
func (c *Conv) panel() int { return c.Ker[0] * c.Ker[1] * c.K * c.Set.Main.Width }

// Workspace is how many floats Run needs.
func (c *Conv) Workspace() int {
	if c.strips != nil {
		return c.strips.workspace()
	}
	if c.lanes != nil {
		return c.lanes.workspace()
	}
	return c.Groups * c.panels() * c.panel()
}

// Run computes out, which has no gaps. work has Workspace elements of any values, and is 64-byte aligned; behind ker, 64 bytes
// are readable.
func (c *Conv) Run(t Team, out, in, ker, work []float32) {
	if c.Groups*c.M*c.N*c.Out[0]*c.Out[1] == 0 {
		return
	}
	t = t.For(c.work)
	if c.strips != nil {
		c.strips.run(t, out, in, ker, work)
		return
	}
	if c.lanes != nil {
		c.lanes.run(t, out, in, ker, work)
		return
	}
	if c.K == 0 || c.panel() == 0 || c.In[0]*c.In[1] == 0 {
		c.clear(t, out)
		return
	}
	c.pack(t, ker, work)
	r := &convRun{c, out, in, work, make([]hand, t.Size())}
	for i := range r.hands {
		r.hands[i].Args = Args{K: c.K, ARS: c.InS[2] * 4, AKS: c.InS[3] * 4, BKS: c.Set.Main.Width * 4}
	}
	nj, npix := c.panels(), c.Out[0]*c.Out[1]
	// A worker keeps to some of the rows, if there are enough of them: where rows are the batch, its part of the input is what
	// it made itself.
	nh := max(1, min(t.Size(), c.M/minRows))
	per := parts(parts(c.M, nh), c.height) // tiles
	all := 1                               // panels of an item
	if nj*c.panel()*4 <= pixelMajor {
		all = nj
	} // else one panel of the kernel stays in cache while all pixels pass
	t.Each(nh*c.Groups*(nj/all)*npix, func(w, it int) {
		pix, j0, g, h := it%npix, it/npix%(nj/all)*all, it/npix/(nj/all)%c.Groups, it/npix/(nj/all)/c.Groups
		for j := j0; j < j0+all; j++ {
			for tile := h * per; tile < (h+1)*per; tile++ {
				r.tile(w, g, j, pix, tile, nh*per)
			}
		}
	})
}

// pack copies the kernel to [group][panel][pixel][k][width], missing columns zero.
func (c *Conv) pack(t Team, ker, packed []float32) {
	kpix, nj, width, panel := c.Ker[0]*c.Ker[1], c.panels(), c.Set.Main.Width, c.panel()
	t.Each(c.Groups*kpix, func(_, it int) {
		g, q := it/kpix, it%kpix
		src := ker[g*c.KerG+c.kernelPixel(q/c.Ker[1], q%c.Ker[1]):]
		dst := packed[g*nj*panel+q*c.K*width:]
		for j := range nj {
			d := dst[j*panel:][:c.K*width]
			packColumns(d, src[j*width*c.KerS[3]:], c.K, min(width, c.N-j*width), width, c.KerS[2], c.KerS[3])
		}
	})
}

// packColumns copies a matrix with the given strides to rows of a fixed width, filled up with zeros.
func packColumns(d, s []float32, rows, cols, width, rowStride, colStride int) {
	if cols < width {
		clear(d[:rows*width])
	}
	if colStride == 1 {
		for i := range rows {
			copy(d[i*width:][:cols], s[i*rowStride:])
		}
		return
	}
	for j := range cols { // along the columns, which mostly lie side by side here
		col := s[j*colStride:]
		for i := range rows {
			d[i*width+j] = col[i*rowStride]
		}
	}
}

type convRun struct {
	*Conv
	out, in, packed []float32
	hands           []hand
}

// tile computes rows of one pixel, of group g and panel j.
func (r *convRun) tile(worker, g, j, pix, tile, tiles int) {
	width := min(r.Set.Main.Width, r.N-j*r.Set.Main.Width)
	m0, m1 := r.M*tile/tiles, r.M*(tile+1)/tiles
	to := g*r.OutG + pix/r.Out[1]*r.OutS[0] + pix%r.Out[1]*r.OutS[1] + m0*r.OutS[2] + j*r.Set.Main.Width*r.OutS[3]
	list := r.lists[pix]
	if len(list) == 0 { // nothing but padding
		fillZero(r.out[to:], m1-m0, width, r.OutS[2], r.OutS[3])
		return
	}
	h := &r.hands[worker]
	h.List, h.N = &list[0], len(list)
	h.A = unsafe.Pointer(&r.in[g*r.InG+m0*r.InS[2]])
	h.B = unsafe.Pointer(&r.packed[(g*r.panels()+j)*r.panel()])
	h.tile(r.Set.last(width), m1-m0, width, r.out, to, r.OutS[2], r.OutS[3])
}

// clear is a convolution of nothing.
func (c *Conv) clear(t Team, out []float32) {
	npix := c.Out[0] * c.Out[1]
	t.Each(c.Groups*npix, func(_, it int) {
		pix := it % npix
		fillZero(out[it/npix*c.OutG+pix/c.Out[1]*c.OutS[0]+pix%c.Out[1]*c.OutS[1]:], c.M, c.N, c.OutS[2], c.OutS[3])
	})
}

func fillZero(d []float32, rows, cols, rowStride, colStride int) {
	for i := range rows {
		for j := range cols {
			d[i*rowStride+j*colStride] = 0
		}
	}
}
