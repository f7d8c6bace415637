package prune_test

import (
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep"
	"github.com/starsweep/starsweep/runner/sweep/prune"
)

// trial has an evaluation after every second epoch and after the last of its budget. Those from epoch from on show few modes.
func trial(stop bool, epochs, from, budget int) sweep.Trial {
	rule := spec.StandardCollapse()
	rule.Stop = stop
	metrics := []spec.Metric{{Name: "precision_recall"}, {Name: "density_coverage"}}
	t := sweep.Trial{Budget: budget, Evaluation: spec.Evaluation{Every: 2, Metrics: metrics, Collapse: &rule}}
	for epoch := 1; epoch <= epochs; epoch++ {
		e := sweep.Epoch{Epoch: epoch, Evaluated: epoch%2 == 0 || epoch == budget}
		if e.Evaluated {
			e.Values = map[string]float64{"precision": 0.9, "recall": 0.8, "density": 0.9, "coverage": 0.8}
			if epoch >= from {
				e.Values = map[string]float64{"precision": 0.9, "recall": 0.1, "density": 0.9, "coverage": 0.05}
			}
		}
		t.Epochs = append(t.Epochs, e)
	}
	return t
}

func TestACollapsedTrialEnds(t *testing.T) {
	const why = "epoch 4: few modes: recall is 0.1 and coverage 0.05 at precision 0.9, in every evaluation from epoch 2 to 4"
	stopped := sweep.Verdict{Action: sweep.Stop, Status: sweep.Collapsed, Reason: why}
	for name, c := range map[string]struct {
		trial sweep.Trial
		want  sweep.Verdict
	}{
		"at once":                        {trial(true, 4, 1, 10), stopped},
		"at the end of its budget":       {trial(false, 4, 1, 4), stopped},
		"not before the end":             {trial(false, 4, 1, 10), sweep.Verdict{}},
		"after two evaluations":          {trial(true, 2, 1, 10), sweep.Verdict{}},
		"not where it recovered":         {trial(true, 6, 8, 10), sweep.Verdict{}},
		"not where nothing is evaluated": {trial(true, 1, 1, 10), sweep.Verdict{}},
	} {
		if got := (prune.Collapse{}).Judge(c.trial); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
	free := trial(true, 4, 1, 10)
	free.Evaluation.Collapse = nil
	if got := (prune.Collapse{}).Judge(free); got != (sweep.Verdict{}) {
		t.Errorf("got %+v without a rule", got)
	}
}

// A trial of 5 epochs is evaluated at its end, where it has collapsed. One of 8 epochs at once is not evaluated there, so an extension to 8
// goes on, and ends as that one does.
func TestAnExtendedTrialEndsLikeALongOne(t *testing.T) {
	short := trial(false, 5, 4, 5)
	if got := (prune.Collapse{}).Judge(short); got.Status != sweep.Collapsed {
		t.Fatalf("got %+v for the short trial", got)
	}
	if !sweep.Collapsed.Extends(5, 5, 8) {
		t.Fatal("a larger budget does not reopen it")
	}
	long := trial(true, 4, 4, 8)
	extended := trial(true, 4, 4, 8)
	extended.Epochs = append(extended.Epochs, short.Epochs[4]) // evaluated in addition
	for epoch := 5; epoch <= 8; epoch++ {
		row := sweep.Epoch{Epoch: epoch, Evaluated: epoch%2 == 0, Values: map[string]float64{"precision": 0.9, "recall": 0.8}}
		if epoch > 5 {
			extended.Epochs = append(extended.Epochs, row)
		}
		long.Epochs = append(long.Epochs, row)
		a, b := (prune.Collapse{}).Judge(long), (prune.Collapse{}).Judge(extended)
		if a != b || a != (sweep.Verdict{}) {
			t.Errorf("epoch %d: got %+v at once and %+v extended", epoch, a, b)
		}
	}
}
