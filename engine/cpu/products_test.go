package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// layout is the named axes of a tensor in the order in which they lie in memory.
type layout string

// layout puts axes in a random order, or leaves them as they are.
func (r *draw) layout(axes string) layout {
	b := []byte(axes)
	if r.IntN(2) == 0 {
		r.Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] })
	}
	return layout(b)
}

// at lists the places of axes.
func (l layout) at(axes string) (p []int) {
	for _, a := range []byte(axes) {
		p = append(p, slices.Index([]byte(l), a))
	}
	return p
}

func (l layout) shape(d dtypes.DType, size map[byte]int) shapes.Shape {
	var dims []int
	for _, a := range []byte(l) {
		dims = append(dims, size[a])
	}
	return shapes.Make(d, dims...)
}

// dotTrial has up to two axes of the batch (a, b), of those contracted (c, e), and of each operand's own (m, o and n, p).
func dotTrial(r *draw) trial {
	size := map[byte]int{
		'a': r.pick(1, 3), 'b': r.pick(1, 2),
		'c': r.pick(1, 7, 33), 'e': r.pick(1, 2, 5),
		'm': r.pick(1, 15, 17, 31), 'n': r.pick(1, 7, 16, 33), 'o': 3, 'p': 2,
	}
	if r.IntN(10) == 0 {
		size["abcmn"[r.IntN(5)]] = 0
	}
	batch, over := []string{"", "a", "ab", "ba"}[r.IntN(4)], []string{"", "c", "ce", "ec"}[r.IntN(4)]
	l, q := r.layout(batch+over+[]string{"", "m", "mo"}[r.IntN(3)]), r.layout(batch+over+[]string{"", "n", "pn"}[r.IntN(3)])
	return trial{
		in: []operand{r.filled(l.shape(r.d, size)), r.filled(q.shape(r.d, size))},
		graph: func(f compute.Function, in []compute.Value) []compute.Value {
			return one(f.DotGeneral(in[0], l.at(over), l.at(batch), in[1], q.at(over), q.at(batch), compute.DotGeneralConfig{}))
		},
		tolerance: 1e-4,
	}
}

// randomConv is a convolution of the images x y z (one to three axes) by the kernel u v w with all options: of the batch b and
// channels i to channels o, in groups of channels or of the batch.
type randomConv struct {
	groups, batchGroups int
	stride, inDil, dil  []int
	pad                 []compute.PadAxis // with the dilation of the input
	reverse             []int             // axes of the kernel
	config              compute.ConvolveAxesConfig
}

// axis draws the sizes of a spatial axis, with room for the kernel: of the image and of the kernel.
func (c *randomConv) axis(r *draw) (n, k int) {
	n, k = r.pick(1, 2, 4, 5, 7), r.pick(1, 2, 3, 4)
	stride, inDil, dil := r.pick(1, 2, 3), r.pick(1, 1, 2), r.pick(1, 1, 2)
	p := r.padding(n, true)
	wide := (n-1)*inDil + 1
	p.Interior, p.Start = inDil-1, max(p.Start, -wide)
	p.End = max(p.End, (k-1)*dil+1-wide-p.Start)
	c.stride, c.inDil, c.dil, c.pad = append(c.stride, stride), append(c.inDil, inDil), append(c.dil, dil), append(c.pad, p)
	return n, k
}

func (c *randomConv) kernel(f compute.Function, v compute.Value) compute.Value {
	return must(f.Reverse(v, c.reverse...))
}

func (c *randomConv) graph(f compute.Function, in []compute.Value) []compute.Value {
	var pad [][2]int
	for _, p := range c.pad {
		pad = append(pad, [2]int{p.Start, p.End})
	}
	return one(f.ConvGeneral(in[0], c.kernel(f, in[1]), c.config, c.stride, pad, c.inDil, c.dil, c.groups, c.batchGroups))
}

// plain is graph with padding and dilation of the input, and groups of the batch, by their definitions.
func (c *randomConv) plain(f compute.Function, in []compute.Value) []compute.Value {
	pads := make([]compute.PadAxis, len(c.pad)+2)
	for a, at := range c.config.InputSpatial {
		pads[at] = c.pad[a]
	}
	zero := must(f.ConvertDType(must(f.Constant([]bool{false})), must(f.Shape(in[0])).DType))
	wide := padded(f, in[0], zero, pads)
	part := func(v compute.Value, axis, g int) compute.Value {
		hi := slices.Clone(must(f.Shape(v)).Dimensions)
		lo := make([]int, len(hi))
		n := hi[axis] / c.batchGroups
		lo[axis], hi[axis] = n*g, n*(g+1)
		return must(f.Slice(v, lo, hi, nil))
	}
	var all []compute.Value
	for g := range c.batchGroups {
		x := part(wide, c.config.InputBatch, g)
		k := part(c.kernel(f, in[1]), c.config.KernelOutputChannels, g)
		all = append(all, must(f.ConvGeneral(x, k, c.config, c.stride, nil, nil, c.dil, c.groups, 1)))
	}
	return one(f.Concatenate(c.config.OutputChannels, all...))
}

func convTrial(r *draw) trial {
	spatial := r.pick(1, 2, 2, 2, 3)
	c := &randomConv{groups: 1, batchGroups: 1}
	switch r.IntN(4) {
	case 0:
		c.groups = r.pick(2, 3, 8)
	case 1:
		c.batchGroups = r.pick(2, 3)
	}
	channels := []int{1, 2, 3, 7, 15, 17, 31, 33}
	if c.groups*c.batchGroups > 1 || spatial == 3 || r.d != dtypes.Float32 {
		channels = channels[:4]
	}
	size := map[byte]int{
		'b': c.batchGroups * r.pick(1, 2, 3, 16),
		'c': r.pick(channels...),
		'o': c.groups * c.batchGroups * r.pick(channels...),
	}
	size['i'] = size['c'] * c.groups
	for a := range spatial {
		size["xyz"[a]], size["uvw"[a]] = c.axis(r)
	}
	X, K, Y := "xyz"[:spatial], "uvw"[:spatial], "xyz"[:spatial]
	x, k, y := r.layout("b"+X+"i"), r.layout(K+"co"), r.layout("b"+Y+"o")
	switch r.IntN(3) {
	case 1:
		c.reverse = r.some(len(k))
	case 2:
		c.reverse = k.at(K)
	}
	c.config = compute.ConvolveAxesConfig{
		InputBatch:           x.at("b")[0],
		InputChannels:        x.at("i")[0],
		InputSpatial:         x.at(X),
		KernelInputChannels:  k.at("c")[0],
		KernelOutputChannels: k.at("o")[0],
		KernelSpatial:        k.at(K),
		OutputBatch:          y.at("b")[0],
		OutputChannels:       y.at("o")[0],
		OutputSpatial:        y.at(Y),
	}
	return trial{
		in:        []operand{r.filled(x.shape(r.d, size)), r.filled(k.shape(r.d, size))},
		graph:     c.graph,
		plain:     c.plain,
		tolerance: 1e-4,
	}
}

func productProperties() map[compute.OpType]property {
	return map[compute.OpType]property{
		compute.OpTypeDotGeneral:  {numbers, dotTrial, 10},
		compute.OpTypeConvGeneral: {numbers, convTrial, 15},
	}
}
