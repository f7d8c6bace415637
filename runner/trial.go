package runner

import (
	"context"
	"errors"
	"fmt"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/guard"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/memory"
	"github.com/starsweep/starsweep/runner/plan"
)

// runTrial runs one trial to its end. Errors of the trial itself end in its row; an error that runTrial returns ends the whole run.
func (t *trainer) runTrial(ctx context.Context, p plan.Trial) error {
	point := results.Values{}
	for _, s := range p.Point {
		point[s.Name] = s.Value.Any()
	}
	release, err := t.begin(results.Trial{ID: p.ID, Index: p.Index, Point: point, Seed: int64(p.Seed), Started: t.now(),
		Configuration: p.Configuration, Length: p.Job.Epochs, Data: p.Job.Data.String(), Train: p.Inputs.Train, Test: p.Inputs.Test,
		Measure: p.Inputs.Measure})
	if err != nil {
		return err
	}
	defer release()
	t.progress.begin(p)
	on := t.backend
	if rounded, err := t.backend.For(p.Job.Program); err == nil { // otherwise the trial fails for this reason
		on = rounded
	}
	outcome := results.Outcome{Trial: p.ID, Parameters: int64(p.Job.Program.Parameters("")), Program: p.Job.Program.Fingerprint(),
		Settings: t.settings, Script: t.script, Version: t.version, Backend: on.Name, Device: on.Device().String()}
	ended, err := guard.Interruptible(ctx, func() error { return t.train(ctx, p, &outcome) })
	if ended {
		outcome.Status, outcome.Reason, err = trialStatus(ctx, err)
	} else {
		t.abandoned.Store(true)
		outcome.Status = results.Interrupted
	}
	t.progress.end(p, outcome.Status, outcome.Reason)
	if err != nil {
		return err
	}
	return t.claimOf(p.ID).Finish(outcome)
}

// held is a claim of this process, with the checkpoint from which the trial continues, if there is one.
type held struct {
	claim *results.Claim
	from  *results.Checkpoint
}

// begin claims a trial and records that it begins.
func (t *trainer) begin(trial results.Trial) (release func(), err error) {
	claim, err := t.study.Claim(trial.ID)
	if err != nil {
		return nil, err
	}
	release = func() {
		t.claims.Delete(trial.ID)
		if err := claim.Release(); err != nil {
			t.warn(err)
		}
	}
	from, err := claim.Checkpoint()
	if errors.Is(err, results.ErrCheckpoint) {
		t.warn(fmt.Errorf("trial %s starts again from its first epoch: %w", trial.ID, err))
	} else if err != nil {
		release()
		return nil, err
	}
	if err := claim.Begin(trial, from); err != nil {
		release()
		return nil, err
	}
	t.claims.Store(trial.ID, held{claim, from})
	return release, nil
}

// held returns what this process holds of a trial in progress.
func (t *trainer) held(p plan.Trial) held {
	h, _ := t.claims.Load(p.ID)
	return h.(held)
}

// claimOf returns the claim of a trial in progress.
func (t *trainer) claimOf(id string) *results.Claim {
	h, _ := t.claims.Load(id)
	return h.(held).claim
}

// trialStatus returns the status and reason of a trial that ended with err, which may be nil. A trial that is interrupted, by ctx or
// by an error that concerns the whole run, has no final status: fatal says why.
func trialStatus(ctx context.Context, err error) (status results.Status, reason string, fatal error) {
	var diverged *train.Diverged
	var collapse *collapsed
	switch {
	case err == nil:
		return results.Completed, "", nil
	case errors.As(err, &diverged):
		return results.Diverged, fmt.Sprintf("%s in epoch %d, step %d", diverged.What, diverged.Epoch+1, diverged.Step+1), nil
	case errors.As(err, &collapse):
		return results.Collapsed, fmt.Sprintf("epoch %d: %s", collapse.epoch, collapse.why), nil
	case errors.Is(err, results.ErrStorage): // also after an interrupt: a full disk is not one
		return results.Interrupted, "", err
	case ctx.Err() != nil:
		return results.Interrupted, "", context.Cause(ctx)
	}
	return results.Failed, err.Error(), nil
}

// train trains a trial from its last checkpoint to its last epoch. It records the cost of compilation in o.
func (t *trainer) train(ctx context.Context, p plan.Trial, o *results.Outcome) error {
	set, err := t.images(ctx, p.Job.Data)
	if err != nil {
		return err
	}
	compiled, release, err := t.compile(ctx, p)
	if err != nil {
		return err
	}
	defer release()
	run, done, err := t.open(p, compiled, set)
	claimed := compiled.TakeCompileCost()
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
	if err := t.trainEpochs(ctx, run, ev, done, o.Backend); err != nil {
		return err
	}
	return ev.collapse()
}

// trainEpochs trains the epochs after done and commits each. If t.overlaps, an epoch is evaluated and saved while the next one trains:
// the evaluator works on a snapshot of the run, and an epoch counts only once the one before it is committed. Rows and checkpoints
// therefore have the same order and the same bits either way.
func (t *trainer) trainEpochs(ctx context.Context, run *train.Run, ev *evaluator, done int, backend string) error {
	training, stop := context.WithCancel(ctx) // stopped by a commit that fails: the epoch in training will not count
	defer stop()
	var commit *background // of the epoch before
	defer func() { _ = commit.wait() }()
	for epoch := done + 1; epoch <= ev.trial.Job.Epochs; epoch++ {
		row, trainErr := t.trainEpoch(training, run, epoch)
		if err := commit.wait(); err != nil {
			return err
		}
		if trainErr != nil {
			return trainErr
		}
		row.Trial, row.Backend = ev.trial.ID, backend
		state, err := run.State()
		if err != nil {
			return err
		}
		var snapshot *train.Run
		if ev.trial.Job.Evaluation.Due(epoch, ev.trial.Job.Epochs) {
			if snapshot, err = run.Snapshot(state); err != nil {
				return err
			}
		}
		commit = inBackground(func() error {
			err := t.commitEpoch(ctx, ev, snapshot, state, row)
			if err != nil {
				stop()
			}
			return err
		})
		if !t.overlaps {
			if err := commit.wait(); err != nil {
				return err
			}
		}
	}
	return commit.wait()
}

// trainEpoch trains one epoch and returns its row.
func (t *trainer) trainEpoch(ctx context.Context, run *train.Run, epoch int) (results.Epoch, error) {
	start := t.now()
	e, err := run.Epoch(ctx)
	if err != nil {
		return results.Epoch{}, err
	}
	row := results.Epoch{Epoch: epoch, Step: int64(epoch * run.StepsPerEpoch()), Images: int64(e.Images), Metrics: results.Metrics{},
		SecondsTrain: t.now().Sub(start).Seconds()}
	for _, v := range append(e.Values, e.Reals...) {
		row.Metrics[v.Name] = v.V
	}
	return row, nil
}

// commitEpoch evaluates an epoch on the run's snapshot, unless it is nil, makes the epoch durable, and returns an error that ends the
// trial if the script requests that for a collapse.
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

// background is a function that runs on its own goroutine. A nil background has ended without error.
type background struct {
	done chan struct{}
	err  error
}

// inBackground starts f. A panic of f is its error.
func inBackground(f func() error) *background {
	b := &background{done: make(chan struct{})}
	go func() {
		defer close(b.done)
		b.err = guard.Run(f)
	}()
	return b
}

// wait waits until the function has returned, and returns its error. It may be called any number of times.
func (b *background) wait() error {
	if b == nil {
		return nil
	}
	<-b.done
	return b.err
}

// compile compiles a trial's program and reserves the trial's memory until release is called. A trial that cannot fit is an error
// before anything large is allocated. The weights are checked before the compiler runs, since it allocates little else.
func (t *trainer) compile(ctx context.Context, p plan.Trial) (c *train.Compiled, release func(), err error) {
	if err := t.memory.Check(memory.Least(p.Job, t.backend.Accelerator()), true); err != nil {
		return nil, nil, err
	}
	images, err := t.setsBytes(ctx, p.Job)
	if err != nil {
		return nil, nil, err
	}
	if c, err = train.Compile(t.backend, p.Job.Program); err != nil {
		return nil, nil, err
	}
	release, err = t.memory.Take(ctx, memory.Of(p.Job, c.Memory(), t.backend.Accelerator(), images))
	return c, release, err
}

// setsBytes returns the memory of all data sets that a job reads. A set that is missing here is one that metrics can do without.
func (t *trainer) setsBytes(ctx context.Context, j *model.Job) (bytes int, err error) {
	for _, d := range memory.Sets(j) {
		set, err := t.images(ctx, d)
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		if err == nil {
			bytes += memory.SetBytes(set)
		}
	}
	return bytes, nil
}

// trainImages returns a data set in the form that training reads.
func trainImages(set *data.Set) train.Images {
	return train.Images{ID: set.Digest, N: set.N, H: set.H, W: set.W, C: set.C, Labels: set.Labels, Batch: set.Batch}
}
