// Package lower turns expressions into GoMLX graphs.
package lower

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/starsweep/starsweep/engine/expr"
)

type (
	node = *expr.Node
	val  = *graph.Node
)

// Strategy is how a backend likes its programs.
type Strategy struct {
	Conv    string // "im2col", "im2col2" (columns, then rows), "take" (by index), "native", "mixed" (native where XLA's CPU compiler is good at it)
	DotSums bool   // sums as products with ones: the Go backend multiplies matrices faster than it adds
}

// For is the strategy for a backend's configuration: matrix products on CPUs, native convolutions on accelerators.
func For(config string) Strategy {
	switch {
	case strings.HasPrefix(config, "go"):
		return Strategy{"im2col", true}
	case strings.HasPrefix(config, "cpu"):
		return Strategy{"native", false}
	case strings.Contains(config, "cpu"):
		return Strategy{"mixed", false}
	}
	return Strategy{"native", false}
}

// Build makes the graph nodes of outs. in gives the node of every input and real, in the order of Inputs(outs...). The
// expressions are not touched: rewriting happens in a copy.
func Build(s Strategy, g *graph.Graph, in []*graph.Node, outs ...*expr.Node) []*graph.Node {
	outs = expr.Copy(outs...)
	c := &ctx{s, g, map[node]val{}, map[node]int{}}
	for _, m := range expr.Order(outs...) {
		for _, a := range m.Args {
			c.uses[a]++
		}
	}
	for i, l := range Inputs(outs...) {
		c.done[l] = in[i]
	}
	r := make([]val, len(outs))
	for i, o := range outs {
		r[i] = c.value(o)
	}
	return r
}

// Inputs lists the leaves that outs read: inputs and reals.
func Inputs(outs ...*expr.Node) (in []*expr.Node) {
	for _, m := range expr.Order(outs...) {
		if _, ok := m.Attr.(expr.Leaf); ok {
			in = append(in, m)
		}
	}
	return in
}

type ctx struct {
	Strategy
	g    *graph.Graph
	done map[node]val
	uses map[node]int
}

func (c *ctx) value(m node) val {
	if v, ok := c.done[m]; ok {
		return v
	}
	rule := table[m.Op.Name]
	if rule == nil {
		panic("lower: no rule for " + m.Op.Name)
	}
	m.Graph().Pos = m.Pos
	v := rule(c, m)
	if got, want := fmt.Sprint(v.Shape().Dimensions), fmt.Sprint(m.Shape.Dims()); got != want && len(m.Shape.Dims()) > 0 {
		panic(fmt.Sprintf("lower: %s gave %s, want %v", m.Op.Name, v.Shape(), m.Shape))
	}
	c.done[m] = v
	return v
}

var dtype = map[expr.DType]dtypes.DType{expr.F32: dtypes.Float32, expr.F64: dtypes.Float64, expr.U32: dtypes.Uint32, expr.I32: dtypes.Int32, expr.Bool: dtypes.Bool}

// TensorShape is the GoMLX shape of s.
func TensorShape(s expr.Shape) shapes.Shape { return shapes.Make(dtype[s.DType], s.Dims()...) }

// as views v of shape s with the axes of out, those missing of length 1. Scalars stay scalars.
func as(v val, s, out expr.Shape) val {
	if s.Axes() == out.Axes() || s.Axes() == "" {
		return v
	}
	var d []int
	for _, a := range out.Axes() {
		d = append(d, max(1, s.Size(byte(a))))
	}
	return graph.Reshape(v, d...)
}

// full repeats v of shape s to out.
func full(v val, s, out expr.Shape) val {
	if s.Axes() == out.Axes() {
		return v
	}
	return graph.BroadcastToDims(as(v, s, out), out.Dims()...)
}

func one(f func(val) val) func(*ctx, node) val {
	return func(c *ctx, m node) val { return f(c.value(m.Args[0])) }
}

func two(f func(a, b val) val) func(*ctx, node) val {
	return func(c *ctx, m node) val {
		a, b := m.Args[0], m.Args[1]
		return f(as(c.value(a), a.Shape, m.Shape), as(c.value(b), b.Shape, m.Shape))
	}
}

// table has one row per operation.
var table map[string]func(c *ctx, m node) val

func init() {
	table = map[string]func(c *ctx, m node) val{
		"const": func(c *ctx, m node) val { return graph.Scalar(c.g, dtype[m.Shape.DType], m.Attr.(expr.Number).V) },
		"iota":  func(c *ctx, m node) val { return graph.Iota(c.g, TensorShape(m.Shape), 0) },
		"bits":  func(c *ctx, m node) val { return c.value(bits(m)) },

		"neg": one(graph.Neg), "abs": one(graph.Abs), "sign": one(graph.Sign), "floor": one(graph.Floor), "exp": one(graph.Exp),
		"log": one(graph.Log), "log1p": one(graph.Log1p), "sqrt": one(graph.Sqrt), "rsqrt": one(graph.Rsqrt), "tanh": one(graph.Tanh),
		"sigmoid": one(graph.Sigmoid), "sin": one(graph.Sin), "cos": one(graph.Cos), "stop": one(func(v val) val { return v }),

		"add": two(graph.Add), "sub": two(graph.Sub), "mul": two(graph.Mul), "div": two(graph.Div), "pow": two(graph.Pow),
		"max": two(graph.Max), "min": two(graph.Min), "xor": two(graph.BitwiseXor), "shr": two(graph.BitwiseShiftRightLogical),
		"less": two(graph.LessThan), "equal": two(graph.Equal),
		"where": func(c *ctx, m node) val {
			v := make([]val, 3)
			for i, a := range m.Args {
				if v[i] = c.value(a); a.Shape.Axes() != "" {
					v[i] = full(v[i], a.Shape, m.Shape)
				}
			}
			if v[0].IsScalar() {
				v[0] = graph.BroadcastToDims(v[0], m.Shape.Dims()...)
			}
			return graph.Where(v[0], v[1], v[2])
		},
		"convert": func(c *ctx, m node) val { return graph.ConvertDType(c.value(m.Args[0]), dtype[m.Shape.DType]) },

		"sum": sum,
		"amax": func(c *ctx, m node) val {
			return graph.ReduceMax(c.value(m.Args[0]), places(m.Args[0].Shape, m.Attr.(string))...)
		},
		"expand": func(c *ctx, m node) val { return full(c.value(m.Args[0]), m.Args[0].Shape, m.Shape) },
		"rename": func(c *ctx, m node) val {
			r, axes := m.Attr.(expr.Names), m.Args[0].Shape.Axes()
			return order(c.value(m.Args[0]), strings.NewReplacer(pairs(r.From, r.To)...).Replace(axes), m.Shape)
		},
		"merge": reshape, "split": reshape,
		"slice": func(c *ctx, m node) val {
			spec := map[byte]graph.SliceAxisSpec{}
			for m.Op.Name == "slice" { // slices of slices along other axes are one slice
				a := m.Attr.(expr.Axis)
				if _, twice := spec[a.A]; twice {
					break
				}
				spec[a.A] = graph.AxisRange(a.Lo, a.Hi).Stride(a.Step)
				m = m.Args[0]
			}
			var all []graph.SliceAxisSpec
			for _, a := range m.Shape.Axes() {
				if s, ok := spec[byte(a)]; ok {
					all = append(all, s)
				} else {
					all = append(all, graph.AxisRange())
				}
			}
			return graph.Slice(c.value(m), all...)
		},
		"pad": func(c *ctx, m node) val {
			spec := map[byte]graph.PadAxis{}
			for m.Op.Name == "pad" {
				a := m.Attr.(expr.Axis)
				if _, twice := spec[a.A]; twice {
					break
				}
				spec[a.A] = graph.PadAxis{Start: a.Lo, End: a.Hi, Interior: a.Step - 1}
				m = m.Args[0]
			}
			var all []graph.PadAxis
			for _, a := range m.Shape.Axes() {
				all = append(all, spec[byte(a)])
			}
			return graph.Pad(c.value(m), graph.ScalarZero(c.g, dtype[m.Shape.DType]), all...)
		},
		"reverse": func(c *ctx, m node) val {
			return graph.Reverse(c.value(m.Args[0]), places(m.Shape, m.Attr.(string))...)
		},
		"concat": func(c *ctx, m node) val {
			var v []val
			for _, a := range m.Args {
				v = append(v, full(c.value(a), a.Shape, m.Shape.With(m.Attr.(string)[0], a.Shape.Size(m.Attr.(string)[0]))))
			}
			if len(v) == 1 {
				return v[0]
			}
			return graph.Concatenate(v, places(m.Shape, m.Attr.(string))[0])
		},
		"take": take, "put": put,
		"dot": func(c *ctx, m node) val {
			a, b := m.Args[0], m.Args[1]
			return dot(c.value(a), a.Shape, c.value(b), b.Shape, m.Attr.(string), m.Shape)
		},
		"conv": conv, "conv_input_grad": conv, "conv_kernel_grad": conv,
	}
}

func reshape(c *ctx, m node) val { return graph.Reshape(c.value(m.Args[0]), m.Shape.Dims()...) }

// places are the positions of axes in s.
func places(s expr.Shape, axes string) (p []int) {
	for _, a := range axes {
		p = append(p, strings.IndexRune(s.Axes(), a))
	}
	return p
}

func pairs(from, to string) (p []string) {
	for i := range from {
		p = append(p, from[i:i+1], to[i:i+1])
	}
	return p
}

// order transposes v, whose axes are in the order given, to the order of s.
func order(v val, axes string, s expr.Shape) val { return permute(v, axes, s.Axes()) }

// permute transposes v, whose axes are in the order from, to the order to.
func permute(v val, from, to string) val {
	if from == to {
		return v
	}
	var p []int
	for _, a := range to {
		p = append(p, strings.IndexRune(from, a))
	}
	return graph.TransposeAllAxes(v, p...)
}

// split sorts the axes of a product: those of both that stay, those of a only, those of b only.
func split(a, b expr.Shape, over string) (batch, freeA, freeB string) {
	for _, l := range a.Axes() {
		switch {
		case strings.ContainsRune(over, l):
		case b.Has(byte(l)):
			batch += string(l)
		default:
			freeA += string(l)
		}
	}
	return batch, freeA, b.Minus(a)
}

// dot picks the order of the operands that needs no transposition of the result, if there is one.
func dot(av val, a expr.Shape, bv val, b expr.Shape, over string, out expr.Shape) val {
	batch, fa, fb := split(a, b, over)
	if batch+fa+fb != out.Axes() && batch+fb+fa == out.Axes() {
		av, a, fa, bv, b, fb = bv, b, fb, av, a, fa
	}
	y := graph.DotGeneral(av, places(a, over), places(a, batch), bv, places(b, over), places(b, batch))
	return order(y, batch+fa+fb, out)
}

// sum, as a product with ones if the backend prefers it and the axes lie at an end; a sum of products is a product.
func sum(c *ctx, m node) val {
	a, over := m.Args[0], m.Attr.(string)
	plain := func() val { return graph.ReduceSum(c.value(a), places(a.Shape, over)...) }
	if !c.DotSums || !a.Shape.DType.Float() {
		return plain()
	}
	if p := a; p.Op.Name == "mul" && c.uses[p] == 1 && p.Args[0].Shape == p.Shape && p.Args[1].Shape == p.Shape && strings.HasSuffix(p.Shape.Axes(), over) {
		rows := p.Shape.Elems() / m.Shape.Elems()
		u, v := graph.Reshape(c.value(p.Args[0]), -1, 1, rows), graph.Reshape(c.value(p.Args[1]), -1, 1, rows)
		return graph.Reshape(graph.DotGeneral(u, []int{2}, []int{0}, v, []int{2}, []int{0}), m.Shape.Dims()...)
	}
	ones := func(k int) val { return graph.BroadcastToDims(graph.ScalarOne(c.g, dtype[a.Shape.DType]), 1, k) }
	rows, rest := a.Shape.Elems()/m.Shape.Elems(), m.Shape.Elems()
	switch {
	case strings.HasSuffix(a.Shape.Axes(), over):
		v := graph.Reshape(c.value(a), rest, rows)
		return graph.Reshape(graph.DotGeneral(v, []int{1}, nil, ones(rows), []int{1}, nil), m.Shape.Dims()...)
	case strings.HasPrefix(a.Shape.Axes(), over):
		v := graph.Reshape(c.value(a), rows, rest)
		return graph.Reshape(graph.DotGeneral(ones(rows), []int{1}, nil, v, []int{0}, nil), m.Shape.Dims()...)
	}
	return plain()
}

// take is one gather, whose result has its axes where they belong.
func take(c *ctx, m node) val {
	s, i, a := m.Args[0].Shape, m.Args[1].Shape, m.Attr.(expr.Index)
	at, gone := graph.Reshape(c.value(m.Args[1]), append(i.Dims(), 1)...), string(a.A)
	if s.Has('k') && i.Has('k') { // each trial has its own indices
		gone = "k" + gone
		trial := graph.Iota(c.g, TensorShape(expr.Of(expr.I32, "k", i.Size('k'))), 0)
		at = graph.Concatenate([]val{graph.Reshape(full(trial, expr.Of(expr.I32, "k", i.Size('k')), i), append(i.Dims(), 1)...), at}, -1)
	}
	rest, size := s.Without(gone), s.Dims()
	for _, p := range places(s, gone) {
		size[p] = 1
	}
	return graph.BackendGather(c.value(m.Args[0]), at, len(i.Dims()), places(m.Shape, rest.Axes()), places(s, gone), places(s, gone), size, false)
}

// put is a scatter along a leading axis; each trial has its own part of it.
func put(c *ctx, m node) val {
	v, i, a := m.Args[0], m.Args[1], m.Attr.(expr.Index)
	out := v.Shape.Without(i.Shape.Axes())
	all := out // v with all axes of i
	for _, l := range i.Shape.Axes() {
		all = all.With(byte(l), i.Shape.Size(byte(l)))
	}
	rest, rows, at := out.Axes(), a.Size, c.value(i)
	first := string(a.A)
	if k := i.Shape.Size('k'); k > 0 {
		trial := expr.Of(expr.I32, "k", k)
		at = graph.Add(at, as(graph.MulScalar(graph.Iota(c.g, TensorShape(trial), 0), a.Size), trial, i.Shape))
		first, rows = "k"+first, rows*k
	}
	vv := permute(full(c.value(v), v.Shape, all), all.Axes(), i.Shape.Axes()+rest)
	vv = graph.Reshape(vv, i.Shape.Elems(), out.Elems())
	y := graph.Scatter(graph.Reshape(at, i.Shape.Elems(), 1), vv, shapes.Make(dtype[v.Shape.DType], rows, out.Elems()), false, false)
	var dims []int
	for _, l := range first + rest {
		dims = append(dims, m.Shape.Size(byte(l)))
	}
	return order(graph.Reshape(y, dims...), first+rest, m.Shape)
}
