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
		e := trial.Job.Evaluation
		width := feature.Width(e.Features, trial.Job.Program.Config.Image.Elems())
		for _, m := range e.Metrics {
			if row, _ := metric.Lookup(m.Name); !row.Biased || e.Samples > width {
				continue
			}
			if w := biasWarning(m, e.Samples, width, m.Name+metric.Floor); !slices.Contains(warnings, w) {
				warnings = append(warnings, w)
			}
		}
	}
	return warnings
}

func biasWarning(m spec.Metric, samples, features int, floor string) string {
	return fmt.Sprintf("%s of %d samples of %d features is far too high: compare it with %s, or take more samples",
		m.Name, samples, features, floor)
}
