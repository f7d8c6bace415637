package report

import (
	"fmt"
	"html/template"
	"math"
	"slices"

	"github.com/starsweep/starsweep/internal/parallel"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results/figure"
	"github.com/starsweep/starsweep/results/frame"
	"github.com/starsweep/starsweep/results/importance"
)

// matters is which factors an objective depends on.
type matters struct {
	Metric  string
	Missing string // why it cannot be told; empty if it can
	Shares  graph
	Table   table   // the shares in numbers
	Effects []graph // main effects, and interactions
	Notes   []string
}

// effectsShown is how many effects a table has, and pairsShown how many interactions are drawn.
const effectsShown, pairsShown = 15, 2

// analyze analyses all objectives, at the same time: of large studies that takes longer than all else.
func (s *study) analyze() {
	objectives := s.measuredObjectives()
	found := make([]analysis, len(objectives))
	parallel.Each(len(objectives), func(i int) { found[i] = analyze(s.frame, objectives[i]) })
	s.analyses = map[string]analysis{}
	for i, name := range objectives {
		s.analyses[name] = found[i]
	}
}

// analyze says what an objective depends on: of its logarithm where figures show it on a logarithmic axis.
func analyze(f *frame.Frame, metric string) analysis {
	a, err := importance.Analyze(f, metric, importance.Options{Log: figure.Logarithmic(f, metric)})
	return analysis{a, err}
}

// analysis is an analysis, or why there is none.
type analysis struct {
	*importance.Analysis
	err error
}

// mattered says which factors explain most of the first objective.
func (s *study) mattered() string {
	objectives := s.measuredObjectives()
	if len(objectives) == 0 {
		return ""
	}
	a := s.analyses[objectives[0]]
	if a.err != nil || len(a.Effects) == 0 {
		return ""
	}
	of := "of the variance of "
	if a.Method == importance.PED {
		of = "of what sets the best trials apart by "
	}
	if a.Log {
		of += "the logarithm of "
	}
	var parts []string
	for _, e := range a.Effects[:min(3, len(a.Effects))] {
		parts = append(parts, fmt.Sprintf("%s %s", e.Name(), percent(e)))
	}
	text := plain.List(parts) + " " + of + a.Metric
	if !math.IsNaN(a.Residual) {
		text += fmt.Sprintf("; seeds %.0f %%", 100*a.Residual)
	}
	return text
}

// percent is a share with its interval.
func percent(e importance.Effect) string {
	text := fmt.Sprintf("%.0f %%", 100*e.Share)
	if !math.IsNaN(e.Low) {
		text += fmt.Sprintf(" (%.0f to %.0f)", 100*e.Low, 100*e.High)
	}
	return text
}

// importance shows the shares, main effects and interactions of each objective.
func (s *study) importance() (template.HTML, error) {
	if len(s.frame.Varied()) == 0 {
		return "", nil
	}
	var list []matters
	var shares, effects graphs
	for _, metric := range s.measuredObjectives() {
		m, err := s.matters(metric)
		if err != nil {
			return "", err
		}
		list = append(list, m)
		shares.List, effects.List = append(shares.List, m.Shares), append(effects.List, m.Effects...)
	}
	if len(list) == 0 {
		return "", nil
	}
	notes := append(commonNotes(shares), facts(effects)...)
	for i := range list {
		list[i].Shares = shares.List[i]
	}
	return render("importance", map[string]any{"Metrics": list, "Notes": notes})
}

func (s *study) matters(metric string) (m matters, err error) {
	m.Metric = metric
	if a := s.analyses[metric]; a.err != nil {
		m.Missing = a.err.Error()
	} else {
		if m.Shares, err = drawn(figure.Shares(s.frame, a.Analysis, figure.Options{Small: true}), nil); err != nil {
			return m, err
		}
		m.Table = effects(a.Analysis)
	}
	for _, o := range append([]figure.Options{{Y: metric, Small: true}}, s.interactions(metric)...) {
		g, err := drawn(figure.Effects(s.frame, o))
		if err != nil {
			return m, err
		}
		m.Effects = append(m.Effects, g)
	}
	m.Notes = commonNotes(graphs{List: m.Effects})
	return m, nil
}

// effects is the table of an analysis.
func effects(a *importance.Analysis) table {
	of := a.Metric
	if a.Log {
		of = "the logarithm of " + of
	}
	t := table{Caption: fmt.Sprintf("What explains %s: shares with 95 %% intervals, %s", of, plain.Count(a.N, "trial"))}
	t.column("hyperparameters", false)
	t.column("share", true)
	tested := slices.ContainsFunc(a.Effects, func(e importance.Effect) bool { return !math.IsNaN(e.P) })
	if tested {
		t.column("by chance", true)
		t.column("P", true)
	}
	for _, e := range a.Effects[:min(effectsShown, len(a.Effects))] {
		texts := []string{e.Name(), percent(e)}
		if tested {
			texts = append(texts, fmt.Sprintf("%.1f %%", 100*e.Chance), fmt.Sprintf("%.2g", e.P))
		}
		t.Rows = append(t.Rows, line{Cells: t.cells(texts...)})
	}
	for _, rest := range []struct {
		name  string
		share float64
	}{{"interactions of three and more", a.Higher}, {"seeds", a.Residual}} {
		if a.Method == importance.ANOVA && !math.IsNaN(rest.share) && rest.share > 0 {
			texts := make([]string, len(t.Head))
			texts[0], texts[1] = rest.name, fmt.Sprintf("%.0f %%", 100*rest.share)
			t.Rows = append(t.Rows, line{Cells: t.cells(texts...)})
		}
	}
	return t
}

// interactions are the figures of the greatest ones: the means at the levels of one factor, a line for each level of the other.
func (s *study) interactions(metric string) (list []figure.Options) {
	a := s.analyses[metric]
	if a.err != nil {
		return nil
	}
	for _, e := range a.Effects {
		if len(e.Factors) != 2 || len(list) == pairsShown || !(e.Share > 0.01) {
			continue
		}
		x, by := e.Factors[0], e.Factors[1]
		if levels(s.frame, x) < levels(s.frame, by) { // colours for the fewer
			x, by = by, x
		}
		list = append(list, figure.Options{X: x, Y: metric, By: by, Small: true})
	}
	return list
}

func levels(f *frame.Frame, name string) int {
	x, _ := f.Factor(name)
	return len(x.Levels)
}
