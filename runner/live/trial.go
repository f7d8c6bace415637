package live

import (
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/figure"
	"github.com/starsweep/starsweep/results/frame"
	"github.com/starsweep/starsweep/runner/standing"
)

// trial is what the page of a trial shows.
type trial struct {
	results.State
	Label  string
	Stands string // how it stands
	Worker string // who trains it; empty: nobody
	Asked  bool   // to end
	Curves []template.HTML
	Points []setting
	Heads  []string
	Rows   [][]string // of evaluated epochs, the last first
	Sheets []results.Sheet
	Dir    string // as a shell writes it
}

type setting struct{ Name, Value string }

// trialSections show a trial.
func (s *Server) trialSections(id string) ([]Section, error) {
	v, _ := s.current()
	if v == nil {
		return nil, fmt.Errorf("the study cannot be read")
	}
	state, found := v.State(id)
	if !found {
		return nil, fmt.Errorf("trial %s has been forgotten: it waits to run again", id)
	}
	processes, holders, err := standing.Present(v)
	if err != nil {
		return nil, err
	}
	m := v.Meta()
	t := trial{State: state, Label: m.Label(state.Point, state.Seed), Stands: string(state.Status.Stands(holders[id] != "")),
		Dir: shell(s.Dir)}
	if t.Stands == standing.Running {
		at := slices.IndexFunc(processes, func(p standing.Process) bool { return p.Name == holders[id] })
		t.Worker = title(processes[at])
	}
	for _, c := range m.Columns {
		value := "does not apply"
		if x := state.Point[c.Name]; x != nil {
			value = fmt.Sprint(x)
		}
		t.Points = append(t.Points, setting{c.Name, value})
	}
	epochs, err := v.Epochs(id)
	if err != nil {
		return nil, err
	}
	asked, _, err := v.Requests()
	if err != nil {
		return nil, err
	}
	t.Heads, t.Rows = values(m, epochs)
	t.Sheets, t.Asked = v.Sheets(id), asked[id] && t.Worker != ""
	if t.Curves, err = curves(v, state, t.Heads); err != nil {
		return nil, err
	}
	return sections(t, part{"status", "Status"}, part{"hyperparameters", "Hyperparameters"}, part{"curves", "Curves"},
		part{"sheets", "Sample sheets"}, part{"epochs", "Values by epoch"}, part{"commands", "Commands"})
}

// curves draws every metric of a trial over its epochs, the objectives first.
func curves(v *results.View, t results.State, metrics []string) (list []template.HTML, err error) {
	f := &frame.Frame{Study: v.Meta().Study, Metrics: metrics, Rows: []frame.Row{{ID: t.ID, Index: t.Index, Seed: t.Seed,
		Configuration: t.Configuration, Status: t.Status, Point: t.Point, Values: t.Last}}}
	objective := func(name string) bool {
		return slices.ContainsFunc(v.Meta().Objectives, func(o results.Objective) bool { return o.Metric == name })
	}
	metrics = slices.Clone(metrics)
	slices.SortStableFunc(metrics, func(a, b string) int {
		switch {
		case objective(a) == objective(b):
			return 0
		case objective(a):
			return -1
		}
		return 1
	})
	for _, name := range metrics {
		course, err := f.Course(v, t.ID)
		if err != nil {
			return nil, err
		}
		shown := 0
		for _, p := range course {
			if _, measured := p.Values[name]; measured {
				shown++
			}
		}
		if shown < 2 { // a curve needs two; numbers that are not finite are in the table
			continue
		}
		drawing, err := figure.Curves(v, f, figure.Options{Y: name})
		if err != nil {
			return nil, err
		}
		var b strings.Builder
		if err := drawing.SVG(&b, figure.Inline); err != nil {
			return nil, err
		}
		list = append(list, template.HTML(b.String()))
	}
	return list, nil
}

// values are the numbers of a trial by epoch, the last first, in the columns that have any.
func values(m results.Meta, epochs []results.Epoch) (heads []string, rows [][]string) {
	for _, name := range m.Metrics {
		for _, e := range epochs {
			if _, measured := e.Metrics[name]; measured {
				heads = append(heads, name)
				break
			}
		}
	}
	for i := len(epochs) - 1; i >= 0; i-- {
		cells := []string{strconv.Itoa(epochs[i].Epoch)}
		for _, name := range heads {
			cell := ""
			if x, measured := epochs[i].Metrics[name]; measured {
				cell = strconv.FormatFloat(x, 'g', 4, 64)
			}
			cells = append(cells, cell)
		}
		rows = append(rows, cells)
	}
	return heads, rows
}

// shell writes a path as a shell reads it.
func shell(path string) string {
	path = plain.Line(path)
	if path != "" && !strings.ContainsFunc(path, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+@%:,", r))
	}) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
