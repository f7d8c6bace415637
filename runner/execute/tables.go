package execute

import (
	"context"
	"errors"
	"time"
)

// publish updates the tables at intervals, so that readers see the epochs of slow trials, and removes the weights that need not stay.
func (x *Executor) publish(ctx context.Context, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(publishEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := x.phases.timed(publishing, func() error { return errors.Join(x.Study.Publish(), x.tidy()) }); err != nil {
				cancel(err)
				return
			}
		}
	}
}

const publishEvery = 15 * time.Second

// tidy removes the weights of finished trials that need not stay.
func (x *Executor) tidy() error {
	var fresh []string
	for _, id := range x.Study.View().Unkept(x.Keep) {
		if !x.tidied[id] {
			fresh = append(fresh, id)
		}
	}
	if err := x.Study.RemoveCheckpoints(fresh...); err != nil {
		return err
	}
	for _, id := range fresh {
		x.tidied[id] = true
	}
	return nil
}

// conclude puts a study in order whose trials are finished. The last process to close it joins the tables.
func (x *Executor) conclude() error {
	return x.phases.timed(publishing, func() error { return errors.Join(x.recordPlan(0, 0), x.tidy()) }) // a search has added to the plan
}
