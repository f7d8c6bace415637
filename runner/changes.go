package runner

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
)

// inputChange is content that has changed since trials of the directory read it under the same description.
type inputChange struct{ what, was, is string }

// findChanges finds the trials of a study whose images or extractors have changed since, by change. They are not part of the plan.
func findChanges(p *plan.Plan, begun []results.State) (list []inputChange, trials map[inputChange][]results.State) {
	trials = map[inputChange][]results.State{}
	inputs, others := map[string][]model.Inputs{}, map[string]bool{} // by data set: some kinds of jobs read more splits than others
	for i, k := range p.Families {
		data := k.Job.Data.String()
		inputs[data] = append(inputs[data], p.Inputs(i))
	}
	for _, old := range begun {
		others[old.ID] = true
	}
	for i := range p.Len() {
		delete(others, p.ID(i))
	}
	for _, old := range begun {
		if !others[old.ID] {
			continue
		}
		var found []inputChange
		for _, now := range inputs[old.Data] {
			found = append(found, compareInputs(old.Trial, now)...)
		}
		for i, c := range found {
			if slices.Contains(found[:i], c) {
				continue
			}
			if trials[c] == nil {
				list = append(list, c)
			}
			trials[c] = append(trials[c], old)
		}
	}
	return list, trials
}

// compareInputs compares the inputs of a trial with the current ones.
func compareInputs(old results.Trial, now model.Inputs) (list []inputChange) {
	compare := func(what, was, is string) {
		if was != "" && is != "" && was != is {
			list = append(list, inputChange{what, was, is})
		}
	}
	compare(old.Data, spec.Short(old.Train), spec.Short(now.Train))
	compare("the test split of "+old.Data, spec.Short(old.Test), spec.Short(now.Test))
	extractors := func(old, now spec.Measure) {
		was, wasDigest, _ := strings.Cut(old.Features, ":")
		if is, isDigest, _ := strings.Cut(now.Features, ":"); was == is {
			compare("the extractor "+was, wasDigest, isDigest)
		}
	}
	extractors(old.Measure, now.Measure)
	if old.Measure.Final != nil && now.Measure.Final != nil {
		extractors(*old.Measure.Final, *now.Measure.Final)
	}
	return list
}

// warnOfChanges warns of trials that were begun, finished or not, whose inputs have changed.
func (e *Env) warnOfChanges(p *plan.Plan, begun []results.State) {
	list, trials := findChanges(p, begun)
	for _, c := range list {
		var names []string
		unfinished := 0
		for _, old := range trials[c] {
			names = append(names, old.ID)
			if old.Status == results.Interrupted {
				unfinished++
			}
		}
		const most = 5
		if n := len(names); n > most {
			names = append(names[:most], fmt.Sprintf("%d more", n-most))
		}
		text := fmt.Sprintf("%s has changed: its digest is %s, and was %s when these trials began, which stay as they are and do not resume: %s",
			c.what, c.is, c.was, strings.Join(names, ", "))
		if unfinished > 0 {
			text += fmt.Sprintf("; unfinished: %d, whose checkpoints stay in case the old content returns", unfinished)
		}
		e.warn(errors.New(text))
	}
}
