package runner

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
)

// sayWhatRuns prints what becomes of the trials that earlier runs have left.
func (t *training) sayWhatRuns() {
	say := func(format string, a ...any) { fmt.Fprintf(t.env.Stdout, format+"\n", a...) }
	view, before, retry := t.study.View(), t.executor.Earlier(), t.failures().retry
	if n := before.Finished - retry; n > 0 {
		say("%d of %s already finished", n, plain.Count(t.plan.Most(), "trial"))
	}
	if n := len(before.Extended); n > 0 {
		kept := 0
		for _, id := range before.Extended {
			if view.HasCheckpoint(id) {
				kept++
			}
		}
		say("%s with fewer epochs: %d go on from their checkpoints, %d begin again", plain.Count(n, "finished trial"), kept, n-kept)
	}
	if n := len(before.Failed); n > 0 {
		say("%s failed before: running again", plain.Count(n, "trial"))
	}
	if retry > 0 {
		say("%s left out for lack of memory: starsweep retry %s --failure memory runs them again", plain.Count(retry, "trial"), t.dir)
	}
	reasons := again(t.plan, view.Meta(), view.Trials(), t.settings)
	for _, why := range slices.Sorted(maps.Keys(reasons)) {
		say("%s with these hyperparameters and seeds do not count, since %s", plain.Count(reasons[why], "finished trial"), why)
	}
}

// again counts the trials of a plan that run although the plan before has finished trials with the same hyperparameters and seeds: the
// configuration is another one since the script has changed. It returns them by reason. settings are those of the script, as JSON.
func again(p *plan.Plan, m results.Meta, begun []results.State, settings string) map[string]int {
	known, old := map[string]bool{}, map[string]results.State{} // by ID; by label
	for _, t := range begun {
		known[t.ID] = true
	}
	planned := map[string]bool{}
	for i := range p.Len() {
		planned[p.ID(i)] = true
	}
	for _, t := range begun {
		if t.InPlan && !planned[t.ID] && t.Status != results.Interrupted {
			old[m.Label(t.Point, t.Seed)] = t
		}
	}
	reasons := map[string]int{}
	if len(old) == 0 {
		return reasons
	}
	for i := range p.Len() {
		if known[p.ID(i)] {
			continue
		}
		t := p.At(i)
		if t.Skip != "" {
			continue
		}
		if was, ok := old[m.Label(valuesOf(t.Point), int64(t.Seed))]; ok {
			if reason := changed(was, t, settings); reason != "" {
				reasons[reason]++
			}
		}
	}
	return reasons
}

// valuesOf returns the values of a point as tables have them.
func valuesOf(p spec.Point) results.Values {
	v := results.Values{}
	for _, s := range p {
		v[s.Name] = s.Value.Any()
	}
	return v
}

// changed says why a trial has another configuration than a recorded one, and "" if changed inputs are the reason, of which a warning
// tells. now are the settings of the script, as JSON.
func changed(was results.State, is plan.Trial, now string) string {
	before, after := was.Measure, is.Inputs.Measure
	switch gained, lost := missing(after.Metrics, before.Metrics), missing(before.Metrics, after.Metrics); {
	case len(gained) > 0 && len(lost) > 0:
		return fmt.Sprintf("the evaluation has %s instead of %s", listed(gained), listed(lost))
	case len(gained) > 0:
		return fmt.Sprintf("the evaluation has gained %s", listed(gained))
	case len(lost) > 0:
		return fmt.Sprintf("the evaluation no longer has %s", listed(lost))
	case before.Samples != after.Samples:
		return fmt.Sprintf("the evaluation takes %d samples, and took %d", after.Samples, before.Samples)
	case was.Data != is.Job.Data.String():
		return fmt.Sprintf("the data are %v, and were %s", is.Job.Data, was.Data)
	case was.Train != is.Inputs.Train, was.Test != is.Inputs.Test, before.String() != after.String():
		return ""
	}
	if settings := changedSettings(was.Settings, now); len(settings) > 0 {
		return fmt.Sprintf("the script or its settings have changed (%s)", listed(settings))
	}
	return "the script has changed"
}

// missing returns the metrics that the second list lacks.
func missing(metrics, from []spec.Metric) (texts []string) {
	for _, m := range metrics {
		if !slices.ContainsFunc(from, func(other spec.Metric) bool { return other.String() == m.String() }) {
			texts = append(texts, m.String())
		}
	}
	return texts
}

// changedSettings returns the settings that differ, with both values. The arguments are JSON objects.
func changedSettings(was, is string) (texts []string) {
	var before, after map[string]json.RawMessage
	if json.Unmarshal([]byte(was), &before) != nil || json.Unmarshal([]byte(is), &after) != nil {
		return nil // infinite numbers have no form in JSON
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		switch old, known := before[name]; {
		case !known:
			texts = append(texts, fmt.Sprintf("%s is new", name))
		case string(old) != string(after[name]):
			texts = append(texts, fmt.Sprintf("%s is %s, was %s", name, after[name], old))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, known := after[name]; !known {
			texts = append(texts, fmt.Sprintf("%s is gone", name))
		}
	}
	return texts
}

// listed joins the first texts of a list.
func listed(texts []string) string {
	const most = 3
	if n := len(texts); n > most {
		texts = append(slices.Clone(texts[:most]), fmt.Sprintf("%d more", n-most))
	}
	return strings.Join(texts, ", ")
}
