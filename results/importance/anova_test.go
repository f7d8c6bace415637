package importance_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results/frame"
	"github.com/starsweep/starsweep/results/importance"
)

var two = []frame.Factor{factor("a", spec.Float, false, 1.0, 2.0), factor("b", spec.String, false, "x", "y"),
	factor("c", spec.Bool, false, false, true)}

func effect(t testing.TB, a *importance.Analysis, name string) importance.Effect {
	t.Helper()
	for _, e := range a.Effects {
		if e.Name() == name {
			return e
		}
	}
	t.Fatalf("no effect %q in %+v", name, a.Effects)
	return importance.Effect{}
}

// With levels coded as -1 and 1, a polynomial of the codes is its own analysis of variance: the share of each term is the square of its
// coefficient, relative to the sum of the squares.
func TestSharesOfAFullGridAreExact(t *testing.T) {
	var values []float64
	for i := range 8 {
		a, b, c := float64(i/4*2-1), float64(i/2%2*2-1), float64(i%2*2-1)
		y := 10 + 3*a + 2*b + 1*a*c + 0.5*a*b*c
		values = append(values, y-0.75, y+0.75) // seeds
	}
	a, err := importance.Analyze(framed(two, crossed(two, 2), values), "fid", importance.Options{})
	if err != nil {
		t.Fatal(err)
	}
	total := 9 + 4 + 1 + 0.25 + 0.75*0.75
	for name, squares := range map[string]float64{"a": 9, "b": 4, "c": 0, "a × b": 0, "a × c": 1, "b × c": 0} {
		e := effect(t, a, name)
		near(t, name, e.Share, squares/total, 1e-12)
		near(t, name+" by chance", e.Chance, 16*0.5625/8/16/total, 1e-12) // residual sum of squares 16 x 0.5625 over 8 degrees of freedom
		if !(e.Low <= e.Share && e.Share <= e.High) {
			t.Errorf("%s: got interval %v to %v around %v", name, e.Low, e.High, e.Share)
		}
	}
	near(t, "higher", a.Higher, 0.25/total, 1e-12)
	near(t, "residual", a.Residual, 0.5625/total, 1e-12)
	if a.Method != importance.ANOVA || a.N != 16 || a.Cells != 8 || len(a.Seeds) != 2 || a.Effects[0].Name() != "a" {
		t.Errorf("got %+v", a)
	}
}

// The numbers are those of statsmodels 0.14.5, anova_lm(ols("y ~ C(a)*C(b)", data).fit(), typ=2), for the values of the test below.
func TestSharesAndTestsAreThoseOfStatsmodels(t *testing.T) {
	factors := []frame.Factor{factor("a", spec.Float, true, 0.001, 0.01, 0.1), factor("b", spec.String, false, "ns", "wgan")}
	values := []float64{12, 15, 14, 30, 28, 35, 11, 9, 13, 18, 25, 20, 40, 38, 41, 17, 22, 16}
	a, err := importance.Analyze(framed(factors, crossed(factors, 3), values), "fid", importance.Options{})
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	mean := 0.0
	for _, y := range values {
		mean += y / 18
	}
	for _, y := range values {
		total += (y - mean) * (y - mean)
	}
	for name, want := range map[string]struct{ squares, p float64 }{
		"a": {507.1111111111112, 1.1725304790391e-05}, "b": {18, 0.147294295087}, "a × b": {1265.333333333333, 8.5738985242e-08},
	} {
		e := effect(t, a, name)
		near(t, name, e.Share*total, want.squares, 1e-6)
		near(t, name+": p", e.P/want.p, 1, 1e-6)
	}
}

// Of 200 made-up studies of one true model, with 3 seeds, nearly all intervals contain the true share.
func TestIntervalsContainTheTrueShare(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: analyses many studies")
	}
	random := rand.New(rand.NewPCG(1, 2))
	factors := []frame.Factor{factor("a", spec.Float, false, 1.0, 2.0, 3.0), factor("b", spec.Float, false, 1.0, 2.0, 3.0)}
	points := crossed(factors, 3)
	const studies, noise = 200, 1.0
	inside := 0
	for range studies {
		values := make([]float64, len(points))
		for i, p := range points {
			values[i] = 2*p[0].(float64) + p[1].(float64) + noise*random.NormFloat64()
		}
		a, err := importance.Analyze(framed(factors, points, values), "fid", importance.Options{})
		if err != nil {
			t.Fatal(err)
		}
		e := effect(t, a, "a")
		truth := 4 * 2. / 3 / (4*2./3 + 2./3 + noise)
		if e.Low <= truth && truth <= e.High {
			inside++
		}
	}
	t.Logf("%d of %d intervals contain the true share", inside, studies)
	if inside < studies*85/100 {
		t.Errorf("got the true share in %d of %d intervals, want most", inside, studies)
	}
}

func TestAnalysesAreRepeatable(t *testing.T) {
	values := make([]float64, 24)
	for i := range values {
		values[i] = float64(i * i % 17)
	}
	analyze := func() *importance.Analysis {
		a, err := importance.Analyze(framed(two, crossed(two, 3), values), "fid", importance.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a, b := analyze(), analyze(); !reflect.DeepEqual(a, b) {
		t.Errorf("got %+v, then %+v", a, b)
	}
}

func TestWhatAGridLacksIsSaid(t *testing.T) {
	nan := math.NaN()
	f := framed(two, crossed(two, 2), []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, nan})
	a, err := importance.Analyze(f, "fid", importance.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a.N != 8 || len(a.Seeds) != 1 || !math.IsNaN(a.Residual) || !math.IsNaN(a.Effects[0].Low) {
		t.Errorf("got %+v, want the seed that all have", a)
	}
	notes := strings.Join(a.Notes, "\n")
	for _, want := range []string{"1 trial without fid", "7 trials left out", "with one seed", "spans more than a decade"} {
		if !strings.Contains(notes, want) {
			t.Errorf("got notes %s\nwant %q", notes, want)
		}
	}
	log, err := importance.Analyze(f, "fid", importance.Options{Log: true})
	if err != nil || strings.Contains(fmt.Sprint(log.Notes), "decade") || log.Effects[0].Share == a.Effects[0].Share {
		t.Errorf("got %+v, %v, want other shares of the logarithm", log, err)
	}
	f.Rows = f.Rows[2:]
	_, err = importance.Analyze(f, "fid", importance.Options{Method: importance.ANOVA})
	wantError(t, err, "no seed was measured at all 8 combinations of the levels of a, b, c")
	_, err = importance.Analyze(f, "fid", importance.Options{})
	wantError(t, err, "13 trials have it, and they are no full grid: want 20 or more")
	f.Rows[1].Seed = f.Rows[0].Seed
	_, err = importance.Analyze(f, "fid", importance.Options{Method: importance.ANOVA})
	wantError(t, err, "no full grid: several trials have the hyperparameters and the seed of trial t3")
}

func TestWhatCannotBeToldIsRefused(t *testing.T) {
	eight := func(values ...float64) *frame.Frame { return framed(two, crossed(two, 1), values) }
	constant := []frame.Factor{factor("a", spec.Float, false, 1.0)}
	one := []frame.Factor{factor("lr", spec.Float, false, 1.0, 2.0, 3.0)}
	for want, x := range map[string]struct {
		f      *frame.Frame
		metric string
		o      importance.Options
	}{
		"0 of 8 trials have a value":        {framed(two, crossed(two, 1), make([]float64, 8)), "kid", importance.Options{}},
		"all 8 trials have the value 7":     {eight(7, 7, 7, 7, 7, 7, 7, 7), "fid", importance.Options{}},
		"lr is the only one that varies":    {framed(one, crossed(one, 1), []float64{1, 2, 9}), "fid", importance.Options{}},
		"none has several values in the 2":  {framed(constant, crossed(constant, 2), []float64{1, 2}), "fid", importance.Options{}},
		"trial t1 has the value -2, which":  {eight(1, -2, 3, 4, 5, 6, 7, 8), "fid", importance.Options{Log: true}},
		"1 of 2 trials have a value that c": {framed(constant, crossed(constant, 2), []float64{1, math.NaN()}), "fid", importance.Options{}},
	} {
		_, err := importance.Analyze(x.f, x.metric, x.o)
		wantError(t, err, want)
	}
}

func TestConditionalHyperparametersAreLeftOut(t *testing.T) {
	factors := append([]frame.Factor{}, two...)
	factors = append(factors, factor("penalty", spec.Float, false, 1.0, 10.0))
	var points [][]any
	var values []float64
	for i, p := range crossed(two, 1) {
		penalty := any(nil)
		if p[1] == "x" {
			penalty = float64(1 + i%2*9)
		}
		points = append(points, append(append([]any{}, p...), penalty))
		values = append(values, float64(i))
	}
	a, err := importance.Analyze(framed(factors, points, values), "fid", importance.Options{})
	if err != nil || a.Cells != 8 || !strings.Contains(fmt.Sprint(a.Notes), "penalty applies to some trials only") {
		t.Errorf("got %+v, %v", a, err)
	}
}

// What is derived from others has no share, and leaves the grid whole.
func TestDerivedFactorsHaveNoShare(t *testing.T) {
	factors := []frame.Factor{two[0], two[1], {Name: "d", Kind: spec.Float, Levels: []any{1.0, 2.0, 3.0, 4.0}, Derived: true}}
	points := [][]any{{1.0, "x", 1.0}, {1.0, "y", 2.0}, {2.0, "x", 3.0}, {2.0, "y", 4.0}}
	a, err := importance.Analyze(framed(factors, points, []float64{1, 2, 3, 5}), "fid", importance.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a.Method != importance.ANOVA || len(a.Effects) != 3 {
		t.Errorf("got %s and the effects %+v, want those of a full grid of two", a.Method, a.Effects)
	}
	if want := "left out, since the others decide what is derived from them: d"; len(a.Notes) == 0 || a.Notes[0] != want {
		t.Errorf("got the notes %q, want %q", a.Notes, want)
	}
}
