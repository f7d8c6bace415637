package report

import (
	"fmt"
	"html/template"
	"math"
	"slices"

	"github.com/starsweep/starsweep/internal/parallel"
	"github.com/starsweep/starsweep/results/figure"
	"github.com/starsweep/starsweep/results/frame"
	"github.com/starsweep/starsweep/results/importance"
)

// matters is which factors an objective depends on.
type matters struct {
	Metric, Method string
	Missing        string // why it cannot be told; empty if it can
	Table          table
	Notes          []string
	Pairs          []graph // interactions
}

// effectsShown is how many effects a table has, and pairsShown how many interactions are drawn.
const effectsShown, pairsShown = 12, 2

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

// analyze says what an objective depends on: of its logarithm where its values span more than a decade, as on the axes of figures.
func analyze(f *frame.Frame, metric string) analysis {
	low, high := math.Inf(1), math.Inf(-1)
	for _, r := range f.Rows {
		if v, measured := r.Values[metric]; measured {
			low, high = min(low, v), max(high, v)
		}
	}
	a, err := importance.Analyze(f, metric, importance.Options{Log: low > 0 && high > 10*low})
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
	text := enumerated(parts) + " " + of + a.Metric
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

// importance shows main effects and interactions of each objective, with their shares.
func (s *study) importance() (template.HTML, error) {
	var list []matters
	if len(s.frame.Varied()) == 0 {
		return "", nil
	}
	for _, metric := range s.measuredObjectives() {
		m := matters{Metric: metric}
		a := s.analyses[metric]
		if a.err != nil {
			m.Missing = a.err.Error()
			list = append(list, m)
			continue
		}
		m.Method, m.Notes = a.Method.Citation(), a.Notes
		m.Table = effects(a.Analysis)
		var err error
		if m.Pairs, err = s.interactions(a.Analysis); err != nil {
			return "", err
		}
		list = append(list, m)
	}
	if len(list) == 0 {
		return "", nil
	}
	return render("importance", map[string]any{"Metrics": list, "Resamplings": importance.Resamplings, "Seed": importance.Seed})
}

// effects is the table of an analysis.
func effects(a *importance.Analysis) table {
	of := a.Metric
	if a.Log {
		of = "the logarithm of " + of
	}
	t := table{Caption: fmt.Sprintf("What explains %s: shares with 95 %% intervals, %s", of, counted(a.N, "trial"))}
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

// interactions draws the greatest ones as box plots of one factor, grouped by the other.
func (s *study) interactions(a *importance.Analysis) (list []graph, err error) {
	for _, e := range a.Effects {
		if len(e.Factors) != 2 || len(list) == pairsShown || !(e.Share > 0.01) {
			continue
		}
		x, by := e.Factors[0], e.Factors[1]
		if levels(s.frame, x) < levels(s.frame, by) { // colours for the fewer
			x, by = by, x
		}
		g, err := drawn(figure.Box(s.frame, figure.Options{X: x, Y: a.Metric, By: by}))
		if err != nil {
			return nil, err
		}
		list = append(list, g)
	}
	return list, nil
}

func levels(f *frame.Frame, name string) int {
	x, _ := f.Factor(name)
	return len(x.Levels)
}
