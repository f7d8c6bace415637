package runner

import (
	"cmp"

	"github.com/starsweep/starsweep/results"
)

// keepOf is whose weights stay: what the command line says, else the script, else the last run, so that a run that does not say it
// removes nothing that another one was told to keep.
func keepOf(flag, script string, v *results.View) results.Keep {
	last, _ := v.Plan()
	return cmp.Or(results.Keep(flag), results.Keep(script), last.Keep, results.KeepFront)
}
