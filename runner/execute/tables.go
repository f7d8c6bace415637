package execute

import (
	"context"
	"errors"
	"time"

	"github.com/starsweep/starsweep/results"
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
			if err := errors.Join(x.Study.Publish(), x.tidy()); err != nil {
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

// conclude puts a study in order whose trials are finished. Of several processes, the last one joins the tables.
func (x *Executor) conclude(ctx context.Context) error {
	if err := errors.Join(x.recordPlan(), x.tidy()); err != nil { // a search has added to the plan
		return err
	}
	for end := time.Now().Add(concludeWithin); ; {
		_, err := x.Study.Compact()
		if !errors.Is(err, results.ErrInUse) {
			return err
		}
		first, err := x.first()
		if err != nil || !first || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(leaveEvery):
		}
	}
}

// The first of the processes that have a study open waits for the others to leave. It looks that often, for so long.
const (
	leaveEvery     = 20 * time.Millisecond
	concludeWithin = 10 * time.Second
)

// first reports whether this process is the first, by name, of those that have the study open.
func (x *Executor) first() (bool, error) {
	writers, err := x.Study.View().Writers()
	for _, w := range writers {
		if w.Live && w.Name < x.Study.Name() {
			return false, err
		}
	}
	return true, err
}
