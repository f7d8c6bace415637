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
	for _, row := range []struct {
		name string
		of   func(*study) string
	}{
		{"study", func(s *study) string { return s.meta.Study }},
		{"folder", func(s *study) string { return s.Dir() }},
		{"asked", (*study).asked},
		{"trained", (*study).trained},
		{"best", func(s *study) string {
			var parts []string
			for _, x := range s.best() {
				parts = append(parts, fmt.Sprintf("%s %s with %s, trial %s", x.Objective, x.Value, x.Of, x.Trial.ID))
			}
			return strings.Join(parts, "; ")
		}},
		{"ended early", (*study).endedBadly},
	} {
		cells := t.cells(row.name, row.of(p.a), row.of(p.b))
		cells[1].Class, cells[2].Class = "long", "long"
		t.Rows = append(t.Rows, line{Cells: cells})
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
