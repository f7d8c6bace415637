package kern

// Conv is a 2D convolution (cross-correlation) with any strides of its operands, in floats. The gradients with respect to the input
// (dilated input, reversed kernel, channel axes swapped) and to the kernel (batch and channels swapped, dilated kernel) are the same
// operation with other numbers.
//
// There are seven algorithms. Five are direct: panels multiplies a panel of the kernel by one pixel of all examples, lanes and planes pack
// the input with the batch or the pixels as columns, spread has all taps as columns, and strips runs along rows of pixels. Two take
// fewer products: winogradConv, and winogradGradient for the gradient of a kernel. None makes the copies of im2col.
//
// A cost model (costs.go) chooses when Plan is called, by sizes and kernel set alone. The choice decides the last bits of results;
// testdata/algorithms.txt has it for the layers of common networks.
type Conv struct {
	Set             *Set
	Team            Team   // Plan reduces it to one thread if there is little work
	M, K, N, Groups int    // batch; contracted and output channels of one group
	In, Ker, Out    [2]int // pixels: y, x
	InS             [4]int // strides: y, x, batch, contracted channel
	KerS            [4]int // strides: y, x, contracted channel, output channel
	OutS            [4]int // strides: y, x, batch, output channel
	InG, KerG, OutG int    // strides from group to group
	Stride, Pad     [2]int // Pad is that before the first pixel; Out implies that after the last
	InDil, KerDil   [2]int
	Reverse         bool // the pixels of the kernel are read backwards
	BF16            bool // operands are rounded to bfloat16 if the set has kernels for that and it helps

	algorithm algorithm
}

// algorithm computes a planned convolution. workspace returns the floats of memory that it needs.
type algorithm interface {
	workspace() (shared, own int)
	run(out, in, ker []float32, m Memory)
}

// Memory is the workspace of a computation: a part that its team shares, and a part for each worker. A worker finds its own part in its
// own cache from one computation to the next. Writing where another core wrote last takes much longer, above all if the cores share no
// cache.
type Memory struct {
	Shared []float32
	Own    [][]float32 // by worker
}

// carve returns the first n floats of memory, and advances memory to the next cache line after them.
func carve(memory *[]float32, n int) []float32 {
	piece := (*memory)[:n:n]
	*memory = (*memory)[min(roundUp(n), len(*memory)):]
	return piece
}

// roundUp rounds a number of floats up to whole cache lines.
func roundUp(floats int) int { return (floats + 15) &^ 15 }

// minPieces is the least number of pieces that a task is cut into, if it can be. It does not depend on the number of threads, so neither
// does the order of sums.
const minPieces = 16

// Plan chooses the algorithm and builds its lists. It is called once, before Workspace and Run.
func (c *Conv) Plan() {
	taps := c.CountTaps()
	c.Team = c.Team.For(c.Groups * c.M * c.K * c.N * taps)
	plan, cost := c.direct(taps)
	if p := newPaired(c); p != nil {
		plan, cost = p.direct(taps)
	}
	for _, w := range c.winogradAlgorithms() {
		if n := w.cost(); n < cost {
			plan, cost = func() algorithm { return w }, n
		}
	}
	c.algorithm = plan()
}

// Bytes of transformed or packed data that are computed before they are used.
const (
	chunkBytes         = 600 << 10 // of a worker
	planeBytes         = 256 << 10 // of a worker
	gradientChunkBytes = 8 << 20   // of a team
)

// winogradAlgorithms returns those of Winograd's algorithms that apply.
func (c *Conv) winogradAlgorithms() (list []costed) {
	for _, both := range []bool{false, true} {
		if w := newWinogradConv(c, both, chunkBytes); w != nil {
			list = append(list, w)
		}
		if w := newWinogradGradient(c, both, gradientChunkBytes); w != nil {
			list = append(list, w)
		}
	}
	if w := newWinogradConv(c.swapAxes(), false, chunkBytes); w != nil { // along columns
		list = append(list, w)
	}
	return list
}

type costed interface {
	algorithm
	cost() int
}

// direct chooses the cheapest direct algorithm. It returns a function that plans it, and its cost.
func (c *Conv) direct(taps int) (plan func() algorithm, cost int) {
	switch {
	case c.empty():
		return func() algorithm { return zero{c} }, 0
	case c.stripsFit():
		return func() algorithm { return newStrips(c) }, c.stripsCost(taps)
	}
	plan, cost = func() algorithm { return newPanels(c) }, c.panelCost(taps)
	if n := c.laneCost(taps); n < cost {
		plan, cost = func() algorithm { return newLanes(c) }, n
	}
	if n := c.spreadCost(taps); n < cost {
		plan, cost = func() algorithm { return newSpread(c) }, n
	}
	if p := newPlanes(c, planeBytes); p != nil {
		if n := p.cost(); n < cost {
			plan, cost = func() algorithm { return p }, n
		}
	}
	return plan, cost
}

// Tap is a pixel of the kernel that meets a pixel of the input.
type Tap struct {
	Number int // of the kernel's pixel: y * width + x
	Kernel int // offset of the kernel's pixel
	Y, X   int // of the input
}

// Taps calls f for every tap of output pixel o.
func (c *Conv) Taps(o int, f func(t Tap)) {
	oy, ox := o/c.Out[1], o%c.Out[1]
	firstY, lastY := c.span(0, oy)
	firstX, lastX := c.span(1, ox)
	for ky := firstY; ky <= lastY; ky++ {
		y, ok := c.meets(0, oy, ky)
		if !ok {
			continue
		}
		for kx := firstX; kx <= lastX; kx++ {
			if x, ok := c.meets(1, ox, kx); ok {
				f(Tap{ky*c.Ker[1] + kx, c.kernelPixel(ky, kx), y, x})
			}
		}
	}
}

// CountTaps returns the number of taps of all output pixels: that of one axis times that of the other.
func (c *Conv) CountTaps() int {
	var n [2]int
	for axis := range n {
		for o := range c.Out[axis] {
			first, last := c.span(axis, o)
			for k := first; k <= last; k++ {
				if _, ok := c.meets(axis, o, k); ok {
					n[axis]++
				}
			}
		}
	}
	return n[0] * n[1]
}

// span returns the range of the kernel's pixels along an axis that can meet the input for output o. A kernel may be much larger than the
// image.
func (c *Conv) span(axis, o int) (first, last int) {
	start := c.Pad[axis] - o*c.Stride[axis] // where the input begins, seen from the first pixel of the kernel
	end := start + (c.In[axis]-1)*c.InDil[axis]
	if end < 0 {
		return 0, -1
	}
	return parts(max(0, start), c.KerDil[axis]), min(c.Ker[axis]-1, end/c.KerDil[axis])
}

// meets returns the pixel of the input that pixel k of the kernel meets for output o, along an axis; ok is false if there is none.
func (c *Conv) meets(axis, o, k int) (pixel int, ok bool) {
	x := o*c.Stride[axis] + k*c.KerDil[axis] - c.Pad[axis]
	return x / c.InDil[axis], x >= 0 && x%c.InDil[axis] == 0 && x/c.InDil[axis] < c.In[axis]
}

// kernelPixel returns the offset of the kernel's pixel (ky, kx), counted from the end if the kernel is reversed.
func (c *Conv) kernelPixel(ky, kx int) int {
	if c.Reverse {
		ky, kx = c.Ker[0]-1-ky, c.Ker[1]-1-kx
	}
	return ky*c.KerS[0] + kx*c.KerS[1]
}

// Workspace returns the floats of memory that Run needs: of the team, and of each worker.
func (c *Conv) Workspace() (shared, own int) { return c.algorithm.workspace() }

// Run computes out, which is contiguous. The memory has at least the sizes that Workspace returned, with any contents, and is 64-byte
// aligned. 64 bytes after ker must be readable.
func (c *Conv) Run(out, in, ker []float32, m Memory) {
	if c.Groups*c.M*c.N*c.Out[0]*c.Out[1] > 0 {
		c.algorithm.run(out, in, ker, m)
	}
}

// empty reports whether there is nothing to multiply.
func (c *Conv) empty() bool { return c.K*c.Ker[0]*c.Ker[1]*c.In[0]*c.In[1] == 0 }

// zero is a convolution without products: its output is zero.
type zero struct{ *Conv }

func (zero) workspace() (shared, own int) { return 0, 0 }

func (c zero) run(out, _, _ []float32, _ Memory) {
	npix := c.Out[0] * c.Out[1]
	c.Team.Each(c.Groups*npix, func(_, it int) {
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
