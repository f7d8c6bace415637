package runner

import (
	"fmt"
	"math"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
)

// best is the best value of an objective in one measure, and the trial that has it.
type best struct {
	results.Objective
	results.Best
	trial   results.State
	measure string // empty: the trials have no other
}

// bestOf returns the best values of an objective in the newest plan, finished or not: one for each measure, since only values of one
// measure can be compared. others is the number of trials of earlier plans that have a value.
func bestOf(trials []results.State, o results.Objective) (list []best, others int) {
	at := map[string]int{}
	for _, t := range trials {
		value, measured := t.Best[o.Metric]
		switch {
		case !measured:
			continue
		case !t.InPlan:
			others++
			continue
		}
		measure := metric.Deciding(t.Measure, t.Train, o.Metric).String()
		i, known := at[measure]
		if !known {
			i, at[measure] = len(list), len(list)
			list = append(list, best{o, value, t, measure})
		}
		if o.Better(value.Value, list[i].Value) {
			list[i] = best{o, value, t, measure}
		}
	}
	if len(list) == 1 {
		list[0].measure = ""
	}
	return list, others
}

// bestLines describes the best values of an objective, a line for each measure.
func bestLines(m results.Meta, trials []results.State, o results.Objective) (lines []string) {
	list, others := bestOf(trials, o)
	for _, b := range list {
		line := fmt.Sprintf("%s %.4g at epoch %d of trial %s: %s", o.Metric, b.Value, b.Best.Epoch, b.trial.ID, m.Label(b.trial.Point,
			b.trial.Seed))
		if b.measure != "" {
			line += ", measured by " + b.measure
		}
		lines = append(lines, line)
	}
	if len(list) == 0 {
		lines = []string{o.Metric + ": " + noBest(trials, o.Metric)}
	}
	if others > 0 {
		lines[len(lines)-1] += fmt.Sprintf(" (of this plan; %s of earlier plans not considered)", plain.Count(others, "trial"))
	}
	return lines
}

// noBest says why no trial of the newest plan has a value of a metric.
func noBest(trials []results.State, name string) string {
	beyond := 0
	for _, t := range trials {
		if value, measured := t.Last[name]; t.InPlan && measured && !math.IsNaN(value) {
			beyond++
		}
	}
	if beyond == 0 {
		return "no finished trial has a value yet"
	}
	return fmt.Sprintf("measured only after the epochs of this plan, in %s; to train for fewer epochs, choose another --dir",
		plain.Count(beyond, "trial"))
}
