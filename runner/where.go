package runner

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
	"github.com/starsweep/starsweep/starlib/where"
)

// whereMeaning documents the flag --where.
const whereMeaning = "only trials for which the Starlark `CONDITION` on hyperparameters, metrics, seed, status, epoch and trial holds"

// measuredMeaning documents the flag --measured.
const measuredMeaning = "values that the command measure recorded of kept weights, instead of epochs"

// selection are the flags of commands that look at a frame: which trials of a study, and which values.
type selection struct {
	where, measure      string
	best, all, measured bool
}

func (s *selection) flags(c *cobra.Command) {
	s.whereFlag(c)
	s.valueFlags(c)
}

func (s *selection) whereFlag(c *cobra.Command) {
	c.Flags().StringVar(&s.where, "where", "", whereMeaning)
}

// valueFlags are the flags other than the condition.
func (s *selection) valueFlags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&s.best, "best", false, "values of the epoch where the first objective is best, instead of the last measured epoch")
	f.BoolVar(&s.measured, "measured", false, measuredMeaning)
	s.trialFlags(c)
}

// trialFlags are the flags that choose trials without a condition.
func (s *selection) trialFlags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&s.all, "all-plans", false, "trials of earlier plans as well")
	f.StringVar(&s.measure, "measure", "", "`PART` of the measure to use, where the objectives have several (default: that of most trials)")
}

// withFrame opens a study, lays it out as the flags say, and passes on the frame with the metric that a flag names, as metricOf has it.
func (e *Env) withFrame(ctx context.Context, dir string, s selection, flag, metric string,
	do func(f *frame.Frame, metric string) error) error {
	return e.withView(ctx, dir, s, flag, metric, func(_ *results.View, f *frame.Frame, metric string) error { return do(f, metric) })
}

// withView is withFrame, and passes on the study as well.
func (e *Env) withView(ctx context.Context, dir string, s selection, flag, metric string,
	do func(v *results.View, f *frame.Frame, metric string) error) error {
	return e.withTrials(ctx, dir, s, func(v *results.View, f *frame.Frame) error {
		metric, err := metricOf(f, flag, metric)
		if err != nil {
			return err
		}
		return do(v, f, metric)
	})
}

// withTrials opens a study, lays it out as the flags say, and passes both on.
func (e *Env) withTrials(ctx context.Context, dir string, s selection, do func(v *results.View, f *frame.Frame) error) error {
	v, err := e.openView(dir)
	if err != nil {
		return err
	}
	defer v.Close()
	f, err := s.frame(ctx, v)
	if err != nil {
		return err
	}
	return do(v, f)
}

// frame lays out a study as the flags say. Errors of the condition are usage errors.
func (s *selection) frame(ctx context.Context, v *results.View) (*frame.Frame, error) {
	o := frame.Options{Best: s.best, AllPlans: s.all, Measured: s.measured, Measure: s.measure}
	if s.best && len(v.Meta().Objectives) == 0 {
		return nil, usageErrorf("--best: the study has no objectives")
	}
	var err error
	if o.Where, err = condition(ctx, v, "--where", s.where); err != nil {
		return nil, err
	}
	f, err := frame.Of(v, o)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return f, asUsageError(err)
}

// condition compiles the text of a flag, a condition on the rows of a study. It is nil for no text.
func condition(ctx context.Context, v *results.View, flag, text string) (func(columns map[string]any) (bool, error), error) {
	if text == "" {
		return nil, nil
	}
	holds, err := where.Compile(ctx, flag, text, frame.Columns(v.Meta()))
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	return func(columns map[string]any) (bool, error) {
		in, err := holds(columns)
		return in, withCode(exitUsage, err) // an error of a condition is none of the study's script
	}, nil
}
