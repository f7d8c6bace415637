package onnx

import (
	"math"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/expr"
)

// places are the positions of axes among all.
func places(all, axes string) (p []int) {
	for _, a := range axes {
		p = append(p, strings.IndexRune(all, a))
	}
	return p
}

// as gives v of shape s the axes of out; those that s lacks have length 1. Scalars stay scalars: ONNX broadcasts them.
func (g *graph) as(v value, s, out expr.Shape) value {
	added := out.Minus(s)
	if added == "" || s.Scalar() {
		return v
	}
	return g.add("Unsqueeze", []value{v, g.integers(places(out.Axes(), added)...)})
}

// full repeats v of shape s along the axes of out that it lacks.
func (g *graph) full(v value, s, out expr.Shape) value {
	added := out.Minus(s)
	if added == "" {
		return v
	}
	size := make([]int, 0, 8) // 1 keeps the size of v
	for _, a := range []byte(out.Axes()) {
		n := 1
		if strings.IndexByte(added, a) >= 0 {
			n = out.Size(a)
		}
		size = append(size, n)
	}
	shape := g.integers(size...)
	if strings.Contains(added, "b") {
		shape = g.batch(size)
	}
	return g.add("Expand", []value{g.as(v, s, out), shape})
}

// batch is the sizes, whose first is that of axis b: the number of examples in the inputs.
func (g *graph) batch(size []int) value {
	n := g.add("Shape", []value{g.examples()}, integer("start", 0), integer("end", 1))
	if len(size) == 1 {
		return n
	}
	return g.add("Concat", []value{n, g.integers(size[1:]...)}, integer("axis", 0))
}

// examples is an input with the axis b, or "" if there is none.
func (g *graph) examples() value {
	for _, in := range g.Inputs {
		if in.Node.Shape.Has('b') {
			return value(in.Name)
		}
	}
	return ""
}

// permute transposes v from the order of axes to another. Known tensors are transposed here, so that the file has them as its operations
// read them.
func (g *graph) permute(v value, from, to string) value {
	if from == to {
		return v
	}
	order := places(from, to)
	if t, known := g.tensors[v]; known {
		return g.transposed(t, order, to)
	}
	return g.add("Transpose", []value{v}, list("perm", order...))
}

// transposed is t with its axes in another order.
func (g *graph) transposed(t tensor, order []int, to string) value {
	dims, from := make([]int, len(order)), make([]int, len(order)) // of the result; the strides in t of its axes
	each := len(t.data)
	for _, n := range t.dims {
		each /= n
	}
	for i, a := range order {
		dims[i], from[i] = t.dims[a], each
		for _, n := range t.dims[a+1:] {
			from[i] *= n
		}
	}
	data := make([]byte, 0, len(t.data))
	var visit func(axis, at int)
	visit = func(axis, at int) {
		if axis == len(dims) {
			data = append(data, t.data[at:at+each]...)
			return
		}
		for i := range dims[axis] {
			visit(axis+1, at+i*from[axis])
		}
	}
	visit(0, 0)
	return g.constant(t.name+"/"+to, t.dtype, dims, data)
}

func expand(g *graph, n *expr.Node) value { return g.full(g.arg(n, 0), n.Args[0].Shape, n.Shape) }

func rename(g *graph, n *expr.Node) value {
	r := n.Attr.(expr.Names)
	apart(n, r.From+r.To)
	renamed := strings.Map(func(a rune) rune {
		if i := strings.IndexRune(r.From, a); i >= 0 {
			return rune(r.To[i])
		}
		return a
	}, n.Args[0].Shape.Axes())
	return g.permute(g.arg(n, 0), renamed, n.Shape.Axes())
}

// reshape is merge and split.
func reshape(g *graph, n *expr.Node) value {
	f := n.Attr.(expr.Fold)
	apart(n, string(rune(f.One))+f.Many.Axes())
	size := n.Shape.Dims()
	for i, a := range n.Shape.Axes() {
		if a == 'b' {
			size[i] = -1 // whatever is left
		}
	}
	return g.add("Reshape", []value{g.arg(n, 0), g.integers(size...)})
}

// cut is every step-th element of lo:hi of axis number i.
func (g *graph) cut(v value, i, lo, hi, step int) value {
	return g.add("Slice", []value{v, g.integers(lo), g.integers(hi), g.integers(i), g.integers(step)})
}

func slice(g *graph, n *expr.Node) value {
	a := n.Attr.(expr.Axis)
	apart(n, string(rune(a.A)))
	return g.cut(g.arg(n, 0), places(n.Shape.Axes(), string(rune(a.A)))[0], a.Lo, a.Hi, a.Step)
}

func reverse(g *graph, n *expr.Node) value {
	axis := n.Attr.(string)
	apart(n, axis)
	return g.cut(g.arg(n, 0), places(n.Shape.Axes(), axis)[0], -1, math.MinInt64, -1)
}

// pad puts zeros around an axis. ONNX has none between elements: they are a new axis, which is then merged.
func pad(g *graph, n *expr.Node) value {
	a, s := n.Attr.(expr.Axis), n.Args[0].Shape
	apart(n, string(rune(a.A)))
	v, i, rank := g.arg(n, 0), places(s.Axes(), string(rune(a.A)))[0], len(s.Dims())
	around := func(v value, rank, i, lo, hi int) value {
		if lo == 0 && hi == 0 {
			return v
		}
		pads := make([]int, 2*rank)
		pads[i], pads[rank+i] = lo, hi
		return g.add("Pad", []value{v, g.integers(pads...), g.scalar(n.Shape.DType, 0)})
	}
	if a.Step > 1 {
		v = around(g.add("Unsqueeze", []value{v, g.integers(i + 1)}), rank+1, i+1, 0, a.Step-1)
		size := s.Dims()
		size[i] *= a.Step
		if s.Has('b') {
			size[0] = -1
		}
		v = g.cut(g.add("Reshape", []value{v, g.integers(size...)}), i, 0, (s.Size(a.A)-1)*a.Step+1, 1)
	}
	return around(v, rank, i, a.Lo, a.Hi)
}

func concat(g *graph, n *expr.Node) value {
	axis := n.Attr.(string)
	apart(n, axis)
	v := make([]value, len(n.Args))
	for i, a := range n.Args {
		v[i] = g.full(g.value(a), a.Shape, n.Shape.With(axis[0], a.Shape.Size(axis[0])))
	}
	return g.add("Concat", v, integer("axis", places(n.Shape.Axes(), axis)[0]))
}

// take is a gather, which puts the axes of the indices where the axis was.
func take(g *graph, n *expr.Node) value {
	x, i := n.Args[0].Shape, n.Args[1].Shape
	axis := string(rune(n.Attr.(expr.Index).A))
	apart(n, axis)
	y := g.add("Gather", []value{g.arg(n, 0), g.arg(n, 1)}, integer("axis", places(x.Axes(), axis)[0]))
	return g.permute(y, strings.Replace(x.Axes(), axis, i.Axes(), 1), n.Shape.Axes())
}

// put is a product with the matrix that has a 1 where an index is met.
func put(g *graph, n *expr.Node) value {
	v, at, a := n.Args[0], n.Args[1], n.Attr.(expr.Index)
	defer n.Graph().At(n.Graph().At(n.Pos))
	hits := expr.Convert(expr.Equal(at, n.Graph().Iota(a.A, a.Size)), v.Shape.DType)
	return g.value(expr.Dot(expr.Expand(v, at.Shape), hits, at.Shape.Axes()))
}

// over folds whole axes.
func over(kind string) rule {
	return func(g *graph, n *expr.Node) value {
		axes, s := n.Attr.(string), n.Args[0].Shape
		apart(n, axes)
		computes(n, n.Shape.DType)
		return g.add(kind, []value{g.arg(n, 0), g.integers(slices.Clone(places(s.Axes(), axes))...)}, integer("keepdims", 0))
	}
}
