package prune

import (
	"fmt"
	"math"
	"strconv"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep"
)

// Rule ends a trial by its own evaluations, before its last epoch.
type Rule struct{ spec.Rule }

var _ sweep.Judge = Rule{}

// Judge applies the rule to the evaluations so far.
func (r Rule) Judge(t sweep.Trial) sweep.Verdict {
	seen := t.Evaluations()
	if len(seen) == 0 || t.Last() >= t.Budget {
		return sweep.Verdict{}
	}
	why := ""
	switch r.Kind {
	case spec.Patience:
		why = r.patience(seen)
	case spec.Threshold:
		why = r.threshold(seen[len(seen)-1])
	case spec.TimeLimit:
		why = r.timeLimit(t)
	}
	if why == "" {
		return sweep.Verdict{}
	}
	return sweep.Verdict{Action: sweep.Stop, Status: sweep.Pruned, Reason: fmt.Sprintf("epoch %d: %s", t.Last(), why)}
}

// patience says why the trial ends if the last evaluations improve on none before them. A value that is not a number improves on nothing.
func (r Rule) patience(seen []sweep.Epoch) string {
	best, at := math.Inf(1), 0
	for i, e := range seen {
		cost, ok := e.Values[r.Metric]
		if r.Larger {
			cost = -cost
		}
		if ok && (cost < best-r.Change || math.IsInf(best, 1) && cost < best) {
			best, at = cost, i
		}
	}
	if len(seen)-1-at < r.Evaluations {
		return ""
	}
	if math.IsInf(best, 1) {
		return fmt.Sprintf("%s has no value in %d evaluations", r.Metric, len(seen))
	}
	return fmt.Sprintf("%s is not better than %s of epoch %d in %d evaluations", r.Metric, number(seen[at].Values[r.Metric]), seen[at].Epoch,
		len(seen)-1-at)
}

func (r Rule) threshold(e sweep.Epoch) string {
	v, ok := e.Values[r.Metric]
	switch {
	case !ok || e.Epoch <= r.After:
	case r.Above != nil && v > *r.Above:
		return fmt.Sprintf("%s is %s, above %s", r.Metric, number(v), number(*r.Above))
	case r.Below != nil && v < *r.Below:
		return fmt.Sprintf("%s is %s, below %s", r.Metric, number(v), number(*r.Below))
	}
	return ""
}

func (r Rule) timeLimit(t sweep.Trial) string {
	seconds := 0.0
	for _, e := range t.Epochs {
		seconds += e.Seconds
	}
	if seconds <= r.Seconds {
		return ""
	}
	return fmt.Sprintf("it has taken %s s, more than %s", strconv.FormatFloat(seconds, 'f', 1, 64), number(r.Seconds))
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }
