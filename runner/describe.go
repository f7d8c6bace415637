package runner

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/sweep"
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
	if err := comparedOnTheWay(s, m.Metrics); err != nil {
		return m, nil, withCode(exitSpace, fmt.Errorf("%s: prune: %w", s.Pos(), err))
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

// comparedOnTheWay returns an error if a rule looks at what trials do not measure before their last epoch, or if the search would compare
// that with what they measure afterwards.
func comparedOnTheWay(s *script, metrics []string) error {
	course := sweep.OnTheWay(s.Objectives)
	for _, r := range s.Prune {
		switch {
		case strings.HasPrefix(r.Metric, spec.FinalPrefix) && slices.Contains(metrics, r.Metric):
			return fmt.Errorf("%s: %s is measured after the last epoch only, want %s or another metric of every evaluation", r.Kind, r.Metric,
				spec.Course(r.Metric))
		case r.Metric != "" && !slices.Contains(metrics, r.Metric):
			return fmt.Errorf("%s: %w", r.Kind, hint.Unknown("metric", r.Metric, metrics))
		case r.Kind != spec.ASHA && r.Kind != spec.Hyperband:
			continue
		}
		for i, o := range course {
			if !slices.Contains(metrics, o.Name) {
				return fmt.Errorf("%s compares trials on their way by %s in place of %s, and evaluate(...) does not measure it: want its metric "+
					"in metrics = [...], too", r.Kind, o.Name, s.Objectives[i].Name)
			}
		}
	}
	if s.Search.Kind != spec.GP || len(s.Prune) == 0 {
		return nil
	}
	for i, o := range s.Objectives {
		if o != course[i] {
			return fmt.Errorf("gp(...) models the values of all trials together, and those that a rule ends have only %s in place of %s: want "+
				"tpe(...) or nsga2(...), which rank trials, or no rule", course[i].Name, o.Name)
		}
	}
	return nil
}
