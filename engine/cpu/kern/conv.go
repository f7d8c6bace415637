package kern

// Conv is a 2D convolution (cross-correlation) with any strides of its operands, in floats. The gradients with respect to
// the input (input dilation, reversed kernel, channel axes swapped) and to the kernel (batch and channels swapped, kernel
// dilation) are the same operation with other numbers.
//
// There are seven algorithms. Five are direct: a panel of the kernel against one pixel of all examples (panels), the input packed with the
// batch (lanes) or pixels (planes) side by side, all taps as columns (spread), and along rows of pixels (strips). Two take fewer
// products: winogradConv, and winogradGradient for the gradient of a kernel. None makes im2col's copies.
type Conv struct {
	Set             *Set
	Team            Team   // who may take part; Plan sends them away if the work is too little
	M, K, N, Groups int    // batch; contracted and output channels of one group
	In, Ker, Out    [2]int // pixels: y, x
	InS             [4]int // strides: y, x, batch, contracted channel
	KerS            [4]int // strides: y, x, contracted channel, output channel
	OutS            [4]int // strides: y, x, batch, output channel
	InG, KerG, OutG int    // from group to group
	Stride, Pad     [2]int // Pad: before the first pixel; what follows the last is in Out
	InDil, KerDil   [2]int
	Reverse         bool // read the kernel's pixels backwards
	BF16            bool // round the operands to bfloat16, if the set has kernels for that and it helps

	algorithm algorithm
}

// algorithm is how to compute a convolution.
type algorithm interface {
	workspace() (shared, own int)
	run(out, in, ker []float32, m Memory)
}

// Memory is what a computation works with: a part that its team shares, and a part of each worker's own. What a worker has in its
// own for one computation it finds in its own cache for the next. To write where another core wrote last takes much longer, most
// of all if the cores share no cache.
type Memory struct {
	Shared []float32
	Own    [][]float32 // by worker
}

// carve takes the first n floats of what is left of a piece of memory, and leaves what comes after them, aligned.
func carve(memory *[]float32, n int) []float32 {
	piece := (*memory)[:n:n]
	*memory = (*memory)[min(roundUp(n), len(*memory)):]
	return piece
}

// roundUp rounds up to lines of the cache.
func roundUp(floats int) int { return (floats + 15) &^ 15 }

// minPieces is the number of pieces that a task is cut into, at least, if it is short of them. It is no function of the number
// of threads, so that the order of sums is not either.
const minPieces = 16

// Plan decides how to compute and builds the lists, once.
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

// How many bytes of transformed or packed data are made before they are used.
const (
	chunkBytes         = 600 << 10 // by a worker
	planeBytes         = 256 << 10 // by a worker
	gradientChunkBytes = 8 << 20
)

// winogradAlgorithms are those with transforms, as far as they fit.
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

// direct plans the cheapest algorithm without transforms, and tells its cost.
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
	Kernel int // its offset
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

// CountTaps is the number of taps of all output pixels: those of one axis times those of the other.
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

// span is where the pixels of the kernel lie, along an axis, that can meet the input for output o: a kernel may be much larger
// than the image.
func (c *Conv) span(axis, o int) (first, last int) {
	start := c.Pad[axis] - o*c.Stride[axis] // of the input, from the kernel's first pixel on
	end := start + (c.In[axis]-1)*c.InDil[axis]
	if end < 0 {
		return 0, -1
	}
	return parts(max(0, start), c.KerDil[axis]), min(c.Ker[axis]-1, end/c.KerDil[axis])
}

// meets is the pixel of the input that pixel k of the kernel meets for output o, along an axis; not ok if there is none.
func (c *Conv) meets(axis, o, k int) (pixel int, ok bool) {
	x := o*c.Stride[axis] + k*c.KerDil[axis] - c.Pad[axis]
	return x / c.InDil[axis], x >= 0 && x%c.InDil[axis] == 0 && x/c.InDil[axis] < c.In[axis]
}

// kernelPixel is the offset of the kernel's pixel (ky, kx), counted from the end if the kernel is reversed.
func (c *Conv) kernelPixel(ky, kx int) int {
	if c.Reverse {
		ky, kx = c.Ker[0]-1-ky, c.Ker[1]-1-kx
	}
	return ky*c.KerS[0] + kx*c.KerS[1]
}

// Workspace is how many floats of memory Run needs.
func (c *Conv) Workspace() (shared, own int) { return c.algorithm.workspace() }

// Run computes out, which has no gaps. The memory has as many elements as Workspace says, or more, of any values, and is 64-byte
// aligned; behind ker, 64 bytes are readable.
func (c *Conv) Run(out, in, ker []float32, m Memory) {
	if c.Groups*c.M*c.N*c.Out[0]*c.Out[1] > 0 {
		c.algorithm.run(out, in, ker, m)
	}
}

// empty says whether there is nothing to multiply.
func (c *Conv) empty() bool { return c.K*c.Ker[0]*c.Ker[1]*c.In[0]*c.In[1] == 0 }

// zero is a convolution of zero.
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
