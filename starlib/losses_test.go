package starlib_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/internal/exprtest"
	"github.com/starsweep/starsweep/starlib"
)

// The losses of @std//losses.star against plain arithmetic: a generator G(z) = z A + a, and a critic whose derivative is known,
// D(x) = (x·u + r) (x·v + s), so grad D(x) = (x·v + s) u + (x·u + r) v.
const losses = `
load("@std//losses.star", %q)

def G(z):
    return nn.dense(z, 2)

def D(x):
    return nn.dense(x, 1) * nn.dense(x, 1)

def trial(p):
    return gan(data = ring(), generator = G, discriminator = D, latent = normal(3), loss = %s, noise = %s,
        optimizer = sgd(lr = 0), batch = 5, epochs = 1)

main = study(trial = trial)
`

const (
	batch  = 5
	coords = 2
	latent = 3
)

type vec = []float64

// world is the values that a loss is evaluated at.
type world struct {
	u, v vec // [2]
	r, s float64
	x    []vec // real examples
	fake []vec // what G makes of the critic's latent vectors
	gen  []vec // ... and of the generator's
	eps  vec   // uniform draws, one per example
	like []vec // uniform draws, one per element: eps is drawn from the same stream, so a loss has either
	next vec   // the stream's second draw, one per example
}

func dot(a, b vec) (s float64) {
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}

// D is the critic.
func (w world) D(x vec) float64 { return (dot(x, w.u) + w.r) * (dot(x, w.v) + w.s) }

// slope is the length of its gradient.
func (w world) slope(x vec) float64 {
	a, b := dot(x, w.v)+w.s, dot(x, w.u)+w.r
	return math.Hypot(a*w.u[0]+b*w.v[0], a*w.u[1]+b*w.v[1])
}

// mix is the point between the i-th fake and real example.
func (w world) mix(i int) vec {
	e := w.eps[i]
	return vec{e*w.x[i][0] + (1-e)*w.fake[i][0], e*w.x[i][1] + (1-e)*w.fake[i][1]}
}

// mean is the mean over examples.
func mean(f func(i int) float64) (m float64) {
	for i := range batch {
		m += f(i) / batch
	}
	return m
}

func sigmoid(t float64) float64 { return 1 / (1 + math.Exp(-t)) }

func (w world) Dx(i int) float64 { return w.D(w.x[i]) }
func (w world) Df(i int) float64 { return w.D(w.fake[i]) }
func (w world) Dg(i int) float64 { return w.D(w.gen[i]) }

// bce is Goodfellow's loss of D.
func (w world) bce() float64 {
	return -mean(func(i int) float64 { return math.Log(sigmoid(w.Dx(i))) + math.Log(1-sigmoid(w.Df(i))) })
}

// saturated is -E log sigmoid(D(G(z))).
func (w world) saturated() float64 {
	return -mean(func(i int) float64 { return math.Log(sigmoid(w.Dg(i))) })
}

// distance is E[D(G(z))] - E[D(x)].
func (w world) distance() float64 { return mean(w.Df) - mean(w.Dx) }

func (w world) fooled() float64 { return -mean(w.Dg) }

func square(x float64) float64 { return x * x }

// equations are the losses of @std//losses.star as plain float64 arithmetic, with where they are from.
var equations = []struct {
	name, call        string
	critic, generator func(w world) float64
}{
	// Reference: Goodfellow et al. 2014, eq. 1 and the end of section 3.
	{"non_saturating", "non_saturating()", world.bce, world.saturated},
	// Reference: Goodfellow et al. 2014, eq. 1.
	{"minimax", "minimax()", world.bce, func(w world) float64 {
		return mean(func(i int) float64 { return math.Log(1 - sigmoid(w.Dg(i))) })
	}},
	// Reference: Salimans et al. 2016, section 3.4.
	{"label_smoothing", "label_smoothing(0.8)", func(w world) float64 {
		return -mean(func(i int) float64 {
			return .8*math.Log(sigmoid(w.Dx(i))) + .2*math.Log(1-sigmoid(w.Dx(i))) + math.Log(1-sigmoid(w.Df(i)))
		})
	}, world.saturated},
	// Reference: Arjovsky et al. 2017, algorithm 1.
	{"wasserstein", "wasserstein(clip = 100)", world.distance, world.fooled},
	// Reference: Gulrajani et al. 2017, eq. 3.
	{"wasserstein_gp", "wasserstein_gp(weight = 10)", func(w world) float64 {
		return w.distance() + 10*mean(func(i int) float64 { return square(w.slope(w.mix(i)) - 1) })
	}, world.fooled},
	// Reference: Petzka et al. 2018, eq. 8.
	{"wasserstein_lp", "wasserstein_lp(weight = 3.0)", func(w world) float64 {
		return w.distance() + 3*mean(func(i int) float64 { return square(max(0, w.slope(w.mix(i))-1)) })
	}, world.fooled},
	// Reference: Mao et al. 2017, eq. 9 with a = 0, b = c = 1.
	{"least_squares", "least_squares()", func(w world) float64 {
		return mean(func(i int) float64 { return square(w.Dx(i)-1)/2 + square(w.Df(i))/2 })
	}, func(w world) float64 {
		return mean(func(i int) float64 { return square(w.Dg(i)-1) / 2 })
	}},
	// Reference: Miyato et al. 2018, eqs. 16 and 17.
	{"hinge", "hinge()", func(w world) float64 {
		return mean(func(i int) float64 { return max(0, 1-w.Dx(i)) + max(0, 1+w.Df(i)) })
	}, world.fooled},
	// Reference: Jolicoeur-Martineau 2019, section 4.2.
	{"relativistic_average", "relativistic_average()", func(w world) float64 {
		return -mean(func(i int) float64 {
			return math.Log(sigmoid(w.Dx(i)-mean(w.Df))) + math.Log(1-sigmoid(w.Df(i)-mean(w.Dx)))
		})
	}, func(w world) float64 {
		return -mean(func(i int) float64 {
			return math.Log(sigmoid(w.Dg(i)-mean(w.Dx))) + math.Log(1-sigmoid(w.Dx(i)-mean(w.Dg)))
		})
	}},
	// Reference: Kodali et al. 2017, section 2.3, with the points of the authors' code.
	{"dragan", "dragan(weight = 10, reach = 0.5)", func(w world) float64 {
		m, v := 0., 0.
		for _, x := range w.x {
			m += (x[0] + x[1]) / (coords * batch)
		}
		for _, x := range w.x {
			v += (square(x[0]-m) + square(x[1]-m)) / (coords * batch)
		}
		return w.bce() + 10*mean(func(i int) float64 {
			reach := .5 * math.Sqrt(v) * w.next[i]
			return square(w.slope(vec{w.x[i][0] + reach*w.like[i][0], w.x[i][1] + reach*w.like[i][1]}) - 1)
		})
	}, world.saturated},
	// Reference: Mescheder et al. 2018, eq. 9.
	{"r1", "r1(weight = 7)", func(w world) float64 {
		return w.bce() + 7./2*mean(func(i int) float64 { return square(w.slope(w.x[i])) })
	}, world.saturated},
	// Reference: Mescheder et al. 2018, eq. 10.
	{"r2", "r2(weight = 7)", func(w world) float64 {
		return w.bce() + 7./2*mean(func(i int) float64 { return square(w.slope(w.fake[i])) })
	}, world.saturated},
}

func TestLossesEqualTheirEquations(t *testing.T) {
	for _, c := range equations {
		t.Run(c.name, func(t *testing.T) {
			w, got := evaluate(t, fmt.Sprintf(losses, c.name, c.call, "None"))
			near(t, "the critic's loss", got["loss_discriminator"], c.critic(w))
			near(t, "the generator's loss", got["loss_generator"], c.generator(w))
			if d, ok := got["d_real"]; !ok {
				t.Error("d_real is not recorded")
			} else {
				near(t, "d_real", d, mean(w.Dx))
				near(t, "d_fake", got["d_fake"], mean(w.Df))
			}
		})
	}
}

// Reference: Sønderby et al. 2017, section 4: noise on everything that D reads; G is trained through it.
func TestInstanceNoiseIsAddedToWhatTheDiscriminatorReads(t *testing.T) {
	w, got := evaluate(t, fmt.Sprintf(losses, "least_squares", "least_squares()", "instance_noise(linear(0.25, 0.01, epochs = 10))"))
	noise := func(draw int, x []vec) (y []vec) {
		n := drawn(t, expr.Normal, fmt.Sprint("noise/", draw), coords)
		for i := range x {
			y = append(y, vec{x[i][0] + .25*n[i][0], x[i][1] + .25*n[i][1]})
		}
		return y
	}
	x, fake, gen := noise(0, w.x), noise(1, w.fake), noise(2, w.gen)
	critic := func(i int) float64 { return square(w.D(x[i])-1)/2 + square(w.D(fake[i]))/2 }
	near(t, "the critic's loss", got["loss_discriminator"], mean(critic))
	near(t, "the generator's loss", got["loss_generator"], mean(func(i int) float64 { return square(w.D(gen[i])-1) / 2 }))
	near(t, "d_real", got["d_real"], mean(func(i int) float64 { return w.D(x[i]) }))
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-9*(1+math.Abs(want))) {
		t.Errorf("%s: got %.15g, want %.15g", what, got, want)
	}
}

// run evaluates expressions in float64: inputs are looked up by name, reals have the values of the script.
func run(t *testing.T, inputs map[string]vec, outs ...*expr.Node) []vec {
	t.Helper()
	for _, n := range lower.Inputs(outs...) {
		if name := n.Attr.(expr.Leaf).Name; inputs[name] == nil && n.Op.Name != "real" {
			t.Fatalf("there is no input %s", name)
		}
	}
	return exprtest.Eval(t, inputs, outs...)
}

// drawn is the rows of a draw [b c] that the program makes in its first step with the seed 3.
func drawn(t *testing.T, draw func(seed, step *expr.Node, stream uint32, s expr.Shape) *expr.Node, stream string, columns int) []vec {
	g := expr.New()
	u32, shape := expr.Of(expr.U32, ""), expr.Of(expr.F64, "b", batch)
	if columns > 1 {
		shape = expr.Of(expr.F64, "bc", batch, columns)
	}
	drawing := draw(g.Input("seed", u32), g.Input("step", u32), model.StreamID(stream), shape)
	v := run(t, map[string]vec{"seed": {3}, "step": {0}}, drawing)[0]
	return rows(v, max(1, columns))
}

func rows(v vec, columns int) (r []vec) {
	for i := 0; i < len(v); i += columns {
		r = append(r, v[i:i+columns])
	}
	return r
}

// evaluate runs one step of the only point of a script with fixed weights and examples, and returns its readings.
func evaluate(t *testing.T, source string) (world, map[string]float64) {
	t.Helper()
	s, err := starlib.Loader{Catalogue: catalogue, DType: expr.F64}.Load(context.Background(), "losses.star", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	job, err := s.Job(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	w := world{u: vec{.8, -.5}, v: vec{.3, .9}, r: .4, s: -.2,
		x:    []vec{{.1, .7}, {-.4, .2}, {1.1, -.3}, {.6, .5}, {-.9, -.8}},
		eps:  flat(drawn(t, expr.Uniform, "loss/0", 1)),
		like: drawn(t, expr.Uniform, "loss/0", coords),
		next: flat(drawn(t, expr.Uniform, "loss/1", 1))}
	a, bias := vec{.5, -.2, .1, .3, -.4, .6}, vec{.05, -.1}
	generate := func(z []vec) (y []vec) {
		for _, z := range z {
			y = append(y, vec{z[0]*a[0] + z[1]*a[2] + z[2]*a[4] + bias[0], z[0]*a[1] + z[1]*a[3] + z[2]*a[5] + bias[1]})
		}
		return y
	}
	w.fake, w.gen = generate(drawn(t, expr.Normal, "latent/0", latent)), generate(drawn(t, expr.Normal, "latent/1", latent))
	inputs := map[string]vec{"seed": {3}, "step": {0}, "x0": flat(w.x),
		"discriminator/dense1/kernel": w.u, "discriminator/dense1/bias": {w.r},
		"discriminator/dense2/kernel": w.v, "discriminator/dense2/bias": {w.s},
		"generator/dense1/kernel": a, "generator/dense1/bias": bias}
	for _, v := range job.Program.Vars { // slots of the optimizer
		if _, ok := inputs[v.Name]; !ok {
			inputs[v.Name] = make(vec, v.Shape.Elems())
		}
	}
	var outs []*expr.Node
	for _, r := range job.Program.Recorded {
		outs = append(outs, r.Node)
	}
	got := map[string]float64{}
	for i, v := range run(t, inputs, outs...) {
		got[job.Program.Recorded[i].Name] = v[0]
	}
	return w, got
}

func flat(r []vec) (v vec) {
	for _, row := range r {
		v = append(v, row...)
	}
	return v
}
