package execute

import (
	"context"
	"errors"

	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/guard"
	"github.com/starsweep/starsweep/results"
)

// commit evaluates one trained epoch, records it and asks the judges, on a goroutine of its own. A nil commit is over, and ended
// nothing.
type commit struct {
	session  *session
	snapshot *Trainee // in the state of the epoch; nil: it is not evaluated
	state    []train.Tensor
	row      results.Epoch

	over chan struct{} // closed when the commit is over; only then the rest may be read
	end  ending
	ends bool // the session ends with it
}

// commit begins to commit the epoch that the trainee has just trained.
func (s *session) commit(ctx context.Context, row results.Epoch) (*commit, error) {
	s.pace.commits()
	c := &commit{session: s, row: row, over: make(chan struct{})}
	var err error
	if c.state, err = s.trainee.State(); err != nil {
		return nil, err
	}
	if s.due(row.Epoch) {
		if c.snapshot, err = s.trainee.Snapshot(c.state); err != nil {
			return nil, err
		}
	}
	s.newest.Store(c)
	go c.run(ctx)
	return c, nil
}

// run commits the epoch. If the session ends with it, the epoch in training is given up: it will not count.
func (c *commit) run(ctx context.Context) {
	defer close(c.over)
	if err := guard.Run(func() error { return c.record(ctx) }); err != nil {
		c.end, c.ends = endingOf(ctx, err), true
	} else if c.row.Evaluated {
		c.end, c.ends = c.session.judge()
	}
	if !c.ends && c.row.Epoch < c.session.budget() {
		c.end, c.ends = c.session.asked()
	}
	if c.ends {
		c.session.stopTraining()
	}
	c.session.pace.committed()
}

// record evaluates the epoch and makes it durable: first the checkpoint, which holds the state and the row, and then the row.
func (c *commit) record(ctx context.Context) error {
	s := c.session
	if c.snapshot != nil {
		if err := errors.Join(c.evaluate(ctx), c.snapshot.Close()); err != nil {
			return err
		}
	}
	if ctx.Err() != nil { // the study may be closed already
		return context.Cause(ctx)
	}
	checkpoint, err := checkpointOf(c.state, c.row, s.x.lab.Backend.Numerics())
	if err != nil {
		return err
	}
	if err := s.claim.SaveCheckpoint(checkpoint); err != nil {
		return err
	}
	if err := s.claim.AppendEpoch(c.row); err != nil {
		return err
	}
	s.x.phases.add(func(sum *Phases) {
		sum.Train, sum.Evaluate, sum.Images = sum.Train+c.row.SecondsTrain, sum.Evaluate+c.row.SecondsEvaluate, sum.Images+c.row.Images
	})
	s.pace.learn(c.row.SecondsTrain, c.row.SecondsEvaluate)
	for _, o := range s.x.observers {
		o.Epoch(s.trial, c.row)
	}
	return nil
}

// evaluate draws the sample sheet of the epoch, and computes its metrics and tests.
func (c *commit) evaluate(ctx context.Context) error {
	now := c.session.x.lab.Now
	start := now()
	if c.session.trial.Job.Program.Sample != nil {
		if err := c.session.drawSheet(c.snapshot, c.row.Epoch); err != nil {
			return err
		}
	}
	if err := c.snapshot.Evaluate(ctx, &c.row, c.session.final(c.row.Epoch)); err != nil {
		return err
	}
	c.row.SecondsEvaluate = now().Sub(start).Seconds()
	return nil
}

// wait waits until the commit is over, and returns the ending of the session if it ends with it. It may be called any number of times.
func (c *commit) wait() (end ending, ends bool) {
	if c == nil {
		return ending{}, false
	}
	<-c.over
	return c.end, c.ends
}

// done is closed when the commit is over.
func (c *commit) done() <-chan struct{} {
	if c != nil {
		return c.over
	}
	none := make(chan struct{})
	close(none)
	return none
}
