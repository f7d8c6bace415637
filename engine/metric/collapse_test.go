package metric

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
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

func observed(t *testing.T, p *Products, epoch int, real, fake Features) Observation {
	t.Helper()
	o := compared(t, p, real, fake, 3)
	return observation(epoch, o.Precision, o.Recall, o.Coverage, fake.Spread()/real.Spread())
}

// observation is an Observation of these numbers; NaN is not measured.
func observation(epoch int, precision, recall, coverage, spread float64) Observation {
	values := map[string]float64{}
	for name, v := range map[string]float64{"precision": precision, "recall": recall, "coverage": coverage, Spread: spread, "fid": 7} {
		if !math.IsNaN(v) {
			values[name] = v
		}
	}
	return Observe(epoch, []spec.Metric{{Name: "fid"}, {Name: "precision_recall"}, {Name: "density_coverage"}}, values)
}

func TestCollapseIsDetected(t *testing.T) {
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
		var history []Observation
		for epoch := 5; epoch <= 15; epoch += 5 {
			history = append(history, observed(t, p, epoch, real, c.fake()))
		}
		got, why := Collapsed(spec.StandardCollapse(), history)
		if got != (c.want != "") || !strings.HasPrefix(why, c.want) {
			t.Errorf("%s: got %v, %q, want %q; saw %+v", c.name, got, why, c.want, history[2])
		}
	}
}

func TestTheReasonOfACollapseNamesWhatWasMeasured(t *testing.T) {
	rule := spec.Collapse{Evaluations: 1, Reach: 0.05, Spread: 0.25, Fidelity: 0.9, Modes: 0.3}
	nan := math.NaN()
	for _, c := range []struct {
		of   Observation
		want string
	}{
		{observation(5, nan, 0, nan, 0.1), "one image: the spread of features is 0.1 of that of the real set, with recall 0"},
		{observation(5, 1, nan, 0.2, 1), "few modes: coverage is 0.2 at precision 1"},
		{observation(5, 1, 0.1, 0.2, 1), "few modes: recall is 0.1 and coverage 0.2 at precision 1"},
		{observation(5, 1, 0.1, 0.2, nan), "few modes: recall is 0.1 and coverage 0.2 at precision 1"},
	} {
		if _, why := Collapsed(rule, []Observation{c.of}); why != c.want {
			t.Errorf("got %q, want %q", why, c.want)
		}
	}
}

// Features of samples far from all real ones are spread where the images are one, and close together where they are noise. The rule
// follows the pixels.
func TestThePixelsDecideWhetherImagesAreOne(t *testing.T) {
	rule := spec.Collapse{Evaluations: 1, Reach: 0.05, Spread: 0.25, Variety: 0.5, Fidelity: 0.7, Modes: 0.3}
	nan := math.NaN()
	for _, c := range []struct {
		what                    string
		recall, spread, variety float64
		want                    string
	}{
		{"one texture far from the data", 0, 0.6, 0.2, "one image: the variety of pixels is 0.2 of that of the real set, with recall 0"},
		{"noise", 0, 0.2, 0.9, ""},
		{"a variety at the bound", 0, 1, 0.5, "one image: the variety of pixels is 0.5 of that of the real set, with recall 0"},
		{"little variety that reaches the data", 0.06, 0.2, 0.2, ""},
		{"points", 0, 0.2, nan, "one image: the spread of features is 0.2 of that of the real set, with recall 0"},
		{"points apart", 0, 0.3, nan, ""},
	} {
		o := observation(5, 0, c.recall, nan, c.spread)
		o.Variety = c.variety
		if _, why := Collapsed(rule, []Observation{o}); why != c.want {
			t.Errorf("%s: got %q, want %q", c.what, why, c.want)
		}
	}
	rule.Few = 0.8
	for _, c := range []struct {
		what    string
		variety float64
		want    string
	}{
		{"images that all differ", 0.98, ""}, {"few images", 0.8, "few modes: recall is 0.227 at precision 0.882"},
		{"points", nan, "few modes: recall is 0.227 at precision 0.882"},
	} {
		o := observation(5, 0.882, 0.227, nan, 0.68)
		o.Variety = c.variety
		if _, why := Collapsed(rule, []Observation{o}); why != c.want {
			t.Errorf("%s: got %q, want %q", c.what, why, c.want)
		}
	}
	rule.Distinctness = 0.1
	for _, c := range []struct {
		what                 string
		recall, distinctness float64
		want                 string
	}{
		{"three images that look like nothing", 0, 0.01, "few images: their distinctness is 0.01 of that of the real set, with recall 0"},
		{"at the bound", 0.05, 0.1, "few images: their distinctness is 0.1 of that of the real set, with recall 0.05"},
		{"noise", 0, 0.5, ""}, {"few that reach the data", 0.06, 0.01, ""}, {"not measured", 0, nan, ""},
	} {
		o := observation(5, 0, c.recall, nan, 0.7)
		o.Variety, o.Distinctness = 0.6, c.distinctness
		if _, why := Collapsed(rule, []Observation{o}); why != c.want {
			t.Errorf("%s: got %q, want %q", c.what, why, c.want)
		}
	}
	seen := Observe(5, []spec.Metric{{Name: "precision_recall"}}, map[string]float64{"recall": 0, Variety: 0.125, Distinctness: 0.25})
	if seen.Variety != 0.125 || seen.Distinctness != 0.25 || !math.IsNaN(seen.Spread) {
		t.Errorf("got %+v", seen)
	}
}

func TestCollapseNeedsAsManyEvaluationsAsTheRuleSays(t *testing.T) {
	nan := math.NaN()
	healthy := observation(0, 0.8, 0.6, 0.7, 1)
	flat := func(epoch int) Observation { return observation(epoch, nan, 0, nan, 0.1) } // coverage and precision were not asked for
	rule := spec.StandardCollapse()
	for _, c := range []struct {
		name    string
		history []Observation
		want    bool
	}{
		{"nothing", nil, false},
		{"one", []Observation{flat(5)}, false},
		{"two", []Observation{healthy, flat(10), flat(15)}, true},
		{"recovered", []Observation{flat(5), flat(10), healthy}, false},
		{"in turns", []Observation{flat(5), healthy, flat(15)}, false},
		{"nothing measured", []Observation{observation(5, nan, nan, nan, 0), observation(10, nan, nan, nan, 0)}, false},
		{"covered, though not recalled", []Observation{observation(5, nan, 0, 0.5, 0.1), observation(10, nan, 0, 0.5, 0.1)}, false},
	} {
		got, why := Collapsed(rule, c.history)
		if got != c.want || got != strings.Contains(why, "epoch 10 to 15") {
			t.Errorf("%s: got %v, %q", c.name, got, why)
		}
	}
	if got, _ := Collapsed(spec.Collapse{}, []Observation{flat(5)}); got {
		t.Error("the empty rule detects a collapse")
	}
}
