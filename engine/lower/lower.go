// Package lower turns expressions into GoMLX graphs, compiles them and runs them on devices: one lowering for every backend. It
// alone imports GoMLX, except for engine/cpu, which is one of GoMLX's backends; training, extractors and metrics use its Backend,
// Device, Buffer, Exec and Loop. Of starsweep's packages it imports engine/expr and engine/cpu.
//
// backend.go opens backends and buffer.go moves numbers to and from their devices. rules.go has one row per operation, indexing.go
// and conv.go the long ones, and random.go the generator. exec.go is a compiled program, loop.go one that runs many steps per
// call, and products.go multiplies matrices.
package lower

import (
	"fmt"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/starsweep/starsweep/engine/expr"
)

type (
	node = *expr.Node
	val  = *graph.Node
)

// build makes the graph nodes of outs in the function of g that is being built: the main one, or the body of a While. in has the
// node of every input and real, in the order of Inputs(outs...). The expressions do not change. Like GoMLX's own functions, it
// panics if the backend refuses something; placed then adds the place.
//
// In a closure it uses nothing of the enclosing function: no captures, and new constants (GoMLX caches its own by graph, and
// refuses them in other functions). go-xla caches one reduction per element type and graph, so on XLA only one function of a graph
// may contain the sums, maxima and puts that build makes.
func (c *ctx) build(g *graph.Graph, in []val, outs ...*expr.Node) []val {
	outs = expr.Copy(outs...) // rules that rewrite add nodes: not to a graph that another goroutine may be lowering
	c.g, c.done = g, map[node]val{}
	leaves := Inputs(outs...)
	if len(in) != len(leaves) {
		panic(fmt.Sprintf("lower: got %d inputs, want %d", len(in), len(leaves)))
	}
	for i, l := range leaves {
		c.done[l] = in[i]
	}
	r := make([]val, len(outs))
	for i, o := range outs {
		r[i] = c.value(o)
	}
	return r
}

// Inputs lists the leaves that outs read, inputs and reals, in the order of first use.
func Inputs(outs ...*expr.Node) (in []*expr.Node) {
	for _, m := range expr.Order(outs...) {
		if _, ok := m.Attr.(expr.Leaf); ok {
			in = append(in, m)
		}
	}
	return in
}

// ctx is the progress of one lowering. The zero value is ready to build.
type ctx struct {
	g    *graph.Graph
	done map[node]val
	at   node // the expression whose rule is running, the place of an error; nil before and after
}

// placed adds to an error of the backend the expression that it refused, if there is one.
func (c *ctx) placed(err error) error {
	if c.at == nil {
		return err
	}
	e := &expr.Error{Pos: c.at.Pos, Op: c.at.Op.Name, Why: "the backend does not support it: " + err.Error()}
	for _, a := range c.at.Args {
		e.Got = append(e.Got, a.Shape)
	}
	return e
}

// value lowers m, once.
func (c *ctx) value(m node) val {
	if v, ok := c.done[m]; ok {
		return v
	}
	rule := rules[m.Op.Name]
	if rule == nil {
		panic("lower: no rule for " + m.Op.Name)
	}
	outer := c.at
	c.at = m
	v := rule(c, m)
	if want := tensorShape(m.Shape); !v.Shape().Equal(want) {
		panic(fmt.Sprintf("lower: the rule of %s returned %v, want %v", m.Op.Name, v.Shape(), want))
	}
	c.at = outer
	c.done[m] = v
	return v
}

// arg is the value of m's i-th argument.
func (c *ctx) arg(m node, i int) val { return c.value(m.Args[i]) }

// number makes a constant in the function that is being built.
func (c *ctx) number(d expr.DType, v float64) val { return graph.ConstAsDType(c.g, dtype[d], v) }

var dtype = map[expr.DType]dtypes.DType{
	expr.F32: dtypes.Float32, expr.F64: dtypes.Float64, expr.U32: dtypes.Uint32, expr.I32: dtypes.Int32, expr.Bool: dtypes.Bool,
}

// tensorShape is the GoMLX shape of s.
func tensorShape(s expr.Shape) shapes.Shape { return shapes.Make(dtype[s.DType], s.Dims()...) }

// as reshapes v of shape s to the axes of out; those that s lacks have length 1. Scalars stay scalars.
func as(v val, s, out expr.Shape) val {
	if s.Axes() == out.Axes() || s.Scalar() {
		return v
	}
	var d []int
	for _, a := range []byte(out.Axes()) {
		d = append(d, max(1, s.Size(a)))
	}
	return graph.Reshape(v, d...)
}

// full repeats v of shape s along the axes of out that it lacks.
func full(v val, s, out expr.Shape) val {
	added := out.Minus(s)
	if added == "" {
		return v
	}
	return graph.ExpandAndBroadcast(v, out.Dims(), places(out, added))
}

// places are the positions of axes in s.
func places(s expr.Shape, axes string) []int { return positions(s.Axes(), axes) }
