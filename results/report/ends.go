package report

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
)

// statuses are all, in the order of tables.
var statuses = []results.Status{results.Completed, results.Pruned, results.Collapsed, results.Diverged, results.Failed, results.Skipped,
	results.Running, results.Paused, results.Interrupted}

// failure is the trials that failed for reasons of one class.
type failure struct {
	Class, Reason string // the reason of the first
	N             int
	First         Ref
}

// ends shows how trials ended and what their losses were in the end, by the levels of each factor.
func (s *study) ends() (template.HTML, error) {
	if len(s.trials) == 0 {
		return "", nil
	}
	t := table{Caption: "Trials of the newest plan by status, and medians of their last losses, by level of each factor"}
	t.column("factor", false)
	t.column("level", false)
	t.column("trials", true)
	var met []results.Status
	for _, status := range statuses {
		if slices.ContainsFunc(s.frame.Rows, func(r frame.Row) bool { return r.Status == status }) {
			met = append(met, status)
			t.column(string(status), true)
		}
	}
	for _, name := range s.meta.Losses {
		t.column(name, true)
	}
	for _, x := range s.frame.Varied() {
		for i, g := range spreads(s.frame, x) {
			name := x.Name
			if i > 0 {
				name = ""
			}
			t.Rows = append(t.Rows, line{Cells: s.ended(&t, name, g, met)})
		}
	}
	t.Rows = append(t.Rows, line{Cells: s.ended(&t, "all", spread{"", s.frame.Rows}, met)})
	return render("ends", map[string]any{"Table": t, "Failures": s.failures(), "Losses": len(s.meta.Losses) > 0})
}

// ended is a row of the table.
func (s *study) ended(t *table, factor string, g spread, met []results.Status) []cell {
	texts := []string{factor, g.name, fmt.Sprint(len(g.rows))}
	count := map[results.Status]int{}
	for _, r := range g.rows {
		count[r.Status]++
	}
	for _, status := range met {
		text := fmt.Sprint(count[status])
		if n := count[status]; n > 0 && n < len(g.rows) {
			text += fmt.Sprintf(" (%.0f %%)", 100*float64(n)/float64(len(g.rows)))
		}
		texts = append(texts, text)
	}
	for _, name := range s.meta.Losses {
		var values []float64
		for _, r := range g.rows {
			if v, any := s.byID[r.ID].Last[name]; any && finite(v) {
				values = append(values, v)
			}
		}
		texts = append(texts, value(frame.Summarize(values).Median))
	}
	return t.cells(texts...)
}

// spread is rows with one level, or a range of levels, of a factor.
type spread struct {
	name string
	rows []frame.Row
}

// levelsShown is how many levels of a factor are shown one by one. Numbers with more of them are shown as quarters of the rows.
const levelsShown = 12

// spreads groups rows by a factor.
func spreads(f *frame.Frame, x frame.Factor) (list []spread) {
	if len(x.Levels) <= levelsShown || !numeric(x) {
		for _, g := range f.Groups(x.Name) {
			name := "none"
			if g.Levels[0] != nil {
				name = frame.Text(g.Levels[0])
			}
			list = append(list, spread{name, g.Rows})
		}
		if len(list) > 2*levelsShown { // of a text
			slices.SortStableFunc(list, func(a, b spread) int { return cmp.Compare(len(b.rows), len(a.rows)) })
			rest := list[2*levelsShown:]
			others := spread{name: plain.Count(len(rest), "other level")}
			for _, g := range rest {
				others.rows = append(others.rows, g.rows...)
			}
			list = append(slices.Clone(list[:2*levelsShown]), others)
		}
		return list
	}
	rows := slices.DeleteFunc(slices.Clone(f.Rows), func(r frame.Row) bool { return r.Point[x.Name] == nil })
	slices.SortStableFunc(rows, func(a, b frame.Row) int {
		return cmp.Compare(frame.Number(a.Point[x.Name]), frame.Number(b.Point[x.Name]))
	})
	for part := range slices.Chunk(rows, (len(rows)+3)/4) {
		low, high := frame.Number(part[0].Point[x.Name]), frame.Number(part[len(part)-1].Point[x.Name])
		list = append(list, spread{fmt.Sprintf("%.3g to %.3g", low, high), part})
	}
	if none := len(f.Rows) - len(rows); none > 0 {
		list = append(list, spread{"none", slices.DeleteFunc(slices.Clone(f.Rows), func(r frame.Row) bool { return r.Point[x.Name] != nil })})
	}
	return list
}

func numeric(x frame.Factor) bool { return x.Kind == spec.Int || x.Kind == spec.Float }

// failures are the trials that failed, by class.
func (s *study) failures() []*failure {
	by := map[string]*failure{}
	for _, t := range s.trials {
		if t.Status != results.Failed || !t.InPlan {
			continue
		}
		class := cmp.Or(string(t.Failure), "other")
		if by[class] == nil {
			by[class] = &failure{Class: class, Reason: trimmed(t.Reason), First: s.Trial(t.ID)}
		}
		by[class].N++
	}
	return slices.SortedFunc(maps.Values(by), func(a, b *failure) int {
		return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Class, b.Class))
	})
}
