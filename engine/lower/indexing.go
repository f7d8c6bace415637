package lower

import (
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/starsweep/starsweep/engine/expr"
)

// dot is one DotGeneral. The axes of its result are those of both operands, those of the first only, those of the second only, in
// this order. The operands are exchanged if that avoids a transposition of the result.
func dot(c *ctx, m node) val {
	a, b, over := m.Args[0], m.Args[1], m.Attr.(string)
	batch := a.Shape.Only(b.Shape.Axes()).Without(over).Axes()
	freeA, freeB := a.Shape.Minus(b.Shape), b.Shape.Minus(a.Shape)
	if out := m.Shape.Axes(); batch+freeA+freeB != out && batch+freeB+freeA == out {
		a, b, freeA, freeB = b, a, freeB, freeA
	}
	y := graph.DotGeneral(c.value(a), places(a.Shape, over), places(a.Shape, batch), c.value(b), places(b.Shape, over), places(b.Shape, batch))
	return permute(y, batch+freeA+freeB, m.Shape.Axes())
}

// take is one gather, whose result has its axes in order.
func take(c *ctx, m node) val {
	s, i, gone := m.Args[0].Shape, m.Args[1].Shape, string(rune(m.Attr.(expr.Index).A))
	at := graph.Reshape(c.arg(m, 1), append(i.Dims(), 1)...)
	if s.Has('k') && i.Has('k') { // each trial has its own indices
		gone = "k" + gone
		trial := full(graph.Iota(c.g, tensorShape(i.Only("k")), 0), i.Only("k"), i)
		at = graph.Concatenate([]val{graph.Reshape(trial, append(i.Dims(), 1)...), at}, -1)
	}
	size := s.Dims()
	for _, p := range places(s, gone) {
		size[p] = 1
	}
	rest := s.Without(gone).Axes()
	return graph.BackendGather(c.arg(m, 0), at, len(i.Dims()), places(m.Shape, rest), places(s, gone), places(s, gone), size, false)
}

// put is one scatter of rows: the new axis comes first, each trial has its own part of it, and the other axes of v form a row.
func put(c *ctx, m node) val {
	v, i, a := m.Args[0], m.Args[1].Shape, m.Attr.(expr.Index)
	row := v.Shape.Without(i.Axes())
	at, first, rows := c.arg(m, 1), string(rune(a.A)), a.Size
	if i.Has('k') {
		k := i.Only("k")
		at = graph.Add(at, as(graph.Mul(graph.Iota(c.g, tensorShape(k), 0), c.number(expr.I32, float64(a.Size))), k, i))
		first, rows = "k"+first, rows*i.Size('k')
	}
	all := row // v with all axes of i
	for _, l := range []byte(i.Axes()) {
		all = all.With(l, i.Size(l))
	}
	updates := permute(full(c.value(v), v.Shape, all), all.Axes(), i.Axes()+row.Axes())
	updates = graph.Reshape(updates, i.Elems(), row.Elems())
	zeros := graph.BroadcastToShape(c.number(v.Shape.DType, 0), shapes.Make(dtype[v.Shape.DType], rows, row.Elems()))
	y := graph.ScatterSum(zeros, graph.Reshape(at, i.Elems(), 1), updates, false, false)
	var dims []int
	for _, l := range []byte(first + row.Axes()) {
		dims = append(dims, m.Shape.Size(l))
	}
	return permute(graph.Reshape(y, dims...), first+row.Axes(), m.Shape.Axes())
}
