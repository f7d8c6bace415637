package effect

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/starsweep/starsweep/results/frame"
)

// Whatever value is exchanged for another, the statistics are those of the values sorted anew.
func TestASampleWithAValueExchangedIsTheSampleOfThoseValues(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		values := make([]float64, 1+random.IntN(9))
		for i := range values {
			values[i] = float64(1 + random.IntN(6)) // with ties
		}
		i, y := random.IntN(len(values)), float64(1+random.IntN(12))/2
		s := newBase(values).with(i, y)
		changed := slices.Clone(values)
		changed[i] = y
		slices.Sort(changed)
		logs := make([]float64, len(changed))
		for k, want := range changed {
			logs[k] = math.Log(want)
			if got := s.at(k); got != want {
				t.Fatalf("%v with %v at %d: got %v at place %d, want %v", values, y, i, got, k, changed)
			}
		}
		for name, pair := range map[string][2]float64{
			"mean":     {s.mean(), stat.Mean(changed, nil)},
			"quantile": {s.quantile(0.25), frame.Quantile(changed, 0.25)},
			"sd":       {s.deviationOfLog(), stat.StdDev(logs, nil)},
		} {
			if math.Abs(pair[0]-pair[1]) > 1e-7 || len(values) > 1 && math.IsNaN(pair[0]) {
				t.Fatalf("%s of %v: got %v, want %v", name, changed, pair[0], pair[1])
			}
		}
	}
	if !math.IsNaN(sample{base: newBase([]float64{1, 0, 2})}.deviationOfLog()) {
		t.Error("0 has a logarithm")
	}
}
