package prune

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/runner/sweep"
)

// Median ends a trial whose best value of a metric so far is worse than the median of what the other trials had at the same epoch
// (Golovin et al., KDD 2017, section 3.2.2, with values instead of their running averages), once so many others have come there.
type Median struct{ spec.Rule }

var _ sweep.Contest = Median{}

// Metrics is the metric.
func (m Median) Metrics() []string { return []string{m.Metric} }

// Enter reports that a trial is compared at every evaluation but the last, once it is not too early.
func (m Median) Enter(t sweep.Trial) (bracket int, due bool) {
	return 0, t.Last() > m.After && t.Last() < t.Budget
}

// Verdict ends the worse half.
func (m Median) Verdict(e sweep.Entry, before sweep.Entries) sweep.Verdict {
	best := cost(e, m.Metric, m.Larger)
	others := map[string]float64{}
	for _, o := range before.List {
		c := cost(o, m.Metric, m.Larger)
		switch {
		case o.Trial == e.Trial && o.Epoch < e.Epoch:
			best = min(best, c)
		case o.Trial != e.Trial && o.Epoch == e.Epoch:
			others[o.Trial] = c
		}
	}
	if len(others) < m.Trials {
		return sweep.Verdict{}
	}
	sorted := slices.Sorted(maps.Values(others))
	median := sorted[(len(sorted)-1)/2] // the lower one of two in the middle, so that it is what some trial had
	if best <= median {
		return sweep.Verdict{}
	}
	return sweep.Verdict{Action: sweep.Stop, Status: sweep.Pruned, Reason: fmt.Sprintf("epoch %d: %s %s, and the median of %s is %s", e.Epoch,
		m.Metric, m.atBest(best), plain.Count(len(others), "other trial"), m.value(median))}
}

func (m Median) atBest(cost float64) string {
	if math.IsInf(cost, 1) {
		return "has no value"
	}
	return "was at best " + m.value(cost)
}

func (m Median) value(cost float64) string {
	if m.Larger {
		cost = -cost
	}
	return number(cost)
}

// Promoted is none: a median pauses no trial.
func (Median) Promoted(sweep.Entries) []sweep.Entry { return nil }
