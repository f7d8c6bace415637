package runner

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/starlib/hint"
)

// studyMeta returns the description of a study for its directory, and the files of its script.
func studyMeta(s *script, p *plan.Plan, version string) (results.Meta, map[string][]byte, error) {
	m := results.Meta{Study: s.Name, Script: filepath.Base(s.path), ScriptHash: s.hash, Version: version}
	for _, d := range s.Space {
		m.Columns = append(m.Columns, results.Column{Name: d.Name, Kind: d.Kind, Optional: len(d.When) > 0, Derived: d.Derived})
	}
	add := func(name string) {
		if name != "" && !slices.Contains(m.Metrics, name) {
			m.Metrics = append(m.Metrics, name)
		}
	}
	for _, program := range p.Programs {
		for _, r := range append(slices.Clone(program.Recorded), program.Test...) {
			add(r.Name)
			if r.Loss != "" && !slices.Contains(m.Losses, r.Name) {
				m.Losses = append(m.Losses, r.Name)
			}
		}
	}
	for _, t := range p.Families {
		for _, c := range t.Job.Columns() {
			add(c.Name)
		}
		for _, name := range metric.Columns(t.Job.Evaluation) {
			add(name)
		}
	}
	for _, o := range s.Objectives {
		m.Objectives = append(m.Objectives, results.Objective{Metric: o.Name, Direction: o.Direction})
	}
	for _, r := range s.Prune {
		if r.Metric != "" && !slices.Contains(m.Metrics, r.Metric) {
			return m, nil, withCode(exitSpace, fmt.Errorf("%s: prune: %s: %w", s.Pos(), r.Kind, hint.Unknown("metric", r.Metric, m.Metrics)))
		}
	}
	if err := m.Check(); err != nil {
		return m, nil, withCode(exitSpace, fmt.Errorf("%s: %w", s.Pos(), err))
	}
	return m, s.Files, nil
}

// settings returns the settings of the script as a JSON object.
func settings(s *script) string {
	all := map[string]any{}
	for _, x := range s.Settings {
		all[x.Name] = x.Value.Any()
	}
	b, err := json.Marshal(all)
	if err != nil {
		return fmt.Sprintf("%q", s.Settings.String()) // JSON has no infinities and no NaN
	}
	return string(b)
}
