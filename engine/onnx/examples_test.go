package onnx_test

import (
	"fmt"
	"maps"

	. "github.com/starsweep/starsweep/engine/expr"
)

// given are the inputs of examples, of 3 examples; w is a tensor of weights.
type given struct{ x, z, y, w, k *Node }

func inputs() (*Graph, given) {
	g := New()
	return g, given{
		x: g.Input("x", Of(F32, "bhwc", 3, 4, 5, 2)), z: g.Input("z", Of(F32, "bc", 3, 2)), y: g.Input("y", Of(I32, "b", 3)),
		w: g.Leaf(Leaf{Role: State, Name: "net/dense1/kernel", Shape: Of(F32, "co", 2, 3)}),
		k: g.Leaf(Leaf{Role: State, Name: "net/conv1/kernel", Shape: Of(F32, "hwio", 3, 2, 2, 4)}),
	}
}

func of(n *Node, v float64) *Node { return n.Graph().Const(n.Shape.DType, v) }

// positive is x, made positive.
func positive(x *Node) *Node { return Add(Square(x), of(x, .25)) }

// build makes an example of an operation.
type build = func(g *Graph, in given) *Node

// translated are expressions that models have, together of all operations.
func translated() map[string]build {
	ex := elementwise()
	maps.Copy(ex, axes())
	maps.Copy(ex, products())
	return ex
}

func elementwise() map[string]build {
	ex := map[string]build{
		"log1p":         func(_ *Graph, in given) *Node { return Log1p(Mul(positive(in.x), of(in.x, 1e-6))) },
		"softplus":      func(_ *Graph, in given) *Node { return Softplus(Mul(in.x, of(in.x, 200))) },
		"sign of ints":  func(_ *Graph, in given) *Node { return Neg(Abs(Sign(Sub(in.y, of(in.y, 1))))) },
		"real":          func(g *Graph, in given) *Node { return Mul(in.x, g.Real(F32, .75)) },
		"weight":        func(_ *Graph, in given) *Node { return Mul(in.z, Sum(in.w, "o")) },
		"where":         func(_ *Graph, in given) *Node { return Where(Less(in.x, in.z), Mul(in.x, in.z), of(in.x, 7)) },
		"equal":         func(g *Graph, in given) *Node { return Where(Equal(in.y, g.Const(I32, 1)), Sum(in.z, "c"), in.z) },
		"convert":       func(_ *Graph, in given) *Node { return Mul(Convert(Convert(Scale(in.x, 5), I32), F32), in.z) },
		"one hot":       func(_ *Graph, in given) *Node { return OneHot(in.y, 'c', 5, F32) },
		"sum":           func(_ *Graph, in given) *Node { return Sum(Mul(in.x, Tanh(in.x)), "hc") },
		"amax":          func(_ *Graph, in given) *Node { return Amax(in.x, "hw") },
		"expand":        func(_ *Graph, in given) *Node { return Concat('h', Expand(in.z, in.x.Shape), in.x) },
		"expand to b":   func(_ *Graph, in given) *Node { return Concat('c', in.z, Expand(Sum(in.w, "o"), in.z.Shape)) },
		"a scalar to b": func(g *Graph, in given) *Node { return Concat('c', in.z, Expand(g.Const(F32, 2), in.z.Shape)) },
		"one axis to b": func(g *Graph, in given) *Node {
			sum := Sum(in.z, "c")
			return Where(Less(sum, of(sum, 0)), Expand(scale(g), sum.Shape), sum)
		},
	}
	for name, op := range map[string]func(x *Node) *Node{"neg": Neg, "abs": Abs, "sign": Sign, "floor": Floor, "exp": Exp, "tanh": Tanh,
		"sigmoid": Sigmoid, "sin": Sin, "cos": Cos, "stop": func(x *Node) *Node { return Stop(Sin(x)) }} {
		ex[name] = func(_ *Graph, in given) *Node { return op(Scale(in.x, 2)) }
	}
	for name, op := range map[string]func(x *Node) *Node{"log": Log, "sqrt": Sqrt, "rsqrt": Rsqrt} {
		ex[name] = func(_ *Graph, in given) *Node { return op(positive(in.x)) }
	}
	for name, op := range map[string]func(a, b *Node) *Node{"add": Add, "sub": Sub, "mul": Mul, "div": Div,
		"pow": Pow, "max": Max, "min": Min} {
		ex[name] = func(_ *Graph, in given) *Node { return op(positive(in.x), positive(in.z)) }
		ex[name+", outer"] = func(_ *Graph, in given) *Node { return op(positive(in.z), positive(in.w)) }
	}
	return ex
}

func axes() map[string]build {
	return map[string]build{
		"rename":      func(_ *Graph, in given) *Node { return Rename(in.x, "hc", "ch") },
		"merge":       func(_ *Graph, in given) *Node { return Merge(in.x, "hwc", 'c') },
		"split":       func(_ *Graph, in given) *Node { return Split(Merge(in.x, "hwc", 'c'), 'c', "hwc", 2, 5, 4) },
		"slice":       func(_ *Graph, in given) *Node { return Slice(Slice(in.x, 'w', 1, 5, 2), 'c', 1, 2, 1) },
		"pad":         func(_ *Graph, in given) *Node { return Pad(Pad(in.x, 'h', 1, 0, 1), 'w', 0, 2, 3) },
		"pad weights": func(_ *Graph, in given) *Node { return Dot(in.z, Pad(in.w, 'o', 1, 1, 2), "c") },
		"reverse":     func(_ *Graph, in given) *Node { return Reverse(in.x, 'w') },
		"concat":      func(_ *Graph, in given) *Node { return Concat('c', in.x, in.z) },
		"take": func(g *Graph, in given) *Node {
			return Take(in.x, Convert(Floor(Scale(Convert(g.Iota('w', 8), F32), .5)), I32), 'w')
		},
		"embedding": func(_ *Graph, in given) *Node { return Take(Rename(in.w, "o", "j"), in.y, 'j') },
		"put":       func(g *Graph, in given) *Node { return Put(in.x, Sub(g.Const(I32, 4), g.Iota('w', 5)), 'i', 6) },
		"nearest":   func(_ *Graph, in given) *Node { return ResizeNearest(in.x, 7, 3) },
		"bilinear":  func(_ *Graph, in given) *Node { return ResizeBilinear(in.x, 7, 3) },
		"max pool":  func(_ *Graph, in given) *Node { return MaxPool(in.x, Window2{H: Same(4, 2, 2), W: Same(5, 3, 2)}) },
		"avg pool":  func(_ *Graph, in given) *Node { return AvgPool(in.x, Window2{H: Same(4, 2, 2), W: Valid(5, 3, 2)}) },
		"group norm": func(_ *Graph, in given) *Node {
			d := Sub(in.x, Mean(in.x, "hw"))
			return Mul(d, Rsqrt(Add(Mean(Square(d), "hw"), of(d, 1e-3))))
		},
	}
}

func products() map[string]build {
	ex := map[string]build{
		"dot":           func(_ *Graph, in given) *Node { return Rename(Dot(in.z, in.w, "c"), "o", "c") },
		"dot of images": func(_ *Graph, in given) *Node { return Rename(Dot(in.x, in.w, "c"), "o", "c") },
		"dot, batch":    func(_ *Graph, in given) *Node { return Dot(in.x, in.z, "c") },
		"dot, none":     func(_ *Graph, in given) *Node { return Dot(in.z, Sum(in.w, "o"), "") },
		"spectral": func(_ *Graph, in given) *Node {
			return Dot(in.z, Div(in.w, Norm(Dot(in.w, Sum(in.w, "c"), "o"), "c", 1e-12)), "c")
		},
	}
	for i, w := range windows {
		ex[fmt.Sprint("conv ", i)] = func(g *Graph, in given) *Node {
			return Conv(in.image(g, w.H.In, w.W.In, 2), in.kernel(g, w), w)
		}
		ex[fmt.Sprint("conv_transpose ", i)] = func(g *Graph, in given) *Node {
			return ConvInput(in.image(g, w.H.Out(), w.W.Out(), 4), in.kernel(g, w), w)
		}
	}
	return ex
}

// scale is a weight of no axes.
func scale(g *Graph) *Node { return g.Leaf(Leaf{Role: State, Name: "net/scale", Shape: Of(F32, "")}) }

var windows = []Window2{
	{H: Same(6, 5, 2), W: Same(7, 5, 2)},
	{H: Valid(4, 3, 1), W: Valid(5, 3, 1)},
	{H: Explicit(6, 2, 3, 0, 0), W: Explicit(7, 2, 3, 1, 0)},
	{H: Explicit(6, 4, 2, 1, 1), W: Valid(3, 1, 1)},
	{H: Explicit(3, 3, 2, 3, 4), W: Explicit(2, 2, 1, 2, 1)}, // padding wider than the kernel
	{H: Valid(9, 3, 4), W: Valid(5, 2, 3)},                   // pixels without taps
	{H: Same(4, 5, 2), W: Same(3, 5, 1)},                     // more taps than pixels
	{H: SameTransposed(3, 4, 2), W: SameTransposed(2, 4, 3)},
	{H: ValidTransposed(2, 3, 2), W: ValidTransposed(2, 1, 2)},
}

func (in given) image(g *Graph, h, w, c int) *Node {
	return g.Input(fmt.Sprint("image", h, "x", w, "x", c), Of(F32, "bhwc", 3, h, w, c))
}

func (in given) kernel(g *Graph, w Window2) *Node {
	return g.Leaf(Leaf{Role: State, Name: "net/conv/kernel", Shape: Of(F32, "hwio", w.H.Kernel, w.W.Kernel, 2, 4)})
}
