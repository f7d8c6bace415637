package model_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/internal/exprtest"
)

func TestInitialValuesHaveTheirDistributions(t *testing.T) {
	const fanIn, fanOut = 300, 100
	glorot, he := 2./(fanIn+fanOut), 2./fanIn
	for _, c := range []struct {
		kind           model.InitKind
		args           [2]float64
		mean, variance float64
		bound          float64 // of all values
	}{
		{model.ConstantInit, [2]float64{.5}, .5, 0, .5},
		{model.UniformInit, [2]float64{-1, 3}, 1, 16. / 12, 3},
		{model.NormalInit, [2]float64{2, .5}, 2, .25, 5},
		// Without values beyond two deviations, 0.7737 of the variance remains.
		{model.TruncatedInit, [2]float64{0, .02}, 0, .0004 * .773741, .04},
		{model.GlorotUniform, [2]float64{1}, 0, glorot, math.Sqrt(3 * glorot)},
		{model.GlorotNormal, [2]float64{2}, 0, 4 * glorot, 1},
		{model.HeUniform, [2]float64{1}, 0, he, math.Sqrt(3 * he)},
		{model.HeNormal, [2]float64{1}, 0, he, 1},
	} {
		const n = 100_000
		v := model.Var{Shape: expr.Of(expr.F32, "c", n), Stream: "x", Init: model.Init{Kind: c.kind, Args: c.args, FanIn: fanIn, FanOut: fanOut}}
		x := model.Initial(v, 1)
		mean, variance := 0., 0.
		for _, f := range x {
			mean += f / n
		}
		for _, f := range x {
			variance += (f - mean) * (f - mean) / n
			if math.Abs(f) > c.bound {
				t.Fatalf("%v: got %g, want numbers within %g", v.Init, f, c.bound)
			}
		}
		// Five deviations of the mean; 2 % of the variance is four of a normal's.
		if math.Abs(mean-c.mean) > 5*math.Sqrt(c.variance/n)+1e-12 || math.Abs(variance-c.variance) > .02*c.variance+1e-12 {
			t.Errorf("%v: got mean %g and variance %g, want %g and %g", v.Init, mean, variance, c.mean, c.variance)
		}
	}
}

func TestOrthogonalKernelsAreOrthogonal(t *testing.T) {
	for _, c := range []struct{ rows, cols int }{{6, 6}, {40, 7}, {5, 30}, {1, 4}, {4, 1}} {
		const gain = 1.5
		v := model.Var{Shape: expr.Of(expr.F64, "co", c.rows, c.cols), Stream: "x",
			Init: model.Init{Kind: model.OrthogonalInit, Args: [2]float64{gain}, Rows: c.rows}}
		x := model.Initial(v, 1)
		at := func(i, j int) float64 { return x[i*c.cols+j] }
		n, m := c.cols, c.rows // n vectors of m numbers: columns, or rows if those are fewer
		if c.rows < c.cols {
			n, m, at = c.rows, c.cols, func(i, j int) float64 { return x[j*c.cols+i] }
		}
		for a := range n {
			for b := range n {
				dot, want := 0., 0.
				for i := range m {
					dot += at(i, a) * at(i, b)
				}
				if a == b {
					want = gain * gain
				}
				if math.Abs(dot-want) > 1e-12 {
					t.Errorf("%v: vectors %d and %d have the product %g, want %g", c, a, b, dot, want)
				}
			}
		}
	}
}

// The signs of a QR decomposition must have no effect: the first element is as often negative as positive.
func TestOrthogonalKernelsFavourNoDirection(t *testing.T) {
	positive := 0
	for seed := range uint32(400) {
		v := model.Var{Shape: expr.Of(expr.F64, "co", 3, 3), Stream: "x", Init: model.Init{Kind: model.OrthogonalInit, Args: [2]float64{1},
			Rows: 3}}
		if model.Initial(v, seed)[0] > 0 {
			positive++
		}
	}
	if positive < 150 || positive > 250 { // five deviations of 10
		t.Errorf("got %d positive elements of 400, want about half", positive)
	}
}

// Computed by an independent program from Salmon et al. (2011) and the definition of a stream: a change of these numbers
// changes every trial that was ever run.
func TestInitialValuesAndSourcesNeverChange(t *testing.T) {
	s := model.NewSource(42, "init/generator/dense1/kernel")
	if got, want := []uint64{s.Uint64(), s.Uint64(), s.Uint64()}, []uint64{0x9a4c00b34e897b16, 0x59c67c53c49353dd,
		0x8984949535ece564}; !slices.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
	if got, want := model.NewSource(42, "data order/0").Shuffle(10), []int32{6, 3, 4, 7, 9, 1, 2, 8, 0, 5}; !slices.Equal(got, want) {
		t.Errorf("got the order %v, want %v", got, want)
	}
	if got, want := model.NewSource(42, "data order/0").Uniform(), 0.1684315562969082; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := model.StreamID("noise/0"), uint32(0x90de935e); got != want {
		t.Errorf("got the stream %x, want %x", got, want)
	}
	v := model.Var{Name: "any", Stream: "net/dense1/kernel", Shape: expr.Of(expr.F32, "c", 3),
		Init: model.Init{Kind: model.GlorotUniform, Args: [2]float64{1}, FanIn: 2, FanOut: 3}}
	exprtest.Close(t, "glorot", model.Initial(v, 7), []float64{0.24629013636921607, -1.0126345529990077, 0.6517103049964426}, 1e-15)
	v.Shape, v.Init = expr.Of(expr.F32, "c", 2), model.Init{Kind: model.NormalInit, Args: [2]float64{0, 1}}
	exprtest.Close(t, "normal", model.Initial(v, 7), []float64{0.9625010825222157, 0.2329809094847197}, 1e-14)
}

func TestInitialValuesDependOnSeedAndStreamOnly(t *testing.T) {
	v := model.Var{Name: "a", Stream: "net/dense1/kernel", Shape: expr.Of(expr.F32, "c", 50),
		Init: model.Init{Kind: model.NormalInit, Args: [2]float64{0, 1}}}
	x := model.Initial(v, 1)
	renamed, elsewhere := v, v
	renamed.Name, elsewhere.Stream = "b", "net/dense2/kernel"
	if !slices.Equal(x, model.Initial(renamed, 1)) {
		t.Error("the name changes the values")
	}
	for what, other := range map[string][]float64{"another seed": model.Initial(v, 2), "another stream": model.Initial(elsewhere, 1)} {
		if slices.Equal(x, other) {
			t.Errorf("%s produces the same values", what)
		}
	}
}

func TestShufflesArePermutations(t *testing.T) {
	seen := map[string]bool{}
	for epoch := range 20 {
		p := model.NewSource(1, fmt.Sprint("data order/", epoch)).Shuffle(6)
		seen[fmt.Sprint(p)] = true
		slices.Sort(p)
		if !slices.Equal(p, []int32{0, 1, 2, 3, 4, 5}) {
			t.Fatalf("got %v, want each of 0 to 5 once", p)
		}
	}
	if len(seen) < 15 { // of 20 out of 720, 0.26 pairs agree on average
		t.Errorf("got %d different orders of 20", len(seen))
	}
	// Each number is first about equally often: 6 x 1000 +- 5 deviations of 29.
	first := [6]int{}
	s := model.NewSource(1, "orders")
	for range 6000 {
		first[s.Shuffle(6)[0]]++
	}
	for i, n := range first {
		if n < 855 || n > 1145 {
			t.Errorf("%d is first %d times of 6000, want about 1000", i, n)
		}
	}
}

// Streams are independent: if a loss draws more, the latents do not change. Sampling draws from its own streams, so evaluation
// never affects training.
func TestStreamsAreIndependent(t *testing.T) {
	draw := func(extra bool) (latent, evaluation []float64) {
		var train, sample *expr.Node
		normal := func(t *model.Trace, stream string) *expr.Node {
			return t.Normal(stream, expr.Of(expr.F64, "bc", t.Examples(), 4))
		}
		config := model.Config{DType: expr.F64, Batch: 2, SampleBatch: 2, Image: expr.Of(expr.F64, "c", 4)}
		sgd := model.Optimizer{Rule: model.SGD, Params: []model.Param{{Name: "lr"}, {Name: "momentum"}}}
		loss := func(t *model.Trace) (*expr.Node, error) {
			z := t.X()
			if extra {
				z = expr.Add(z, expr.Mul(normal(t, "noise"), t.Uniform("loss", z.Shape)))
			}
			train = normal(t, "latent")
			if extra {
				normal(t, "latent") // as a second update of the player would
			}
			w := must(t.Call("net", z, func() (*expr.Node, error) {
				layer, err := t.Layer("scale")
				return t.Weight(layer, "w", expr.Of(expr.F64, ""), model.Constant(1)), err
			}))
			return expr.Mean(expr.Mul(w, expr.Mul(z, train)), "bc"), nil
		}
		_, _, err := model.Build(config, []model.Player{{Name: "net", Steps: 1, Optimizer: sgd, Loss: loss}}, nil,
			func(t *model.Trace) (*expr.Node, error) {
				sample = normal(t, "latent")
				return sample, nil
			})
		if err != nil {
			t.Fatal(err)
		}
		out := exprtest.Eval(t, exprtest.Values{"seed": {3}, "step": {9}}, train, sample)
		return out[0], out[1]
	}
	latent, evaluation := draw(false)
	again, evaluationAgain := draw(true)
	exprtest.Close(t, "latents next to other draws", again, latent, 0)
	exprtest.Close(t, "samples next to other draws", evaluationAgain, evaluation, 0)
	if slices.Equal(latent, evaluation) {
		t.Error("training and sampling draw the same")
	}
}

// Draws of one stream in one step differ, and so do those of two steps.
func TestDrawsOfAStreamDiffer(t *testing.T) {
	p, _ := small.build(t)
	noise := map[uint32]bool{}
	n := 0
	for _, x := range expr.Order(p.Step()...) {
		if d, ok := x.Attr.(expr.Draw); ok {
			noise[d.Stream] = true
			n++
		}
	}
	// Two latents, noise on two batches for D and one for G, dropout in three calls of D.
	if n != 8 || len(noise) != 8 {
		t.Errorf("got %d draws from %d streams, want 8 from 8", n, len(noise))
	}
}

func TestAStreamCanBeReadFromAnyPosition(t *testing.T) {
	s := model.NewSource(42, "search")
	var all []uint64
	for range 10 {
		all = append(all, s.Uint64())
	}
	s.Normal() // keeps a second number, which Seek drops
	for _, place := range []uint64{7, 0, 3} {
		s.Seek(place)
		if got := s.Uint64(); got != all[place] {
			t.Errorf("at %d: got %x, want %x", place, got, all[place])
		}
	}
	s.Seek(5)
	if got, want := s.Normal(), func() float64 { f := model.NewSource(42, "search"); f.Seek(5); return f.Normal() }(); got != want {
		t.Errorf("got the normal %g after a seek, want %g", got, want)
	}
}
