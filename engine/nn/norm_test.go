package nn_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/nn"
	"github.com/starsweep/starsweep/internal/exprtest"
)

// normalized is gamma[c] (x - mean) / sqrt(variance + eps) + beta[c], with one mean and variance for every group; group and
// channel number the elements of the flat x.
func normalized(x, gamma, beta []float64, eps float64, group, channel func(i int) int) (y []float64, mean, variance map[int]float64) {
	n, mean, variance := map[int]float64{}, map[int]float64{}, map[int]float64{}
	for i := range x {
		n[group(i)]++
		mean[group(i)] += x[i]
	}
	for k := range mean {
		mean[k] /= n[k]
	}
	for i, k := range x {
		d := k - mean[group(i)]
		variance[group(i)] += d * d / n[group(i)]
	}
	for i := range x {
		k, c := group(i), channel(i)
		y = append(y, gamma[c]*(x[i]-mean[k])/math.Sqrt(variance[k]+eps)+beta[c])
	}
	return y, mean, variance
}

// The norms differ in which elements share a mean: element i of [b=2 h=3 w=2 c=4] has channel i%4 and example i/24.
func TestNormsAreTheirFormulas(t *testing.T) {
	channel, example := func(i int) int { return i % 4 }, func(i int) int { return i / 24 }
	for _, c := range []struct {
		name  string
		layer func(t *model.Trace, x *expr.Node, o nn.NormOptions) (*expr.Node, error)
		axes  string
		group func(i int) int
	}{
		{"batch_norm", nn.BatchNorm, "", channel},
		{"layer_norm", nn.LayerNorm, "", func(i int) int { return i / 4 }},
		{"layer_norm", nn.LayerNorm, "hwc", example},
		{"instance_norm", nn.InstanceNorm, "", func(i int) int { return example(i)*4 + channel(i) }},
		{"group_norm", func(t *model.Trace, x *expr.Node, o nn.NormOptions) (*expr.Node, error) {
			return nn.GroupNorm(t, x, 2, o)
		}, "", func(i int) int { return example(i)*2 + channel(i)/2 }},
	} {
		n := build(t, 2, image(3, 2, 4), func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			return c.layer(t, x, nn.NormOptions{Scale: true, Center: true, Axes: c.axes, Eps: t.Number(.02)})
		})
		v := n.start()
		v["net/"+c.name+"1/gamma"] = []float64{.5, 1, 2, 3}
		v["net/"+c.name+"1/beta"] = []float64{1, 0, -1, 4}
		want, _, _ := normalized(v.Of(n.x), v["net/"+c.name+"1/gamma"], v["net/"+c.name+"1/beta"], .02, c.group, channel)
		exprtest.Close(t, c.name, exprtest.Eval(t, v, n.train)[0], want, 1e-13)
	}
}

// Keras's defaults: momentum 0.99, eps 0.001, moving mean 0 and variance 1 at first, the variance of a batch divided by n.
func TestBatchNormSamplesWithMovingAverages(t *testing.T) {
	n := build(t, 4, image(2, 1, 3), func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
		return nn.BatchNorm(t, x, nn.NormOptions{Scale: true, Center: true})
	})
	v := n.start()
	step := exprtest.Compile(t, exprtest.Backend(), n.Step()...)
	mean, variance := []float64{0, 0, 0}, []float64{1, 1, 1}
	channel := func(i int) int { return i % 3 }
	x := v.Of(n.x)
	for i := range 5 {
		v["x0"] = make([]float64, len(x))
		for j := range x {
			v["x0"][j] = x[j]*float64(i+1) + float64(i*channel(j))
		}
		_, m, s := normalized(v["x0"], []float64{1, 1, 1}, []float64{0, 0, 0}, 1e-3, channel, channel)
		for c := range 3 {
			mean[c] = .99*mean[c] + .01*m[c]
			variance[c] = .99*variance[c] + .01*s[c]
		}
		for j, next := range step.Run(v)[:len(n.Vars)] {
			v[n.Vars[j].Name] = next
		}
	}
	exprtest.Close(t, "moving mean", v["net/batch_norm1/mean"], mean, 1e-13)
	exprtest.Close(t, "moving variance", v["net/batch_norm1/variance"], variance, 1e-13)

	delete(v, "x0")
	var want []float64
	for i, f := range x {
		want = append(want, (f-mean[channel(i)])/math.Sqrt(variance[channel(i)]+1e-3))
	}
	v["net/batch_norm1/gamma"], v["net/batch_norm1/beta"] = []float64{1, 1, 1}, []float64{0, 0, 0}
	exprtest.Close(t, "sample", exprtest.Eval(t, v, n.sample)[0], want, 1e-13)
}

// E[x²] - E[x]² would lose all digits of this variance in float32.
func TestBatchNormKeepsTheVarianceOfLargeNumbers(t *testing.T) {
	n := build(t, 64, expr.Of(expr.F32, "c", 1), func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
		return nn.BatchNorm(t, x, nn.NormOptions{Scale: true, Center: true, Eps: t.Number(1e-9)})
	})
	v := n.start()
	x, want := make([]float64, 64), make([]float64, 64)
	for i := range x {
		want[i] = float64(i%2*2 - 1)
		x[i] = 1024 + want[i]/16
	}
	v["x0"] = x
	exprtest.Close(t, "batch_norm", exprtest.Eval(t, v, n.train)[0], want, 1e-5)
}

// spectralNet has one layer with spectral norm whose input is the identity, so that its result is the kernel divided by
// its norm, as a matrix with the given number of rows.
var spectralNets = []struct {
	name, kernel, u string
	image           expr.Shape
	rows, units     int
	net             body
}{
	{"dense", "net/dense1/kernel", "net/dense1/u", flat(6), 6, 4, func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
		return nn.Dense(t, x, nn.DenseOptions{Units: 4, Spectral: true})
	}},
	{"conv", "net/conv1/kernel", "net/conv1/u", image(3, 2, 2), 12, 5, func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
		return nn.Conv(t, x, nn.ConvOptions{Filters: 5, Kernel: [2]int{3, 2}, Stride: [2]int{1, 1}, Padding: nn.Padding{Mode: "valid"},
			Spectral: true})
	}},
}

func identity(n int) []float64 {
	x := make([]float64, n*n)
	for i := range n {
		x[i*n+i] = 1
	}
	return x
}

func TestSpectralNormMakesTheLargestSingularValueOne(t *testing.T) {
	for _, c := range spectralNets {
		n := build(t, c.rows, c.image, c.net)
		v := n.start()
		v["x0"] = identity(c.rows)
		step := exprtest.Compile(t, exprtest.Backend(), n.Next...)
		largest := func(out *expr.Node) float64 {
			var svd mat.SVD
			if !svd.Factorize(mat.NewDense(c.rows, c.units, exprtest.Eval(t, v, out)[0]), mat.SVDNone) {
				t.Fatal("no singular values")
			}
			return svd.Values(nil)[0]
		}
		if first := largest(n.train); math.Abs(first-1) < 1e-6 {
			t.Errorf("%s: the norm is exact before any iteration, so this test shows nothing", c.name)
		}
		for range 300 { // the learning rate is 0, so the kernel does not change
			n.advance(step, v)
		}
		for what, out := range map[string]*expr.Node{"training": n.train, "sampling": n.sample} {
			if got := largest(out); math.Abs(got-1) > 1e-9 {
				t.Errorf("%s, %s: got the largest singular value %.12g, want 1", c.name, what, got)
			}
		}
	}
}

// The kernel [h w i o] of a transposed convolution is a matrix from its other axes to i, the channels of its result.
func TestSpectralNormOfATransposedConvolutionIsOverItsFilters(t *testing.T) {
	n := build(t, 3, image(1, 1, 3), func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
		return nn.ConvTranspose(t, x, nn.ConvOptions{Filters: 4, Kernel: [2]int{2, 3}, Stride: [2]int{1, 1},
			Padding: nn.Padding{Mode: "valid"}, Spectral: true})
	})
	v := n.start()
	v["x0"] = identity(3)
	step := exprtest.Compile(t, exprtest.Backend(), n.Next...)
	for range 300 {
		n.advance(step, v)
	}
	out := exprtest.Eval(t, v, n.train)[0] // [b=o, h w c=i]
	m := mat.NewDense(18, 4, nil)
	for o := range 3 {
		for tap := range 6 {
			for i := range 4 {
				m.Set(o*6+tap, i, out[(o*6+tap)*4+i])
			}
		}
	}
	var svd mat.SVD
	svd.Factorize(m, mat.SVDNone)
	if got := svd.Values(nil)[0]; math.Abs(got-1) > 1e-9 {
		t.Errorf("got the largest singular value %.12g, want 1", got)
	}
	if got := len(v["net/conv_transpose1/u"]); got != 4 {
		t.Errorf("got u of %d numbers, want one per filter, 4", got)
	}
}

// One step of Miyato et al. (2018), algorithm 1, by hand: u is updated once although the loss calls the network three times,
// and the gradient of sum(R W/sigma) treats u and v as constants: R/sigma - (R.W)/sigma² u v'.
func TestSpectralNormIteratesOncePerUpdate(t *testing.T) {
	c := spectralNets[0]
	n := build(t, c.rows, c.image, func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
		y, err := c.net(t, x)
		for range 2 {
			if err == nil {
				_, err = t.Call("net", x, func() (*expr.Node, error) { return c.net(t, x) })
			}
		}
		return y, err
	})
	v := n.start()
	v["x0"] = identity(c.rows)
	g := n.x.Graph()
	r := g.Input("R", n.train.Shape)
	kernel := g.Input(c.kernel, expr.Of(expr.F64, "co", c.rows, c.units))
	product := expr.Sum(expr.Mul(r, n.train), "bc")
	out := exprtest.Eval(t, v, expr.Grad(product, kernel)[0], n.Next[1])
	if n.Vars[1].Name != c.u {
		t.Fatalf("got %s as the second tensor, want %s", n.Vars[1].Name, c.u)
	}

	w := mat.NewDense(c.rows, c.units, v[c.kernel])
	unit := func(x *mat.VecDense) *mat.VecDense { x.ScaleVec(1/mat.Norm(x, 2), x); return x }
	var left, right, wu mat.VecDense
	left.MulVec(w, mat.NewVecDense(c.units, v[c.u])) // v of the paper, over the inputs
	unit(&left)
	right.MulVec(w.T(), &left) // u
	unit(&right)
	exprtest.Close(t, "u", out[1], right.RawVector().Data, 1e-13)

	wu.MulVec(w, &right)
	sigma := mat.Dot(&left, &wu)
	rs := v.Of(r)
	inner := 0.
	for i := range rs {
		inner += rs[i] * v[c.kernel][i]
	}
	want := make([]float64, len(rs))
	for i := range want {
		want[i] = rs[i]/sigma - inner/(sigma*sigma)*left.AtVec(i/c.units)*right.AtVec(i%c.units)
	}
	exprtest.Close(t, "gradient", out[0], want, 1e-12)
}

func TestDropoutKeepsTheMeanAndTheDraws(t *testing.T) {
	const rate = .3
	var dropped, sampled *expr.Node
	n := build(t, 200, flat(100), with(func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
		y, err := nn.Dropout(t, x, t.Number(rate))
		if t.Training {
			dropped = y
		} else {
			sampled = y
		}
		return y, err
	}))
	v := n.start()
	v["x0"] = make([]float64, 200*100)
	for i := range v["x0"] {
		v["x0"][i] = 1
	}
	e := exprtest.Compile(t, exprtest.Backend(), dropped)
	first := e.Run(v)[0]
	kept := 0.
	for _, y := range first {
		if y != 0 {
			kept++
			if math.Abs(y-1/(1-rate)) > 1e-15 {
				t.Fatalf("got %g, want 0 or 1/(1-rate)", y)
			}
		}
	}
	// Five standard deviations of a binomial proportion.
	if got, sd := kept/float64(len(first)), math.Sqrt(rate*(1-rate)/float64(len(first))); math.Abs(got-(1-rate)) > 5*sd {
		t.Errorf("kept %g of all, want %g", got, 1-rate)
	}
	exprtest.Close(t, "the same step", e.Run(v)[0], first, 0)
	v["step"] = []float64{1}
	again, equal := e.Run(v)[0], 0
	for i := range again {
		if again[i] == first[i] {
			equal++
		}
	}
	if equal == len(again) {
		t.Error("two steps drop the same elements")
	}
	if sampled.Op.Name != "input" {
		t.Errorf("while sampling: got %s, want x itself", sampled.Op.Name)
	}
}
