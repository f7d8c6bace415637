package starlib

import (
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/kit"
)

// columns checks that every value that a job records has its own column. Names that differ only in case are equal, since SQL does not
// distinguish them. All errors are reported.
func (s *Study) columns(job *model.Job) error {
	var errs kit.Errors
	taken := map[string]string{} // names in lower case, with the reason
	for _, name := range s.loader.Reserved {
		taken[strings.ToLower(name)] = "every study has it; choose a name other than " + s.loader.reserved()
	}
	for _, name := range s.hyperparameters() {
		taken[strings.ToLower(name)] = "a hyperparameter has this name; choose another name"
	}
	for _, name := range metric.Columns(job.Evaluation) {
		taken[strings.ToLower(name)] = "a metric has this name; choose another name"
	}
	isTaken := func(what, name string) bool {
		reason, ok := taken[strings.ToLower(name)]
		if strings.HasPrefix(strings.ToLower(name), spec.FinalPrefix) {
			errs = append(errs, fmt.Errorf("the column %s begins with %s, as those of final evaluations do: choose another name", what,
				spec.FinalPrefix))
			return true
		}
		if ok {
			errs = append(errs, fmt.Errorf("the column %s already exists: %s", what, reason))
		}
		return ok
	}
	for _, r := range append(slices.Clone(job.Program.Recorded), job.Program.Test...) {
		if !isTaken(r.Name, r.Name) {
			taken[strings.ToLower(r.Name)] = "another value has this name; choose another name"
		}
	}
	numbers := map[string]model.Column{}
	for _, r := range job.Reals {
		for label, v := range r.Value.Named() { // which may be another at each point: messages are without it
			if isTaken(fmt.Sprintf("%s of a number (%s)", label.Name, label.Place), label.Name) {
				continue
			}
			if first, ok := numbers[label.Name]; ok && first.Value.String() != v.String() {
				errs = append(errs, fmt.Errorf("the name %s has two numbers: %v (%s) and %v (%s); want a name for each", label.Name,
					first.Value, first.Place, v, label.Place))
			}
			numbers[label.Name] = model.Column{Label: label, Value: v}
		}
	}
	return errs.Err()
}
