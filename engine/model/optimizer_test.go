package model_test

import (
	"math"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/exprtest"
)

// numbers of all rules, by name.
var numbers = map[string]float64{"lr": .02, "beta1": .9, "beta2": .99, "eps": 1e-3, "decay": .1, "momentum": .8, "rho": .95}

// fit is a program that fits w [c=3] to the minibatches: loss = sum over c of (w - mean x)^4 / 4, with the given optimizer.
func fit(t *testing.T, o model.Optimizer, clipWeights *spec.Schedule) *model.Program {
	t.Helper()
	for _, name := range model.Rules[o.Rule].Params {
		o.Params = append(o.Params, model.Param{Name: name, Value: spec.Constant(numbers[name])})
	}
	loss := func(t *model.Trace) (*expr.Node, error) {
		x := t.X()
		y, err := t.Call("net", x, func() (*expr.Node, error) {
			layer, err := t.Layer("point")
			if err != nil {
				return nil, err
			}
			w := t.Weight(layer, "w", expr.Of(expr.F64, "c", 3), model.Init{Kind: model.UniformInit, Args: [2]float64{-1, 1}})
			return expr.Sub(w, expr.Mean(x, "b")), nil
		})
		return expr.Scale(expr.Sum(expr.Square(expr.Square(y)), "c"), .25), err
	}
	config := model.Config{DType: expr.F64, Batch: 2, Image: expr.Of(expr.F64, "c", 3)}
	p, _, err := model.Build(config, []model.Player{{Name: "net", Steps: 1, Optimizer: o, ClipWeights: clipWeights, Loss: loss}}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// weight is one weight of a reference: its own slots, and the rule as the papers and libraries print it.
type weight struct{ p, m, v, ema float64 }

// optimizerCase is an optimizer, and its update in plain Go.
type optimizerCase struct {
	name   string
	rule   model.Rule
	change func(o *model.Optimizer, clip **spec.Schedule) // of the optimizer; nil changes nothing
	update func(w *weight, g float64, t int)
	grads  func(g []float64) // changes gradients before the update; nil does not
}

// adamStep is the step of Adam: algorithm 1 with both corrections written out.
func adamStep(w *weight, g float64, t int) float64 {
	b1, b2 := numbers["beta1"], numbers["beta2"]
	w.m += (g - w.m) * (1 - b1)
	w.v += (g*g - w.v) * (1 - b2)
	c1, c2 := 1-math.Pow(b1, float64(t)), 1-math.Pow(b2, float64(t))
	// Keras divides by sqrt(v) + eps before the correction of v: eps grows by 1/sqrt(c2).
	return numbers["lr"] * (w.m / c1) / (math.Sqrt(w.v/c2) + numbers["eps"]/math.Sqrt(c2))
}

var optimizerCases = []optimizerCase{
	{name: "adam", rule: model.Adam, update: func(w *weight, g float64, t int) { w.p -= adamStep(w, g, t) }},
	{name: "adamw", rule: model.AdamW, update: func(w *weight, g float64, t int) {
		w.p *= 1 - numbers["lr"]*numbers["decay"]
		w.p -= adamStep(w, g, t)
	}},
	{name: "sgd", rule: model.SGD, update: func(w *weight, g float64, t int) {
		w.m = numbers["momentum"]*w.m + g
		w.p -= numbers["lr"] * w.m
	}},
	{name: "rmsprop", rule: model.RMSProp, update: func(w *weight, g float64, t int) {
		w.v = numbers["rho"]*w.v + (1-numbers["rho"])*g*g
		w.m = numbers["momentum"]*w.m + g/(math.Sqrt(w.v)+numbers["eps"])
		w.p -= numbers["lr"] * w.m
	}},
	{name: "clip norm", rule: model.SGD, change: func(o *model.Optimizer, _ **spec.Schedule) { o.ClipNorm = constant(5) },
		// the first gradients are shorter, the last longer
		update: func(w *weight, g float64, t int) { w.m = numbers["momentum"]*w.m + g; w.p -= numbers["lr"] * w.m },
		grads: func(g []float64) {
			if norm := math.Hypot(math.Hypot(g[0], g[1]), g[2]); norm > 5 {
				for i := range g {
					g[i] *= 5 / norm
				}
			}
		}},
	{name: "clip value", rule: model.SGD, change: func(o *model.Optimizer, _ **spec.Schedule) { o.ClipValue = constant(.1) },
		update: func(w *weight, g float64, t int) { w.m = numbers["momentum"]*w.m + g; w.p -= numbers["lr"] * w.m },
		grads: func(g []float64) {
			for i := range g {
				g[i] = min(max(g[i], -.1), .1)
			}
		}},
	{name: "clip weights", rule: model.Adam, change: func(o *model.Optimizer, clip **spec.Schedule) { *clip = constant(.3) },
		update: func(w *weight, g float64, t int) { w.p = min(max(w.p-adamStep(w, g, t), -.3), .3) }},
	{name: "average", rule: model.Adam, change: func(o *model.Optimizer, _ **spec.Schedule) { o.EMA = constant(.7) },
		update: func(w *weight, g float64, t int) {
			w.p -= adamStep(w, g, t)
			w.ema = .7*w.ema + .3*w.p
		}},
}

// Five updates against plain Go. The formulas are not those of the program: Adam is algorithm 1 with both corrections written
// out, with Keras's epsilon scaled into it; the others are PyTorch's documentation.
func TestOptimizersAreTheirPapers(t *testing.T) {
	for _, c := range optimizerCases {
		t.Run(c.name, func(t *testing.T) {
			o, clip := model.Optimizer{Rule: c.rule}, (*spec.Schedule)(nil)
			if c.change != nil {
				c.change(&o, &clip)
			}
			p := fit(t, o, clip)
			v := start(p, 4)
			ws := make([]weight, 3)
			for i, f := range v["net/point1/w"] {
				ws[i] = weight{p: f, ema: f}
			}
			step := train(t, exprtest.Backend(), p)
			for n := 1; n <= 5; n++ {
				x := []float64{1, 2, -3, -float64(n), 0, 1}
				g, loss := make([]float64, 3), 0.
				for i := range g {
					d := ws[i].p - (x[i]+x[i+3])/2
					g[i], loss = d*d*d, loss+d*d*d*d/4
				}
				norm := math.Hypot(math.Hypot(g[0], g[1]), g[2])
				if c.grads != nil {
					c.grads(g)
				}
				for i := range ws {
					c.update(&ws[i], g[i], n)
				}
				v["x0"] = x
				r := step.advance(v)
				exprtest.Close(t, "loss", []float64{r["loss_net"]}, []float64{loss}, 1e-12)
				exprtest.Close(t, "gradient norm", []float64{r["grad_norm_net"]}, []float64{norm}, 1e-12)
				exprtest.Close(t, "weights", v["net/point1/w"], []float64{ws[0].p, ws[1].p, ws[2].p}, 1e-12)
				if o.EMA != nil {
					exprtest.Close(t, "averages", v["net/point1/w.ema"], []float64{ws[0].ema, ws[1].ema, ws[2].ema}, 1e-12)
				}
			}
		})
	}
}

func constant(v float64) *spec.Schedule { s := spec.Constant(v); return &s }
