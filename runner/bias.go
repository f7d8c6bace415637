package runner

import (
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/engine/feature"
	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/plan"
)

// biasWarnings warns of metrics that are computed from no more samples than features: such values are far above those of more samples,
// equally for all generators.
func biasWarnings(p *plan.Plan) (warnings []string) {
	for _, trial := range p.Families {
		e, values := trial.Job.Evaluation, trial.Job.Program.Config.Image.Elems()
		all := biasOf(e, values, "")
		if e.Final != nil {
			all = append(all, biasOf(*e.Final, values, spec.FinalPrefix)...)
		}
		for _, w := range all {
			if !slices.Contains(warnings, w) {
				warnings = append(warnings, w)
			}
		}
	}
	return warnings
}

// biasOf are the warnings of an evaluation of images of so many values, whose columns have a prefix.
func biasOf(e spec.Evaluation, values int, prefix string) (warnings []string) {
	width := feature.Width(e.Features, values)
	for _, m := range e.Metrics {
		if row, _ := metric.Lookup(m.Name); row.Biased && e.Samples <= width {
			warnings = append(warnings, biasWarning(m, e.Samples, width, prefix+m.Name+metric.Floor))
		}
	}
	return warnings
}

func biasWarning(m spec.Metric, samples, features int, floor string) string {
	return fmt.Sprintf("%s of %d samples of %d features is far too high: compare it with %s, or take more samples",
		m.Name, samples, features, floor)
}
