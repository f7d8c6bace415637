package effect_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/effect"
	"github.com/starsweep/starsweep/results/frame"
)

var (
	one = []float64{31, 28.5, 36.25, 40}
	two = []float64{25.5, 29, 30.75, 33}
)

// The numbers are those of testdata/oracle.py: SciPy 1.17.1. With one configuration, the interval of a mean is Student's, that of a
// difference is of the paired test; the mean of two configurations has Welch's.
func TestIntervalsAreThoseOfTheTTestsWhereThereIsOne(t *testing.T) {
	a := analysed(t, framed([]frame.Factor{loss}, cell{at("ns", 0), one, nil}, cell{at("wgan", 0), two, nil}), effect.Options{Factor: "loss"})
	mean := value(t, a.Levels[0].Values, "mean")
	near(t, "low", mean.Low, 25.705226628598176, 1e-9)
	near(t, "high", mean.High, 42.169773371401824, 1e-9)
	near(t, "degrees of freedom", mean.DF, 3, 1e-9)
	p := a.Pairs[0]
	difference := value(t, p.Values, "mean")
	near(t, "difference", difference.Value, -4.375, 1e-12)
	near(t, "low", difference.Low, -9.667461788396043, 1e-9)
	near(t, "high", difference.High, 0.9174617883960439, 1e-9)
	near(t, "p", difference.P, 0.07827394886453604, 1e-9)
	if p.Better.Count != 3 || p.Better.Of != 4 || p.From != "ns" || p.To != "wgan" {
		t.Errorf("got %+v", p)
	}

	a = analysed(t, framed([]frame.Factor{loss}, cell{at("ns", 0), one, nil}, cell{at("wgan", 0), two, nil}),
		effect.Options{Factor: "loss", Ratio: true})
	ratio := value(t, a.Pairs[0].Values, "median") // of one value each
	near(t, "low ratio", ratio.Low, 0.7441517814762183, 1e-9)
	near(t, "high ratio", ratio.High, 1.0284893888475317, 1e-9)

	a = analysed(t, framed([]frame.Factor{lr, loss}, cell{at("ns", 0.01), one, nil}, cell{at("ns", 0.1), two, nil},
		cell{at("wgan", 0.01), two, nil}, cell{at("wgan", 0.1), one, nil}), effect.Options{Factor: "loss"})
	mean = value(t, a.Levels[0].Values, "mean")
	near(t, "low of two", mean.Low, 27.845287791613693, 1e-9)
	near(t, "high of two", mean.High, 35.65471220838631, 1e-9)
}

func TestStatisticsAreThoseOfNumPyAndSciPy(t *testing.T) {
	var cells []cell
	for i, y := range []float64{31, 25.5, 60, 18.25, 22} {
		cells = append(cells, cell{at("ns", float64(i)), []float64{y}, nil}, cell{at("wgan", float64(i)), []float64{2 * y}, nil})
	}
	lrs := frame.Factor{Name: "lr", Kind: spec.Float, Levels: []any{0.0, 1.0, 2.0, 3.0, 4.0}}
	a := analysed(t, framed([]frame.Factor{lrs, loss}, cells...), effect.Options{Factor: "loss"})
	for name, want := range map[string]float64{"mean": 31.35, "median": 25.5, "best": 18.25, "IQR": 9, "SD of log": 0.4580647053020953} {
		got := value(t, a.Levels[0].Values, name)
		near(t, name, got.Value, want, 1e-12)
		if !math.IsNaN(got.Low) {
			t.Errorf("%s has an interval over one seed: %+v", name, got)
		}
	}
	near(t, "ratio of IQR", value(t, a.Pairs[0].Values, "IQR").Value, 2, 1e-12)
	near(t, "difference of median", value(t, a.Pairs[0].Values, "median").Value, 25.5, 1e-12)
	wantNote(t, a, "one seed: how much another seed would change these numbers cannot be told")
}

func TestSharesHaveTheIntervalsOfWilsonAndNewcombe(t *testing.T) {
	for _, c := range []struct {
		count     float64
		of        int
		low, high float64
	}{{3, 24, 0.04344334080123441, 0.3100388127050007}, {0, 16, 0, 0.1936076805344365}} {
		s := effect.Wilson(c.count, c.of)
		near(t, "low", s.Low, c.low, 1e-12)
		near(t, "high", s.High, c.high, 1e-12)
	}
	var cells []cell
	lost := func(n, of int) (values []float64, status []results.Status) {
		for i := range of {
			values = append(values, float64(i))
			status = append(status, results.Completed)
			if i < n {
				status[i] = results.Collapsed
			}
		}
		return values, status
	}
	values, status := lost(4, 24)
	cells = append(cells, cell{at("ns", 0), values, status})
	values, status = lost(13, 16)
	cells = append(cells, cell{at("wgan", 0), values, status})
	a := analysed(t, framed([]frame.Factor{loss}, cells...), effect.Options{Factor: "loss"})
	near(t, "low", a.Pairs[0].Lost.Low, 0.33654198147761893, 1e-12)
	near(t, "high", a.Pairs[0].Lost.High, 0.8031822018175242, 1e-12)
}

func TestTrialsThatCollapsedCountAsTheOptionSays(t *testing.T) {
	nan := math.NaN()
	f := framed([]frame.Factor{loss},
		cell{at("ns", 0), []float64{10, 30, nan, nan, nan},
			[]results.Status{results.Completed, results.Collapsed, results.Diverged, results.Failed, results.Interrupted}},
		cell{at("wgan", 0), []float64{20, 50}, nil})
	for handling, want := range map[effect.Handling]float64{effect.Worst: (10 + 50 + 50) / 3.0, effect.Keep: 20, effect.Drop: 10} {
		a := analysed(t, f, effect.Options{Factor: "loss", Collapsed: handling})
		near(t, string(handling), value(t, a.Levels[0].Values, "mean").Value, want, 1e-12)
		if l := a.Levels[0]; l.Lost.Count != 2 || l.Lost.Of != 3 || l.Failed != 1 {
			t.Errorf("got %v of %d lost, %d failed, want 2 of 3 and 1", l.Lost.Count, l.Lost.Of, l.Failed)
		}
	}
	a := analysed(t, f, effect.Options{Factor: "loss"})
	wantNote(t, a, "2 trials that collapsed or diverged, counted as 50, the worst value of any trial")
	if slices.ContainsFunc(a.Notes, func(note string) bool { return strings.Contains(note, "without a value") }) {
		t.Errorf("got notes %q of trials without any values, which the frame counts", a.Notes)
	}
	wantNote(t, analysed(t, f, effect.Options{Factor: "loss", Collapsed: effect.Drop}), "1 trial without a value, left out")
}

// A penalty that only one loss has goes with the loss; the learning rate is equal in each comparison.
func TestConfigurationsAreMatchedByWhatTheFactorDoesNotDecide(t *testing.T) {
	penalty := frame.Factor{Name: "penalty", Kind: spec.Float, Levels: []any{10.0}}
	with := func(p map[string]any) map[string]any { p["penalty"] = 10.0; return p }
	f := framed([]frame.Factor{lr, loss, penalty}, cell{at("ns", 0.01), []float64{1, 2}, nil}, cell{at("ns", 0.1), []float64{10, 20}, nil},
		cell{with(at("wgan", 0.01)), []float64{3, 5}, nil}, cell{with(at("wgan", 0.001)), []float64{7, 9}, nil})
	a := analysed(t, f, effect.Options{Factor: "loss"})
	if !slices.Equal(a.Matched, []string{"lr"}) || !slices.Equal(a.Tied, []string{"penalty"}) {
		t.Errorf("got matched %v, tied %v", a.Matched, a.Tied)
	}
	if p := a.Pairs[0]; p.Configurations != 1 || p.Trials != 2 || value(t, p.Values, "mean").Value != 2.5 {
		t.Errorf("got %+v", p)
	}
	wantNote(t, a, "up to 2 configurations in no comparison")
}

// Of a design that is no grid, one level may have a hyperparameter at which all is lost, and the other none of it.
func TestSharesOfAPairAreOfTheConfigurationsThatBothHave(t *testing.T) {
	all := []results.Status{results.Collapsed, results.Collapsed}
	f := framed([]frame.Factor{lr, loss}, cell{at("ns", 0.01), []float64{1, 2}, nil}, cell{at("ns", 0.1), []float64{9, 9}, all},
		cell{at("wgan", 0.01), []float64{1, 3}, all[:1]})
	for _, handling := range effect.Handlings() {
		a := analysed(t, f, effect.Options{Factor: "loss", Collapsed: handling})
		near(t, string(handling), a.Pairs[0].Lost.Value, 0.5, 1e-12)
		if l := a.Levels[0].Lost; l.Count != 2 || l.Of != 4 {
			t.Errorf("%s: got %v of %d lost at one level, want 2 of 4", handling, l.Count, l.Of)
		}
	}
	wantNote(t, analysed(t, f, effect.Options{Factor: "loss"}), "up to 1 configuration in no comparison, but in the levels")
}

// The interval is that of two configurations with four seeds, where one of them has lost three of its own.
func TestAConfigurationWithOneSeedVariesLikeTheOthers(t *testing.T) {
	f := framed([]frame.Factor{lr, loss}, cell{at("ns", 0.01), one, nil}, cell{at("ns", 0.1), two[:1], nil},
		cell{at("wgan", 0.01), two, nil}, cell{at("wgan", 0.1), one[:1], nil})
	a := analysed(t, f, effect.Options{Factor: "loss"})
	wantNote(t, a, "2 configurations with one seed, of values taken to vary over seeds like those of the others")
	mean := value(t, a.Levels[0].Values, "mean")
	alone := analysed(t, framed([]frame.Factor{loss}, cell{at("ns", 0), one, nil}, cell{at("wgan", 0), two, nil}),
		effect.Options{Factor: "loss"})
	single := value(t, alone.Levels[0].Values, "mean")
	variance := math.Pow(single.High-single.Value, 2)
	// The mean is of (x+y)/2, where y has four times the variance of the mean of four seeds.
	half := mean.High - mean.Value
	if ratio := half * half / (variance / 4 * (1 + 4)); !(ratio > 0.5 && ratio < 1.01) { // and more degrees of freedom
		t.Errorf("got a ratio of the variances of %v", ratio)
	}
}

func TestIntervalsOfALevelHaveNoValueThatTheMetricCannotHave(t *testing.T) {
	a := analysed(t, framed([]frame.Factor{loss}, cell{at("ns", 0), []float64{1, 90, 2}, nil}, cell{at("wgan", 0), one, nil}),
		effect.Options{Factor: "loss"})
	mean := value(t, a.Levels[0].Values, "mean")
	if mean.Low != 0 || mean.High < 90 || math.IsNaN(mean.P) {
		t.Errorf("got %+v, want a mean of FID of 0 to more than 90", mean)
	}
	if d := value(t, a.Pairs[0].Values, "mean"); d.Low >= 0 || d.High <= 0 {
		t.Errorf("got %+v, want a difference that may have either sign", d)
	}
}

func TestABaselineIsComparedWithTheOthers(t *testing.T) {
	f := framed([]frame.Factor{lr}, cell{at("", 0.001), one, nil}, cell{at("", 0.01), two, nil}, cell{at("", 0.1), one, nil})
	for _, baseline := range []string{"0.01", "1e-2"} {
		a := analysed(t, f, effect.Options{Factor: "lr", Baseline: baseline})
		if len(a.Pairs) != 2 || a.Pairs[0].From != 0.01 || a.Pairs[0].To != 0.001 || a.Pairs[1].From != 0.01 || a.Pairs[1].To != 0.1 {
			t.Errorf("%s: got %+v", baseline, a.Pairs)
		}
	}
	_, err := effect.Of(f, effect.Options{Factor: "lr", Metric: "fid", Baseline: "0.5"})
	wantError(t, err, `baseline: got "0.5", want a level of lr: 0.001, 0.01, 0.1`)
}

// SciPy's: testdata/oracle.py.
func TestRankCorrelationsAreThoseOfSciPy(t *testing.T) {
	x := []float64{1, 2, 2, 4, 5, 7}
	near(t, "with ties", effect.Spearman(x, []float64{10, 30, 20, 20, 50, 40}), 0.8088235294117647, 1e-12)
	near(t, "without", effect.Spearman(x, []float64{1, 2, 4, 3, 5, 6}), 0.898645105261295, 1e-12)
	if got, want := effect.Ranks([]float64{5, 1, 5, 7, 5, -1}), []float64{4, 2, 4, 6, 4, 1}; !slices.Equal(got, want) {
		t.Errorf("got ranks %v, want %v", got, want)
	}
}

// SciPy's friedmanchisquare: testdata/oracle.py.
func TestSeedsThatAreBetterEverywhereAreNoticed(t *testing.T) {
	near(t, "p", effect.Friedman([][]float64{{1, 2, 3}, {4, 4, 9}, {2, 5, 4}, {1, 3, 8}, {7, 6, 9}}), 0.04978706836786384, 1e-12)
	lrs := frame.Factor{Name: "lr", Kind: spec.Float}
	var cells []cell
	for i := range 12 {
		lrs.Levels = append(lrs.Levels, float64(i))
		cells = append(cells, cell{at([]string{"ns", "wgan"}[i%2], float64(i)), []float64{float64(i) + 0.1, float64(i)}, nil})
	}
	a := analysed(t, framed([]frame.Factor{lrs, loss}, cells...), effect.Options{Factor: "lr"})
	wantNote(t, a, "some seeds are better than others at most configurations (Friedman's test, p = 0.00053)")
}

// statsmodels' multipletests(method="holm") of the same four numbers: testdata/oracle.py.
func TestProbabilitiesOfPairsAreHolms(t *testing.T) {
	if got, want := effect.Holm([]float64{0.01, 0.04, 0.03, 0.005}), []float64{0.03, 0.06, 0.06, 0.02}; !slices.EqualFunc(got, want,
		func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestEqualSeedsGiveEqualAnalyses(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	var cells []cell
	lrs := frame.Factor{Name: "lr", Kind: spec.Float}
	for x := range 20 {
		lrs.Levels = append(lrs.Levels, float64(x))
		for _, name := range []string{"ns", "wgan"} {
			cells = append(cells, cell{at(name, float64(x)), []float64{random.Float64(), random.Float64()}, nil})
		}
	}
	f := framed([]frame.Factor{lrs, loss}, cells...)
	for _, over := range []effect.Over{effect.Seeds, effect.Configurations} {
		first := analysed(t, f, effect.Options{Factor: "loss", Over: over, Seed: 1})
		again := analysed(t, f, effect.Options{Factor: "loss", Over: over, Seed: 1})
		other := analysed(t, f, effect.Options{Factor: "loss", Over: over, Seed: 2})
		median := func(a *effect.Analysis) effect.Estimate { return value(t, a.Pairs[0].Values, "median") }
		if median(first) != median(again) && !math.IsNaN(median(first).P) {
			t.Errorf("over %s: got %v, then %v", over, median(first), median(again))
		}
		if median(first).Low == median(other).Low {
			t.Errorf("over %s: another seed draws the same", over)
		}
	}
}

func TestWhatCannotBeComparedIsAnError(t *testing.T) {
	levels := frame.Factor{Name: "batch", Kind: spec.Int, Levels: []any{int64(8)}}
	f := framed([]frame.Factor{lr, levels}, cell{map[string]any{"lr": 0.01, "batch": int64(8)}, one, nil},
		cell{map[string]any{"lr": 0.1, "batch": int64(8)}, two, nil})
	for _, c := range []struct {
		o    effect.Options
		want string
	}{
		{effect.Options{Factor: "width", Metric: "fid"}, `there is no hyperparameter "width"`},
		{effect.Options{Factor: "batch", Metric: "fid"}, "batch has one level in the 8 trials, 8: there is nothing to compare"},
		{effect.Options{Factor: "lr", Metric: "loss_critic"}, "it is unknown which values are better: want loss_critic=min or loss_critic=max"},
		{effect.Options{Factor: "lr", Metric: "recall"}, "recall: none of 8 trials has a value that counts"},
	} {
		_, err := effect.Of(f, c.o)
		wantError(t, err, c.want)
	}
	f = framed([]frame.Factor{lr}, cell{at("", 0.01), one, nil}, cell{at("", 0.1), []float64{math.NaN()}, nil})
	_, err := effect.Of(f, effect.Options{Factor: "lr", Metric: "fid"})
	wantError(t, err, "fid: trials of one level of lr have values")
	f = framed([]frame.Factor{lr}, cell{at("", 0.01), one, nil}, cell{at("", 0.1), two, nil}, cell{at("", 0.1), two, nil})
	_, err = effect.Of(f, effect.Options{Factor: "lr", Metric: "fid"})
	wantError(t, err, "several trials have the hyperparameters and the seed of trial t2.0")
}

// A random search has as many levels as trials: what is left is the rank correlation.
func TestAFactorOfManyNumbersHasARankCorrelationAlone(t *testing.T) {
	x := frame.Factor{Name: "lr", Kind: spec.Float}
	var cells []cell
	for i := range 20 {
		x.Levels = append(x.Levels, float64(i))
		cells = append(cells, cell{at("", float64(i)), []float64{float64(i) + 0.1, float64(i ^ 1)}, nil})
	}
	a := analysed(t, framed([]frame.Factor{x}, cells...), effect.Options{Factor: "lr"})
	if len(a.Levels) > 0 || a.Rank == nil || a.Rank.Value < 0.9 || !(a.Rank.Low < a.Rank.Value && a.Rank.Value <= a.Rank.High) {
		t.Errorf("got %+v", a)
	}
	wantNote(t, a, "lr has 20 levels: only its rank correlation is shown")
}

// What is derived from the factor and others differs with it, and hides no pair.
func TestDerivedFactorsNeedNotBeEqual(t *testing.T) {
	product := frame.Factor{Name: "product", Kind: spec.Float, Levels: []any{1.0, 2.0, 3.0, 4.0}, Derived: true}
	point := func(loss string, lr, product float64) map[string]any {
		return map[string]any{"loss": loss, "lr": lr, "product": product}
	}
	f := framed([]frame.Factor{loss, lr, product}, cell{point("ns", 0.1, 1), []float64{1}, nil}, cell{point("ns", 0.01, 2), []float64{2}, nil},
		cell{point("wgan", 0.1, 3), []float64{3}, nil}, cell{point("wgan", 0.01, 4), []float64{5}, nil})
	a := analysed(t, f, effect.Options{Factor: "loss"})
	if len(a.Pairs) != 1 || a.Pairs[0].Configurations != 2 {
		t.Errorf("got the pairs %+v, want one of two configurations", a.Pairs)
	}
	wantNote(t, a, "derived from the hyperparameters, and not equal in each comparison: product")
	_, err := effect.Of(f, effect.Options{Factor: "product", Metric: "fid"})
	wantError(t, err, "product is derived from other hyperparameters, and differs only with them: want one of those")
	_, err = effect.OfEach(f, "product", effect.Options{Factor: "loss", Metric: "fid"})
	wantError(t, err, "by: product is derived from other hyperparameters: want one of those")
}
