package train

import (
	"math"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/nn"
	"github.com/starsweep/starsweep/engine/spec"
)

// Models of the tests, written with the layers that scripts use.

type node = *expr.Node

// chain calls layers in turn until one fails.
type chain struct {
	t   *model.Trace
	x   node
	err error
}

func (c *chain) do(f func(x node) (node, error)) *chain {
	if c.err == nil {
		c.x, c.err = f(c.x)
	}
	return c
}

func (c *chain) dense(units int) *chain {
	return c.do(func(x node) (node, error) { return nn.Dense(c.t, x, nn.DenseOptions{Units: units, Bias: true}) })
}

func (c *chain) conv(filters int) *chain {
	return c.do(func(x node) (node, error) {
		return nn.Conv(c.t, x, nn.ConvOptions{Filters: filters, Kernel: [2]int{5, 5}, Stride: [2]int{2, 2}, Padding: nn.Padding{Mode: "same"},
			Bias: true})
	})
}

func (c *chain) deconv(filters int) *chain {
	return c.do(func(x node) (node, error) {
		return nn.ConvTranspose(c.t, x, nn.ConvOptions{Filters: filters, Kernel: [2]int{5, 5}, Stride: [2]int{2, 2},
			Padding: nn.Padding{Mode: "same"}})
	})
}

func (c *chain) norm(on bool) *chain {
	return c.do(func(x node) (node, error) {
		if !on {
			return x, nil
		}
		return nn.BatchNorm(c.t, x, nn.NormOptions{Scale: true, Center: true})
	})
}

func (c *chain) leaky() *chain {
	return c.do(func(x node) (node, error) { return expr.Leaky(x, c.t.Number(.3)), nil })
}

func (c *chain) relu() *chain { return c.do(func(x node) (node, error) { return expr.Relu(x), nil }) }
func (c *chain) tanh() *chain { return c.do(func(x node) (node, error) { return expr.Tanh(x), nil }) }

func (c *chain) flatten() *chain { return c.do(nn.Flatten) }

func (c *chain) image(h, w, channels int) *chain {
	return c.do(func(x node) (node, error) { return nn.Reshape(x, h, w, channels) })
}

// gan is a model of the tests, and its parameters.
type gan struct {
	wasserstein   bool
	bf16          bool
	dtype         expr.DType
	image         expr.Shape
	width, latent int
	batch, critic int // critic: its steps per iteration
	lr            float64
}

var (
	points  = gan{image: expr.Of(expr.F32, "c", 2), width: 16, latent: 4, batch: 16, critic: 1, lr: 1e-3}
	tiny    = gan{image: expr.Of(expr.F32, "hwc", 8, 8, 1), width: 4, latent: 3, batch: 6, critic: 1, lr: 1e-3}
	tinyGP  = gan{image: expr.Of(expr.F32, "hwc", 8, 8, 1), width: 4, latent: 3, batch: 6, critic: 2, lr: 1e-3, wasserstein: true}
	thesis  = gan{image: expr.Of(expr.F32, "hwc", 32, 32, 1), width: 64, latent: 100, batch: 64, critic: 1, lr: 2e-4}
	samples = 8 // per call of the sampling program
)

func (m gan) generator(t *model.Trace, z node) (node, error) {
	return t.Call("generator", z, func() (node, error) {
		c := &chain{t: t, x: z}
		if m.image.Axes() == "c" {
			return c.dense(m.width).relu().dense(m.width).relu().dense(2).result()
		}
		h, w, ch := m.image.Size('h'), m.image.Size('w'), m.image.Size('c')
		if h == 32 { // Westberg, table 4.1
			return c.dense(4*4*4*m.width).image(4, 4, 4*m.width).norm(true).relu().deconv(2 * m.width).norm(true).relu().
				deconv(m.width).norm(true).relu().deconv(ch).tanh().result()
		}
		return c.dense(h/4*w/4*m.width).image(h/4, w/4, m.width).norm(true).relu().deconv(m.width).norm(true).relu().deconv(ch).tanh().result()
	})
}

func (m gan) discriminator(t *model.Trace, x node) (node, error) {
	return t.Call("discriminator", x, func() (node, error) {
		c := &chain{t: t, x: x}
		if m.image.Axes() == "c" {
			return c.dense(m.width).leaky().dense(m.width).leaky().dense(1).result()
		}
		c.conv(m.width).leaky().conv(2 * m.width).norm(!m.wasserstein).leaky()
		if m.image.Size('h') == 32 { // Westberg, table 4.2
			c.conv(4 * m.width).norm(!m.wasserstein).leaky()
		}
		return c.flatten().dense(1).result()
	})
}

func (c *chain) result() (node, error) { return c.x, c.err }

func (m gan) z(t *model.Trace) node {
	return t.Given("latent", "", t.Normal("latent", expr.Of(m.dtype, "bc", t.Examples(), m.latent)))
}

// nonSaturating is Goodfellow et al. 2014, section 3, with instance noise.
func (m gan) nonSaturating(generator bool) func(t *model.Trace) (node, error) {
	return func(t *model.Trace) (node, error) {
		mean := func(v node) node { return expr.Mean(v, v.Shape.Axes()) }
		fake, err := m.generator(t, m.z(t))
		if err != nil {
			return nil, err
		}
		noisy := func(x node) node {
			level := t.Real("noise", spec.Named(spec.Label{Name: "noise"}, spec.Linear(.5, .01, 10, spec.Epochs)))
			return expr.Add(x, expr.Mul(level, t.Normal("noise", x.Shape)))
		}
		if generator {
			dz, err := m.discriminator(t, noisy(fake))
			return mean(expr.Softplus(expr.Neg(dz))), err
		}
		dx, err := m.discriminator(t, noisy(t.X()))
		if err != nil {
			return nil, err
		}
		dz, err := m.discriminator(t, noisy(expr.Stop(fake)))
		if err != nil {
			return nil, err
		}
		return expr.Add(mean(expr.Softplus(expr.Neg(dx))), mean(expr.Softplus(dz))), nil
	}
}

// wassersteinGP is Gulrajani et al. 2017, eq. 3.
func (m gan) wassersteinGP(generator bool) func(t *model.Trace) (node, error) {
	return func(t *model.Trace) (node, error) {
		mean := func(v node) node { return expr.Mean(v, v.Shape.Axes()) }
		fake, err := m.generator(t, m.z(t))
		if err != nil {
			return nil, err
		}
		if generator {
			dz, err := m.discriminator(t, fake)
			if err != nil {
				return nil, err
			}
			return expr.Neg(mean(dz)), nil
		}
		fake = expr.Stop(fake)
		e := t.Uniform("penalty", expr.Of(m.dtype, "b", t.Examples()))
		mix := expr.Add(expr.Mul(e, t.X()), expr.Mul(expr.Sub(t.Number(1), e), fake))
		var d [3]node
		for i, x := range []node{mix, fake, t.X()} {
			if d[i], err = m.discriminator(t, x); err != nil {
				return nil, err
			}
		}
		slope := expr.Norm(expr.Grad(expr.Sum(d[0], d[0].Shape.Axes()), mix)[0], m.image.Axes(), 1e-12)
		penalty := expr.Mul(t.Real("weight", spec.Constant(10)), mean(expr.Square(expr.Sub(slope, t.Number(1)))))
		return expr.Add(expr.Sub(mean(d[1]), mean(d[2])), penalty), nil
	}
}

func adam(lr float64) model.Optimizer {
	return model.Optimizer{Rule: model.Adam, Params: []model.Param{{Name: "lr", Value: spec.Constant(lr)},
		{Name: "beta1", Value: spec.Constant(.5)},
		{Name: "beta2", Value: spec.Constant(.999)}, {Name: "eps", Value: spec.Constant(1e-7)}}}
}

// job builds the model's program, as a script would for one trial.
func (m gan) job(t testing.TB) *model.Job {
	t.Helper()
	loss := m.nonSaturating
	if m.wasserstein {
		loss = m.wassersteinGP
	}
	players := []model.Player{
		{Name: "discriminator", Steps: m.critic, Optimizer: adam(m.lr), Critic: true, Loss: loss(false)},
		{Name: "generator", Steps: 1, Optimizer: adam(m.lr), Loss: loss(true)},
	}
	c := model.Config{DType: m.dtype, BF16: m.bf16, Batch: m.batch, SampleBatch: samples, Image: m.image.As(m.dtype)}
	return build(t, c, players, func(t *model.Trace) (node, error) { return m.generator(t, m.z(t)) })
}

func build(t testing.TB, c model.Config, players []model.Player, sample func(*model.Trace) (node, error),
	watches ...model.Watch) *model.Job {
	t.Helper()
	p, reals, err := model.Build(c, players, watches, sample)
	if err != nil {
		t.Fatal(err)
	}
	return &model.Job{Epochs: 2, Program: p, Reals: reals}
}

// classifier is a classifier: one player, whose loss is the cross entropy. It has three tests: its loss, the first coordinate and the
// label.
func classifier(t testing.TB, classes int) *model.Job {
	t.Helper()
	loss := func(t *model.Trace) (node, error) {
		l, err := t.Call("classifier", t.X(), func() (node, error) { return (&chain{t: t, x: t.X()}).dense(32).relu().dense(classes).result() })
		if err != nil {
			return nil, err
		}
		y, err := t.Y()
		if err != nil {
			return nil, err
		}
		p := expr.Mul(expr.LogSoftmax(l, "c"), expr.OneHot(y, 'c', classes, l.Shape.DType))
		return expr.Neg(expr.Mean(expr.Sum(p, "c"), "b")), nil
	}
	tests := []model.Watch{
		{Name: "loss", Test: true, Value: loss},
		{Name: "first", Test: true, Value: func(t *model.Trace) (node, error) {
			return expr.Mean(expr.Slice(t.X(), 'c', 0, 1, 1), "bc"), nil
		}},
		{Name: "label", Test: true, Value: func(t *model.Trace) (node, error) {
			y, err := t.Y()
			return expr.Mean(expr.Convert(y, t.Config.DType), "b"), err
		}},
	}
	players := []model.Player{{Name: "classifier", Steps: 1, Optimizer: adam(1e-2), Loss: loss}}
	return build(t, model.Config{Batch: 16, SampleBatch: samples, Image: expr.Of(expr.F32, "c", 2), Classes: classes}, players, nil, tests...)
}

// ring is n points on eight Gaussians around a circle, labelled by them.
func ring(n int) Images {
	s := model.NewSource(1, "ring")
	x, y := make([]float32, 2*n), make([]int32, n)
	for i := range n {
		y[i] = int32(i % 8)
		phi := 2 * math.Pi * float64(y[i]) / 8
		x[2*i], x[2*i+1] = float32(math.Cos(phi)+.05*s.Normal()), float32(math.Sin(phi)+.05*s.Normal())
	}
	return set("ring", n, 1, 1, 2, x, y)
}

// blobs is n random images of h x w pixels.
func blobs(n, h, w int) Images {
	s := model.NewSource(2, "blobs")
	x := make([]float32, n*h*w)
	for i := range x {
		x[i] = float32(2*s.Uniform() - 1)
	}
	return set("blobs", n, h, w, 1, x, nil)
}

func set(id string, n, h, w, c int, x []float32, y []int32) Images {
	size := h * w * c
	return Images{ID: id, N: n, H: h, W: w, C: c, Labels: y, Batch: func(dst []float32, index []int32) {
		for i, k := range index {
			copy(dst[i*size:(i+1)*size], x[int(k)*size:])
		}
	}}
}
