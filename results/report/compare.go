package report

import (
	"cmp"
	"fmt"
	"html/template"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/compare"
	"github.com/starsweep/starsweep/results/frame"
)

// pair is two studies side by side.
type pair struct {
	a, b  *study
	found *compare.Result
	by    []results.Column // the hyperparameters of both, by which configurations are paired
	joint []joint
	onlyA int // configurations
	onlyB int
}

// joint is a configuration that both studies have.
type joint struct {
	name string
	a, b frame.Group
}

// comparisons are the parts of the page that compares two studies.
var comparisons = []struct {
	id, title string
	write     func(*pair) (template.HTML, error)
}{
	{"studies", "Two studies", (*pair).studies},
	{"differences", "What differs in script and settings", (*pair).differences},
	{"common", "Metrics of common configurations", (*pair).common},
	{"numbers", "Numbers of common trials", (*pair).numbers},
}

// Compare returns the parts of a page that compares two studies. They need what Assets returns.
func Compare(a, b *results.View) (list []Section, err error) {
	p := &pair{}
	if p.a, err = read(a, Options{Link: func(string) string { return "" }}); err != nil {
		return nil, err
	}
	if p.b, err = read(b, p.a.options); err != nil {
		return nil, err
	}
	if p.found, err = compare.Studies(a, b, compare.Options{}); err != nil {
		return nil, err
	}
	p.join()
	for _, part := range comparisons {
		html, err := part.write(p)
		if err != nil {
			return nil, err
		}
		if html != "" {
			list = append(list, Section{part.id, part.title, html})
		}
	}
	return list, nil
}

// CompareFile writes the page that compares two studies.
func CompareFile(path string, a, b *results.View) error {
	sections, err := Compare(a, b)
	if err != nil {
		return err
	}
	title := a.Meta().Study + " and " + b.Meta().Study
	if a.Meta().Study == b.Meta().Study {
		title = a.Meta().Study + ": " + filepath.Base(a.Dir()) + " and " + filepath.Base(b.Dir())
	}
	return durable.WriteShared(path, func(w io.Writer) error { return write(w, title, sections) })
}

// join pairs the configurations of the newest plans by the hyperparameters that both studies have.
func (p *pair) join() {
	for _, c := range p.a.meta.Columns {
		if slices.ContainsFunc(p.b.meta.Columns, func(d results.Column) bool { return d.Name == c.Name && d.Kind == c.Kind }) {
			p.by = append(p.by, c)
		}
	}
	grouped := func(s *study) (keys []string, groups map[string]frame.Group) {
		groups = map[string]frame.Group{}
		for _, r := range s.frame.Rows {
			var parts []string
			for _, c := range p.by {
				parts = append(parts, fmt.Sprint(r.Point[c.Name]))
			}
			key := strings.Join(parts, "\x00")
			if _, known := groups[key]; !known {
				keys = append(keys, key)
			}
			groups[key] = frame.Group{Rows: append(groups[key].Rows, r)}
		}
		return keys, groups
	}
	keys, inA := grouped(p.a)
	_, inB := grouped(p.b)
	for _, key := range keys {
		if g, both := inB[key]; both {
			p.joint = append(p.joint, joint{p.name(inA[key].Rows[0]), inA[key], g})
		}
	}
	p.onlyA, p.onlyB = len(inA)-len(p.joint), len(inB)-len(p.joint)
}

// name names a configuration by what varies in either study.
func (p *pair) name(r frame.Row) string {
	var parts []string
	for _, c := range p.by {
		a, _ := p.a.frame.Factor(c.Name)
		b, _ := p.b.frame.Factor(c.Name)
		if level := r.Point[c.Name]; level != nil && (len(a.Levels) > 1 || len(b.Levels) > 1) {
			parts = append(parts, c.Name+" "+frame.Text(level))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "the only one")
}

// studies shows both in a few lines.
func (p *pair) studies() (template.HTML, error) {
	t := table{Caption: "The studies, by their newest plans"}
	t.column("", false)
	t.column("A", false)
	t.column("B", false)
	add := func(name string, of func(*study) (string, error)) error {
		a, errA := of(p.a)
		b, errB := of(p.b)
		cells := t.cells(name, a, b)
		cells[1].Class, cells[2].Class = "long", "long"
		t.Rows = append(t.Rows, line{Cells: cells})
		return cmp.Or(errA, errB)
	}
	plainly := func(of func(*study) string) func(*study) (string, error) {
		return func(s *study) (string, error) { return of(s), nil }
	}
	for _, row := range []struct {
		name string
		of   func(*study) (string, error)
	}{
		{"study", plainly(func(s *study) string { return s.meta.Study })},
		{"folder", plainly(func(s *study) string { return s.Dir() })},
		{"asked", plainly((*study).asked)},
		{"trained", (*study).trained},
		{"best", plainly(func(s *study) string {
			var parts []string
			for _, x := range s.best() {
				parts = append(parts, fmt.Sprintf("%s %s with %s, trial %s", x.Objective, x.Value, x.Of, x.Trial.ID))
			}
			return strings.Join(parts, "; ")
		})},
		{"ended early", plainly((*study).endedBadly)},
	} {
		if err := add(row.name, row.of); err != nil {
			return "", err
		}
	}
	return render("studies", t)
}

// differences shows what the studies were made with, where it differs.
func (p *pair) differences() (template.HTML, error) {
	t := table{Caption: "What the studies were made with, where it differs"}
	for _, name := range []string{"what", "A", "B"} {
		t.column(name, false)
	}
	for _, x := range p.found.Properties {
		cells := t.cells(strings.TrimSpace(x.Kind+" "+x.Name), cmp.Or(trimmed(x.A), "none"), cmp.Or(trimmed(x.B), "none"))
		cells[1].Class, cells[2].Class = "long", "long"
		t.Rows = append(t.Rows, line{Cells: cells})
	}
	var scripts []scriptDiff
	for _, x := range p.found.Scripts {
		scripts = append(scripts, diffOf(x))
	}
	return render("differences", map[string]any{"Table": t, "Scripts": scripts, "Trials": p.found.Trials,
		"OnlyA": len(p.found.OnlyA), "OnlyB": len(p.found.OnlyB)})
}

// scriptDiff is how a file of the scripts differs.
type scriptDiff struct {
	File  string
	Lines []diffLine
	Left  int
}

// diffLine is a line; its sign is that of unified differences.
type diffLine struct{ Sign, Text string }

// diffShown is how many lines of a difference the page shows.
const diffShown = 400

func diffOf(x compare.Script) (d scriptDiff) {
	d.File = plain.Line(x.File)
	lines := strings.Split(strings.TrimSuffix(x.Diff, "\n"), "\n")
	if len(lines) > diffShown {
		lines, d.Left = lines[:diffShown], len(lines)-diffShown
	}
	for _, text := range lines {
		sign := ""
		if strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-") {
			sign = text[:1]
		}
		d.Lines = append(d.Lines, diffLine{sign, text})
	}
	return d
}

// metricPair is a metric of common configurations.
type metricPair struct {
	Metric, Verdict string
	Other           string // why its values cannot be compared; empty if they can
	Table           table
	Left            int
}

// common compares the means of each metric, configuration by configuration.
func (p *pair) common() (template.HTML, error) {
	var list []metricPair
	for _, o := range p.objectives() {
		list = append(list, p.metric(o))
	}
	return render("common", map[string]any{"Metrics": list, "Joint": len(p.joint), "OnlyA": p.onlyA, "OnlyB": p.onlyB,
		"By": len(p.by)})
}

// objectives are those of either study that both have measured or, without any, their other metrics.
func (p *pair) objectives() (list []results.Objective) {
	both := func(name string) bool {
		return slices.Contains(p.a.frame.Metrics, name) && slices.Contains(p.b.frame.Metrics, name)
	}
	for _, o := range append(slices.Clone(p.a.meta.Objectives), p.b.meta.Objectives...) {
		known := slices.ContainsFunc(list, func(other results.Objective) bool { return other.Metric == o.Metric })
		if both(o.Metric) && !known {
			list = append(list, o)
		}
	}
	return list
}

func (p *pair) metric(o results.Objective) metricPair {
	m := metricPair{Metric: o.Metric}
	if a, b := p.a.frame.Measures[o.Metric], p.b.frame.Measures[o.Metric]; a != b {
		m.Other = fmt.Sprintf("A is measured by %s; B by %s", a, b)
		return m
	}
	t := table{ID: "common-" + o.Metric, Sortable: true, Example: p.joint[0].name,
		Caption: fmt.Sprintf("%s of common configurations, mean ± standard deviation (n trials)", o.Metric)}
	t.column("configuration", false)
	for _, name := range []string{"A", "B", "B − A"} {
		t.column(name, true)
	}
	type difference struct {
		name string
		a, b frame.Summary
	}
	var all []difference
	var changes []float64
	better := 0
	for _, j := range p.joint {
		d := difference{j.name, j.a.Summary(o.Metric), j.b.Summary(o.Metric)}
		if d.a.N == 0 && d.b.N == 0 {
			continue
		}
		all = append(all, d)
		if d.a.N > 0 && d.b.N > 0 {
			changes = append(changes, d.b.Mean-d.a.Mean)
			if o.Better(d.b.Mean, d.a.Mean) {
				better++
			}
		}
	}
	if len(all) > shown {
		slices.SortStableFunc(all, func(x, y difference) int {
			return cmp.Compare(math.Abs(y.b.Mean-y.a.Mean), math.Abs(x.b.Mean-x.a.Mean))
		})
		all, m.Left = all[:shown], len(all)-shown
	}
	for _, d := range all {
		change := ""
		if d.a.N > 0 && d.b.N > 0 {
			change = fmt.Sprintf("%+.3g", d.b.Mean-d.a.Mean)
		}
		t.Rows = append(t.Rows, line{Cells: t.cells(d.name, ofSeeds(d.a), ofSeeds(d.b), change)})
	}
	m.Table = t
	m.Verdict = verdict(o, changes, better)
	return m
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
		counted(len(changes), "configuration"), s.Mean)
	if s.N > 1 {
		text += fmt.Sprintf(" (standard deviation %.3g)", s.SD)
	}
	return text
}

// numbers says whether the numbers of common trials have the same bits.
func (p *pair) numbers() (template.HTML, error) {
	if p.found.Trials == 0 {
		return "", nil
	}
	t := table{Caption: "Columns with differences between trials of one configuration and seed, the largest first"}
	for i, name := range []string{"table", "column", "cells that differ", "largest relative difference", "in trial", "epoch"} {
		t.column(name, i == 2 || i == 3 || i == 5)
	}
	for _, c := range p.found.Columns {
		largest := "infinite"
		if !math.IsInf(float64(c.Largest), 0) {
			largest = fmt.Sprintf("%.2g", float64(c.Largest))
		}
		epoch := ""
		if c.Epoch > 0 {
			epoch = fmt.Sprint(c.Epoch)
		}
		t.Rows = append(t.Rows, line{Cells: t.cells(string(c.Table), c.Column, fmt.Sprint(c.Differ), largest, c.Trial, epoch)})
	}
	return render("numbers", map[string]any{"Table": t, "Trials": p.found.Trials, "Differ": len(p.found.Numbers), "Cells": p.found.Cells})
}
