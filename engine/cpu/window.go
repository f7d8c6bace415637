package cpu

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"
)

// window is the attribute of a ReduceWindow or SelectAndScatter.
type window struct {
	reduction compute.OpType
	taps      [][][]int // offsets into the tensor that the window slides over, by axis and position
	row       int       // elements of the innermost axes, over which the window does not slide
}

var windowReductions = map[compute.ReduceOpType]compute.OpType{
	compute.ReduceOpSum: compute.OpTypeReduceSum, compute.ReduceOpProduct: compute.OpTypeReduceProduct,
	compute.ReduceOpMax: compute.OpTypeReduceMax, compute.ReduceOpMin: compute.OpTypeReduceMin,
}

// ReduceWindow ignores padding: a window of nothing else yields the neutral element.
func (f *Function) ReduceWindow(x compute.Value, reduction compute.ReduceOpType, size, stride, inDil, dil []int, pad [][2]int) (
	compute.Value, error) {
	in, err := f.operands(compute.OpTypeReduceWindow, x)
	if err != nil {
		return nil, err
	}
	op, ok := windowReductions[reduction]
	if !ok {
		return nil, notImplemented("ReduceWindow by %s", reduction)
	}
	s, err := shapeinference.ReduceWindow(in[0].shape, size, stride, inDil, dil, pad)
	if err != nil || s.IsDynamic() {
		return f.add(compute.OpTypeReduceWindow, s, err, nil, in...)
	}
	w := newWindow(in[0].shape, s, size, stride, inDil, dil, pad)
	w.reduction = op
	return f.add(compute.OpTypeReduceWindow, s, nil, w, in...)
}

// SelectAndScatterMax adds each element of source to the first of the greatest elements of its window. It is the gradient of the maximum
// over windows.
func (f *Function) SelectAndScatterMax(x, source compute.Value, size, stride []int, pad [][2]int) (compute.Value, error) {
	return f.selectAndScatter(compute.OpTypeSelectAndScatterMax, x, source, size, stride, pad)
}

// SelectAndScatterMin is the gradient of the minimum over windows.
func (f *Function) SelectAndScatterMin(x, source compute.Value, size, stride []int, pad [][2]int) (compute.Value, error) {
	return f.selectAndScatter(compute.OpTypeSelectAndScatterMin, x, source, size, stride, pad)
}

func (f *Function) selectAndScatter(op compute.OpType, x, source compute.Value, size, stride []int, pad [][2]int) (compute.Value, error) {
	in, err := f.operands(op, x, source)
	if err != nil {
		return nil, err
	}
	s := in[0].shape
	windows, err := shapeinference.ReduceWindow(s, size, stride, nil, nil, pad)
	if err == nil && !windows.Equal(in[1].shape) {
		err = fmt.Errorf("the source is a %s, want a %s", in[1].shape, windows)
	}
	if err != nil || s.IsDynamic() {
		return f.add(op, s, err, nil, in...)
	}
	return f.add(op, s, nil, newWindow(s, windows, size, stride, nil, nil, pad), in...)
}

// newWindow returns a window over x whose positions are the elements of y. By default it is one element wide, moves by its width, and has
// no dilation or padding.
func newWindow(x, y shapes.Shape, size, stride, inDil, dil []int, pad [][2]int) window {
	ones := slices.Repeat([]int{1}, x.Rank())
	size, inDil, dil = orElse(size, ones), orElse(inDil, ones), orElse(dil, ones)
	stride, pad = orElse(stride, size), orElse(pad, make([][2]int, x.Rank()))
	w := window{row: 1}
	plain := make([]bool, x.Rank())
	for a, step := range strides(x) {
		taps := make([][]int, y.Dimensions[a])
		plain[a] = y.Dimensions[a] == x.Dimensions[a]
		for o := range taps {
			for k := range size[a] {
				if i := o*stride[a] + k*dil[a] - pad[a][0]; i >= 0 && i%inDil[a] == 0 && i/inDil[a] < x.Dimensions[a] {
					taps[o] = append(taps[o], i/inDil[a]*step)
				}
			}
			plain[a] = plain[a] && slices.Equal(taps[o], []int{o * step})
		}
		w.taps = append(w.taps, taps)
	}
	for last := x.Rank() - 1; last >= 0 && plain[last]; last-- {
		w.row *= x.Dimensions[last]
		w.taps = w.taps[:last]
	}
	return w
}

// positions returns the number of positions of the window. Each has a row of results.
func positions(taps [][][]int) int {
	n := 1
	for _, t := range taps {
		n *= len(t)
	}
	return n
}

// covered appends the offsets of the elements that the window covers at a position, in order.
func covered(taps [][][]int, position, base int, offsets []int) []int {
	if len(taps) == 0 {
		return append(offsets, base)
	}
	rest := positions(taps[1:])
	for _, o := range taps[0][position/rest] {
		offsets = covered(taps[1:], position%rest, base+o, offsets)
	}
	return offsets
}

func (c *compiler) lowerWindow(n *node, in, out int) func(*memory) {
	w, team, es := n.attr.(window), c.backend.team, n.shape.DType.Size()
	r := c.backend.reducer(w.reduction, n.shape.DType)
	if n.shape.Size() == 0 {
		return func(*memory) {}
	}
	all := positions(w.taps)
	group := parts(1<<10, w.row) // positions in a piece of work
	return func(m *memory) {
		x, y := m.p[in], m.p[out]
		team.Each(parts(all, group), func(_, it int) {
			var offsets []int
			for p := it * group; p < min(all, (it+1)*group); p++ {
				acc := unsafe.Add(y, p*w.row*es)
				r.init(acc, w.row)
				offsets = covered(w.taps, p, 0, offsets[:0])
				for _, o := range offsets {
					r.f(acc, acc, unsafe.Add(x, o*es), nil, w.row)
				}
			}
		})
	}
}

// selectAndScatter visits the positions in order, since windows may overlap. Threads share only the first axis, and only if windows are one
// element wide along it.
func selectAndScatter[T number](c *compiler, n *node, in []int, out int) func(*memory) {
	w, team := n.attr.(window), c.backend.team
	better := func(a, b T) bool { return a > b }
	if n.op == compute.OpTypeSelectAndScatterMin {
		better = func(a, b T) bool { return a < b }
	}
	size, windows, all := n.shape.Size(), n.in[1].shape.Size(), positions(w.taps)
	pieces := 1
	if len(w.taps) > 0 && !slices.ContainsFunc(w.taps[0], func(t []int) bool { return len(t) > 1 }) {
		pieces = len(w.taps[0])
	}
	return func(m *memory) {
		x, source, y := of[T](m.p[in[0]], size), of[T](m.p[in[1]], windows), of[T](m.p[out], size)
		clear(y)
		if windows == 0 {
			return
		}
		team.Each(pieces, func(_, it int) {
			var offsets []int
			for p := all * it / pieces; p < all*(it+1)/pieces; p++ {
				if offsets = covered(w.taps, p, 0, offsets[:0]); len(offsets) == 0 {
					continue
				}
				for i, v := range source[p*w.row:][:w.row] {
					best := offsets[0]
					for _, o := range offsets[1:] {
						if better(x[o+i], x[best+i]) {
							best = o
						}
					}
					y[best+i] += v
				}
			}
		})
	}
}
