package cpu

import (
	"slices"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapeinference"
)

// gather is the attribute of a Gather, in the terms of StableHLO.
type gather struct {
	vector                          int
	offset, collapsed, starts, size []int
}

// Gather clamps indices so that each slice is inside.
func (f *Function) Gather(x, at compute.Value, vector int, offset, collapsed, starts, size []int, sorted bool) (compute.Value, error) {
	in, err := f.operands(compute.OpTypeGather, x, at)
	if err != nil {
		return nil, err
	}
	s, err := shapeinference.Gather(in[0].shape, in[1].shape, vector, offset, collapsed, starts, size, sorted)
	g := gather{vector, slices.Clone(offset), slices.Clone(collapsed), slices.Clone(starts), slices.Clone(size)}
	return f.add(compute.OpTypeGather, s, err, g, in...)
}

// scatter is the attribute of a ScatterSum, ScatterMax or ScatterMin.
type scatter struct {
	vector                     int
	window, inserted, scatters []int
}

// ScatterSum skips updates that are not inside. It adds the others in order.
func (f *Function) ScatterSum(x, at, up compute.Value, vector int, window, inserted, scatters []int, _, _ bool) (compute.Value, error) {
	return f.scatter(compute.OpTypeScatterSum, x, at, up, vector, window, inserted, scatters)
}

// ScatterMax skips updates that are not inside.
func (f *Function) ScatterMax(x, at, up compute.Value, vector int, window, inserted, scatters []int, _, _ bool) (compute.Value, error) {
	return f.scatter(compute.OpTypeScatterMax, x, at, up, vector, window, inserted, scatters)
}

// ScatterMin skips updates that are not inside.
func (f *Function) ScatterMin(x, at, up compute.Value, vector int, window, inserted, scatters []int, _, _ bool) (compute.Value, error) {
	return f.scatter(compute.OpTypeScatterMin, x, at, up, vector, window, inserted, scatters)
}

func (f *Function) scatter(op compute.OpType, x, at, up compute.Value, vector int, window, inserted, scatters []int) (
	compute.Value, error) {
	in, err := f.operands(op, x, at, up)
	if err != nil {
		return nil, err
	}
	s, err := shapeinference.Scatter(in[0].shape, in[1].shape, in[2].shape, vector, window, inserted, scatters)
	return f.add(op, s, err, scatter{vector, slices.Clone(window), slices.Clone(inserted), slices.Clone(scatters)}, in...)
}

// indices locates the index vectors of a gather or scatter: it returns the offset of the first element of each, and the step from element
// to element.
func indices(at *node, vector int) (rows []int, step int) {
	st := strides(at.shape)
	batch := others(at.shape.Rank(), []int{vector})
	if vector < at.shape.Rank() {
		step = st[vector]
	}
	return offsets(pick(at.shape.Dimensions, batch...), pick(st, batch...)), step
}

func (c *compiler) lowerGather(n *node, in []int, out int) func(*memory) {
	g := n.attr.(gather)
	x, at, y := n.in[0].shape, n.in[1].shape, n.shape
	xs, ys := strides(x), strides(y)
	rows, step := indices(n.in[1], g.vector)
	batch, window := others(y.Rank(), g.offset), others(x.Rank(), g.collapsed)
	to := offsets(pick(y.Dimensions, batch...), pick(ys, batch...))
	size := pick(g.size, window...)
	run := 1 // elements that are contiguous in both
	ss, ds := pick(xs, window...), pick(ys, g.offset...)
	for i := len(size) - 1; i >= 0 && (size[i] == 1 || ss[i] == run && ds[i] == run); i-- {
		run *= size[i]
		size = size[:i]
	}
	from, into := offsets(size, ss), offsets(size, ds)
	es, team := x.DType.Size(), c.backend.team
	group := parts(1<<14, max(1, run*len(from)*es)) // rows per piece of work
	return func(m *memory) {
		team.Each(parts(len(rows), group), func(_, it int) {
			for r := it * group; r < min(len(rows), (it+1)*group); r++ {
				base := 0
				for j, axis := range g.starts {
					i := integerAt(m.p[in[1]], at.DType, rows[r]+j*step)
					base += min(max(i, 0), x.Dimensions[axis]-g.size[axis]) * xs[axis]
				}
				for e := range from {
					copyBytes(unsafe.Add(m.p[out], (to[r]+into[e])*es), unsafe.Add(m.p[in[0]], (base+from[e])*es), run*es)
				}
			}
		})
	}
}

func scatterOf[T number](n *node, in []int, out int) func(*memory) {
	combine := func(a, b T) T { return a + b }
	switch n.op {
	case compute.OpTypeScatterMax:
		combine = func(a, b T) T { return max(a, b) }
	case compute.OpTypeScatterMin:
		combine = func(a, b T) T { return min(a, b) }
	}
	g := n.attr.(scatter)
	x, at, up := n.in[0].shape, n.in[1].shape, n.in[2].shape
	xs, us := strides(x), strides(up)
	rows, step := indices(n.in[1], g.vector)
	batch, window := others(up.Rank(), g.window), others(x.Rank(), g.inserted)
	src := offsets(pick(up.Dimensions, batch...), pick(us, batch...))
	size := pick(up.Dimensions, g.window...)
	from, into := offsets(size, pick(us, g.window...)), offsets(size, pick(xs, window...))
	room := slices.Clone(x.Dimensions) // an update starts below room[axis], or does not fit
	for i, axis := range window {
		room[axis] -= size[i] - 1
	}
	return func(m *memory) {
		y, u := of[T](m.p[out], x.Size()), of[T](m.p[in[2]], up.Size())
		copy(y, of[T](m.p[in[0]], x.Size()))
		for r, row := range rows {
			base, inside := 0, true
			for j, axis := range g.scatters {
				i := integerAt(m.p[in[1]], at.DType, row+j*step)
				inside = inside && i >= 0 && i < room[axis]
				base += i * xs[axis]
			}
			if !inside {
				continue
			}
			for e := range from {
				y[base+into[e]] = combine(y[base+into[e]], u[src[r]+from[e]])
			}
		}
	}
}
