package execute

import (
	"context"
	"fmt"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/plan"
)

// Prepare identifies the trials of the plan by the content that they read, and checks that the trials to run can use their data and
// extractors. identified is called in between. Nothing is recorded.
func (x *Executor) Prepare(ctx context.Context, identified func()) error {
	_, err := x.interruptible(ctx, func() error {
		if err := x.Plan.Identify(ctx, func(j *model.Job) (model.Inputs, error) { return x.lab.Library.Inputs(ctx, j) }); err != nil {
			return err
		}
		if err := x.agenda.fill(ctx); err != nil {
			return err
		}
		identified()
		return x.preflight(ctx)
	})
	return err
}

// preflight opens the data and the extractors of every trial to run, and checks that the trial can use them.
func (x *Executor) preflight(ctx context.Context) error {
	errs := &plan.Errors{Points: x.Plan.Len()}
	for i := range x.Plan.Len() {
		s, begun := x.Study.View().State(x.Plan.ID(i))
		if x.Plan.Skips(i) || begun && x.finished(i, s) && !x.runsAgain(s) {
			continue
		}
		p := x.Plan.At(i)
		if wrong, err := x.lab.Check(ctx, p.Job); wrong {
			errs.Add(err, p.Point)
		} else if err != nil {
			return err
		}
	}
	if len(errs.List) > 0 {
		return errs
	}
	return nil
}

// checkImages returns an error if a program cannot train on a set.
func checkImages(d spec.Data, set *data.Set, p *model.Program) error {
	if err := checkLabels(d, set, p.Config.Classes); err != nil {
		return err
	}
	if want := p.Batches * p.Config.Batch; set.N < want {
		return fmt.Errorf("data: got %d images, want at least the %d of one iteration: lower batch", set.N, want)
	}
	return nil
}
