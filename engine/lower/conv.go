package lower

import (
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/starsweep/starsweep/engine/expr"
)

// conv lowers the three convolutions to ConvGeneral, by the transposition rules of JAX's conv_general_dilated:
//
//	conv              strided
//	conv_input_grad   the kernel backwards, the image dilated by the stride
//	conv_kernel_grad  the cotangent as a kernel, dilated by the stride; the example is what is summed over
//
// Trials of the first operand become feature groups: its channel becomes (k channel), as does the output channel of the
// second. Trials that only the second operand has become output channels; for trials that only the first has, the second is
// repeated.
func conv(c *ctx, m node) val {
	w := m.Attr.(expr.Window2)
	x, k := operand{c.arg(m, 0), m.Args[0].Shape}, operand{c.arg(m, 1), m.Args[1].Shape}
	if x.shape.Has('k') && !k.shape.Has('k') {
		packed := k.shape.With('k', x.shape.Size('k'))
		k = operand{full(k.v, k.shape, packed), packed}
	}
	axes := compute.ConvolveAxesConfig{
		InputBatch: 0, InputSpatial: []int{1, 2}, InputChannels: 3,
		KernelSpatial: []int{0, 1}, KernelInputChannels: 2, KernelOutputChannels: 3,
		OutputBatch: 0, OutputSpatial: []int{1, 2}, OutputChannels: 3,
	}
	strides, one := []int{w.H.Stride, w.W.Stride}, []int{1, 1}
	stride, dilateInput, dilateKernel := one, one, one
	var pads func(expr.Window) [2]int // may be negative, for elements that no tap reaches
	var xv, kv val
	switch m.Op.Name {
	case "conv":
		xv, kv = x.grouped('c'), k.grouped('o')
		stride = strides
		pads = func(w expr.Window) [2]int { return [2]int{w.Lo, w.Hi} }
	case "conv_input_grad":
		xv, kv = x.grouped('c'), graph.Reverse(k.grouped('i'), 0, 1)
		axes.KernelInputChannels, axes.KernelOutputChannels = 3, 2
		dilateInput = strides
		pads = func(w expr.Window) [2]int {
			lo := w.Kernel - 1 - w.Lo
			return [2]int{lo, w.In + w.Kernel - 1 - dilated(w) - lo}
		}
	case "conv_kernel_grad":
		xv, kv = x.grouped('b'), k.grouped('c')
		axes.InputBatch, axes.InputChannels = 3, 0
		axes.KernelSpatial, axes.KernelInputChannels = []int{1, 2}, 0
		axes.OutputSpatial, axes.OutputBatch = []int{0, 1}, 2
		dilateKernel = strides
		pads = func(w expr.Window) [2]int { return [2]int{w.Lo, dilated(w) - w.In + w.Kernel - w.Lo - 1} }
	}
	padding := [][2]int{pads(w.H), pads(w.W)}
	if swaps(c.g.Backend()) && pixels(xv, axes.InputSpatial) < pixels(kv, axes.KernelSpatial) {
		xv = c.padFirst(xv, m.Shape.DType, dilateInput, padding)
	}
	groups := max(1, x.shape.Size('k'))
	y := graph.ConvGeneral(xv, kv, axes, stride, padding, dilateInput, dilateKernel, groups, 1)
	return ungroup(y, m.Shape)
}

// dilated is the length of w's output with stride-1 zeros between its elements.
func dilated(w expr.Window) int { return (w.Out()-1)*w.Stride + 1 }

// swaps reports whether the backend is XLA's CPU compiler. If the kernel has more taps than the image has pixels, that compiler
// exchanges the two and has no fast code for the result: the input gradient 256 x 4 x 4 -> 128 x 8 x 8, kernel 5, batch 64,
// takes 0.5 to 1.7 seconds instead of 0.03 to 0.09. An image that is padded beforehand has enough pixels.
func swaps(b compute.Backend) bool {
	return b.Name() == "xla" && strings.Contains(strings.ToLower(b.Description()), "cpu")
}

func pixels(v val, spatial []int) int { return v.Shape().Dim(spatial[0]) * v.Shape().Dim(spatial[1]) }

// padFirst moves padding of the convolution into the image, in whole steps of the image's dilation.
func (c *ctx) padFirst(x val, d expr.DType, dilation []int, padding [][2]int) val {
	spec := make([]graph.PadAxis, 4)
	for i, step := range dilation {
		lo, hi := max(0, padding[i][0]/step), max(0, padding[i][1]/step)
		spec[1+i] = graph.PadAxis{Start: lo, End: hi}
		padding[i] = [2]int{padding[i][0] - lo*step, padding[i][1] - hi*step}
	}
	return graph.Pad(x, c.number(d, 0), spec...)
}

type operand struct {
	v     val
	shape expr.Shape
}

// grouped merges the trials into a channel axis: [... (k channel) ...].
func (o operand) grouped(channel byte) val {
	if !o.shape.Has('k') {
		return o.v
	}
	to, dims := "", []int{}
	for _, a := range []byte(o.shape.Without("k").Axes()) {
		size := o.shape.Size(a)
		if a == channel {
			to, size = to+"k", size*o.shape.Size('k')
		}
		to, dims = to+string(rune(a)), append(dims, size)
	}
	return graph.Reshape(permute(o.v, o.shape.Axes(), to), dims...)
}

// ungroup splits the trials off the last axis, the channel of every result: [b h w (k c)] or [h w i (k o)].
func ungroup(y val, s expr.Shape) val {
	if !s.Has('k') {
		return y
	}
	rest := s.Without("k").Axes()
	last := len(rest) - 1
	from, dims := rest[:last]+"k"+rest[last:], []int{}
	for _, a := range []byte(from) {
		dims = append(dims, s.Size(a))
	}
	return permute(graph.Reshape(y, dims...), from, s.Axes())
}
