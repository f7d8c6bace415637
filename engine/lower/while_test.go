package lower_test

import (
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	. "github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
)

// names of the state of training.
var names = []string{"step", "kernel", "bias", "dense", "data"}

// training is a step of a small critic with a gradient penalty: convolutions and their second derivatives, sums, maxima, a
// gather of the batch from the data, random draws and gradient descent.
func training() (state, next []*Node) {
	g := New()
	for i, s := range []Shape{Of(U32, ""), Of(F32, "hwio", 3, 3, 1, 4), Of(F32, "c", 4), Of(F32, "c", 4*4*4), Of(F32, "bhwc", 10, 8, 8, 1)} {
		state = append(state, g.Input(names[i], s))
	}
	step, kernel, bias, dense, data := state[0], state[1], state[2], state[3], state[4]
	seed := g.Const(U32, 11)
	draw := func(stream uint32, s Shape) *Node { return Uniform(seed, step, stream, s) }
	at := Convert(Floor(Scale(draw(1, Of(F32, "b", 6)), 10)), I32)
	x := Take(data, at, 'b')
	fake := Normal(seed, step, 2, x.Shape)
	D := func(x *Node) *Node {
		h := Leaky(Add(Conv(x, kernel, Window2{H: Same(8, 3, 2), W: Same(8, 3, 2)}), bias), g.Const(F32, .3))
		return Dot(Merge(h, "hwc", 'c'), dense, "c")
	}
	eps := draw(3, Of(F32, "b", 6))
	mix := Add(Mul(eps, x), Mul(Sub(g.Const(F32, 1), eps), fake))
	slope := Norm(Grad(Sum(D(mix), "b"), mix)[0], "hwc", 1e-6)
	scores := D(x)
	loss := Add(Sub(Mean(D(fake), "b"), Mean(scores, "b")), Scale(Mean(Square(Sub(slope, g.Const(F32, 1))), "b"), 10))
	loss = Add(loss, Scale(Amax(scores, "b"), .01))
	params := []*Node{kernel, bias, dense}
	next = []*Node{Add(step, g.Const(U32, 1))}
	for i, d := range Grad(loss, params...) {
		next = append(next, Sub(params[i], Scale(d, .01)))
	}
	return state, append(next, data)
}

// Steps inside a While, whose number is an input, are so many calls; and four are two and two, bit by bit. (XLA fuses a loop's
// body otherwise than a whole program, so that single calls agree to rounding only.)
func TestStepsInsideAWhileAreCalls(t *testing.T) {
	each(t, func(t *testing.T, b compute.Backend) {
		state, next := training()
		start := [][]float64{{0}}
		for _, n := range state[1:] {
			v := make([]float64, n.Shape.Elems())
			for i := range v {
				v[i] = float64((i*37+len(v))%101)/101 - .5
			}
			start = append(start, v)
		}
		p := compile(t, b, next...)
		call := func(state [][]float64) [][]float64 {
			in := values{}
			for i, v := range state {
				in[names[i]] = v
			}
			return p.run(t, in)
		}
		exec, err := graph.NewExec(b, func(in []*graph.Node) []*graph.Node { return while(in[0], in[1:], state, next) })
		if err != nil {
			t.Fatal(err)
		}
		defer exec.Finalize()
		loop := func(n int32, from [][]float64) (to [][]float64) {
			args := []any{n}
			for i, s := range state {
				args = append(args, lower.Tensor(s.Shape, from[i]))
			}
			res, err := exec.Call(args...)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range res {
				to = append(to, lower.Floats(r))
			}
			return to
		}
		tolerance := 0.
		if b.Name() == "xla" {
			tolerance = 1e-6
		}
		calls, four, twoAndTwo := call(call(call(call(start)))), loop(4, start), loop(2, loop(2, start))
		for i, name := range names {
			compare(t, name+", calls", four[i], calls[i], tolerance)
			compare(t, name+", two and two", twoAndTwo[i], four[i], 0)
		}
		if slices.Equal(four[1], start[1]) {
			t.Error("nothing was trained")
		}
	})
}

// while runs n steps on the state. Nothing is captured: n is part of the loop's state, too.
func while(n *graph.Node, in []*graph.Node, state, next []*Node) []*graph.Node {
	g := n.Graph()
	parameters := func(g *graph.Graph) (i, n *graph.Node, s []*graph.Node) {
		i, n = graph.Parameter(g, "i", shapes.Make(dtypes.Int32)), graph.Parameter(g, "n", shapes.Make(dtypes.Int32))
		for k, x := range state {
			s = append(s, graph.Parameter(g, names[k], lower.TensorShape(x.Shape)))
		}
		return i, n, s
	}
	more := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
		i, n, _ := parameters(g)
		return []*graph.Node{graph.LessThan(i, n)}
	})
	body := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
		i, n, s := parameters(g)
		var ordered []*graph.Node
		for _, x := range lower.Inputs(next...) {
			ordered = append(ordered, s[slices.Index(state, x)])
		}
		return append([]*graph.Node{graph.Add(i, graph.Const(g, int32(1))), n}, lower.Build(g, ordered, next...)...)
	})
	return graph.While(more, body, append([]*graph.Node{graph.Const(g, int32(0)), n}, in...)...)[2:]
}
