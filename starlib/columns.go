package starlib

import (
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/starlib/kit"
)

// columns checks that no two figures of a job have one name, and none a name that is taken. Names that differ in case only are
// one, because SQL does not tell them apart. All mistakes are reported.
func (s *Study) columns(job *model.Job) error {
	var errs kit.Errors
	owners := map[string]string{}
	for _, name := range s.loader.Reserved {
		owners[strings.ToLower(name)] = "of every study"
	}
	for _, name := range s.hyperparameters() {
		owners[strings.ToLower(name)] = "of a hyperparameter"
	}
	for _, name := range metric.Columns(job.Evaluate) {
		owners[strings.ToLower(name)] = "of a metric"
	}
	taken := func(what, name string) bool {
		other, taken := owners[strings.ToLower(name)]
		switch {
		case taken && other == "of every study":
			errs = append(errs, fmt.Errorf("%s has a name that is taken (%s); want none of %s", what, other, s.loader.reserved()))
		case taken:
			errs = append(errs, fmt.Errorf("%s has a name that is taken (%s); want another", what, other))
		}
		return taken
	}
	for _, r := range append(slices.Clone(job.Program.Readings), job.Program.Test...) {
		if !taken("the figure "+r.Name, r.Name) {
			owners[strings.ToLower(r.Name)] = "of another figure"
		}
	}
	numbers := map[string]model.Column{}
	for _, r := range job.Reals {
		for label, v := range r.Value.Named() {
			if taken(fmt.Sprintf("the number %v, recorded as %s (%s),", v, label.Name, label.Place), label.Name) {
				continue
			}
			if first, ok := numbers[label.Name]; ok && first.Value.String() != v.String() {
				errs = append(errs, fmt.Errorf("the name %s has two numbers: %v (%s) and %v (%s); want a name for each", label.Name, first.Value,
					first.Place, v, label.Place))
			}
			numbers[label.Name] = model.Column{Label: label, Value: v}
		}
	}
	return errs.Err()
}
