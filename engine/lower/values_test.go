package lower_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
)

// valueCase is an operation on one tensor, and its value, worked out by hand.
type valueCase struct {
	name  string
	shape Shape
	x     []float64
	build func(x *Node) *Node
	want  []float64
}

var elementValues = []valueCase{
	{"sign", f("c", 4), []float64{-2, -0.5, 0, 3}, Sign, []float64{-1, -1, 0, 1}},
	{"floor", f("c", 4), []float64{-1.5, -1, 0.9, 2}, Floor, []float64{-2, -1, 0, 2}},
	{"softplus", f("c", 4), []float64{-800, 0, 1, 800}, Softplus, []float64{0, math.Ln2, math.Log(1 + math.E), 800}},
	{"sigmoid", f("c", 3), []float64{-800, 0, 800}, Sigmoid, []float64{0, .5, 1}},
	{"relu", f("c", 3), []float64{-1, 0, 2}, Relu, []float64{0, 0, 2}},
	{"leaky", f("c", 3), []float64{-1, 0, 2}, func(x *Node) *Node { return Leaky(x, of(x, .3)) }, []float64{-.3, 0, 2}},
	{"clamp", f("c", 4), []float64{-9, -1, .5, 7}, func(x *Node) *Node { return Clamp(x, of(x, -1), of(x, 1)) }, []float64{-1, -1, .5, 1}},
	{"mean", f("c", 4), []float64{1, 2, 3, 6}, func(x *Node) *Node { return Mean(x, "c") }, []float64{3}},
	{"norm", f("c", 2), []float64{3, 4}, func(x *Node) *Node { return Norm(x, "c", 0) }, []float64{5}},
	{"amax", f("c", 4), []float64{-5, -2, -3, -9}, func(x *Node) *Node { return Amax(x, "c") }, []float64{-2}},
	{"softmax", f("c", 3), []float64{1000, 1000, -1000}, func(x *Node) *Node { return Softmax(x, "c") }, []float64{.5, .5, 0}},
	{"log softmax", f("c", 3), []float64{1000, 1000, -1000}, func(x *Node) *Node { return LogSoftmax(x, "c") },
		[]float64{-math.Ln2, -math.Ln2, -2000 - math.Ln2}},
	{"one hot", f("b", 3), []float64{2, 0, 5}, func(x *Node) *Node { return OneHot(Convert(x, I32), 'c', 3, F64) },
		[]float64{0, 0, 1, 1, 0, 0, 0, 0, 0}},
	{"take", f("c", 4), []float64{5, 6, 7, 8}, func(x *Node) *Node { return Take(x, ints(x.Graph(), 'b', 3, 0, 3), 'c') },
		[]float64{8, 5, 8}},
	{"put", f("b", 3), []float64{5, 6, 7}, func(x *Node) *Node { return Put(x, ints(x.Graph(), 'b', 3, 0, 3), 'c', 4) },
		[]float64{6, 0, 0, 12}},
	{"pad", f("c", 2), []float64{1, 2}, func(x *Node) *Node { return Pad(x, 'c', 1, 2, 3) }, []float64{0, 1, 0, 0, 2, 0, 0}},
	{"slice", f("c", 5), []float64{0, 1, 2, 3, 4}, func(x *Node) *Node { return Slice(x, 'c', 1, 5, 2) }, []float64{1, 3}},
	{"reverse", f("c", 3), []float64{1, 2, 3}, func(x *Node) *Node { return Reverse(x, 'c') }, []float64{3, 2, 1}},
	{"merge", f("hwc", 2, 2, 1), []float64{1, 2, 3, 4}, func(x *Node) *Node { return Merge(x, "hw", 'w') }, []float64{1, 2, 3, 4}},
	{"rename", f("hw", 2, 2), []float64{1, 2, 3, 4}, func(x *Node) *Node { return Rename(x, "hw", "wh") }, []float64{1, 3, 2, 4}},
}

var (
	grid2 = f("hwc", 2, 2, 1) // 1 2 / 3 4
	pairs = Window2{H: Valid(1, 1, 1), W: Same(3, 2, 2)}
)

var imageValues = []valueCase{
	// tf.image.resize of TensorFlow 2.
	{"bilinear, twice", grid2, []float64{1, 2, 3, 4}, func(x *Node) *Node { return ResizeBilinear(x, 4, 4) }, []float64{
		1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4}},
	{"bilinear of TensorFlow 1, twice", grid2, []float64{1, 2, 3, 4}, func(x *Node) *Node { return ResizeBilinearTF1(x, 4, 4) }, []float64{
		1, 1.5, 2, 2, 2, 2.5, 3, 3, 3, 3.5, 4, 4, 3, 3.5, 4, 4}},
	{"bilinear, 3 to 2", f("hwc", 1, 3, 1), []float64{1, 2, 4}, func(x *Node) *Node { return ResizeBilinear(x, 1, 2) }, []float64{1.25, 3.5}},
	{"bilinear, to 1", grid2, []float64{1, 2, 3, 4}, func(x *Node) *Node { return ResizeBilinear(x, 1, 1) }, []float64{2.5}},
	{"nearest, twice", grid2, []float64{1, 2, 3, 4}, func(x *Node) *Node { return ResizeNearest(x, 2, 4) },
		[]float64{1, 1, 2, 2, 3, 3, 4, 4}},
	{"nearest, 3 to 5", f("hwc", 1, 3, 1), []float64{1, 2, 3}, func(x *Node) *Node { return ResizeNearest(x, 1, 5) },
		[]float64{1, 1, 2, 3, 3}},
	{"nearest, 5 to 3", f("hwc", 1, 5, 1), []float64{1, 2, 3, 4, 5}, func(x *Node) *Node { return ResizeNearest(x, 1, 3) },
		[]float64{1, 3, 5}},
	{"nearest, 4 to 2", f("hwc", 1, 4, 1), []float64{1, 2, 3, 4}, func(x *Node) *Node { return ResizeNearest(x, 1, 2) }, []float64{2, 4}},
	// Padding is neither a maximum nor part of a mean.
	{"max pool", f("hwc", 1, 3, 1), []float64{-1, -2, -3}, func(x *Node) *Node { return MaxPool(x, pairs) }, []float64{-1, -3}},
	{"avg pool", f("hwc", 1, 3, 1), []float64{1, 2, 4}, func(x *Node) *Node { return AvgPool(x, pairs) }, []float64{1.5, 4}},
	{"pool both", grid2, []float64{1, 2, 3, 4},
		func(x *Node) *Node { return AvgPool(x, Window2{H: Valid(2, 2, 1), W: Valid(2, 2, 1)}) }, []float64{2.5}},
}

// Operations have the values that they have on paper. Shapes of one axis are along c.
func TestValues(t *testing.T) {
	each(t, func(t *testing.T, b *lower.Backend) {
		for _, c := range append(elementValues, imageValues...) {
			x := New().Input("x", c.shape)
			compare(t, c.name, eval(t, b, values{"x": c.x}, c.build(x))[0], c.want, 1e-12)
		}
	})
}

// Derivatives where functions have kinks, which differences cannot determine.
func TestDerivativesAtKinks(t *testing.T) {
	x := New().Input("x", f("c", 3))
	zero := of(x, 0)
	for _, c := range []struct {
		name string
		y    *Node
		x    []float64
		want []float64
	}{
		{"relu", Relu(x), []float64{-1, 0, 1}, []float64{0, 0, 1}},
		{"leaky", Leaky(x, of(x, .3)), []float64{-1, 0, 1}, []float64{.3, .3, 1}},
		{"abs", Abs(x), []float64{-1, 0, 1}, []float64{-1, 0, 1}},
		{"softplus", Softplus(x), []float64{-800, 0, 800}, []float64{0, .5, 1}},
		{"max takes the second", Max(zero, x), []float64{-1, 0, 1}, []float64{0, 1, 1}},
		{"min takes the second", Min(x, zero), []float64{-1, 0, 1}, []float64{1, 0, 0}},
		{"clamp", Clamp(x, zero, of(x, 1)), []float64{0, .5, 1}, []float64{0, 1, 0}},
		{"amax shares", Amax(x, "c"), []float64{2, 2, 1}, []float64{.5, .5, 0}},
		{"floor, sign, stop", Add(Add(Floor(x), Sign(x)), Stop(x)), []float64{1, 2, 3}, []float64{0, 0, 0}},
		{"max pool takes the first", MaxPool(Split(x, 'c', "hwc", 1, 3, 1), Window2{H: Valid(1, 1, 1), W: Valid(3, 3, 1)}),
			[]float64{2, 2, 1}, []float64{1, 0, 0}},
	} {
		got := eval(t, open(t, "cpu"), values{"x": c.x}, Grad(c.y, x)[0])
		compare(t, c.name, got[0], c.want, 1e-12)
	}
}

// The three convolutions against their definition as loops: <g, conv(x, kernel)> is one sum.
func TestConvolutionsAreTheirDefinition(t *testing.T) {
	const batch, ci, co = 2, 2, 3
	each(t, func(t *testing.T, b *lower.Backend) {
		for _, win := range windows {
			h, w := win.H, win.W
			g := New()
			x := g.Input("x", f("bhwc", batch, h.In, w.In, ci))
			k := g.Input("k", f("hwio", h.Kernel, w.Kernel, ci, co))
			y := g.Input("y", f("bhwc", batch, h.Out(), w.Out(), co))
			r := rand.New(rand.NewPCG(7, 8))
			in := values{}
			for _, n := range []*Node{x, k, y} {
				v := make([]float64, n.Shape.Elems())
				for i := range v {
					v[i] = r.NormFloat64()
				}
				in[n.Attr.(Leaf).Name] = v
			}
			wantY, wantX, wantK := make([]float64, len(in["y"])), make([]float64, len(in["x"])), make([]float64, len(in["k"]))
			taps := 0
			for p := range h.Out() {
				for q := range w.Out() {
					for s := range h.Kernel {
						for t := range w.Kernel {
							row, col := p*h.Stride+s-h.Lo, q*w.Stride+t-w.Lo
							if row < 0 || row >= h.In || col < 0 || col >= w.In {
								continue
							}
							taps++
							for e := range batch {
								for i := range ci {
									for o := range co {
										xi := ((e*h.In+row)*w.In+col)*ci + i
										ki := ((s*w.Kernel+t)*ci+i)*co + o
										yi := ((e*h.Out()+p)*w.Out()+q)*co + o
										wantY[yi] += in["x"][xi] * in["k"][ki]
										wantX[xi] += in["y"][yi] * in["k"][ki]
										wantK[ki] += in["y"][yi] * in["x"][xi]
									}
								}
							}
						}
					}
				}
			}
			outs := []*Node{Conv(x, k, win.Window2), ConvInput(y, k, win.Window2), ConvKernel(x, y, win.Window2)}
			got := eval(t, b, in, outs...)
			for o, want := range [][]float64{wantY, wantX, wantK} {
				compare(t, fmt.Sprint(win.name, ", ", outs[o].Op.Name), got[o], want, 1e-12)
			}
			if got, want := Cost(outs...).MulAdds, int64(3*taps*batch*ci*co); got != want {
				t.Errorf("%s: cost: got %d, want %d", win.name, got, want)
			}
		}
	})
}

// Every function of NaN is NaN, so that divergence is detected.
func TestNaNPasses(t *testing.T) {
	each(t, func(t *testing.T, b *lower.Backend) {
		x := New().Input("x", Of(F32, "c", 2))
		outs := map[string]*Node{"relu": Relu(x), "leaky": Leaky(x, of(x, .3)), "sum": Sum(x, "c"), "times 0": Mul(x, of(x, 0)),
			"softplus": Softplus(x), "tanh": Tanh(x), "mean": Mean(x, "c")}
		for name, y := range outs {
			if got := eval(t, b, values{"x": {math.NaN(), 1}}, y); !slices.ContainsFunc(got[0], math.IsNaN) {
				t.Errorf("%s: got %v", name, got[0])
			}
		}
	})
}
