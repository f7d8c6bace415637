package expr_test

import (
	"fmt"
	"testing"

	. "github.com/starsweep/starsweep/engine/expr"
)

// dcgan builds the non-saturating losses of a DCGAN for 32 x 32 images, as the trace of a script would: the generator with batch norm,
// its image with instance noise, the discriminator on a real and a generated batch.
type dcgan struct {
	g          *Graph
	batch      int
	params     []*Node
	seed, step *Node
	slope      *Node
}

func newDCGAN(batch int) *dcgan {
	g := New()
	return &dcgan{g: g, batch: batch, seed: g.Input("seed", Of(U32, "")), step: g.Input("step", Of(U32, "")), slope: g.Real(F32, .3)}
}

func (d *dcgan) param(s Shape) *Node {
	p := d.g.Input(fmt.Sprint("p", len(d.params)), s)
	d.params = append(d.params, p)
	return p
}

func (d *dcgan) norm(x *Node) *Node {
	c := x.Shape.Size('c')
	gamma, beta := d.param(Of(F32, "c", c)), d.param(Of(F32, "c", c))
	x = Sub(x, Mean(x, "bhw"))
	return Add(Mul(x, Mul(gamma, Rsqrt(Add(Mean(Square(x), "bhw"), d.g.Const(F32, 1e-3))))), beta)
}

func (d *dcgan) generator(z *Node) *Node {
	x := Rename(Dot(z, d.param(Of(F32, "co", 100, 4*4*256)), "c"), "o", "c")
	x = Leaky(d.norm(Split(x, 'c', "hwc", 4, 4, 256)), d.slope)
	for _, c := range []int{128, 64} {
		n := x.Shape.Size('h')
		w := Window2{H: SameTransposed(n, 5, 2), W: SameTransposed(n, 5, 2)}
		x = Leaky(d.norm(ConvInput(x, d.param(Of(F32, "hwio", 5, 5, c, x.Shape.Size('c'))), w)), d.slope)
	}
	w := Window2{H: SameTransposed(16, 5, 2), W: SameTransposed(16, 5, 2)}
	return Tanh(ConvInput(x, d.param(Of(F32, "hwio", 5, 5, 1, 64)), w))
}

type discriminator struct{ k1, k2, k3, b1, b2, b3, dense *Node }

func (d *dcgan) newDiscriminator() (D discriminator) {
	D.k1, D.b1 = d.param(Of(F32, "hwio", 5, 5, 1, 64)), d.param(Of(F32, "c", 64))
	D.k2, D.b2 = d.param(Of(F32, "hwio", 5, 5, 64, 128)), d.param(Of(F32, "c", 128))
	D.k3, D.b3 = d.param(Of(F32, "hwio", 5, 5, 128, 256)), d.param(Of(F32, "c", 256))
	D.dense = d.param(Of(F32, "c", 4*4*256))
	return D
}

func (D discriminator) apply(d *dcgan, x *Node) *Node {
	for _, l := range [][2]*Node{{D.k1, D.b1}, {D.k2, D.b2}, {D.k3, D.b3}} {
		n := x.Shape.Size('h')
		x = Leaky(Add(Conv(x, l[0], Window2{H: Same(n, 5, 2), W: Same(n, 5, 2)}), l[1]), d.slope)
	}
	return Dot(Merge(x, "hwc", 'c'), D.dense, "c")
}

// losses are the discriminator's and the generator's (Goodfellow et al. 2014, section 3), with their parameters.
func (d *dcgan) losses() (dLoss, gLoss *Node, dParams, gParams []*Node) {
	z := Normal(d.seed, d.step, 1, Of(F32, "bc", d.batch, 100))
	fake := d.generator(z)
	gParams = d.params
	D := d.newDiscriminator()
	dParams = d.params[len(gParams):]
	noise := d.g.Real(F32, .1)
	noisy := func(x *Node, stream uint32) *Node {
		return Add(x, Mul(noise, Normal(d.seed, d.step, stream, x.Shape)))
	}
	real := noisy(d.g.Input("x", Of(F32, "bhwc", d.batch, 32, 32, 1)), 2)
	dLoss = Mean(Add(Softplus(Neg(D.apply(d, real))), Softplus(D.apply(d, noisy(Stop(fake), 3)))), "b")
	gLoss = Mean(Softplus(Neg(D.apply(d, noisy(fake, 4)))), "b")
	return dLoss, gLoss, dParams, gParams
}

// nsStep is a whole step: losses, gradients and Adam of both players.
func (d *dcgan) nsStep() []*Node {
	dLoss, gLoss, dParams, gParams := d.losses()
	outs := []*Node{dLoss, gLoss}
	t := d.g.Real(F32, 1)
	for _, player := range []struct {
		loss   *Node
		params []*Node
	}{{dLoss, dParams}, {gLoss, gParams}} {
		lr, b1, b2, one := d.g.Real(F32, 2e-4), d.g.Real(F32, .5), d.g.Real(F32, .999), d.g.Const(F32, 1)
		for i, gr := range Grad(player.loss, player.params...) {
			p := player.params[i]
			m := d.g.Input("m."+p.Attr.(Leaf).Name, p.Shape)
			v := d.g.Input("v."+p.Attr.(Leaf).Name, p.Shape)
			m = Add(Mul(b1, m), Mul(Sub(one, b1), gr))
			v = Add(Mul(b2, v), Mul(Sub(one, b2), Square(gr)))
			rate := Div(Mul(lr, Sqrt(Sub(one, Pow(b2, t)))), Sub(one, Pow(b1, t)))
			outs = append(outs, Sub(p, Div(Mul(rate, m), Add(Sqrt(v), d.g.Const(F32, 1e-7)))), m, v)
		}
	}
	return outs
}

// Checking a configuration means building its losses, since constructors check shapes. It must take less than a millisecond.
func BenchmarkTraceNSLosses(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		newDCGAN(64).losses()
	}
}

func BenchmarkTraceNSStep(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		newDCGAN(64).nsStep()
	}
}

func BenchmarkFingerprintNSStep(b *testing.B) {
	outs := newDCGAN(64).nsStep()
	b.ReportAllocs()
	for b.Loop() {
		Fingerprint(outs...)
	}
}

func BenchmarkVmapNSStep(b *testing.B) {
	outs := newDCGAN(64).nsStep()
	b.ReportAllocs()
	for b.Loop() {
		Vmap(New(), 4, func(n *Node) bool { return n.Attr.(Leaf).Name != "step" }, outs...)
	}
}
