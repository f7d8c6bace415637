package model_test

import (
	"fmt"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/nn"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/exprtest"
)

// study describes a small DCGAN, as a script would. Its fields are what tests change.
type study struct {
	loss           string // ns, wgan-gp
	dtype          expr.DType
	batch, latent  int
	size, width    int // of the images, of the first convolution
	channels       int
	kernel, depth  int
	dSteps         int
	lr, slope      float64
	beta1, penalty float64
	noise          spec.Schedule
	rule           model.Rule
	clip, ema      bool
	dropout        bool
	start          *model.Init // of convolutions; nil is Glorot's
	allBiases      bool        // even before a batch norm, which cancels them: their gradients are 0 except for rounding
	open           bool        // the critic's loss does not stop the gradient to the generator
}

var small = study{loss: "ns", dtype: expr.F64, batch: 3, latent: 4, size: 4, width: 2, channels: 1, kernel: 3, depth: 1, dSteps: 1,
	lr: 2e-3, slope: .3, beta1: .5,
	penalty: 10, noise: spec.Constant(.1), rule: model.Adam, dropout: true}

// thesis is Westberg's network for MNIST with the batch size of the benchmarks.
var thesis = study{loss: "ns", dtype: expr.F32, batch: 64, latent: 100, size: 32, width: 64, channels: 1, kernel: 5, depth: 3, dSteps: 1,
	lr: 1e-4, slope: .3, beta1: .5,
	penalty: 10, noise: spec.Linear(.5, .01, 10, spec.Epochs), rule: model.Adam, allBiases: true}

// with is s with changes.
func (s study) with(change func(s *study)) study { change(&s); return s }

// wgan is the same study with the loss of WGAN-GP.
func (s study) wgan() study { s.loss = "wgan-gp"; return s }

// losses are the nodes of the losses as they were traced, by player, the last of each.
type losses map[string]*expr.Node

// build traces the study's program.
func (s study) build(t testing.TB) (*model.Program, losses) {
	t.Helper()
	p, _, traced := s.trace(t)
	return p, traced
}

// trace is build with the study's numbers.
func (s study) trace(t testing.TB) (*model.Program, []model.Real, losses) {
	t.Helper()
	traced := losses{}
	keep := func(name string, loss func(g *gan) (*expr.Node, error)) func(t *model.Trace) (*expr.Node, error) {
		return func(t *model.Trace) (*expr.Node, error) {
			l, err := loss(&gan{s, t})
			traced[name] = l
			return l, err
		}
	}
	players := s.players()
	if s.loss == "ns" {
		players[0].Loss, players[1].Loss = keep("discriminator", (*gan).nonSaturatingD), keep("generator", (*gan).nonSaturatingG)
	} else {
		players[0].Loss, players[1].Loss = keep("discriminator", (*gan).critic), keep("generator", (*gan).wassersteinG)
	}
	config := model.Config{DType: s.dtype, Batch: s.batch, SampleBatch: 2, Image: expr.Of(s.dtype, "hwc", s.size, s.size, s.channels)}
	p, reals, err := model.Build(config, players, nil, func(t *model.Trace) (*expr.Node, error) { return (&gan{s, t}).G() })
	if err != nil {
		t.Fatal(err)
	}
	return p, reals, traced
}

func (s study) players() []model.Player {
	o := model.Optimizer{Rule: s.rule}
	number := map[string]float64{"lr": s.lr, "beta1": s.beta1, "beta2": .999, "eps": 1e-7, "decay": .01, "momentum": .9, "rho": .9}
	for _, name := range model.Rules[s.rule].Params {
		o.Params = append(o.Params, model.Param{Name: name, Value: spec.Constant(number[name])})
	}
	if s.clip {
		limit := spec.Constant(.3)
		o.ClipNorm = &limit
	}
	g := o
	if s.ema {
		decay := spec.Constant(.9)
		g.EMA = &decay
	}
	return []model.Player{{Name: "discriminator", Steps: s.dSteps, Optimizer: o, Critic: true}, {Name: "generator", Steps: 1, Optimizer: g}}
}

// gan is a study while it is traced. Errors of layers are bugs of the test.
type gan struct {
	study
	t *model.Trace
}

func must(n *expr.Node, err error) *expr.Node {
	if err != nil {
		panic(err)
	}
	return n
}

func (g *gan) leaky(x *expr.Node) *expr.Node {
	return expr.Leaky(x, g.t.Real("net.star:1:1", spec.Constant(g.slope)))
}

func (g *gan) conv() nn.ConvOptions {
	return nn.ConvOptions{Kernel: [2]int{g.kernel, g.kernel}, Stride: [2]int{2, 2}, Padding: nn.Padding{Mode: "same"}, KernelInit: g.start}
}

func (g *gan) norm(x *expr.Node) *expr.Node {
	return must(nn.BatchNorm(g.t, x, nn.NormOptions{Scale: true, Center: true}))
}

func (g *gan) G() (*expr.Node, error) {
	z := g.t.Normal("latent", expr.Of(g.dtype, "bc", g.t.Examples(), g.latent))
	return g.t.Call("generator", z, func() (*expr.Node, error) {
		side, c := g.size>>g.depth, g.width<<(g.depth-1)
		h := must(nn.Dense(g.t, z, nn.DenseOptions{Units: side * side * c}))
		h = must(nn.Reshape(g.leaky(g.norm(h)), side, side, c))
		for range g.depth - 1 {
			o := g.conv()
			c /= 2
			o.Filters = c
			h = g.leaky(g.norm(must(nn.ConvTranspose(g.t, h, o))))
		}
		o := g.conv()
		o.Filters, o.Bias = g.channels, true
		return expr.Tanh(must(nn.ConvTranspose(g.t, h, o))), nil
	})
}

func (g *gan) D(x *expr.Node) *expr.Node {
	return must(g.t.Call("discriminator", x, func() (*expr.Node, error) {
		h, c := x, g.width
		for i := range g.depth {
			norm := i > 0 && g.loss == "ns"
			o := g.conv()
			o.Filters, o.Bias = c, !norm || g.allBiases
			h = must(nn.Conv(g.t, h, o))
			if norm {
				h = g.norm(h)
			}
			h = g.leaky(h)
			c *= 2
		}
		if g.dropout {
			h = must(nn.Dropout(g.t, h, g.t.Real("net.star:2:1", spec.Constant(.25))))
		}
		return nn.Dense(g.t, must(nn.Flatten(h)), nn.DenseOptions{Units: 1, Bias: true})
	}))
}

func (g *gan) noisy(x *expr.Node) *expr.Node {
	return expr.Add(x, expr.Mul(g.t.Real("loss.star:1:1", spec.Named(spec.Label{Name: "noise"}, g.noise)), g.t.Normal("noise", x.Shape)))
}

// nonSaturatingD is E softplus(-D(x)) + E softplus(D(G(z))) (Goodfellow et al. 2014, section 3).
func (g *gan) nonSaturatingD() (*expr.Node, error) {
	fake := expr.Stop(must(g.G()))
	real := expr.Softplus(expr.Neg(g.D(g.noisy(g.t.X()))))
	return expr.Mean(expr.Add(real, expr.Softplus(g.D(g.noisy(fake)))), "bc"), nil
}

func (g *gan) nonSaturatingG() (*expr.Node, error) {
	return expr.Mean(expr.Softplus(expr.Neg(g.D(g.noisy(must(g.G()))))), "bc"), nil
}

// critic is Gulrajani et al. (2017), eq. 3.
func (g *gan) critic() (*expr.Node, error) {
	x, fake := g.t.X(), must(g.G())
	if !g.open {
		fake = expr.Stop(fake)
	}
	eps := g.t.Uniform("loss", x.Shape.Only("b"))
	mix := expr.Add(expr.Mul(eps, x), expr.Mul(expr.Sub(g.t.Number(1), eps), fake))
	slope := expr.Norm(expr.Grad(expr.Sum(g.D(mix), "bc"), mix)[0], "hwc", 1e-12)
	penalty := expr.Mean(expr.Square(expr.Sub(slope, g.t.Number(1))), "b")
	weight := g.t.Real("loss.star:9:1", spec.Constant(g.penalty))
	return expr.Add(expr.Sub(expr.Mean(g.D(fake), "bc"), expr.Mean(g.D(x), "bc")), expr.Mul(weight, penalty)), nil
}

func (g *gan) wassersteinG() (*expr.Node, error) {
	return expr.Neg(expr.Mean(g.D(must(g.G())), "bc")), nil
}

// start returns the state, seed and step that a trial begins with.
func start(p *model.Program, seed uint32) exprtest.Values {
	v := exprtest.Values{"seed": {float64(seed)}, "step": {0}}
	for _, x := range p.Vars {
		v[x.Name] = model.Initial(x, seed)
	}
	return v
}

// trainer runs a program's iterations.
type trainer struct {
	p    *model.Program
	step *exprtest.Exec
}

func train(t testing.TB, backend string, p *model.Program) trainer {
	t.Helper()
	return trainer{p, exprtest.Compile(t, backend, p.Step()...)}
}

// advance runs an iteration: it replaces the state in v and returns the values by name.
func (r trainer) advance(v exprtest.Values) map[string]float64 {
	out := r.step.Run(v)
	for i, x := range r.p.Vars {
		v[x.Name] = out[i]
	}
	values := map[string]float64{}
	for i, q := range r.p.Recorded {
		values[q.Name] = out[len(r.p.Vars)+i][0]
	}
	values["finite"] = out[len(out)-1][0]
	v["step"] = []float64{v["step"][0] + 1}
	return values
}

// images returns n different batches of a study.
func (s study) images(trial, n int) exprtest.Values {
	v := exprtest.Values{}
	source := model.NewSource(uint32(trial), "images")
	for i := range n {
		x := make([]float64, s.batch*s.size*s.size*s.channels)
		for j := range x {
			x[j] = 2*source.Uniform() - 1
		}
		v[fmt.Sprint("x", i)] = x
	}
	return v
}
