package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"

	"github.com/starsweep/starsweep/engine/cpu/kern"
)

// conv is the attribute of a ConvGeneral.
type conv struct {
	axes               compute.ConvolveAxesConfig
	stride, inDil, dil []int
	pad                [][2]int // negative padding crops
	groups             int
	reverse            bool // the kernel is read backwards along its spatial axes
}

// ConvGeneral supports one to three spatial axes, and groups of channels or of the batch.
func (f *Function) ConvGeneral(x, kernel compute.Value, axes compute.ConvolveAxesConfig, stride []int, pad [][2]int, inDil, dil []int,
	groups, batchGroups int) (compute.Value, error) {
	in, err := f.operands(compute.OpTypeConvGeneral, x, kernel)
	if err != nil {
		return nil, err
	}
	groups, batchGroups = max(1, groups), max(1, batchGroups)
	s, err := shapeinference.ConvGeneral(in[0].shape, in[1].shape, axes, stride, pad, inDil, dil, groups, batchGroups)
	spatial := len(axes.InputSpatial)
	if err == nil && spatial > 3 {
		return nil, notImplemented("ConvGeneral with %d spatial axes", spatial)
	}
	ones := slices.Repeat([]int{1}, spatial)
	c := conv{axes.Clone(), orElse(stride, ones), orElse(inDil, ones), orElse(dil, ones), orElse(pad, make([][2]int, spatial)), groups, false}
	switch {
	case err != nil || s.IsDynamic():
		return f.add(compute.OpTypeConvGeneral, s, err, c, in...)
	case batchGroups > 1:
		return f.batchGroups(in[0], in[1], c, batchGroups)
	case spatial == 3:
		return f.conv3D(in[0], in[1], s, c)
	}
	if k := in[1]; k.op == compute.OpTypeReverse && reverses(k, axes.KernelSpatial) { // as in gradients
		c.reverse, in[1] = true, k.in[0]
	}
	return f.add(compute.OpTypeConvGeneral, s, nil, c, in...)
}

// orElse returns a copy of v, or the neutral value if v is nil.
func orElse[T any](v, neutral []T) []T {
	if v == nil {
		return neutral
	}
	return slices.Clone(v)
}

// reverses reports whether the Reverse n reverses exactly these axes.
func reverses(n *node, axes []int) bool {
	for i, s := range n.attr.(move).parts[0].ss {
		if (s < 0) != slices.Contains(axes, i) {
			return false
		}
	}
	return true
}

// convolution returns a ConvGeneral in the form of package kern. A single spatial axis becomes the second of two.
func convolution(n *node) *kern.Conv {
	a := n.attr.(conv)
	x, k, y := n.in[0].shape, n.in[1].shape, n.shape
	sx, sk, sy := strides(x), strides(k), strides(y)
	ax := a.axes
	two := func(missing int, v []int) [2]int {
		if len(v) == 1 {
			return [2]int{missing, v[0]}
		}
		return [2]int{v[0], v[1]}
	}
	four := func(st, spatial []int, third, fourth int) [4]int {
		s := two(0, pick(st, spatial...))
		return [4]int{s[0], s[1], st[third], st[fourth]}
	}
	var pad []int
	for _, p := range a.pad {
		pad = append(pad, p[0])
	}
	ci, co := k.Dimensions[ax.KernelInputChannels], y.Dimensions[ax.OutputChannels]/a.groups
	return &kern.Conv{
		M: y.Dimensions[ax.OutputBatch], K: ci, N: co, Groups: a.groups,
		In: two(1, pick(x.Dimensions, ax.InputSpatial...)), InS: four(sx, ax.InputSpatial, ax.InputBatch, ax.InputChannels),
		Ker: two(1, pick(k.Dimensions, ax.KernelSpatial...)), KerS: four(sk, ax.KernelSpatial, ax.KernelInputChannels, ax.KernelOutputChannels),
		Out: two(1, pick(y.Dimensions, ax.OutputSpatial...)), OutS: four(sy, ax.OutputSpatial, ax.OutputBatch, ax.OutputChannels),
		InG: ci * sx[ax.InputChannels], KerG: co * sk[ax.KernelOutputChannels], OutG: co * sy[ax.OutputChannels],
		Stride: two(1, a.stride), Pad: two(0, pad), InDil: two(1, a.inDil), KerDil: two(1, a.dil), Reverse: a.reverse,
	}
}

func (c *compiler) lowerConv(n *node, in []int, out int) (run func(*memory), flop func() float64, workspace int) {
	g, team := convolution(n), c.backend.team
	flop = func() float64 { return convFlop(g) }
	sizes := []int{n.in[0].shape.Size(), n.in[1].shape.Size(), n.shape.Size()}
	if d := n.shape.DType; d != dtypes.Float32 {
		return typedFor(d).conv(g, team, in, out, sizes), flop, 0
	}
	g.Set, g.Team, g.BF16 = c.backend.kernels, team, c.backend.bf16
	g.Plan()
	shared, own := g.Workspace()
	work := c.newBuf(buf{bytes: shared * 4})
	c.scratch = max(c.scratch, own*4)
	return func(m *memory) {
		g.Run(of[float32](m.p[out], sizes[2]), of[float32](m.p[in[0]], sizes[0]), of[float32](m.p[in[1]], sizes[1]),
			kern.Memory{Shared: of[float32](m.p[work], shared), Own: m.scratch})
	}, flop, work
}

// convFlop returns the number of floating-point operations on pixels of the image, without those on padding.
func convFlop(g *kern.Conv) float64 {
	return 2 * float64(g.Groups*g.M*g.K*g.N*g.CountTaps())
}

// plainConv computes the convolution of other types by its definition.
func plainConv[T number](g *kern.Conv, team kern.Team, in []int, out int, sizes []int) func(*memory) {
	npix := g.Out[0] * g.Out[1]
	return func(m *memory) {
		x, k, y := of[T](m.p[in[0]], sizes[0]), of[T](m.p[in[1]], sizes[1]), of[T](m.p[out], sizes[2])
		team.Each(g.Groups*npix, func(_, it int) {
			group, pix := it/npix, it%npix
			yo := group*g.OutG + pix/g.Out[1]*g.OutS[0] + pix%g.Out[1]*g.OutS[1]
			for b := range g.M {
				for o := range g.N {
					y[yo+b*g.OutS[2]+o*g.OutS[3]] = 0
				}
			}
			g.Taps(pix, func(tap kern.Tap) {
				xo := group*g.InG + tap.Y*g.InS[0] + tap.X*g.InS[1]
				ko := group*g.KerG + tap.Kernel
				for b := range g.M {
					for o := range g.N {
						var s T
						for i := range g.K {
							s += x[xo+b*g.InS[2]+i*g.InS[3]] * k[ko+i*g.KerS[2]+o*g.KerS[3]]
						}
						y[yo+b*g.OutS[2]+o*g.OutS[3]] += s
					}
				}
			})
		})
	}
}
