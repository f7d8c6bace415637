package report_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/report"
)

// trained is a study of finished trials with these values of the objectives, and as first hyperparameter their names.
func trained(t *testing.T, objectives []results.Objective, trials ...[]float64) *results.Writer {
	t.Helper()
	now := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	m := results.Meta{Study: "fronts", Script: "fronts.star", ScriptHash: "0", Version: "test",
		Columns: []results.Column{{Name: "net", Kind: spec.String}}, Objectives: slices.Clone(objectives)}
	for _, o := range objectives {
		m.Metrics = append(m.Metrics, o.Metric)
	}
	m.Objectives = slices.DeleteFunc(m.Objectives, func(o results.Objective) bool { return o.Direction == "" })
	s, err := results.Create(t.TempDir(), m, nil, results.Options{Now: now})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	for i, values := range trials {
		id := fmt.Sprint("t", i)
		metrics := results.Metrics{}
		for j, v := range values {
			metrics[objectives[j].Metric] = v
		}
		c, err := s.Claim(id)
		must(t, err, c.Begin(results.Trial{ID: id, Index: i, Configuration: fmt.Sprint("c", i/2),
			Point: results.Values{"net": fmt.Sprintf("<%d>", i/2)}, Seed: int64(i % 2), Started: now()}, nil),
			c.AppendEpoch(results.Epoch{Trial: id, Epoch: 1, Metrics: metrics}),
			c.Finish(results.Outcome{Trial: id, Status: results.Completed}))
	}
	return s
}

func objectives(first, second pareto.Direction) []results.Objective {
	return []results.Objective{{Metric: "fid", Direction: first}, {Metric: "recall", Direction: second}}
}

func TestThePageShowsFrontsOfTrialsAndConfigurations(t *testing.T) {
	w := trained(t, objectives(pareto.Min, pareto.Max), []float64{1, 0.25}, []float64{3, 0.5}, []float64{2, 0.5}, []float64{4, 0.125})
	counts(t, page(t, w.View(), report.Options{}), map[string]int{
		"The front of fid (min) and recall (max) has 2 of 4 trials":                                   1,
		`<td><a href="#trial-t0"><code>t0</code></a></td><td class="n">1</td><td class="n">0.25</td>`: 1,
		`<td class="n">2 ± 1.414</td>`:                                                                1, // of <0>, which beats <1>
		"The contribution of a point is":                                                              1,
		`id="trial-t3"`:                                                                               1, // what the front refers to is there
	})
}

func TestOneObjectiveHasATableAndNoneHasNoFront(t *testing.T) {
	one := page(t, trained(t, objectives(pareto.Min, pareto.Max)[:1], []float64{2}, []float64{1}).View(), report.Options{})
	counts(t, one, map[string]int{"The front of fid (min) has 1 of 2 trials": 1})
	alone := page(t, trained(t, objectives(pareto.Min, pareto.Max)[:1], []float64{2}).View(), report.Options{})
	counts(t, alone, map[string]int{"The front of fid (min) has 1 of 1 trial:": 1})
	none := trained(t, objectives(pareto.Min, pareto.Max))
	for name, w := range map[string]*results.Writer{"no objective": trained(t, nil, nil), "no trial": none} {
		if strings.Contains(page(t, w.View(), report.Options{}), "Pareto") {
			t.Errorf("%s: got a front", name)
		}
	}
}
