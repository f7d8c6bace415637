package lower

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/starsweep/starsweep/engine/expr"
)

func conv(c *ctx, m node) val {
	how := c.Conv
	if how == "mixed" {
		how = mixed(m)
	}
	if how == "native" {
		return native(c, m)
	}
	return c.value(im2col(m, patchings[how]))
}

// mixed knows what XLA's CPU compiler is bad at. Grouped convolutions are slow. And if the kernel has more taps than the
// image pixels, it exchanges the two and then finds no fast code (463 ms instead of 20 for the input gradient
// 256 x 4 x 4 -> 128 x 8 x 8, kernel 5, batch 64).
func mixed(m node) string {
	a, b := m.Args[0].Shape, m.Args[1].Shape
	switch {
	case a.Has('k'):
		return "im2col2"
	case a.Size('h')*a.Size('w') < b.Size('h')*b.Size('w'):
		return "take"
	}
	return "native"
}

// native lowers the three convolutions to ConvGeneral (the transposition rules are those of JAX's conv_general_dilated).
// Trials are feature groups. A trial axis that only the second operand has is more output channels; one that only the
// first has is given to the second too.
func native(c *ctx, m node) val {
	w, a, b := m.Attr.(expr.Window2), m.Args[0].Shape, m.Args[1].Shape
	av, bv := c.value(m.Args[0]), c.value(m.Args[1])
	if a.Has('k') && !b.Has('k') {
		bv, b = full(bv, b, b.With('k', a.Size('k'))), b.With('k', a.Size('k'))
	}
	groups := max(1, a.Size('k'))
	// Operands become [.. (k channel) ..]: join moves k before the axis and merges.
	join := func(v val, s expr.Shape, axes string, channel byte) val {
		if !s.Has('k') {
			return permute(v, s.Axes(), axes)
		}
		to, dims := "", []int{}
		for _, l := range axes {
			size := s.Size(byte(l))
			if byte(l) == channel {
				to, size = to+"k", size*s.Size('k')
			}
			to, dims = to+string(l), append(dims, size)
		}
		return graph.Reshape(permute(v, s.Axes(), to), dims...)
	}
	axes := compute.ConvolveAxesConfig{InputBatch: 0, InputSpatial: []int{1, 2}, InputChannels: 3, KernelSpatial: []int{0, 1},
		OutputBatch: 0, OutputSpatial: []int{1, 2}, OutputChannels: 3}
	stride, in, kernel, unit := []int{w.H.Stride, w.W.Stride}, []int{1, 1}, []int{1, 1}, []int{1, 1}
	pads := [][2]int{{w.H.Lo, w.H.Hi}, {w.W.Lo, w.W.Hi}}
	each := func(f func(expr.Window) [2]int) { pads[0], pads[1] = f(w.H), f(w.W) }
	dilated := func(w expr.Window) int { return (w.Out()-1)*w.Stride + 1 }
	switch m.Op.Name {
	case "conv":
		av, bv = join(av, a, "bhwc", 'c'), join(bv, b, "hwio", 'o')
		axes.KernelInputChannels, axes.KernelOutputChannels = 2, 3
	case "conv_input_grad":
		av, bv = join(av, a, "bhwc", 'c'), graph.Reverse(join(bv, b, "hwio", 'i'), 0, 1)
		axes.KernelOutputChannels, axes.KernelInputChannels = 2, 3
		stride, in = unit, stride
		each(func(w expr.Window) [2]int {
			lo := w.Kernel - 1 - w.Lo
			return [2]int{lo, w.In + w.Kernel - 1 - dilated(w) - lo}
		})
	case "conv_kernel_grad":
		av, bv = join(av, a, "bhwc", 'b'), join(bv, b, "bhwc", 'c')
		axes.InputBatch, axes.InputChannels = 3, 0 // the example is what is summed over
		axes.KernelSpatial, axes.KernelInputChannels, axes.KernelOutputChannels = []int{1, 2}, 0, 3
		axes.OutputSpatial, axes.OutputBatch, axes.OutputChannels = []int{0, 1}, 2, 3
		stride, kernel = unit, stride
		each(func(w expr.Window) [2]int { return [2]int{w.Lo, dilated(w) - w.In + w.Kernel - w.Lo - 1} })
	}
	y := graph.ConvGeneral(av, bv, axes, stride, pads, in, kernel, groups, 1)
	// The trials lie before the output channels: [b h w (k c)] or [h w i (k o)].
	rest := m.Shape.Without("k").Axes()
	last := len(rest) - 1
	if !m.Shape.Has('k') {
		return graph.Reshape(y, m.Shape.Dims()...)
	}
	from, dims := rest[:last]+"k"+rest[last:], []int{}
	for _, l := range from {
		dims = append(dims, m.Shape.Size(byte(l)))
	}
	return permute(graph.Reshape(y, dims...), from, m.Shape.Axes())
}
