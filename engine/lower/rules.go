package lower

import (
	"strings"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/starsweep/starsweep/engine/expr"
)

type rule = func(c *ctx, m node) val

// rules has one row per operation. It is filled in init because rules call value, which reads rules.
var rules map[string]rule

func init() {
	rules = map[string]rule{
		"const": func(c *ctx, m node) val { n := m.Attr.(expr.Number); return c.number(n.DType, n.V) },
		"iota":  func(c *ctx, m node) val { return graph.Iota(c.g, tensorShape(m.Shape), 0) },
		"bits":  func(c *ctx, m node) val { return c.value(bits(m)) },

		"neg": one(graph.Neg), "abs": one(graph.Abs), "sign": one(graph.Sign), "floor": one(graph.Floor), "exp": one(graph.Exp),
		"log": one(graph.Log), "log1p": one(graph.Log1p), "sqrt": one(graph.Sqrt), "rsqrt": one(graph.Rsqrt),
		"tanh": one(graph.Tanh), "sigmoid": one(graph.Sigmoid), "sin": one(graph.Sin), "cos": one(graph.Cos),
		"stop": one(func(v val) val { return v }),
		"softplus": func(c *ctx, m node) val { // max(x, 0) + ln(1 + e^-|x|) does not overflow
			x := c.arg(m, 0)
			return graph.Add(graph.Max(x, c.number(m.Shape.DType, 0)), graph.Log1p(graph.Exp(graph.Neg(graph.Abs(x)))))
		},

		"add": two(graph.Add), "sub": two(graph.Sub), "mul": two(graph.Mul), "div": two(graph.Div), "pow": two(graph.Pow),
		"max": two(graph.Max), "min": two(graph.Min), "xor": two(graph.BitwiseXor), "shr": two(graph.BitwiseShiftRightLogical),
		"less": two(graph.LessThan), "equal": two(graph.Equal),
		"where":   where,
		"convert": func(c *ctx, m node) val { return graph.ConvertDType(c.arg(m, 0), dtype[m.Shape.DType]) },

		"sum":    reduce(graph.ReduceSum),
		"amax":   reduce(graph.ReduceMax),
		"expand": func(c *ctx, m node) val { return full(c.arg(m, 0), m.Args[0].Shape, m.Shape) },
		"rename": func(c *ctx, m node) val {
			r := m.Attr.(expr.Names)
			renamed := strings.Map(func(a rune) rune {
				if i := strings.IndexRune(r.From, a); i >= 0 {
					return rune(r.To[i])
				}
				return a
			}, m.Args[0].Shape.Axes())
			return permute(c.arg(m, 0), renamed, m.Shape.Axes())
		},
		"merge": reshape, "split": reshape,
		"slice": slice, "pad": pad,
		"reverse": func(c *ctx, m node) val { return graph.Reverse(c.arg(m, 0), places(m.Shape, m.Attr.(string))...) },
		"concat":  concat,
		"take":    take, "put": put,
		"dot":  dot,
		"conv": conv, "conv_input_grad": conv, "conv_kernel_grad": conv,
	}
}

func one(f func(val) val) rule { return func(c *ctx, m node) val { return f(c.arg(m, 0)) } }

func two(f func(a, b val) val) rule {
	return func(c *ctx, m node) val {
		return f(as(c.arg(m, 0), m.Args[0].Shape, m.Shape), as(c.arg(m, 1), m.Args[1].Shape, m.Shape))
	}
}

// where repeats its operands: GoMLX wants a condition of the result's shape, and branches of that shape or scalars.
func where(c *ctx, m node) val {
	v := make([]val, 3)
	for i, a := range m.Args {
		v[i] = c.value(a)
		if i == 0 || !a.Shape.Scalar() {
			v[i] = full(v[i], a.Shape, m.Shape)
		}
	}
	return graph.Where(v[0], v[1], v[2])
}

func reduce(f func(x val, axes ...int) val) rule {
	return func(c *ctx, m node) val { return f(c.arg(m, 0), places(m.Args[0].Shape, m.Attr.(string))...) }
}

func reshape(c *ctx, m node) val { return graph.Reshape(c.arg(m, 0), m.Shape.Dims()...) }

// chain collects consecutive operations of one kind on different axes, which are one operation of GoMLX. x is their operand.
func chain(m node) (x node, along map[byte]expr.Axis) {
	name := m.Op.Name
	along = map[byte]expr.Axis{}
	for m.Op.Name == name {
		a := m.Attr.(expr.Axis)
		if _, twice := along[a.A]; twice {
			break
		}
		along[a.A], m = a, m.Args[0]
	}
	return m, along
}

func slice(c *ctx, m node) val {
	x, along := chain(m)
	var spec []graph.SliceAxisSpec
	for _, l := range []byte(x.Shape.Axes()) {
		if a, ok := along[l]; ok {
			spec = append(spec, graph.AxisRange(a.Lo, a.Hi).Stride(a.Step))
		} else {
			spec = append(spec, graph.AxisRange())
		}
	}
	return graph.Slice(c.value(x), spec...)
}

func pad(c *ctx, m node) val {
	x, along := chain(m)
	var spec []graph.PadAxis
	for _, l := range []byte(x.Shape.Axes()) {
		p := graph.PadAxis{}
		if a, ok := along[l]; ok {
			p = graph.PadAxis{Start: a.Lo, End: a.Hi, Interior: a.Step - 1}
		}
		spec = append(spec, p)
	}
	return graph.Pad(c.value(x), c.number(m.Shape.DType, 0), spec...)
}

func concat(c *ctx, m node) val {
	axis := m.Attr.(string)
	v := make([]val, len(m.Args))
	for i, a := range m.Args {
		v[i] = full(c.value(a), a.Shape, m.Shape.With(axis[0], a.Shape.Size(axis[0])))
	}
	return graph.Concatenate(v, places(m.Shape, axis)[0])
}

// positions are the indices of axes in the string all.
func positions(all, axes string) (p []int) {
	for _, a := range axes {
		p = append(p, strings.IndexRune(all, a))
	}
	return p
}

// permute transposes v, whose axes are in the order from, to the order to.
func permute(v val, from, to string) val {
	if from == to {
		return v
	}
	return graph.TransposeAllAxes(v, positions(from, to)...)
}
