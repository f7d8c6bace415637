package figure

import (
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/pareto"
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
	o.about(g, f, metrics)
	g.Caption = g.CaptionWithout(nil)
	return g
}

// about adds what holds for metrics in any figure of the frame: which of their values are better, and how they were measured.
func (o Options) about(g *Figure, f *frame.Frame, metrics []string) {
	by := map[string][]string{} // measures
	var measures []string
	for _, m := range metrics {
		switch d, _ := objective(f, m); d {
		case pareto.Min:
			g.facts = append(g.facts, fmt.Sprintf("Lower values of %s are better.", o.name(m)))
		case pareto.Max:
			g.facts = append(g.facts, fmt.Sprintf("Higher values of %s are better.", o.name(m)))
		}
		if text := f.Measures[m]; text != "" {
			if by[text] == nil {
				measures = append(measures, text)
			}
			by[text] = append(by[text], m)
		}
	}
	for _, text := range measures {
		var names []string
		for _, m := range by[text] {
			names = append(names, o.name(m))
		}
		of := "Measure of " + enumerated(names) + ": "
		if brief := frame.Brief(text, by[text]...); brief != "" {
			g.facts = append(g.facts, of+brief+".")
		}
		g.Measures = append(g.Measures, of+text)
	}
}

// leftOut says what a frame leaves out, and how many of its trials have no value of the metrics.
func (o Options) leftOut(f *frame.Frame, metrics []string) []string {
	var left []string
	for _, x := range f.Left {
		left = append(left, x.String())
	}
	if n := len(f.Rows) - len(measured(f.Rows, metrics...)); n > 0 {
		left = append(left, fmt.Sprintf("%s of those shown without a value of %s", counted(n, "trial"), strings.Join(metrics, " or ")))
	}
	if len(left) == 0 {
		return nil
	}
	return []string{"Left out: " + strings.Join(left, ", ") + "."}
}

// enumerated joins texts: a, b and c.
func enumerated(texts []string) string {
	last := len(texts) - 1
	if last < 1 {
		return strings.Join(texts, "")
	}
	return strings.Join(texts[:last], ", ") + " and " + texts[last]
}

// Shared are the sentences that figures may say together: those that the captions of all have in common, and what holds for a metric in
// any of them.
func Shared(figures []*Figure) (sentences []string) {
	if len(figures) == 0 {
		return nil
	}
	for _, n := range figures[0].notes {
		if !slices.ContainsFunc(figures, func(g *Figure) bool { return !slices.Contains(g.notes, n) }) {
			sentences = append(sentences, n)
		}
	}
	for _, g := range figures {
		for _, n := range g.facts {
			if !slices.Contains(sentences, n) {
				sentences = append(sentences, n)
			}
		}
	}
	return sentences
}

// CaptionWithout is the caption without sentences that are said elsewhere.
func (f *Figure) CaptionWithout(sentences []string) string {
	own := []string{f.what}
	for _, n := range slices.Concat(f.notes, f.facts) {
		if !slices.Contains(sentences, n) {
			own = append(own, n)
		}
	}
	return strings.Join(own, " ")
}
