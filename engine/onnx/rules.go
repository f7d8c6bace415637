package onnx

import "github.com/starsweep/starsweep/engine/expr"

type rule = func(g *graph, n *expr.Node) value

// rules has one row per operation. It is filled in init because rules call value, which reads rules.
var rules map[string]rule

func init() {
	rules = map[string]rule{
		"input": leaf, "real": leaf, "iota": count,
		"const": func(g *graph, n *expr.Node) value { c := n.Attr.(expr.Number); return g.scalar(c.DType, c.V) },
		"bits": func(_ *graph, n *expr.Node) value {
			refuse(n, "got a random draw that no input of the model replaces")
			return ""
		},

		"neg": one("Neg"), "abs": one("Abs"), "sign": one("Sign"), "floor": one("Floor"), "exp": one("Exp"), "log": one("Log"),
		"sqrt": one("Sqrt"), "tanh": one("Tanh"), "sigmoid": one("Sigmoid"), "softplus": one("Softplus"), "sin": one("Sin"), "cos": one("Cos"),
		"log1p": log1p,
		"rsqrt": func(g *graph, n *expr.Node) value {
			return g.add("Reciprocal", []value{g.add("Sqrt", []value{g.arg(n, 0)})})
		},
		"stop": func(g *graph, n *expr.Node) value { return g.arg(n, 0) },

		"add": two("Add"), "sub": two("Sub"), "mul": two("Mul"), "div": two("Div"), "pow": two("Pow"), "max": two("Max"), "min": two("Min"),
		"less": two("Less"), "equal": two("Equal"), "where": where,
		"xor":     no("got bits of an integer, which ONNX Runtime does not compute with"),
		"shr":     no("got bits of an integer, which ONNX Runtime does not compute with"),
		"convert": func(g *graph, n *expr.Node) value { return g.cast(g.arg(n, 0), n.Shape.DType) },

		"sum": over("ReduceSum"), "amax": over("ReduceMax"),
		"expand": expand, "rename": rename, "merge": reshape, "split": reshape,
		"slice": slice, "pad": pad, "reverse": reverse, "concat": concat, "take": take, "put": put,

		"dot": dot, "conv": conv, "conv_input_grad": convTranspose,
		"conv_kernel_grad": no("got a sum over the axis b of examples, want each example treated by itself: a model takes any number of them"),
	}
}

// no refuses an operation, unless one of its arguments is refused first.
func no(why string) rule {
	return func(g *graph, n *expr.Node) value {
		for _, a := range n.Args {
			g.value(a)
		}
		refuse(n, "%s", why)
		return ""
	}
}

// computes refuses n if ONNX Runtime has no arithmetic of numbers of type d.
func computes(n *expr.Node, d expr.DType) {
	if d == expr.U32 || d == expr.Bool {
		refuse(n, "got %v, which ONNX Runtime does not compute with: convert it", d)
	}
}

func one(kind string) rule {
	return func(g *graph, n *expr.Node) value {
		computes(n, n.Shape.DType)
		return g.add(kind, []value{g.arg(n, 0)})
	}
}

// two is an operation on elements, joined by axis name.
func two(kind string) rule {
	return func(g *graph, n *expr.Node) value {
		a, b := n.Args[0], n.Args[1]
		computes(n, a.Shape.DType)
		return g.add(kind, []value{g.as(g.value(a), a.Shape, n.Shape), g.as(g.value(b), b.Shape, n.Shape)})
	}
}

func where(g *graph, n *expr.Node) value {
	computes(n, n.Shape.DType)
	v := make([]value, len(n.Args))
	for i, a := range n.Args {
		v[i] = g.as(g.value(a), a.Shape, n.Shape)
	}
	return g.add("Where", v)
}

// log1p is ln(1+x). Where 1+x is rounded, the quotient with the x that it stands for undoes the error (Goldberg 1991, theorem 4).
func log1p(g *graph, n *expr.Node) value {
	x, one := g.arg(n, 0), g.scalar(n.Shape.DType, 1)
	y := g.add("Add", []value{x, one})
	scaled := g.add("Div", []value{g.add("Mul", []value{g.add("Log", []value{y}), x}), g.add("Sub", []value{y, one})})
	return g.add("Where", []value{g.add("Equal", []value{y, one}), x, scaled})
}
