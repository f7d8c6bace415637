package runner

import (
	"fmt"
	"strings"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/results"
)

// bestTrial is the word that names the best trial of a study.
const bestTrial = "best"

// findTrial returns the trial of a study that a command line names: by its ID, by the first digits of one, or as the best.
func findTrial(v *results.View, name string) (results.State, error) {
	trials := v.Trials()
	if name == bestTrial {
		return findBest(v.Meta(), trials)
	}
	var found []results.State
	for _, t := range trials {
		if t.ID == name {
			return t, nil
		}
		if name != "" && strings.HasPrefix(t.ID, name) {
			found = append(found, t)
		}
	}
	switch len(found) {
	case 0:
		return results.State{}, usageErrorf("got the trial %q, want the ID of one, its first digits, or %s: starsweep status %s lists all",
			name, bestTrial, v.Dir())
	case 1:
		return found[0], nil
	}
	return results.State{}, usageErrorf("got the trial %q, which may be any of %s: give more digits", name, fewNames(found))
}

// fewNames lists the IDs of trials, the first few of many.
func fewNames(trials []results.State) string {
	const most = 5
	var names []string
	for _, t := range trials[:min(most, len(trials))] {
		names = append(names, t.ID)
	}
	if n := len(trials) - most; n > 0 {
		names = append(names, fmt.Sprintf("%d more", n))
	}
	return strings.Join(names, ", ")
}

// findBest returns the trial of the newest plan with the best last value of the study's first objective: kept weights are those of the
// last epoch.
func findBest(m results.Meta, trials []results.State) (best results.State, err error) {
	if len(m.Objectives) == 0 {
		return best, usageErrorf("got the trial %q, but the script has no objectives: name a trial by its ID", bestTrial)
	}
	o, measure := m.Objectives[0], ""
	for _, t := range trials {
		value, measured := t.Last[o.Metric]
		if !measured || !t.InPlan || t.Status == results.Failed || t.Status == results.Diverged {
			continue
		}
		own := metric.Deciding(t.Measure, t.Train, o.Metric).String()
		if best.ID != "" && own != measure {
			return best, usageErrorf("got the trial %q, but trials of the newest plan measure %s in different ways, %s and %s: name one by its ID",
				bestTrial, o.Metric, measure, own)
		}
		if best.ID == "" || o.Better(value, best.Last[o.Metric]) {
			best, measure = t, own
		}
	}
	if best.ID == "" {
		return best, usageErrorf("got the trial %q, but no trial of the newest plan has a value of %s yet", bestTrial, o.Metric)
	}
	return best, nil
}
