package effect_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/effect"
	"github.com/starsweep/starsweep/results/frame"
)

// SciPy's kendalltau: testdata/oracle.py.
func TestKendallIsThatOfSciPy(t *testing.T) {
	x := []float64{1, 2, 2, 4, 5, 7}
	near(t, "with ties", effect.Kendall(x, []float64{10, 30, 20, 20, 50, 40}), 0.6428571428571429, 1e-12)
	near(t, "without", effect.Kendall(x, []float64{1, 2, 4, 3, 5, 6}), 0.8280786712108251, 1e-12)
	near(t, "constant", effect.Kendall(x, []float64{3, 3, 3, 3, 3, 3}), math.NaN(), 0)
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 { // by definition: of all pairs
		n := 2 + random.IntN(9)
		x, y := make([]float64, n), make([]float64, n)
		for i := range n {
			x[i], y[i] = float64(random.IntN(5)), float64(random.IntN(5))
		}
		concordant, distinctX, distinctY := 0.0, 0.0, 0.0
		sign := func(d float64) float64 { return float64(math.Float64bits(d)>>63)*-2 + 1 }
		for i := range n {
			for j := range i {
				if x[i] != x[j] {
					distinctX++
				}
				if y[i] != y[j] {
					distinctY++
				}
				if x[i] != x[j] && y[i] != y[j] {
					concordant += sign(x[i]-x[j]) * sign(y[i]-y[j])
				}
			}
		}
		near(t, fmt.Sprint(x, y), effect.Kendall(x, y), concordant/math.Sqrt(distinctX*distinctY), 1e-12)
	}
}

// ranked is a frame of two seeds, and rankings of its trials.
func ranked(values ...[]float64) (*frame.Frame, []effect.Ranking) {
	f := &frame.Frame{}
	rankings := make([]effect.Ranking, len(values))
	for i := range rankings {
		rankings[i] = effect.Ranking{Name: "fid", Direction: pareto.Min, Values: map[string]map[int]float64{}}
	}
	for t := range values[0] {
		id := fmt.Sprint("t", t)
		f.Rows = append(f.Rows, frame.Row{ID: id, Configuration: fmt.Sprint(t / 2), Seed: int64(t % 2), Status: results.Completed})
		for i := range rankings {
			if y := values[i][t]; !math.IsNaN(y) {
				rankings[i].Values[id] = map[int]float64{3: y}
			}
		}
	}
	return f, rankings
}

func TestRankingsAgreeOverTheTrialsThatBothHave(t *testing.T) {
	f, rankings := ranked([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, []float64{2, 1, 4, 3, 6, 5, 8, 7, 10, math.NaN()})
	rankings[1].Values["t8"][2] = -1 // of an earlier epoch
	a := effect.Agree(f, rankings, 0, 1, 1, 13)
	if a.Trials != 9 || a.Configurations != 5 {
		t.Errorf("got %d trials of %d configurations, want 9 of 5", a.Trials, a.Configurations)
	}
	near(t, "Spearman", a.Spearman.Value, 1-6.0*8/(9*80), 1e-12)
	near(t, "Kendall", a.Kendall.Value, (36-2*4)/36.0, 1e-12)
	if s := a.Spearman; !(s.Low < s.Value && s.Value <= s.High && s.High <= 1) {
		t.Errorf("got %+v", s)
	}
	if a.Found[0].Count != 2 || a.Found[0].Of != 2 || a.Found[1].Count != 2 {
		t.Errorf("got %+v, want the best of each of two seeds found", a.Found)
	}
	rankings[1].Direction = pareto.Max // high is good
	a = effect.Agree(f, rankings, 0, 1, 1, 13)
	near(t, "Spearman", a.Spearman.Value, -1+6.0*8/(9*80), 1e-12)
	if a.Found[0].Count != 0 || a.Found[0].Of != 2 {
		t.Errorf("got %+v, want none found", a.Found)
	}
}

// Recall is 0 of most trials of a study that went wrong.
func TestNoTrialIsTheBestOfManyEquals(t *testing.T) {
	f, rankings := ranked([]float64{1, 2, 3, 4, 5, 6, 7, 8}, []float64{0, 1, 0, 3, 0, 5, 0, 7}, []float64{1, 1, 1, 2, 2, 2, 2, 2})
	if a := effect.Agree(f, rankings, 0, 1, 2, 13); a.Found[0].Count != 1 || a.Found[0].Of != 1 {
		t.Errorf("got %+v, want the best of the second seed, since all of the first are equal", a.Found)
	}
	if a := effect.Agree(f, rankings, 0, 2, 1, 13); a.Found[0].Count != 1 || a.Found[0].Of != 2 {
		t.Errorf("got %+v, want the best of the second seed, since two of the first are equal", a.Found)
	}
}

func TestTwoTrialsDoNotAgree(t *testing.T) {
	f, rankings := ranked([]float64{1, 2}, []float64{1, 2})
	if a := effect.Agree(f, rankings, 0, 1, 1, 13); !math.IsNaN(a.Spearman.Value) || !math.IsNaN(a.Kendall.Value) || a.Found[0].Of != 0 {
		t.Errorf("got %+v", a)
	}
}

// Trials of a normal distribution with correlation r have the rank correlation 6/pi asin(r/2) (Pearson 1907).
func TestIntervalsOfRankCorrelationsHoldTheTruth(t *testing.T) {
	if testing.Short() {
		t.Skip("resamples 400 studies: go test without -short")
	}
	random := rand.New(rand.NewPCG(2, 9))
	for _, r := range []float64{0.5, 0.9} {
		want := 6 / math.Pi * math.Asin(r/2)
		const studies = 200
		held := 0
		for range studies {
			x, y := make([]float64, 48), make([]float64, 48)
			for i := range x {
				if i%2 == 0 { // two seeds of a configuration are alike
					x[i] = random.NormFloat64()
					y[i] = r*x[i] + math.Sqrt(1-r*r)*random.NormFloat64()
				} else {
					x[i], y[i] = x[i-1]+0.01*random.NormFloat64(), y[i-1]+0.01*random.NormFloat64()
				}
			}
			f, rankings := ranked(x, y)
			if s := effect.Agree(f, rankings, 0, 1, 5, 13).Spearman; s.Low <= want && want <= s.High {
				held++
			}
		}
		t.Logf("correlation %v: %d of %d", r, held, studies)
		if held < studies*88/100 {
			t.Errorf("correlation %v: %d of %d intervals hold the truth", r, held, studies)
		}
	}
}
