package figure

import (
	"fmt"
	"strings"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results/frame"
)

// subject is what figures of a metric begin with.
type subject struct {
	y      string
	goal   pareto.Direction // of the metric, if it is an objective
	groups scale            // the levels of Options.By, which have colours; one without it
	rows   []frame.Row      // those that have the metric
	log    bool             // its axis is logarithmic
}

func (o Options) subject(f *frame.Frame) (s subject, err error) {
	if s.y, err = o.metric(f, "y", o.Y); err != nil {
		return s, err
	}
	if s.groups, err = o.scale(f, "by", o.By, mostMarks); err != nil {
		return s, err
	}
	s.goal, _ = objective(f, s.y)
	s.rows = measured(f.Rows, s.y)
	s.log = spans(valuesOf(s.rows, s.y))
	return s, nil
}

// marks are those of the groups.
func (s subject) marks() []mark { return marks(len(s.groups.levels), s.groups.ordered) }

// words are what a figure says beside its marks.
type words struct {
	title string
	n     string   // what follows the title in the caption: the number of trials
	notes []string // sentences on marks and axes
	alt   []string // sentences for a reader who cannot see it
}

// figure makes a figure of cells, one for each panel, that shows metrics of a frame.
func (o Options) figure(f *frame.Frame, w words, metrics []string, cells ...cell) *Figure {
	g := &Figure{Title: w.title, Alt: strings.Join(append([]string{w.title + "."}, w.alt...), " "), what: w.title + w.n,
		notes: append(w.notes, o.leftOut(f, metrics)...), cells: cells, rows: arrange(cells)}
	for _, m := range metrics {
		a := about{metric: m, name: o.name(m), measure: f.Measures[m]}
		a.goal, _ = objective(f, m)
		g.about = append(g.about, a)
	}
	for _, of := range measures(g.about) {
		g.Measures = append(g.Measures, "Measure of "+of.names()+": "+of.text)
	}
	g.Caption = strings.Join(append([]string{g.Own(nil)}, Facts(g)...), " ")
	return g
}

// leftOut says what a frame leaves out, and how many of its trials have values but none of the metrics: it counts those without any.
func (o Options) leftOut(f *frame.Frame, metrics []string) []string {
	var left []string
	for _, x := range f.Left {
		left = append(left, x.String())
	}
	n := 0
	for i := range f.Rows {
		if r := &f.Rows[i]; len(r.Values) > 0 && !hasAll(r, metrics) {
			n++
		}
	}
	if n > 0 {
		left = append(left, fmt.Sprintf("%s of those shown without a value of %s", plain.Count(n, "trial"), strings.Join(metrics, " or ")))
	}
	if len(left) == 0 {
		return nil
	}
	return []string{"Left out: " + strings.Join(left, ", ") + "."}
}
