package figure

import (
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results/frame"
)

// measured are the rows that have all of some metrics.
func measured(rows []frame.Row, metrics ...string) []frame.Row {
	in := make([]frame.Row, 0, len(rows))
	for i := range rows {
		if hasAll(&rows[i], metrics) {
			in = append(in, rows[i])
		}
	}
	return in
}

func hasAll(r *frame.Row, metrics []string) bool {
	return !slices.ContainsFunc(metrics, func(m string) bool { _, has := r.Values[m]; return !has })
}

// tally states how many trials there are: n = 64 trials (32 configurations, 2 seeds).
func tally(rows []frame.Row) string {
	configurations, seeds := map[string]bool{}, map[int64]bool{}
	for _, r := range rows {
		configurations[r.Configuration], seeds[r.Seed] = true, true
	}
	return fmt.Sprintf("n = %s (%s, %s)", plain.Count(len(rows), "trial"), plain.Count(len(configurations), "configuration"),
		plain.Count(len(seeds), "seed"))
}

// fromTo states a range of counts: 8, or 4 to 8.
func fromTo(counts []int) string {
	low, high := slices.Min(counts), slices.Max(counts)
	if low == high {
		return fmt.Sprint(low)
	}
	return fmt.Sprintf("%d to %d", low, high)
}

// objective returns the direction of an objective.
func objective(f *frame.Frame, metric string) (d pareto.Direction, is bool) {
	for _, x := range f.Objectives {
		if x.Metric == metric {
			return x.Direction, true
		}
	}
	return "", false
}

// label is the text of an axis that shows a metric: fid (lower is better).
func (o Options) label(f *frame.Frame, metric string) string {
	switch d, _ := objective(f, metric); d {
	case pareto.Min:
		return o.name(metric) + " (lower is better)"
	case pareto.Max:
		return o.name(metric) + " (higher is better)"
	}
	return o.name(metric)
}

// by is the part of a sentence that names factors: by lr and loss.
func (o Options) by(factors ...string) string {
	var names []string
	for _, x := range factors {
		if x != "" && !slices.Contains(names, o.name(x)) {
			names = append(names, o.name(x))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " by " + plain.List(names)
}

// panels calls do for each plot that the figure needs, with its heading and rows.
func (o Options) panels(f *frame.Frame, rows []frame.Row, do func(heading string, rows []frame.Row, panels int) (cell, error)) (
	cells []cell, err error) {
	s, err := o.scale(f, "panel", o.Panel, mostPanels)
	if err != nil {
		return nil, err
	}
	parts := s.split(rows)
	for i, l := range s.levels {
		in := parts[i]
		if len(in) == 0 {
			continue
		}
		heading := ""
		if o.Panel != "" {
			heading = o.name(o.Panel) + " = " + l.text
		}
		c, err := do(heading, in, len(s.levels))
		if err != nil {
			return nil, err
		}
		c.heading = heading
		cells = append(cells, c)
	}
	return cells, nil
}
