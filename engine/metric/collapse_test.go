package metric

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// ring is n samples of the given ones of eight Gaussians on a ring.
func ring(r *rand.Rand, n int, modes ...int) Features {
	f := Features{n, 2, nil}
	for range n {
		a := 2 * math.Pi * float64(modes[r.IntN(len(modes))]) / 8
		f.X = append(f.X, float32(math.Cos(a)+0.05*r.NormFloat64()), float32(math.Sin(a)+0.05*r.NormFloat64()))
	}
	return f
}

// standard is the rule of scripts that give none, which looks at two evaluations.
var standard = Collapse{Evaluations: 2, Reach: 0.05, Spread: 0.25, Fidelity: 0.7, Modes: 0.3}

func evaluated(t *testing.T, p *Products, epoch int, real, fake Features) Evaluation {
	t.Helper()
	o := compared(t, p, real, fake, 3)
	return Evaluation{epoch, o.Precision, o.Recall, o.Coverage, fake.Spread(), real.Spread()}
}

func TestCollapseIsSeen(t *testing.T) {
	r := random(1)
	p := products(t)
	real := ring(r, 500, 0, 1, 2, 3, 4, 5, 6, 7)
	image := Features{500, 2, nil}
	for range 500 {
		image.X = append(image.X, 1, 0)
	}
	for _, c := range []struct {
		name string
		fake func() Features
		want string // "" if healthy
	}{
		{"one image", func() Features { return image }, "one image"},
		{"one image far from any real one", func() Features { return gaussian(r, 500, 2, 5, 1e-3) }, "one image"},
		{"two modes side by side", func() Features { return ring(r, 500, 0, 1) }, "few modes"},
		{"two modes as far apart as all", func() Features { return ring(r, 500, 0, 4) }, "few modes"},
		{"all modes", func() Features { return ring(r, 500, 0, 1, 2, 3, 4, 5, 6, 7) }, ""},
		{"seven modes", func() Features { return ring(r, 500, 0, 1, 2, 3, 4, 5, 6) }, ""},
		{"noise, as before training", func() Features { return gaussian(r, 500, 2, 0, 3) }, ""},
	} {
		var history []Evaluation
		for epoch := 5; epoch <= 15; epoch += 5 {
			history = append(history, evaluated(t, p, epoch, real, c.fake()))
		}
		got, why := standard.Judge(history)
		if got != (c.want != "") || !strings.HasPrefix(why, c.want) {
			t.Errorf("%s: got %v, %q, want %q; saw %+v", c.name, got, why, c.want, history[2])
		}
	}
}

func TestTheReasonOfACollapseNamesWhatWasMeasured(t *testing.T) {
	rule := Collapse{Evaluations: 1, Reach: 0.05, Spread: 0.25, Fidelity: 0.9, Modes: 0.3}
	nan, oneImage := math.NaN(), "one image: the spread of features is 0.1 of 1 in the real set, with recall 0"
	for _, c := range []struct {
		of   Evaluation
		want string
	}{
		{Evaluation{Recall: 0, Coverage: nan, Precision: nan, Spread: 0.1, RealSpread: 1}, oneImage},
		{Evaluation{Recall: nan, Coverage: 0.2, Precision: 1, Spread: 1, RealSpread: 1}, "few modes: coverage is 0.2 at precision 1"},
		{Evaluation{Recall: 0.1, Coverage: 0.2, Precision: 1, Spread: 1, RealSpread: 1}, "few modes: recall is 0.1 and coverage 0.2 at precision 1"},
	} {
		if _, why := rule.Judge([]Evaluation{c.of}); why != c.want {
			t.Errorf("got %q, want %q", why, c.want)
		}
	}
}

func TestCollapseTakesAsManyEvaluationsAsTheRuleSays(t *testing.T) {
	nan := math.NaN()
	healthy := Evaluation{Precision: 0.8, Recall: 0.6, Coverage: 0.7, Spread: 1, RealSpread: 1}
	flat := func(epoch int) Evaluation { return Evaluation{epoch, nan, 0, nan, 0.1, 1} } // coverage and precision were not asked for
	rule := standard
	for _, c := range []struct {
		name    string
		history []Evaluation
		want    bool
	}{
		{"nothing", nil, false},
		{"one", []Evaluation{flat(5)}, false},
		{"two", []Evaluation{healthy, flat(10), flat(15)}, true},
		{"recovered", []Evaluation{flat(5), flat(10), healthy}, false},
		{"in turns", []Evaluation{flat(5), healthy, flat(15)}, false},
		{"nothing measured", []Evaluation{{5, nan, nan, nan, 0, 1}, {10, nan, nan, nan, 0, 1}}, false},
		{"covered, though not recalled", []Evaluation{{5, nan, 0, 0.5, 0.1, 1}, {10, nan, 0, 0.5, 0.1, 1}}, false},
	} {
		got, why := rule.Judge(c.history)
		if got != c.want || got != strings.Contains(why, "epoch 10 to 15") {
			t.Errorf("%s: got %v, %q", c.name, got, why)
		}
	}
	if got, _ := (Collapse{}).Judge([]Evaluation{flat(5)}); got {
		t.Error("the empty rule sees collapse")
	}
}
