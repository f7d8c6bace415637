package prune_test

import (
	"math"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep"
	"github.com/starsweep/starsweep/runner/sweep/prune"
)

// scored is a trial with an evaluation after every epoch, of 10 s each, in a budget of 20.
func scored(values ...float64) sweep.Trial {
	t := sweep.Trial{Budget: 20, Evaluation: spec.Evaluation{Every: 1}}
	for i, v := range values {
		t.Epochs = append(t.Epochs, sweep.Epoch{Epoch: i + 1, Evaluated: true, Seconds: 10, Values: map[string]float64{"fid": v}})
	}
	return t
}

func TestRules(t *testing.T) {
	bound := func(x float64) *float64 { return &x }
	nan := math.NaN()
	patient := spec.Rule{Kind: spec.Patience, Metric: "fid", Evaluations: 2}
	larger, change, other := patient, patient, patient
	larger.Larger, change.Change, other.Metric = true, 1, "kid"
	high := spec.Rule{Kind: spec.Threshold, Metric: "fid", Above: bound(50), After: 2}
	low := spec.Rule{Kind: spec.Threshold, Metric: "fid", Below: bound(1)}
	long := spec.Rule{Kind: spec.TimeLimit, Seconds: 25}
	for _, c := range []struct {
		rule   spec.Rule
		values []float64
		want   string // the reason; empty: the trial goes on
	}{
		{patient, []float64{9, 8, 7}, ""},
		{patient, []float64{9, 7, 8}, ""},
		{patient, []float64{9, 7, 8, 7}, "epoch 4: fid is not better than 7 of epoch 2 in 2 evaluations"},
		{patient, []float64{9, nan, nan}, "epoch 3: fid is not better than 9 of epoch 1 in 2 evaluations"},
		{patient, []float64{nan, 9, 8}, ""},
		{patient, []float64{nan, nan, nan}, "epoch 3: fid has no value in 3 evaluations"},
		{other, []float64{1, 2}, ""},
		{other, []float64{1, 2, 3}, "epoch 3: kid has no value in 3 evaluations"},
		{larger, []float64{1, 2, 3}, ""},
		{larger, []float64{3, 2, 1}, "epoch 3: fid is not better than 3 of epoch 1 in 2 evaluations"},
		{change, []float64{9, 8.5, 8.1}, "epoch 3: fid is not better than 9 of epoch 1 in 2 evaluations"},
		{change, []float64{9, 8.5, 7.9}, ""},
		{high, []float64{90, 90}, ""},
		{high, []float64{90, 90, 50}, ""},
		{high, []float64{90, 90, nan}, ""},
		{high, []float64{1, 1, 50.5}, "epoch 3: fid is 50.5, above 50"},
		{low, []float64{1}, ""},
		{low, []float64{0.5}, "epoch 1: fid is 0.5, below 1"},
		{long, []float64{0, 0}, ""},
		{long, []float64{0, 0, 0}, "epoch 3: it has taken 30.0 s, more than 25"},
	} {
		want := sweep.Verdict{}
		if c.want != "" {
			want = sweep.Verdict{Action: sweep.Stop, Status: sweep.Pruned, Reason: c.want}
		}
		if got := (prune.Rule{Rule: c.rule}).Judge(scored(c.values...)); got != want {
			t.Errorf("%+v with %v: got %+v, want %+v", c.rule, c.values, got, want)
		}
		whole := scored(c.values...)
		whole.Budget = len(c.values)
		if got := (prune.Rule{Rule: c.rule}).Judge(whole); got != (sweep.Verdict{}) {
			t.Errorf("%+v with %v: got %+v at the last epoch, want that it completes", c.rule, c.values, got)
		}
	}
}
