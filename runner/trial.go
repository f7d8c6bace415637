package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
)

// runTrial trains one trial to its end. Its own faults end in its row; an error is one of the whole run.
func (t *trainer) runTrial(ctx context.Context, p plan.Trial) error {
	point := results.Values{}
	for _, s := range p.Point {
		point[s.Name] = s.Value.Any()
	}
	err := t.study.BeginTrial(results.Trial{ID: p.ID, Index: p.Index, Point: point, Seed: int64(p.Seed), Started: t.now(),
		Configuration: p.Configuration, Length: p.Job.Epochs, Data: p.Job.Data.String(), Train: p.Inputs.Train, Test: p.Inputs.Test,
		Measure: p.Inputs.Measure})
	if err != nil {
		return err
	}
	t.progress.begin(p)
	on := t.backend
	if rounded, err := t.backend.For(p.Job.Program); err == nil { // else the trial fails for this reason
		on = rounded
	}
	outcome := results.Outcome{Trial: p.ID, Parameters: int64(p.Job.Program.Parameters("")), Program: p.Job.Program.Fingerprint(),
		Settings: t.settings, Script: t.script, Version: t.version, Backend: on.Name, Device: on.Device()}
	ended, err := interruptible(ctx, func() error { return t.trainEpochs(ctx, p, &outcome) })
	if !ended {
		t.abandoned.Store(true)
		t.progress.end(p, results.Interrupted, "")
		return err
	}
	var diverged *train.Diverged
	var collapse *collapsed
	switch {
	case err == nil:
		outcome.Status = results.Completed
	case errors.As(err, &diverged):
		outcome.Status, outcome.Reason = results.Diverged, fmt.Sprintf("%s in epoch %d, step %d", diverged.What, diverged.Epoch+1,
			diverged.Step+1)
	case errors.As(err, &collapse):
		outcome.Status, outcome.Reason = results.Collapsed, fmt.Sprintf("epoch %d: %s", collapse.epoch, collapse.why)
	case errors.Is(err, results.ErrStorage): // also after an interrupt, which a full disk is not
		t.progress.end(p, results.Interrupted, "")
		return err
	case ctx.Err() != nil:
		t.progress.end(p, results.Interrupted, "")
		return context.Cause(ctx)
	default:
		outcome.Status, outcome.Reason = results.Failed, err.Error()
	}
	t.progress.end(p, outcome.Status, outcome.Reason)
	return t.study.FinishTrial(outcome)
}

// trainEpochs trains from the last checkpoint to the last epoch, and notes what was compiled for it. Where t.overlaps, the next epoch
// trains while one is looked at and saved: what is looked at is a copy of the run, and what training made meanwhile counts only
// once that is done. So rows and checkpoints have the same order and the same bits either way.
func (t *trainer) trainEpochs(ctx context.Context, p plan.Trial, o *results.Outcome) error {
	set, err := t.images(ctx, p.Job.Data)
	if err != nil {
		return err
	}
	compiled, giveBack, err := t.compile(ctx, p)
	if err != nil {
		return err
	}
	defer giveBack()
	run, done, err := t.open(p, compiled, set)
	claimed := compiled.Claim()
	o.Compilations, o.SecondsCompile = claimed.Graphs, claimed.Seconds
	if err != nil {
		return err
	}
	defer run.Close()
	ev, err := t.newEvaluator(ctx, p, set, done)
	if err != nil {
		return err
	}
	if err := ev.redrawSheet(run, done); err != nil {
		return err
	}
	if err := ev.earlyStop(); err != nil {
		return err
	}
	training, abandon := context.WithCancel(ctx)
	defer abandon()
	before := func() error { return nil } // waits for what is still to do of the epoch before
	defer func() { _ = before() }()       // its error counted, unless another came first
	for epoch := done + 1; epoch <= p.Job.Epochs; epoch++ {
		start := t.now()
		e, fault := run.Epoch(training)
		took := t.now().Sub(start).Seconds()
		if err := before(); err != nil {
			return err
		}
		if fault != nil {
			return fault
		}
		row := results.Epoch{Trial: p.ID, Epoch: epoch, Step: int64(epoch * run.StepsPerEpoch()), Images: int64(e.Images),
			Metrics: results.Metrics{}, SecondsTrain: took, Backend: o.Backend}
		for _, v := range append(e.Readings, e.Reals...) {
			row.Metrics[v.Name] = v.V
		}
		state, err := run.State()
		if err != nil {
			return err
		}
		var snapshot *train.Run
		if p.Job.Evaluate.Due(epoch, p.Job.Epochs) {
			if snapshot, err = run.Still(state); err != nil {
				return err
			}
		}
		before = async(func() error {
			err := t.commitEpoch(ctx, ev, snapshot, state, row)
			if err != nil {
				abandon()
			}
			return err
		})
		if !t.overlaps {
			if err := before(); err != nil {
				return err
			}
		}
	}
	if err := before(); err != nil {
		return err
	}
	return ev.collapse()
}

// compile compiles a trial's program, and takes the memory for the trial. What cannot fit is an error before anything large is
// allocated: a compiler allocates little for what it does not run, but not for weights that alone are too many.
func (t *trainer) compile(ctx context.Context, p plan.Trial) (c *train.Compiled, giveBack func(), err error) {
	if err := t.memory.check(leastNeed(p.Job, t.backend.Accelerator()), true); err != nil {
		return nil, nil, err
	}
	images, err := t.setsBytes(ctx, p.Job)
	if err != nil {
		return nil, nil, err
	}
	if c, err = train.Compile(t.backend, p.Job.Program); err != nil {
		return nil, nil, err
	}
	giveBack, err = t.memory.take(ctx, needOf(p.Job, c.Memory(), t.backend.Accelerator(), images))
	return c, giveBack, err
}

// setsBytes is the memory of all data sets that a job reads. Those that are missing were no error before: metrics do without.
func (t *trainer) setsBytes(ctx context.Context, j *model.Job) (bytes int, err error) {
	for _, d := range jobSets(j) {
		set, err := t.images(ctx, d)
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		if err == nil {
			bytes += setBytes(set)
		}
	}
	return bytes, nil
}

// commitEpoch looks at an epoch, by a copy of the run if it is one that is looked at, else nil, makes it durable and says whether
// it ends the trial.
func (t *trainer) commitEpoch(ctx context.Context, ev *evaluator, snapshot *train.Run, state []train.Tensor, row results.Epoch) error {
	if snapshot != nil {
		if err := errors.Join(ev.evaluate(ctx, snapshot, &row), snapshot.Close()); err != nil {
			return err
		}
	}
	if ctx.Err() != nil { // the study may be closed already
		return context.Cause(ctx)
	}
	if err := t.save(state, row); err != nil {
		return err
	}
	t.progress.epoch(ev.trial, row)
	return ev.earlyStop()
}

// async runs f in the background. What it gives waits for f, any number of times, and gives its error.
func async(f func() error) (wait func() error) {
	done := make(chan error, 1)
	go func() { done <- guarded(f) }()
	return sync.OnceValue(func() error { return <-done })
}

// trainImages is a set as training sees it.
func trainImages(set *data.Set) train.Images {
	return train.Images{ID: set.Digest, N: set.N, H: set.H, W: set.W, C: set.C, Labels: set.Labels, Batch: set.Batch}
}
