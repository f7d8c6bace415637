package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
)

// study is a study as the sections see it, read once for all of them.
type study struct {
	*results.View
	meta    results.Meta
	options Options
	trials  []*trial // all that were begun, by index
	byID    map[string]*trial
	frame   *frame.Frame  // the newest plan, by the measure that most of its trials have
	points  []results.Row // of the pareto table, without the epochs of single trials

	configurations []frame.Group
	made           map[string][]string // by column, what the trials were made with

	listed   []*trial            // in the table of trials, to which others refer
	isListed map[string]bool     // by ID
	analyses map[string]analysis // by objective, of a report; nil in comparisons
}

// trial is a trial with its name for people.
type trial struct {
	results.State
	Label string
	rank  int // among the trials of its measure; 0 if it is not compared
}

func read(v *results.View, o Options) (*study, error) {
	s := &study{View: v, meta: v.Meta(), options: o, byID: map[string]*trial{}}
	trained, err := v.Trained()
	if err != nil {
		return nil, err
	}
	states := v.Trials()
	labels := make([]string, len(states))
	for i, t := range states {
		labels[i] = s.meta.Label(t.Point, t.Seed)
	}
	for _, d := range results.Differences(states, slices.Clone(labels)) {
		for i, value := range d.Values {
			labels[i] += " " + d.Name + "=" + value
		}
	}
	for i, state := range states {
		state.Status = state.Status.Stands(trained[state.ID] != "")
		t := &trial{State: state, Label: plain.Line(labels[i])}
		s.trials, s.byID[t.ID] = append(s.trials, t), t
	}
	if s.frame, err = frame.Of(v, frame.Options{}); err != nil {
		return nil, err
	}
	s.configurations = s.frame.Groups("configuration")
	if s.made, err = s.makings(); err != nil {
		return nil, err
	}
	for row, err := range v.Rows(results.Pareto) {
		if err != nil {
			return nil, err
		}
		if row["scope"] == string(results.ScopeTrial) {
			break // there are many of them, and they come last
		}
		if id, ofTrial := row["trial"].(string); ofTrial {
			s.byID[id].rank = integer(row["rank"])
		}
		s.points = append(s.points, row)
	}
	s.choose()
	return s, nil
}

// choose chooses the trials of the table: all, or the best and those by which the page explains something.
func (s *study) choose() {
	s.listed, s.isListed = slices.Clone(s.trials), map[string]bool{}
	if len(s.listed) > shown {
		slices.SortStableFunc(s.listed, s.standing)
		s.listed = s.listed[:shown:shown]
	}
	for _, t := range s.listed {
		s.isListed[t.ID] = true
	}
	var others []string
	for _, x := range s.exemplary() {
		others = append(others, x.row.ID)
	}
	for _, x := range s.best() {
		others = append(others, x.Trial.ID)
	}
	for _, x := range s.failures() {
		others = append(others, x.First.ID)
	}
	for _, id := range others {
		if !s.isListed[id] {
			s.listed, s.isListed[id] = append(s.listed, s.byID[id]), true
		}
	}
}

// Ref refers to a trial.
type Ref struct{ ID, Href, Label string }

// Trial is a reference to a trial, for templates.
func (s *study) Trial(id string) Ref {
	r := Ref{ID: id}
	if s.isListed[id] {
		r.Href = "#trial-" + id
	}
	if t := s.byID[id]; t != nil {
		r.Label = t.Label
	}
	if s.options.Link != nil {
		r.Href = s.options.Link(id)
	}
	return r
}

// standing orders trials: the best by rank and first objective first, then those that are not compared, by index.
func (s *study) standing(a, b *trial) int {
	last := func(rank int) int {
		if rank == 0 {
			return len(s.trials) + 1
		}
		return rank
	}
	if c := cmp.Compare(last(a.rank), last(b.rank)); c != 0 {
		return c
	}
	if a.rank > 0 {
		o := s.meta.Objectives[0]
		x, y := a.Last[o.Metric], b.Last[o.Metric]
		if o.Better(x, y) {
			return -1
		} else if o.Better(y, x) {
			return 1
		}
	}
	return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Seed, b.Seed), cmp.Compare(a.ID, b.ID))
}

// render is a template of sections.html.
func render(name string, data any) (template.HTML, error) {
	var b strings.Builder
	err := parts.ExecuteTemplate(plain.NewWriter(&b), name, data)
	return template.HTML(b.String()), err
}

// briefs are measures in brief. Those that differ in digests only are as they are.
func briefs(measures []string) []string {
	count := map[string]int{}
	for _, m := range measures {
		count[frame.Brief(m)]++
	}
	texts := slices.Clone(measures)
	for i, m := range measures {
		if brief := frame.Brief(m); count[brief] == 1 && brief != "" {
			texts[i] = brief
		}
	}
	return texts
}

// value is a cell.
func value(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return fmt.Sprintf("%.4g", v)
	}
	return fmt.Sprint(v)
}

func integer(v any) int {
	switch v := v.(type) {
	case int64:
		return int(v)
	case int32:
		return int(v)
	case int:
		return v
	}
	return 0
}

// level is a hyperparameter or a number, as cells show it.
func level(v any) string {
	switch v := v.(type) {
	case nil, int32:
		return value(v)
	case float64:
		return value(v)
	case string:
		return plain.Line(v)
	}
	return frame.Text(v)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// longest is how much of a text of unknown length the page shows.
const longest = 300

// trimmed is the beginning of a long text, in one line.
func trimmed(text string) string {
	text = plain.Line(strings.TrimSpace(text))
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}
