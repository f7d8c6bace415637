package runner

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
	"github.com/starsweep/starsweep/starlib/where"
)

// selection are the flags of commands that look at a frame: which trials of a study, and which values.
type selection struct {
	where, measure      string
	best, all, measured bool
}

func (s *selection) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.where, "where", "",
		"only trials for which the Starlark `CONDITION` on hyperparameters, metrics, seed, status, epoch and trial holds")
	f.BoolVar(&s.best, "best", false, "values of the epoch where the first objective is best, instead of the last measured epoch")
	f.BoolVar(&s.all, "all-plans", false, "trials of earlier plans as well")
	f.BoolVar(&s.measured, "measured", false, "values that the command measure recorded of kept weights, instead of epochs")
	f.StringVar(&s.measure, "measure", "", "`PART` of the measure to use, where the objectives have several (default: that of most trials)")
}

// frame lays out a study as the flags say. Errors of the condition are usage errors.
func (s *selection) frame(ctx context.Context, v *results.View) (*frame.Frame, error) {
	o := frame.Options{Best: s.best, AllPlans: s.all, Measured: s.measured, Measure: s.measure}
	if s.best && len(v.Meta().Objectives) == 0 {
		return nil, usageErrorf("--best: the study has no objectives")
	}
	if s.where != "" {
		holds, err := where.Compile(ctx, "--where", s.where, frame.Columns(v.Meta()))
		if err != nil {
			return nil, withCode(exitUsage, err)
		}
		o.Where = holds
	}
	f, err := frame.Of(v, o)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return f, asUsageError(err)
}
