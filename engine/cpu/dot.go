package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"

	"github.com/starsweep/starsweep/engine/cpu/kern"
)

// dot is the attribute of a DotGeneral: contracted and batch axes of both operands.
type dot struct{ lc, lb, rc, rb []int }

// DotGeneral accumulates in the dtype of its operands.
func (f *Function) DotGeneral(l compute.Value, lc, lb []int, r compute.Value, rc, rb []int, c compute.DotGeneralConfig) (
	compute.Value, error) {
	in, err := f.operands(compute.OpTypeDotGeneral, l, r)
	if err != nil {
		return nil, err
	}
	s, err := shapeinference.DotGeneral(in[0].shape, lc, lb, in[1].shape, rc, rb, c)
	d := in[0].shape.DType
	switch {
	case err != nil:
	case s.DType != d:
		return nil, notImplemented("DotGeneral from %s to %s", d, s.DType)
	case c.AccumulatorDType != dtypes.InvalidDType && c.AccumulatorDType != d:
		return nil, notImplemented("DotGeneral of %s with sums in %s", d, c.AccumulatorDType)
	}
	return f.add(compute.OpTypeDotGeneral, s, err, dot{slices.Clone(lc), slices.Clone(lb), slices.Clone(rc), slices.Clone(rb)}, in...)
}

// product returns a DotGeneral as tables of offsets, [batch][m][k] by [batch][k][n].
func product(n *node) *kern.Dot {
	a := n.attr.(dot)
	l, r := n.in[0].shape, n.in[1].shape
	table := func(dims, st, axes []int) []int { return offsets(pick(dims, axes...), pick(st, axes...)) }
	ls, rs := strides(l), strides(r)
	return &kern.Dot{
		LB: table(l.Dimensions, ls, a.lb), LM: table(l.Dimensions, ls, others(l.Rank(), a.lb, a.lc)), LK: table(l.Dimensions, ls, a.lc),
		RB: table(r.Dimensions, rs, a.rb), RN: table(r.Dimensions, rs, others(r.Rank(), a.rb, a.rc)), RK: table(r.Dimensions, rs, a.rc),
	}
}

func (c *compiler) lowerDot(n *node, in []int, out int) (run func(*memory), flop func() float64, workspace int) {
	d, team := product(n), c.backend.team
	flop = func() float64 { return 2 * float64(len(d.LB)*len(d.LM)*len(d.LK)*len(d.RN)) }
	if t := n.shape.DType; t != dtypes.Float32 {
		return typedFor(t).dot(d, team, in, out), flop, 0
	}
	d.Set, d.BF16 = c.backend.kernels, c.backend.bf16
	d.Plan()
	size := d.Workspace()
	work := c.newBuf(buf{bytes: size * 4})
	nl, nr, no := n.in[0].shape.Size(), n.in[1].shape.Size(), n.shape.Size()
	return func(m *memory) {
		d.Run(team, of[float32](m.p[out], no), of[float32](m.p[in[0]], nl), of[float32](m.p[in[1]], nr), of[float32](m.p[work], size))
	}, flop, work
}

// plainDot computes the product of other types, one sum after another.
func plainDot[T number](d *kern.Dot, team kern.Team, in []int, out int) func(*memory) {
	last := func(tables ...[]int) (n int) {
		for _, t := range tables {
			if len(t) == 0 {
				return 0
			}
			n += t[len(t)-1]
		}
		return n + 1
	}
	nl, nr, M, N := last(d.LB, d.LM, d.LK), last(d.RB, d.RN, d.RK), len(d.LM), len(d.RN)
	return func(m *memory) {
		l, r, y := of[T](m.p[in[0]], nl), of[T](m.p[in[1]], nr), of[T](m.p[out], len(d.LB)*M*N)
		team.Each(len(d.LB)*M, func(_, it int) {
			b, row := it/M, y[it*N:][:N]
			lo := d.LB[b] + d.LM[it%M]
			for i, rn := range d.RN {
				var s T
				ro := d.RB[b] + rn
				for k, lk := range d.LK {
					s += l[lo+lk] * r[ro+d.RK[k]]
				}
				row[i] = s
			}
		})
	}
}
