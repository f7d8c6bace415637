// Package toptable makes the table of a study's best configurations for a paper: hyperparameters, mean and standard deviation of the
// metrics over seeds, how many seeds, and what became of the others. It computes on a frame and writes Markdown, LaTeX and CSV; the
// command table and the report show it.
package toptable

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
)

// Options choose what the table shows.
type Options struct {
	By        string           // the metric that orders the rows
	Direction pareto.Direction // of better values; empty: as the study or the definition of the metric says
	Top       int              // the number of rows; 0 for all
	Planned   bool             // rows in the order of the plan, instead of the best first
	Best      bool             // the frame has values of the best epoch
}

// Table is the table. Rows are configurations: the best mean first, then those without a value, or as they were planned.
type Table struct {
	Study    string
	By       results.Objective
	Factors  []string // hyperparameters that differ between rows
	Metrics  []string // By, then the other objectives
	Measures []string // of the metrics
	Apart    bool     // rows with equal hyperparameters differ in settings, data or the script
	Rows     []Row
	Of       int    // the number of configurations, of which Rows are the first
	Fixed    string // hyperparameters with one value
	planned  bool
	best     bool
	left     []frame.Omission
}

// Row is a configuration.
type Row struct {
	Configuration string
	Levels        []any           // of the factors
	Values        []frame.Summary // of the metrics, over the seeds that completed or were pruned
	Trials        int             // of the configuration, with or without values
	Remarks       string          // what became of the others: 1 of 3 collapsed
}

// Of makes the table of a frame. It is an error if no row has the metric, or if it is unknown which of its values are better.
func Of(f *frame.Frame, o Options) (*Table, error) {
	t := &Table{Study: f.Study, planned: o.Planned, best: o.Best, left: f.Left}
	if o.Direction == "" {
		direction, known := f.Better(o.By)
		if !known {
			return nil, fmt.Errorf("%s: it is unknown which values are better: want %s=min or %s=max", o.By, o.By, o.By)
		}
		o.Direction = direction
	}
	t.By = results.Objective{Metric: o.By, Direction: o.Direction}
	t.Metrics = []string{o.By}
	for _, x := range f.Objectives {
		if x.Metric != o.By && slices.Contains(f.Metrics, x.Metric) {
			t.Metrics = append(t.Metrics, x.Metric)
		}
	}
	for _, name := range t.Metrics {
		t.Measures = append(t.Measures, f.Measures[name])
	}
	t.chooseFactors(f)
	for _, g := range f.Groups("configuration") {
		t.Rows = append(t.Rows, t.row(g))
	}
	if !slices.ContainsFunc(t.Rows, func(r Row) bool { return r.Values[0].N > 0 }) {
		return nil, fmt.Errorf("%s: none of %d trials has a value that can be compared", o.By, len(f.Rows))
	}
	first := map[string]int{} // the places of configurations in the plan
	for i, r := range slices.Backward(f.Rows) {
		first[r.Configuration] = i
	}
	slices.SortFunc(t.Rows, func(a, b Row) int {
		planned := cmp.Compare(first[a.Configuration], first[b.Configuration])
		if t.planned {
			return planned
		}
		return cmp.Or(t.compare(a.Values[0], b.Values[0]), planned)
	})
	t.Of = len(t.Rows)
	if o.Top > 0 {
		t.Rows = t.Rows[:min(o.Top, len(t.Rows))]
	}
	seen := map[string]bool{}
	for _, r := range t.Rows {
		key := fmt.Sprintf("%#v", r.Levels)
		t.Apart = t.Apart || seen[key]
		seen[key] = true
	}
	return t, nil
}

// chooseFactors sorts the hyperparameters into those that differ and those that do not.
func (t *Table) chooseFactors(f *frame.Frame) {
	var fixed []string
	for _, x := range f.Factors {
		somewhere, everywhere := len(x.Levels) > 0, true
		for _, r := range f.Rows {
			everywhere = everywhere && r.Point[x.Name] != nil
		}
		switch {
		case len(x.Levels) > 1 || somewhere && !everywhere:
			t.Factors = append(t.Factors, x.Name)
		case somewhere:
			fixed = append(fixed, x.Name+" = "+frame.Text(x.Levels[0]))
		}
	}
	t.Fixed = strings.Join(fixed, ", ")
}

// compare orders means, the better first, and none last.
func (t *Table) compare(a, b frame.Summary) int {
	if a.N == 0 || b.N == 0 {
		return cmp.Compare(min(b.N, 1), min(a.N, 1))
	}
	if t.By.Direction == pareto.Max {
		a, b = b, a
	}
	return cmp.Compare(a.Mean, b.Mean)
}

func (t *Table) row(g frame.Group) Row {
	r := Row{Configuration: g.Rows[0].Configuration, Trials: len(g.Rows)}
	for _, name := range t.Factors {
		r.Levels = append(r.Levels, g.Rows[0].Point[name])
	}
	ended := frame.Group{Levels: g.Levels}
	count := map[results.Status]int{}
	for _, x := range g.Rows {
		if count[x.Status]++; x.Status == results.Completed || x.Status == results.Pruned {
			ended.Rows = append(ended.Rows, x)
		}
	}
	for _, name := range t.Metrics {
		r.Values = append(r.Values, ended.Summary(name))
	}
	r.Remarks = remarks(count, len(g.Rows))
	return r
}

// remarks says how trials of a configuration ended that did not complete.
func remarks(count map[results.Status]int, all int) string {
	var list []string
	for _, s := range []struct {
		status results.Status
		text   string
	}{
		{results.Collapsed, "mode collapse"}, {results.Diverged, "diverged"}, {results.Failed, "failed"}, {results.Pruned, "pruned"},
		{results.Skipped, "skipped"}, {results.Running, "running"}, {results.Interrupted, "unfinished"}, {results.Paused, "paused"},
	} {
		switch n := count[s.status]; {
		case n == all && all > 0:
			list = append(list, s.text)
		case n > 0:
			list = append(list, fmt.Sprintf("%s (%d of %d)", s.text, n, all))
		}
	}
	return strings.Join(list, ", ")
}

// Caption says what the table shows, as sentences.
func (t *Table) Caption() string {
	better := "lower"
	if t.By.Direction == pareto.Max {
		better = "higher"
	}
	first, order := "best", fmt.Sprintf(" by %s (%s is better)", t.By.Metric, better)
	if t.planned {
		first, order = "first", ", in the order of the plan"
	}
	what := fmt.Sprintf("All %d configurations of %s", t.Of, t.Study)
	if len(t.Rows) < t.Of {
		what = fmt.Sprintf("The %s %d of %d configurations of %s", first, len(t.Rows), t.Of, t.Study)
	}
	at := "last measured epoch"
	if t.best {
		at = "epoch where the first objective is best"
	}
	text := fmt.Sprintf("%s%s: mean ± standard deviation over n seeds at the %s; seeds that collapsed, diverged or failed are not among "+
		"the n.", what, order, at)
	var measured []string
	for _, m := range t.measures() {
		if brief := frame.Brief(m.text, m.metrics...); brief != "" {
			measured = append(measured, strings.Join(m.metrics, ", ")+" with "+brief)
		}
	}
	if len(measured) > 0 {
		text += " Measured: " + strings.Join(measured, "; ") + "."
	}
	if t.Fixed != "" {
		text += " In all: " + t.Fixed + "."
	}
	var left []string
	for _, o := range t.left {
		if !strings.HasSuffix(o.Reason, "without values") { // which the remarks tell
			left = append(left, o.String())
		}
	}
	if len(left) > 0 {
		text += " Left out: " + strings.Join(left, ", ") + "."
	}
	return text
}

// measure is a measure with the metrics that it measured.
type measure struct {
	text    string
	metrics []string
}

// line is the measure in full, with its digests: a line for the record.
func (m measure) line() string { return "Measure of " + strings.Join(m.metrics, ", ") + ": " + m.text }

// measures are those of the metrics.
func (t *Table) measures() (list []measure) {
	for i, text := range t.Measures {
		at := slices.IndexFunc(list, func(m measure) bool { return m.text == text })
		switch {
		case text == "":
		case at < 0:
			list = append(list, measure{text, []string{t.Metrics[i]}})
		default:
			list[at].metrics = append(list[at].metrics, t.Metrics[i])
		}
	}
	return list
}

// spread formats a mean and its deviation: the deviation with two significant digits, the mean as precisely. A mean without a deviation
// has four digits.
func spread(s frame.Summary) (mean, deviation string) {
	if s.N == 0 {
		return "", ""
	}
	if s.N < 2 || s.SD == 0 {
		mean = strconv.FormatFloat(s.Mean, 'g', 4, 64)
		if s.N > 1 {
			deviation = "0"
		}
		return mean, deviation
	}
	decimals := 1 - int(math.Floor(math.Log10(s.SD)))
	if decimals > 9 || decimals < -6 { // numbers for which people write powers of ten
		return strconv.FormatFloat(s.Mean, 'g', 4, 64), strconv.FormatFloat(s.SD, 'g', 2, 64)
	}
	unit := math.Pow(10, float64(-decimals))
	places := max(decimals, 0)
	round := func(x float64) string { return strconv.FormatFloat(math.Round(x/unit)*unit, 'f', places, 64) }
	return round(s.Mean), round(s.SD)
}
