package model_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/nn"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/exprtest"
)

func fingerprint(t *testing.T, s study) string {
	p, _ := s.build(t)
	return p.Fingerprint()
}

func TestRealNumbersDoNotChangeTheFingerprint(t *testing.T) {
	for _, base := range []study{small, small.wgan()} {
		want := fingerprint(t, base)
		for name, change := range map[string]func(s *study){
			"nothing":        func(s *study) {},
			"learning rate":  func(s *study) { s.lr = 1e-4 },
			"beta1":          func(s *study) { s.beta1 = 0 },
			"slope":          func(s *study) { s.slope = .2 },
			"slope as beta1": func(s *study) { s.slope = .5 },
			"penalty":        func(s *study) { s.penalty = 1 },
			"noise":          func(s *study) { s.noise = spec.Constant(.2) },
			"a schedule":     func(s *study) { s.noise = spec.Cosine(1, 0, 7, spec.Epochs) },
		} {
			if got := fingerprint(t, base.with(change)); got != want {
				t.Errorf("%s, %s: got the fingerprint %s, want %s", base.loss, name, got, want)
			}
		}
	}
}

func TestStructureChangesTheFingerprint(t *testing.T) {
	seen := map[string]string{fingerprint(t, small): "base"}
	for name, change := range map[string]func(s *study){
		"loss":      func(s *study) { s.loss = "wgan-gp" },
		"type":      func(s *study) { s.dtype = expr.F32 },
		"batch":     func(s *study) { s.batch = 4 },
		"latent":    func(s *study) { s.latent = 5 },
		"width":     func(s *study) { s.width = 3 },
		"kernel":    func(s *study) { s.kernel = 5 },
		"size":      func(s *study) { s.size = 6 },
		"d_steps":   func(s *study) { s.dSteps = 2 },
		"optimizer": func(s *study) { s.rule = model.AdamW },
		"clipping":  func(s *study) { s.clip = true },
		"average":   func(s *study) { s.ema = true },
		"start":     func(s *study) { s.start = &model.Init{Kind: model.HeNormal, Args: [2]float64{1}} },
		"deviation": func(s *study) { s.start = &model.Init{Kind: model.HeNormal, Args: [2]float64{2}} },
		"dropout":   func(s *study) { s.dropout = false },
	} {
		f := fingerprint(t, small.with(change))
		if other, taken := seen[f]; taken {
			t.Errorf("%s and %s have one fingerprint", name, other)
		}
		seen[f] = name
	}
}

func TestRebindTakesTheNumbersOfPlayers(t *testing.T) {
	p, reals, _ := small.trace(t)
	other := small.with(func(s *study) { s.lr, s.beta1 = .7, .8 })
	values, err := p.Rebind(reals, other.players())
	if err != nil {
		t.Fatal(err)
	}
	bound := map[string]string{}
	for _, r := range values {
		bound[r.Site] = r.Value.String()
	}
	for site, want := range map[string]string{"discriminator/lr": "lr_discriminator=0.7", "generator/lr": "lr_generator=0.7",
		"generator/beta1": "0.8", "generator/beta2": "0.999", "loss.star:1:1": "noise=0.1", "net.star:1:1": "0.3"} {
		if bound[site] != want {
			t.Errorf("%s: got %s, want %s", site, bound[site], want)
		}
	}
	for name, change := range map[string]func(s *study){
		"optimizer": func(s *study) { s.rule = model.SGD },
		"clipping":  func(s *study) { s.clip = true },
		"steps":     func(s *study) { s.dSteps = 2 },
	} {
		if _, err := p.Rebind(reals, small.with(change).players()); err == nil {
			t.Errorf("%s: players of another structure were taken", name)
		}
	}
	if _, err := p.Rebind(reals, other.players()[:1]); err == nil {
		t.Error("one player was taken for two")
	}
}

func TestEqualNumbersOfOnePlaceAreOneInput(t *testing.T) {
	var a, again, b, c, named *expr.Node
	sgd := model.Optimizer{Rule: model.SGD, Params: []model.Param{{Name: "lr"}, {Name: "momentum"}}}
	loss := func(t *model.Trace) (*expr.Node, error) {
		a, again = t.Real("f.star:1:1", spec.Constant(2)), t.Real("f.star:1:1", spec.Constant(2))
		b, c = t.Real("f.star:1:1", spec.Constant(3)), t.Real("f.star:2:1", spec.Constant(2))
		named = t.Real("f.star:1:1", spec.Named(spec.Label{Name: "column"}, spec.Constant(2)))
		y, err := t.Call("net", t.X(), func() (*expr.Node, error) { return nn.Dense(t, t.X(), nn.DenseOptions{Units: 1}) })
		return expr.Mean(expr.Mul(y, expr.Add(a, expr.Add(b, c))), "bc"), err
	}
	config := model.Config{DType: expr.F32, Batch: 2, Image: expr.Of(expr.F32, "c", 3)}
	_, reals, err := model.Build(config, []model.Player{{Name: "net", Steps: 1, Optimizer: sgd, Loss: loss}}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a != again || a == b || a == c || b == c || a == named {
		t.Error("one place with one value and one name is one number, and nothing else is")
	}
	if got, want := len(reals), 6; got != want {
		t.Errorf("got %d numbers, want %d with the optimizer's", got, want)
	}
}

func TestTheLearningRateIsRecorded(t *testing.T) {
	var names []string
	for _, c := range job(t, small).Columns() {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	if got, want := strings.Join(names, " "), "lr_discriminator lr_generator noise"; got != want {
		t.Errorf("got the columns %s, want %s", got, want)
	}
}

// Critics are called with noise in the losses above; here D reads x and G(z) themselves.
func TestTheCriticsMeanOutputsAreRecorded(t *testing.T) {
	p, _ := small.wgan().with(func(s *study) { s.dropout = false }).build(t)
	var names []string
	for _, r := range p.Recorded {
		names = append(names, r.Name)
	}
	if got, want := strings.Join(names, " "),
		"loss_discriminator grad_norm_discriminator d_fake d_real loss_generator grad_norm_generator"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	v := start(p, 1)
	r := train(t, exprtest.Backend(), p).advance(v)
	// The generator is updated after the critic, so its loss is not -d_fake; the critic's is d_fake - d_real + 10 penalty.
	if penalty := r["loss_discriminator"] - (r["d_fake"] - r["d_real"]); !(penalty > 0) {
		t.Errorf("got the penalty %g, want a positive number", penalty)
	}
	if r["finite"] != 0 {
		t.Errorf("got %g for finite, want 0", r["finite"])
	}
}

func TestAStepThatIsNotFiniteIsDetected(t *testing.T) {
	p, _ := small.build(t)
	step := train(t, exprtest.Backend(), p)
	for name, spoil := range map[string]func(v exprtest.Values){
		"a weight": func(v exprtest.Values) { v["generator/dense1/kernel"][3] = math.Inf(1) },
		"an image": func(v exprtest.Values) { v["x0"] = make([]float64, 48); v["x0"][5] = math.NaN() },
	} {
		v := start(p, 1)
		spoil(v)
		if got := step.advance(v)["finite"]; !math.IsNaN(got) {
			t.Errorf("%s: got %g, want not a number", name, got)
		}
	}
}

// The critic's k-th update of an iteration reads the k-th minibatch and fresh noise; the generator reads the last minibatch.
func TestSeveralCriticStepsAreSeveralSingleSteps(t *testing.T) {
	const n = 3
	many := small.wgan().with(func(s *study) { s.dSteps, s.dropout, s.noise = n, false, spec.Constant(0) })
	p, _ := many.build(t)
	if p.Batches != n {
		t.Fatalf("got %d minibatches, want %d", p.Batches, n)
	}
	first := start(p, 5)
	after := start(p, 5)
	x := many.images(1, n)
	for name, batch := range x {
		after[name] = batch
	}
	values := train(t, exprtest.Backend(), p).advance(after)
	if got := after["discriminator/updates"][0]; got != n {
		t.Errorf("got %g updates, want %d", got, n)
	}
	if got := after["generator/updates"][0]; got != 1 {
		t.Errorf("got %g updates, want 1", got)
	}

	// The first update is that of the program with one; later ones draw other numbers, so they are identified by what they read.
	single, _ := many.with(func(s *study) { s.dSteps = 1 }).build(t)
	v := start(single, 5)
	v["x0"] = x["x0"]
	train(t, exprtest.Backend(), single).advance(v)
	kernel := "discriminator/conv1/kernel"
	updates := versions(p, kernel)
	if len(updates) != n {
		t.Fatalf("%s has %d versions in the step, want %d", kernel, len(updates), n)
	}
	first["x0"], first["x1"], first["x2"] = x["x0"], x["x1"], x["x2"]
	out := exprtest.Eval(t, first, updates...)
	exprtest.Close(t, "the first update", out[0], v[kernel], 1e-12)
	exprtest.Close(t, "the last update", out[n-1], after[kernel], 0)
	for i := 1; i < n; i++ {
		if slices.Equal(out[i], out[i-1]) {
			t.Errorf("update %d did nothing", i+1)
		}
		// A minibatch reaches its update and no earlier one.
		batch := fmt.Sprint("x", i)
		if reads(updates[i-1], batch) || !reads(updates[i], batch) {
			t.Errorf("update %d reads %s: %t, and the one before: %t", i+1, batch, reads(updates[i], batch), reads(updates[i-1], batch))
		}
	}
	if values["loss_generator"] == 0 {
		t.Error("the generator's loss was not read")
	}
}

// reads reports whether n depends on an input.
func reads(n *expr.Node, input string) bool {
	return slices.ContainsFunc(lower.Inputs(n), func(in *expr.Node) bool { return in.Attr.(expr.Leaf).Name == input })
}

// versions lists the values of a weight after each update of a step, from first to last: Adam's result is stop(p - step), where p is
// the previous version.
func versions(p *model.Program, name string) (v []*expr.Node) {
	for i, x := range p.Vars {
		if x.Name == name {
			for n := p.Next[i]; n.Op.Name == "stop"; n = n.Args[0].Args[0] {
				v = append(v, n)
			}
		}
	}
	slices.Reverse(v)
	return v
}

// The generator's gradient treats the critic as constant, even where the critic's update read the generator.
func TestGradientsDoNotFlowThroughUpdates(t *testing.T) {
	s := small.wgan().with(func(s *study) { s.rule, s.lr = model.SGD, .1 })
	closed, _ := s.build(t)
	open, _ := s.with(func(s *study) { s.open = true }).build(t)
	v, w := start(closed, 1), start(open, 1)
	train(t, exprtest.Backend(), closed).advance(v)
	train(t, exprtest.Backend(), open).advance(w)
	for _, x := range closed.Vars {
		exprtest.Close(t, x.Name, w[x.Name], v[x.Name], 1e-9)
	}
}

func TestSamplingUsesTheAverageOfTheWeights(t *testing.T) {
	with, _ := small.with(func(s *study) { s.ema = true }).build(t)
	without, _ := small.build(t)
	v := start(with, 1)
	images := exprtest.Eval(t, v, with.Sample)[0]
	exprtest.Close(t, "averages that start as the weights", images, exprtest.Eval(t, start(without, 1), without.Sample)[0], 1e-12)
	v["generator/dense1/kernel"][0] += 100
	exprtest.Close(t, "moved weights", exprtest.Eval(t, v, with.Sample)[0], images, 0)
	v["generator/dense1/kernel.ema"][0]++
	if slices.Equal(exprtest.Eval(t, v, with.Sample)[0], images) {
		t.Error("moved averages change nothing")
	}
}

func TestTestsReadBatchesAndSingleExamplesWithTheWeightsOfSampling(t *testing.T) {
	net := func(tr *model.Trace) (*expr.Node, error) {
		y, err := tr.Call("net", tr.X(), func() (*expr.Node, error) {
			y, err := nn.Dense(tr, tr.X(), nn.DenseOptions{Units: 1})
			if err != nil {
				return nil, err
			}
			return nn.Dropout(tr, y, tr.Number(.5))
		})
		return expr.Mean(y, "bc"), err
	}
	player := model.Player{Name: "net", Steps: 1, Loss: net, Optimizer: model.Optimizer{Rule: model.SGD,
		Params: []model.Param{{Name: "lr"}, {Name: "momentum"}}, EMA: new(spec.Schedule)}}
	build := func(watches ...model.Watch) *model.Program {
		p, _, err := model.Build(model.Config{DType: expr.F64, Batch: 2, Image: expr.Of(expr.F64, "c", 1)}, []model.Player{player}, watches, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	alone, p := build(), build(model.Watch{Name: "out", Test: true, Value: net})
	if len(p.Test) != 1 || len(p.TestOne) != 1 || p.Test[0].Name != "out" || len(p.Recorded) != len(alone.Recorded) {
		t.Fatalf("got the tests %v and %v, and values %v", p.Test, p.TestOne, p.Recorded)
	}
	if got, want := expr.Fingerprint(p.Step()...), expr.Fingerprint(alone.Step()...); got != want {
		t.Error("a test changes the step")
	}
	if p.Fingerprint() == alone.Fingerprint() {
		t.Error("a test does not change the fingerprint, and the results would lack it")
	}
	v := start(p, 1)
	v["net/dense1/kernel"], v["net/dense1/kernel.ema"] = []float64{100}, []float64{3}
	v["x0"] = make([]float64, model.TestBatch)
	for i := range v["x0"] {
		v["x0"][i] = float64(i)
	}
	exprtest.Close(t, "a batch", exprtest.Eval(t, v, p.Test[0].Node)[0], []float64{3 * (model.TestBatch - 1) / 2.}, 1e-12)
	v["x0"] = []float64{7}
	exprtest.Close(t, "one example", exprtest.Eval(t, v, p.TestOne[0].Node)[0], []float64{21}, 1e-12)
}

func TestInvalidLossesAreErrors(t *testing.T) {
	config := model.Config{DType: expr.F32, Batch: 2, SampleBatch: 2, Image: expr.Of(expr.F32, "c", 3)}
	sgd := model.Optimizer{Rule: model.SGD, Params: []model.Param{{Name: "lr"}, {Name: "momentum"}}}
	dense := func(t *model.Trace, name string) (*expr.Node, error) {
		return t.Call(name, t.X(), func() (*expr.Node, error) { return nn.Dense(t, t.X(), nn.DenseOptions{Units: 1}) })
	}
	good := func(t *model.Trace) (*expr.Node, error) {
		y, err := dense(t, "net")
		return expr.Mean(y, "bc"), err
	}
	for _, c := range []struct {
		want    string
		player  model.Player
		watches []model.Watch
		sample  func(t *model.Trace) (*expr.Node, error)
	}{
		{"the loss of the net is f32[b2 c1], want one number: use mean(...) or sum(...)",
			model.Player{Optimizer: sgd, Loss: func(t *model.Trace) (*expr.Node, error) { return dense(t, "net") }}, nil, nil},
		{"net: its loss uses no network with parameters of its own", model.Player{Optimizer: sgd, Loss: func(t *model.Trace) (*expr.Node, error) {
			y, err := dense(t, "another")
			return expr.Mean(y, "bc"), err
		}}, nil, nil},
		{`net: there is no optimizer "sdg"`, model.Player{Optimizer: model.Optimizer{Rule: "sdg"}, Loss: good}, nil, nil},
		{"net: the optimizer adam lacks its number beta1", model.Player{Optimizer: model.Optimizer{Rule: model.Adam,
			Params: []model.Param{{Name: "lr"}}}, Loss: good}, nil, nil},
		{"watch: size is f32[b2 c3], want one number: use mean(...) or sum(...)", model.Player{Optimizer: sgd, Loss: good},
			[]model.Watch{{Name: "size", Value: func(t *model.Trace) (*expr.Node, error) { return t.X(), nil }}}, nil},
		{"test: size is f32[b250 c3], want one number: use mean(...) or sum(...)", model.Player{Optimizer: sgd, Loss: good},
			[]model.Watch{{Name: "size", Test: true, Value: func(t *model.Trace) (*expr.Node, error) { return t.X(), nil }}}, nil},
		{"sampling uses the parameter another/dense1/kernel, which no loss trains", model.Player{Optimizer: sgd, Loss: good}, nil,
			func(t *model.Trace) (*expr.Node, error) { return dense(t, "another") }},
		{"the data set has no labels", model.Player{Optimizer: sgd, Loss: func(t *model.Trace) (*expr.Node, error) { return t.Y() }}, nil, nil},
		{"sum: axis h: got f32[b2 c3], which has none (operands f32[b2 c3])",
			model.Player{Optimizer: sgd, Loss: func(t *model.Trace) (*expr.Node, error) { return expr.Sum(t.X(), "h"), nil }}, nil, nil},
		{"net: got 0 updates per iteration, want 1 or more, or 0 to keep it fixed while another player is updated",
			model.Player{Optimizer: sgd, Steps: -1, Loss: good}, nil, nil},
	} {
		c.player.Name, c.player.Steps = "net", c.player.Steps+1
		_, _, err := model.Build(config, []model.Player{c.player}, c.watches, c.sample)
		if err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

func TestParametersAreCounted(t *testing.T) {
	p, _ := thesis.build(t)
	// Generator: dense 100 x 4096, norm 2 x 4096, kernels 25 x (256 x 128 + 128 x 64 + 64), norms 2 x (128 + 64), bias 1.
	// Discriminator: kernels 25 x (64 + 64 x 128 + 128 x 256), biases 448, norms 2 x (128 + 256), dense 4096 + 1.
	generator := 409600 + 2*4096 + 25*(256*128+128*64+64) + 2*(128+64) + 1
	discriminator := 25*(64+64*128+128*256) + 448 + 2*(128+256) + 4097
	if g, d := p.Parameters("generator"), p.Parameters("discriminator"); g != generator || d != discriminator || p.Parameters("") != g+d {
		t.Errorf("got %d and %d parameters, want %d and %d", g, d, generator, discriminator)
	}
	// Adam keeps two numbers per weight and a count per player; batch norm keeps two per channel.
	if got, want := p.StateBytes(), 4*(3*(generator+discriminator)+2+2*(4096+128+64+128+256)); got != want {
		t.Errorf("got %d bytes of state, want %d", got, want)
	}
}

func TestWatchesDoNotAffectTraining(t *testing.T) {
	net := func(tr *model.Trace) (*expr.Node, error) {
		return tr.Call("net", tr.X(), func() (*expr.Node, error) {
			layer, err := tr.Layer("count")
			calls := tr.Buffer(layer, "calls", expr.Of(expr.F32, ""), model.Constant(0))
			tr.SetBuffer(layer, "calls", expr.Add(calls, tr.Number(1)))
			w := tr.Weight(layer, "w", expr.Of(expr.F32, ""), model.Constant(1))
			return expr.Mul(w, expr.Mean(tr.X(), "bc")), err
		})
	}
	sgd := model.Optimizer{Rule: model.SGD, Params: []model.Param{{Name: "lr"}, {Name: "momentum"}}}
	build := func(watches ...model.Watch) *model.Program {
		p, _, err := model.Build(model.Config{Batch: 2, Image: expr.Of(expr.F32, "c", 3)},
			[]model.Player{{Name: "net", Steps: 1, Optimizer: sgd, Loss: net}}, watches, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	alone, watched := build(), build(model.Watch{Name: "again", Value: net})
	if got, want := expr.Fingerprint(watched.Next...), expr.Fingerprint(alone.Next...); got != want {
		t.Errorf("with a watch the next state is\n%s\nwithout\n%s", expr.Print(watched.Next...), expr.Print(alone.Next...))
	}
}
