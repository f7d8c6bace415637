package lower_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	. "github.com/starsweep/starsweep/engine/expr"
)

// An example is an operation, or a function of several, applied to arguments x0, x1, ... drawn from (lo, hi), away from kinks.
type example struct {
	name   string
	shapes []Shape
	lo, hi float64
	build  func(a []*Node) *Node
	step   float64 // of the central differences; 0: 1e-5
}

func f(axes string, sizes ...int) Shape { return Of(F64, axes, sizes...) }

// of is a const of n's element type.
func of(n *Node, v float64) *Node { return n.Graph().Const(n.Shape.DType, v) }

// batchNorm normalizes over axes with their own mean and variance.
func batchNorm(x, gamma, beta *Node, axes string, eps float64) *Node {
	d := Sub(x, Mean(x, axes))
	return Add(Mul(d, Mul(gamma, Rsqrt(Add(Mean(Square(d), axes), of(x, eps))))), beta)
}

// ints is a constant vector of integers.
func ints(g *Graph, a byte, v ...float64) *Node {
	n := g.Const(I32, 0)
	for i, x := range v {
		hit := Convert(Equal(g.Iota(a, len(v)), g.Const(I32, float64(i))), I32)
		n = Add(n, Mul(hit, g.Const(I32, x)))
	}
	return n
}

var windows = []struct {
	name string
	Window2
}{
	{"same s2 k5", Window2{H: Same(6, 5, 2), W: Same(7, 5, 2)}},
	{"valid s1 k3", Window2{H: Valid(4, 3, 1), W: Valid(5, 3, 1)}},
	{"tail s3 k2", Window2{H: Explicit(6, 2, 3, 0, 0), W: Explicit(7, 2, 3, 1, 0)}},
	{"s2 k4, s1 k1", Window2{H: Explicit(6, 4, 2, 1, 1), W: Valid(3, 1, 1)}},
	{"padding wider than the kernel", Window2{H: Explicit(3, 3, 2, 3, 4), W: Explicit(2, 2, 1, 2, 1)}},
	{"pixels without taps", Window2{H: Valid(9, 3, 4), W: Valid(5, 2, 3)}},
	{"more taps than pixels", Window2{H: Same(4, 5, 2), W: Same(3, 5, 1)}},
	{"transposed same k4", Window2{H: SameTransposed(3, 4, 2), W: SameTransposed(2, 4, 3)}},
	{"transposed valid", Window2{H: ValidTransposed(2, 3, 2), W: ValidTransposed(2, 1, 2)}},
}

// exampleList collects examples on images of one shape.
type exampleList []example

// img is the shape of the argument of most examples.
func img() Shape { return f("bhwc", 3, 3, 4, 2) }

// one adds an example of one argument with elements in (lo, hi).
func (ex *exampleList) one(name string, lo, hi float64, op func(*Node) *Node) {
	*ex = append(*ex, example{name, []Shape{img()}, lo, hi, func(a []*Node) *Node { return op(a[0]) }, 0})
}

// two adds an example of two arguments.
func (ex *exampleList) two(name string, s, t Shape, lo, hi float64, op func(a, b *Node) *Node) {
	*ex = append(*ex, example{name, []Shape{s, t}, lo, hi, func(a []*Node) *Node { return op(a[0], a[1]) }, 0})
}

func examples() []example {
	var ex exampleList
	ex.addElementwise()
	ex.addAxes()
	ex.addProducts()
	ex.addComposed()
	slices.SortFunc(ex, func(a, b example) int { return strings.Compare(a.name, b.name) }) // maps have no order
	return ex
}

// addElementwise adds operations on elements.
func (ex *exampleList) addElementwise() {
	for name, op := range map[string]func(*Node) *Node{
		"neg": Neg, "abs": Abs, "sign": Sign, "floor": Floor, "exp": Exp, "tanh": Tanh, "sigmoid": Sigmoid, "softplus": Softplus,
		"sin": Sin, "cos": Cos, "relu": Relu,
	} {
		ex.one(name, -1.5, 1.5, op)
	}
	for name, op := range map[string]func(*Node) *Node{"log": Log, "log1p": Log1p, "sqrt": Sqrt, "rsqrt": Rsqrt} {
		ex.one(name, .5, 2, op)
	}
	ex.one("stop", -1, 1, func(a *Node) *Node { return Stop(Sign(a)) }) // where its derivative, zero, is right
	ex.one("real", -1, 1, func(a *Node) *Node { return Mul(a, Tanh(Add(a, a.Graph().Real(a.Shape.DType, .3)))) })
	for name, op := range map[string]func(a, b *Node) *Node{"add": Add, "sub": Sub, "mul": Mul, "div": Div, "pow": Pow, "max": Max,
		"min": Min} {
		ex.two(name, img(), f("bc", 3, 2), .5, 2, op)
		ex.two(name+", outer", f("hw", 3, 4), f("bc", 3, 2), .5, 2, op)
	}
	ex.two("where, less, equal", img(), f("bc", 3, 2), -1, 1,
		func(a, b *Node) *Node { return Where(Less(a, b), Mul(a, b), Where(Equal(a, b), a, Exp(b))) })
	ex.two("where by a scalar", img(), f(""), -1, 1, func(a, b *Node) *Node { return Where(Less(b, of(b, 0)), Exp(a), Mul(a, b)) })
	ex.two("where of scalars", img(), f(""), -1, 1, func(a, b *Node) *Node { return Mul(a, Where(Less(a, b), b, of(b, 2))) })
	ex.one("xor, shr", -1, 1, func(a *Node) *Node {
		n := Convert(a.Graph().Iota('w', 4), U32)
		return Mul(a, Convert(Shr(Xor(n, a.Graph().Const(U32, 0xfffffff5)), a.Graph().Const(U32, 1)), a.Shape.DType))
	})
	ex.one("bits", -1, 1, func(a *Node) *Node {
		return Mul(a, Uniform(a.Graph().Const(U32, 7), a.Graph().Const(U32, 8), 9, a.Shape.Only("bhwc")))
	})
	*ex = append(*ex, example{"convert", []Shape{img()}, -1, 1,
		func(a []*Node) *Node { return Convert(Convert(a[0], F32), a[0].Shape.DType) }, 1e-2})
}

// addAxes adds operations on whole axes.
func (ex *exampleList) addAxes() {
	for _, axes := range []string{"bhw", "hwc", "wc", "bhwc", "w"} {
		ex.one("sum "+axes, -1, 1, func(a *Node) *Node { return Sum(a, axes) })
	}
	ex.one("sum of a product", -1, 1, func(a *Node) *Node { return Sum(Mul(a, Tanh(a)), "bhw") })
	ex.one("amax", -1, 1, func(a *Node) *Node { return Amax(a, "hw") })
	ex.one("expand", -1, 1, func(a *Node) *Node { return Sin(Expand(Sum(a, "wc"), a.Shape)) })
	ex.one("expand a scalar", -1, 1, func(a *Node) *Node { return Rename(Expand(Sum(a, "bhwc"), f("c", 2)), "c", "o") })
	ex.one("rename", -1, 1, func(a *Node) *Node { return Rename(a, "bc", "cb") })
	ex.one("merge", -1, 1, func(a *Node) *Node { return Merge(a, "hwc", 'c') })
	ex.one("split", -1, 1, func(a *Node) *Node { return Split(Merge(a, "hw", 'h'), 'h', "hw", 4, 3) })
	ex.one("slice", -1, 1, func(a *Node) *Node { return Slice(Slice(Slice(a, 'w', 0, 4, 2), 'b', 1, 3, 1), 'b', 0, 1, 1) })
	ex.one("pad", -1, 1, func(a *Node) *Node { return Pad(Pad(Pad(a, 'h', 1, 0, 1), 'w', 0, 2, 3), 'w', 1, 1, 1) })
	ex.one("reverse", -1, 1, func(a *Node) *Node { return Reverse(a, 'w') })
	ex.two("concat", img(), f("w", 2), -1, 1, func(a, b *Node) *Node { return Concat('w', a, b, a, a, b) })

	ex.one("take", -1, 1, func(a *Node) *Node { return Take(Rename(a, "w", "i"), ints(a.Graph(), 'w', 1, 1, 3), 'i') })
	ex.one("take in place", -1, 1, func(a *Node) *Node { return Take(a, ints(a.Graph(), 'h', 2, 0, 0, 1), 'h') })
	ex.one("put", -1, 1, func(a *Node) *Node { return Put(a, ints(a.Graph(), 'b', 1, 3, 1), 'j', 4) })
	// Indices that depend on an argument are packed with it.
	ex.two("take by data", img(), f("o", 3), 0, 3, func(a, b *Node) *Node { return Take(Rename(a, "w", "i"), Convert(Floor(b), I32), 'i') })
	ex.two("put by data", img(), f("b", 3), 0, 3, func(a, b *Node) *Node { return Put(a, Convert(Floor(b), I32), 'j', 4) })
}

// addProducts adds products and convolutions.
func (ex *exampleList) addProducts() {
	ex.two("dot, matrix", f("bc", 3, 4), f("co", 4, 2), -1, 1, func(a, b *Node) *Node { return Dot(a, b, "c") })
	ex.two("dot, batch", f("wci", 4, 2, 2), f("bwi", 3, 4, 2), -1, 1, func(a, b *Node) *Node { return Dot(a, b, "i") })
	ex.two("dot, all", f("bc", 3, 4), f("bc", 3, 4), -1, 1, func(a, b *Node) *Node { return Dot(a, b, "bc") })
	ex.two("dot, none", f("bc", 3, 4), f("c", 4), -1, 1, func(a, b *Node) *Node { return Dot(a, b, "") })
	ex.two("dot, transposed", f("bc", 3, 4), f("bo", 3, 2), -1, 1, func(a, b *Node) *Node { return Dot(a, b, "b") })
	for _, w := range windows {
		const ci, co = 2, 3
		x := f("bhwc", 2, w.H.In, w.W.In, ci)
		k := f("hwio", w.H.Kernel, w.W.Kernel, ci, co)
		g := f("bhwc", 2, w.H.Out(), w.W.Out(), co)
		ex.two("conv, "+w.name, x, k, -1, 1, func(a, b *Node) *Node { return Conv(a, b, w.Window2) })
		ex.two("conv_input_grad, "+w.name, g, k, -1, 1, func(a, b *Node) *Node { return ConvInput(a, b, w.Window2) })
		ex.two("conv_kernel_grad, "+w.name, x, g, -1, 1, func(a, b *Node) *Node { return ConvKernel(a, b, w.Window2) })
	}
}

// addComposed adds functions of the primitives.
func (ex *exampleList) addComposed() {
	*ex = append(*ex, example{"batch norm, leaky", []Shape{img(), f("c", 2), f("c", 2)}, .2, 1.5, func(a []*Node) *Node {
		return Leaky(batchNorm(a[0], a[1], a[2], "bhw", 1e-3), of(a[0], .3))
	}, 0})
	ex.one("norm", -1, 1, func(a *Node) *Node { return Norm(a, "hwc", 1e-6) })
	ex.one("softmax", -2, 2, func(a *Node) *Node { return Softmax(a, "c") })
	ex.one("log softmax", -2, 2, func(a *Node) *Node { return LogSoftmax(a, "w") })
	ex.one("clamp", -2, 2, func(a *Node) *Node { return Clamp(Mul(a, a), of(a, .5), of(a, 3)) })
	ex.one("resize nearest", -1, 1, func(a *Node) *Node { return ResizeNearest(a, 5, 2) })
	ex.one("resize bilinear", -1, 1, func(a *Node) *Node { return ResizeBilinear(a, 5, 2) })
	ex.one("max pool", -1, 1, func(a *Node) *Node { return MaxPool(a, Window2{H: Same(3, 2, 2), W: Same(4, 3, 2)}) })
	ex.one("avg pool", -1, 1, func(a *Node) *Node { return AvgPool(a, Window2{H: Same(3, 2, 2), W: Explicit(4, 3, 2, 1, 1)}) })
	ex.one("one hot", -1, 1, func(a *Node) *Node {
		return Mul(Sum(a, "hwc"), OneHot(ints(a.Graph(), 'b', 1, 0, 1), 'c', 4, a.Shape.DType))
	})
}

// arguments are the inputs of an example in a new graph, of the element type d.
func (ex example) arguments(d DType) (args []*Node) {
	g := New()
	for i, s := range ex.shapes {
		args = append(args, g.Input(argument(i), s.As(d)))
	}
	return args
}

// draw fills a shape from (lo, hi), away from the kinks of abs, sign, floor.
func (ex example) draw(r *rand.Rand, s Shape) []float64 {
	v := make([]float64, s.Elems())
	for i := range v {
		v[i] = ex.lo + (ex.hi-ex.lo)*r.Float64()
		if near := math.Round(v[i]); math.Abs(v[i]-near) < .02 {
			v[i] = near + math.Copysign(.03, v[i]-near)
		}
	}
	return v
}

// weigh makes a scalar of any expression, with curvature, and weights that differ from element to element.
func weigh(y *Node) *Node {
	w := of(y, .3)
	for _, a := range []byte(y.Shape.Axes()) {
		w = Add(Sin(w), Scale(Convert(y.Graph().Iota(a, y.Shape.Size(a)), y.Shape.DType), .7))
	}
	return Sum(Mul(Sin(w), Tanh(Scale(y, .2))), y.Shape.Axes())
}

func TestEveryOperationHasAnExample(t *testing.T) {
	tested := map[string]bool{}
	for _, ex := range examples() {
		for _, n := range Order(ex.build(ex.arguments(F64))) {
			tested[n.Op.Name] = true
		}
	}
	for name := range Ops {
		if !tested[name] {
			t.Errorf("no example has %s", name)
		}
	}
}

func closeTo(got, want, tolerance float64) bool {
	return math.Abs(got-want) <= tolerance*(1+math.Abs(want))
}

// compare fails at the first element that differs.
func compare(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: got %d elements, want %d", what, len(got), len(want))
	}
	for i := range want {
		if !closeTo(got[i], want[i], tolerance) {
			t.Fatalf("%s: element %d: got %.9g, want %.9g", what, i, got[i], want[i])
		}
	}
}
