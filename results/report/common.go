package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/figure"
	"github.com/starsweep/starsweep/results/frame"
)

// metricPair is a metric of common configurations.
type metricPair struct {
	Metric, Verdict string
	Other           string // why its values cannot be compared; empty if they can
	Pictures        []graph
	Notes           []string
	Table           table
	Left            int
}

// common compares the means of each metric, configuration by configuration.
func (p *pair) common() (template.HTML, error) {
	var list []metricPair
	for _, o := range p.objectives() {
		m, err := p.metric(o)
		if err != nil {
			return "", err
		}
		list = append(list, m)
	}
	return render("common", map[string]any{"Metrics": list, "Joint": len(p.joint), "OnlyA": p.onlyA, "OnlyB": p.onlyB,
		"By": len(p.by)})
}

// objectives are those of either study or, without any, the metrics of both of which it is known what values are better.
func (p *pair) objectives() (list []results.Objective) {
	for _, o := range append(slices.Clone(p.a.meta.Objectives), p.b.meta.Objectives...) {
		if !slices.ContainsFunc(list, func(other results.Objective) bool { return other.Metric == o.Metric }) {
			list = append(list, o)
		}
	}
	if len(list) > 0 {
		return list
	}
	for _, name := range p.a.frame.Metrics {
		if direction, known := p.a.frame.Better(name); known && slices.Contains(p.b.frame.Metrics, name) {
			list = append(list, results.Objective{Metric: name, Direction: direction})
		}
	}
	return list
}

// incomparable says why the values of a metric cannot be compared. It is empty if they can.
func (p *pair) incomparable(metric string) string {
	a, b := slices.Contains(p.a.frame.Metrics, metric), slices.Contains(p.b.frame.Metrics, metric)
	switch {
	case !a && !b:
		return "neither study has any"
	case !a:
		return "A has none"
	case !b:
		return "B has none"
	case len(p.joint) == 0:
		return "the studies have no configuration in common"
	}
	measures := []string{p.a.frame.Measures[metric], p.b.frame.Measures[metric]}
	if measures[0] != measures[1] {
		texts := briefs(measures)
		return fmt.Sprintf("A is measured by %s; B by %s", texts[0], texts[1])
	}
	return ""
}

func (p *pair) metric(o results.Objective) (m metricPair, err error) {
	m = metricPair{Metric: o.Metric, Other: p.incomparable(o.Metric)}
	if m.Other != "" {
		return m, nil
	}
	var all []figure.Pair
	var changes []float64
	better := 0
	for _, j := range p.joint {
		d := figure.Pair{Name: j.name, A: j.a.Summary(o.Metric), B: j.b.Summary(o.Metric)}
		if d.A.N == 0 && d.B.N == 0 {
			continue
		}
		all = append(all, d)
		if d.A.N > 0 && d.B.N > 0 {
			changes = append(changes, d.B.Mean-d.A.Mean)
			if o.Better(d.B.Mean, d.A.Mean) {
				better++
			}
		}
	}
	m.Verdict = verdict(o, changes, better)
	if m.Pictures, err = p.pictures(o, all); err != nil {
		return m, err
	}
	m.Notes = shareNotes(graphs{List: m.Pictures})
	if len(all) > shown {
		slices.SortStableFunc(all, func(x, y figure.Pair) int {
			return cmp.Compare(math.Abs(y.B.Mean-y.A.Mean), math.Abs(x.B.Mean-x.A.Mean))
		})
		all, m.Left = all[:shown], len(all)-shown
	}
	m.Table = p.list(o.Metric, all)
	return m, nil
}

// list is the table of a metric.
func (p *pair) list(metric string, all []figure.Pair) table {
	t := table{ID: "common-" + metric, Sortable: true, Example: p.joint[0].name,
		Caption: fmt.Sprintf("%s of common configurations, mean ± standard deviation (n trials)", metric)}
	t.column("configuration", false)
	for _, name := range []string{"A", "B", "B − A"} {
		t.column(name, true)
	}
	for _, d := range all {
		change := ""
		if d.A.N > 0 && d.B.N > 0 {
			change = fmt.Sprintf("%+.3g", d.B.Mean-d.A.Mean)
		}
		t.Rows = append(t.Rows, line{Cells: t.cells(d.Name, ofSeeds(d.A), ofSeeds(d.B), change)})
	}
	return t
}

// pictures show a metric in both studies: box plots of the trials of common configurations and, of several, their means in pairs.
func (p *pair) pictures(o results.Objective, all []figure.Pair) ([]graph, error) {
	const study = "study"
	both := &frame.Frame{Study: p.a.frame.Study, Factors: []frame.Factor{{Name: study, Kind: spec.String, Levels: []any{"A", "B"}}},
		Metrics: []string{o.Metric}, Objectives: []results.Objective{o}, Measures: p.a.frame.Measures}
	for _, j := range p.joint {
		for i, g := range []frame.Group{j.a, j.b} {
			for _, r := range g.Rows {
				r.Point = map[string]any{study: both.Factors[0].Levels[i]}
				both.Rows = append(both.Rows, r)
			}
		}
	}
	box, err := drawn(figure.Box(both, figure.Options{X: study, Y: o.Metric, Small: true}))
	if err != nil {
		return nil, err
	}
	paired := slices.DeleteFunc(slices.Clone(all), func(d figure.Pair) bool { return d.A.N == 0 || d.B.N == 0 })
	if len(paired) < 2 {
		return []graph{box}, nil
	}
	pairs, err := drawn(figure.Pairs(both, paired, figure.Options{Y: o.Metric, Small: true}))
	return []graph{pairs, box}, err
}

// ofSeeds is a mean with its deviation.
func ofSeeds(s frame.Summary) string {
	switch s.N {
	case 0:
		return ""
	case 1:
		return value(s.Mean) + " (1)"
	}
	return fmt.Sprintf("%s ± %s (%d)", value(s.Mean), value(s.SD), s.N)
}

// verdict says in how many configurations B is better, and by how much.
func verdict(o results.Objective, changes []float64, better int) string {
	if len(changes) == 0 {
		return "no configuration has values in both"
	}
	s := frame.Summarize(changes)
	text := fmt.Sprintf("B is better (%s) in %d of %s; B − A is %+.3g on average", o.Direction, better,
		plain.Count(len(changes), "configuration"), s.Mean)
	if s.N > 1 {
		text += fmt.Sprintf(" (standard deviation %.3g)", s.SD)
	}
	return text
}
