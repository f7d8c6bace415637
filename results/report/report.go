// Package report writes the HTML page of a study: its Pareto fronts, how the trials ended, their losses, objectives and last
// pictures. The page is one file that needs no network and no server. It reads a study through package results and is called at
// the end of a run.
package report

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
)

// Options are choices of the reader.
type Options struct{}

// Section is a part of the page. Its HTML is complete and safe to show: texts of scripts and of results are escaped.
type Section struct {
	ID, Title string
	HTML      template.HTML
}

// trial holds what the page shows of a trial.
type trial struct {
	results.State
	Point   string
	Curves  template.HTML
	Picture template.URL // of the last evaluated epoch; empty without one
	At      int          // that epoch
	Values  []string     // the last values of the study's metrics, in order
	curves  map[string]curve
}

// Sections returns the parts of the page that the study has something for, in their order. They need what Assets returns.
func Sections(v *results.View, _ Options) ([]Section, error) {
	trials, err := gather(v)
	if err != nil {
		return nil, err
	}
	count := map[results.Status]int{}
	for _, t := range trials {
		count[t.Status]++
	}
	fronts, left, err := drawFronts(v)
	if err != nil {
		return nil, err
	}
	again, err := measuredAgain(v, trials)
	if err != nil {
		return nil, err
	}
	of := func(skipped bool) []*trial {
		return slices.DeleteFunc(slices.Clone(trials), func(t *trial) bool { return (t.Status == results.Skipped) != skipped })
	}
	data := map[string]any{"Meta": v.Meta(), "All": len(trials), "Trials": of(false),
		"Skipped": of(true), "Count": count, "Fronts": fronts, "Left": left, "Earlier": earlier(trials), "Again": again}
	var list []Section
	for _, s := range []struct {
		id, title string
		any       bool
	}{
		{"study", "Study", true},
		{"front", "Pareto front", len(fronts)+left > 0},
		{"again", "Measured again", len(again) > 0},
		{"trials", "Trials", true},
		{"skipped", "Skipped", len(of(true)) > 0},
		{"values", "Last values", true},
	} {
		if !s.any {
			continue
		}
		var b strings.Builder
		if err := parts.ExecuteTemplate(plain.NewWriter(&b), s.id, data); err != nil {
			return nil, err
		}
		list = append(list, Section{s.id, s.title, template.HTML(b.String())})
	}
	return list, nil
}

// earlier counts the trials that are not in the newest plan.
func earlier(trials []*trial) (n int) {
	for _, t := range trials {
		if !t.InPlan {
			n++
		}
	}
	return n
}

func gather(v *results.View) ([]*trial, error) {
	byID := map[string]*trial{}
	var trials []*trial
	states := v.Trials()
	labels := make([]string, len(states))
	for i, s := range states {
		labels[i] = v.Meta().Label(s.Point, s.Seed)
	}
	for _, d := range results.Differences(states, slices.Clone(labels)) {
		for i, value := range d.Values {
			labels[i] += " " + d.Name + "=" + value
		}
	}
	for i, s := range states {
		t := &trial{State: s, Point: labels[i], curves: map[string]curve{}}
		for _, m := range v.Meta().Metrics {
			t.Values = append(t.Values, number(s.Last, m))
		}
		byID[s.ID] = t
		trials = append(trials, t)
	}
	for row, err := range v.Rows(results.Epochs) {
		if err != nil {
			return nil, err
		}
		t := byID[row["trial"].(string)]
		for _, m := range v.Meta().Metrics {
			if y, ok := row[m].(float64); ok {
				t.curves[m] = append(t.curves[m], spot{float64(integer(row["epoch"])), y})
			}
		}
	}
	for row, err := range v.Rows(results.Samples) {
		if err != nil {
			return nil, err
		}
		t := byID[row["trial"].(string)]
		if png, ok := row["png"].([]byte); ok {
			t.Picture = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(png))
			t.At = integer(row["epoch"])
		}
	}
	for _, t := range trials {
		t.Curves = t.charts(v.Meta())
	}
	slices.SortStableFunc(trials, func(a, b *trial) int { return cmp.Compare(a.Index, b.Index) })
	return trials, nil
}

// charts draws the losses on one scale, and each other objective on its own.
func (t *trial) charts(m results.Meta) template.HTML {
	losses := map[string]curve{}
	for name, c := range t.curves {
		if slices.Contains(m.Losses, name) {
			losses[name] = c
		}
	}
	drawn := chart(losses, t.Epochs, 150)
	for _, o := range m.Objectives {
		if _, done := losses[o.Metric]; !done {
			drawn += chart(map[string]curve{o.Metric: t.curves[o.Metric]}, t.Epochs, 70)
		}
	}
	return drawn
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

func number(m results.Metrics, name string) string {
	if v, ok := m[name]; ok {
		return fmt.Sprintf("%.4g", v)
	}
	return ""
}
