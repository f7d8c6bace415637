package runner

import (
	"fmt"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/results"
)

// bestLines returns a line for the best value of an objective in the newest plan, finished or not, and its trial. There is one line per
// measure, since only values of one measure can be compared.
func bestLines(m results.Meta, trials []results.State, o results.Objective) (lines []string) {
	top := map[string]results.State{}
	var measures []string
	others := 0
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
		old, any := top[measure]
		if !any {
			measures = append(measures, measure)
		}
		if !any || o.Better(value.Value, old.Best[o.Metric].Value) {
			top[measure] = t
		}
	}
	for _, measure := range measures {
		t := top[measure]
		value := t.Best[o.Metric]
		line := fmt.Sprintf("%s %.4g at epoch %d of trial %s: %s", o.Metric, value.Value, value.Epoch, t.ID, m.Label(t.Point, t.Seed))
		if len(measures) > 1 {
			line += ", measured by " + measure
		}
		lines = append(lines, line)
	}
	if len(measures) == 0 {
		lines = []string{o.Metric + ": no finished trial has a value yet"}
	}
	if others > 0 {
		lines[len(lines)-1] += fmt.Sprintf(" (of this plan; %s of earlier plans not considered)", counted(others, "trial"))
	}
	return lines
}

// counted returns a number with a noun: 1 trial, 2 trials.
func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
