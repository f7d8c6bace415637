package nn_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/nn"
	"github.com/starsweep/starsweep/internal/exprtest"
)

// network is a traced program of one player, whose loss is a smooth function of the network's output for the batch.
type network struct {
	*model.Program
	x, train, sample, loss *expr.Node
}

type body func(t *model.Trace, x *expr.Node) (*expr.Node, error)

// build traces a network over a batch of images in float64; sampling calls it as well.
func build(t *testing.T, batch int, image expr.Shape, f body) *network {
	t.Helper()
	n, err := tryBuild(batch, image, f)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func tryBuild(batch int, image expr.Shape, f body) (*network, error) {
	n := &network{}
	call := func(t *model.Trace) (*expr.Node, error) {
		x := t.X()
		return t.Call("net", x, func() (*expr.Node, error) { return f(t, x) })
	}
	loss := func(t *model.Trace) (*expr.Node, error) {
		y, err := call(t)
		if err != nil {
			return nil, err
		}
		n.x, n.train = t.X(), y
		target := t.Graph.Input("target", y.Shape)
		n.loss = expr.Mean(expr.Mul(target, expr.Tanh(expr.Scale(y, .5))), y.Shape.Axes())
		return n.loss, nil
	}
	sgd := model.Optimizer{Rule: model.SGD, Params: []model.Param{{Name: "lr"}, {Name: "momentum"}}}
	player := model.Player{Name: "net", Steps: 1, Optimizer: sgd, Loss: loss}
	config := model.Config{DType: image.DType, Batch: batch, SampleBatch: batch, Image: image, Classes: 3}
	var err error
	n.Program, _, err = model.Build(config, []model.Player{player}, nil, call)
	if err == nil {
		n.sample = n.Program.Sample
	}
	return n, err
}

// start returns the initial values of the state.
func (n *network) start() exprtest.Values {
	v := exprtest.Values{"seed": {7}, "step": {0}}
	for _, x := range n.Vars {
		v[x.Name] = model.Initial(x, 1)
	}
	return v
}

// weights returns the trained inputs.
func (n *network) weights() (w []*expr.Node) {
	for _, v := range n.Vars {
		if v.Role == model.Weight {
			w = append(w, n.x.Graph().Input(v.Name, v.Shape))
		}
	}
	return w
}

// advance replaces the state by that after a step.
func (n *network) advance(e *exprtest.Exec, v exprtest.Values) {
	for i, next := range e.Run(v) {
		v[n.Vars[i].Name] = next
	}
}

// with adds a dense layer to a layer that has no parameters, since a player must have some.
func with(f func(t *model.Trace, x *expr.Node) (*expr.Node, error)) body {
	return func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
		h, err := f(t, x)
		if err != nil {
			return nil, err
		}
		return nn.Dense(t, h, nn.DenseOptions{Units: 2})
	}
}

func image(h, w, c int) expr.Shape { return expr.Of(expr.F64, "hwc", h, w, c) }
func flat(c int) expr.Shape        { return expr.Of(expr.F64, "c", c) }

var (
	conv3 = nn.ConvOptions{Filters: 2, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Padding: nn.Padding{Mode: "same"}, Bias: true}
	up4   = nn.ConvOptions{Filters: 2, Kernel: [2]int{4, 3}, Stride: [2]int{2, 1},
		Padding: nn.Padding{Mode: "explicit", Lo: [2]int{1, 1}, Hi: [2]int{1, 1}}, Bias: true}
	keras = nn.NormOptions{Scale: true, Center: true}
)

// Derivatives of first and second order by x and by every parameter, against differences.
func TestGradientsOfEveryLayerAreTheDifferenceQuotients(t *testing.T) {
	y := func(t *model.Trace) *expr.Node { l, _ := t.Y(); return l }
	for _, c := range []struct {
		name  string
		image expr.Shape
		net   body
	}{
		{"dense", flat(3), func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			return nn.Dense(t, x, nn.DenseOptions{Units: 4, Bias: true})
		}},
		{"dense on images", image(2, 2, 3), func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			return nn.Dense(t, x, nn.DenseOptions{Units: 4, Bias: true})
		}},
		{"conv", image(5, 4, 2), func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.Conv(t, x, conv3) }},
		{"conv_transpose", image(2, 3, 2), func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.ConvTranspose(t, x, up4) }},
		{"batch_norm", image(2, 2, 3), func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.BatchNorm(t, x, keras) }},
		{"batch_norm of vectors", flat(3), func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.BatchNorm(t, x, keras) }},
		{"layer_norm", image(2, 2, 3), func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.LayerNorm(t, x, keras) }},
		{"layer_norm of all", image(2, 2, 3), func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			return nn.LayerNorm(t, x, nn.NormOptions{Scale: true, Center: true, Axes: "hwc"})
		}},
		{"instance_norm", image(3, 2, 2), func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.InstanceNorm(t, x, keras) }},
		{"group_norm", image(2, 2, 4), func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.GroupNorm(t, x, 2, keras) }},
		{"prelu", image(2, 2, 2), func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.PReLU(t, x, nil) }},
		{"dropout", flat(6), with(func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.Dropout(t, x, t.Number(.4)) })},
		{"embedding", flat(3), func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			e, err := nn.Embedding(t, y(t), 3, 3, nil)
			if err != nil {
				return nil, err
			}
			return expr.Mul(e, x), nil
		}},
		{"avg_pool", image(4, 4, 2), with(func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			return nn.AvgPool(x, [2]int{3, 3}, [2]int{2, 2}, nn.Padding{Mode: "same"})
		})},
		{"max_pool", image(4, 4, 2), with(func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			return nn.MaxPool(x, [2]int{2, 2}, [2]int{2, 2}, nn.Padding{Mode: "valid"})
		})},
		{"resize_nearest", image(2, 3, 2), with(func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.ResizeNearest(x, 4, 4) })},
		{"resize_bilinear", image(2, 3, 2), with(func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.ResizeBilinear(x, 5, 4) })},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := build(t, 3, c.image, c.net)
			v := n.start()
			v["y0"] = []float64{2, 0, 2}
			exprtest.CheckGradients(t, exprtest.Backend(), v, n.loss, append(n.weights(), n.x)...)
		})
	}
}

// The state of a network that uses every layer with parameters: names, sizes, roles. Checkpoints and tables depend on it.
func TestParametersAreNamedByKindAndCount(t *testing.T) {
	n := build(t, 2, image(8, 8, 3), func(t *model.Trace, x *expr.Node) (h *expr.Node, err error) {
		h = x
		for _, f := range []body{
			func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.Conv(t, x, conv3) },
			func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.BatchNorm(t, x, keras) },
			func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.Conv(t, x, conv3) },
			func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.ConvTranspose(t, x, up4) },
			func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.PReLU(t, x, nil) },
			func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.Flatten(x) },
			func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
				return nn.Dense(t, x, nn.DenseOptions{Units: 5, Spectral: true})
			},
		} {
			if h, err = f(t, h); err != nil {
				return nil, err
			}
		}
		return h, nil
	})
	var got []string
	for _, v := range n.Vars {
		if v.Role != model.Slot {
			got = append(got, fmt.Sprintf("%s %v %v", v.Name, v.Role, v.Shape))
		}
	}
	want := `net/conv1/kernel weight f64[h3 w3 i3 o2]
net/conv1/bias weight f64[c2]
net/batch_norm1/mean buffer f64[c2]
net/batch_norm1/variance buffer f64[c2]
net/batch_norm1/gamma weight f64[c2]
net/batch_norm1/beta weight f64[c2]
net/conv2/kernel weight f64[h3 w3 i2 o2]
net/conv2/bias weight f64[c2]
net/conv_transpose1/kernel weight f64[h4 w3 i2 o2]
net/conv_transpose1/bias weight f64[c2]
net/prelu1/slope weight f64[c2]
net/dense1/kernel weight f64[c16 o5]
net/dense1/u buffer f64[o5]`
	if s := strings.Join(got, "\n"); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
	if got, want := n.Parameters(""), 54+2+4+36+2+48+2+2+80; got != want {
		t.Errorf("got %d parameters, want %d", got, want)
	}
}

func sigmoid(x float64) float64  { return 1 / (1 + math.Exp(-x)) }
func softplus(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func limit(x, lo, hi float64) float64 { return min(max(x, lo), hi) }

// formulas are the activations in plain float64.
var formulas = map[string]func(x, a float64) float64{
	"relu":       func(x, _ float64) float64 { return max(x, 0) },
	"leaky_relu": func(x, a float64) float64 { return max(x, 0) + a*min(x, 0) },
	"elu":        func(x, a float64) float64 { return max(x, 0) + a*math.Expm1(min(x, 0)) },
	"selu": func(x, _ float64) float64 {
		return 1.0507009873554805 * (max(x, 0) + 1.6732632423543772*math.Expm1(min(x, 0)))
	},
	"gelu": func(x, _ float64) float64 {
		return .5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+.044715*x*x*x)))
	},
	"silu":         func(x, _ float64) float64 { return x * sigmoid(x) },
	"swish":        func(x, _ float64) float64 { return x * sigmoid(x) },
	"mish":         func(x, _ float64) float64 { return x * math.Tanh(softplus(x)) },
	"softplus":     func(x, _ float64) float64 { return softplus(x) },
	"softsign":     func(x, _ float64) float64 { return x / (1 + math.Abs(x)) },
	"sigmoid":      func(x, _ float64) float64 { return sigmoid(x) },
	"hard_sigmoid": func(x, _ float64) float64 { return limit(x+3, 0, 6) / 6 },
	"tanh":         func(x, _ float64) float64 { return math.Tanh(x) },
	"hard_tanh":    func(x, _ float64) float64 { return limit(x, -1, 1) },
	"exp":          func(x, _ float64) float64 { return math.Exp(x) },
	"identity":     func(x, _ float64) float64 { return x },
}

// Every activation is its formula, even where e^x overflows, and its derivative is the difference quotient.
func TestActivationsAreTheirFormulas(t *testing.T) {
	points := []float64{-100, -20, -3.5, -2.7, -1.2, -.3, -1e-3, 1e-3, .4, .9, 1.7, 2.9, 3.3, 20, 100}
	for name, a := range nn.Activations {
		formula, elementwise := formulas[name]
		if !elementwise {
			if name != "softmax" && name != "log_softmax" {
				t.Errorf("%s has no formula here", name)
			}
			continue
		}
		g := expr.New()
		x := g.Input("x", expr.Of(expr.F64, "bc", 1, len(points)))
		var number *expr.Node
		if a.Param != "" {
			number = g.Real(expr.F64, a.Default)
		}
		y := a.Of(x, number)
		first := expr.Grad(y, x)[0]
		second := expr.Grad(first, x)[0]
		if second.Op.Name == "expand" { // of a constant: make it one of x
			second = expr.Mul(second, expr.Add(expr.Mul(x, g.Const(expr.F64, 0)), g.Const(expr.F64, 1)))
		}
		out := exprtest.Eval(t, exprtest.Values{"x": points}, y, first, second)
		const step = 1e-5
		for i, x := range points {
			f := func(x float64) float64 { return formula(x, a.Default) }
			for order, want := range []float64{f(x), (f(x+step) - f(x-step)) / (2 * step)} {
				if got := out[order][i]; !(math.Abs(got-want) <= 1e-9+1e-7*math.Abs(want)) {
					t.Errorf("%s(%g): derivative %d: got %.12g, want %.12g", name, x, order, got, want)
				}
			}
			if math.IsNaN(out[2][i]) {
				t.Errorf("%s(%g): the second derivative is not a number", name, x)
			}
		}
	}
}

func TestSoftmaxIsOverTheChannels(t *testing.T) {
	g := expr.New()
	x := g.Input("x", expr.Of(expr.F64, "bc", 2, 3))
	out := exprtest.Eval(t, exprtest.Values{"x": {1000, 1001, 1002, 0, 0, math.Log(2)}},
		nn.Activations["softmax"].Of(x, nil), nn.Activations["log_softmax"].Of(x, nil))
	e := math.E
	want := []float64{1 / (1 + e + e*e), e / (1 + e + e*e), e * e / (1 + e + e*e), .25, .25, .5}
	exprtest.Close(t, "softmax", out[0], want, 1e-13)
	for i := range want {
		want[i] = math.Log(want[i])
	}
	exprtest.Close(t, "log softmax", out[1], want, 1e-13)
}
