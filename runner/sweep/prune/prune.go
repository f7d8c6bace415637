// Package prune holds the judges, which end or pause trials by their evaluations, and the contests among them, which compare trials.
// Package execute asks them.
package prune

import (
	"fmt"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/runner/sweep"
)

// Collapse ends a trial whose generator has collapsed, by the rule of the trial's evaluation: at once if the rule says so, else at the
// end of its budget.
type Collapse struct{}

var _ sweep.Judge = Collapse{}

// Judge applies the rule to the evaluations so far.
func (Collapse) Judge(t sweep.Trial) sweep.Verdict {
	rule := t.Evaluation.Collapse
	if rule == nil || !rule.Stop && t.Last() < t.Budget {
		return sweep.Verdict{}
	}
	var seen []metric.Observation
	for _, e := range t.Evaluations() {
		seen = append(seen, metric.Observe(e.Epoch, t.Evaluation.Metrics, e.Values))
	}
	collapsed, why := metric.Collapsed(*rule, seen)
	if !collapsed {
		return sweep.Verdict{}
	}
	return sweep.Verdict{Action: sweep.Stop, Status: sweep.Collapsed, Reason: fmt.Sprintf("epoch %d: %s", seen[len(seen)-1].Epoch, why)}
}
