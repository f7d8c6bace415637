package execute

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/sweep"
)

// session is the training of one trial by one lane, from its last checkpoint to its end, or until it is left.
type session struct {
	x       *Executor
	trial   plan.Trial
	claim   *results.Claim
	trainee *Trainee
	pace    *pace
	number  atomic.Int64 // of the epoch that trains, or has trained last; 0: none has begun

	recorded  int          // epochs that earlier sessions have recorded
	evaluated map[int]bool // those of them that were evaluated
	finals    map[int]bool // those of them that a final evaluation measured

	stopTraining func() // gives up the epoch in training
	newest       atomic.Pointer[commit]
}

// train trains a trial to its end, or until it must be left, and releases its claim. Errors of the trial itself end in its row; a fatal
// error ends the run.
func (x *Executor) train(ctx context.Context, a assignment) ending {
	s := &session{x: x, trial: a.trial, claim: a.claim}
	var end ending
	if a.decided != nil {
		end = s.dismiss(*a.decided)
	} else {
		s.pace = newPace(x.lab.Now, &x.paces, a.trial.Job.Program.Fingerprint())
		end = s.train(ctx)
	}
	if errors.Is(end.fatal, ErrDeviceLost) {
		a.claim.Abandon() // the trial may be why: the attempt counts as one that has killed its process
		return end
	}
	if err := a.claim.Release(); err != nil && end.fatal == nil {
		end.fatal = err
	}
	return end
}

// train begins the trial, trains it and records how it ended.
func (s *session) train(ctx context.Context) ending {
	from, err := s.begin()
	if err != nil {
		return unrecorded(err)
	}
	if from != nil {
		s.pace.learn(from.Row.SecondsTrain, from.Row.SecondsEvaluate)
	}
	for _, o := range s.x.observers {
		o.Began(s.trial)
	}
	s.x.steps.add(s)
	defer s.x.steps.remove(s)
	outcome := s.x.outcome(s.trial)
	end := s.run(ctx, from, &outcome)
	end.describe(&outcome)
	switch {
	case end.state.Final():
		err = s.claim.Finish(outcome)
	case end.state == sweep.Paused:
		err = s.claim.Pause(end.reason)
	}
	if err != nil {
		end = unrecorded(err)
		end.describe(&outcome)
	}
	for _, o := range s.x.observers {
		o.Ended(s.trial, outcome)
	}
	return end
}

// dismiss records the ending of a trial that is not trained.
func (s *session) dismiss(end ending) ending {
	outcome := results.Outcome{Trial: s.trial.ID, Settings: s.x.Origin.Settings, Script: s.x.Origin.Script, Version: s.x.Origin.Version}
	if s.trial.Job != nil {
		outcome = s.x.outcome(s.trial)
	}
	end.describe(&outcome)
	_, err := s.begin()
	if err == nil {
		err = s.claim.Finish(outcome)
	}
	if err != nil {
		return unrecorded(err)
	}
	for _, o := range s.x.observers {
		o.Ended(s.trial, outcome)
	}
	return end
}

// begin records that the trial begins, and returns the checkpoint from which it goes on, nil for its beginning.
func (s *session) begin() (from *results.Checkpoint, err error) {
	from, err = s.claim.Checkpoint()
	if errors.Is(err, results.ErrCheckpoint) {
		s.x.lab.Warn(fmt.Errorf("trial %s starts again from its first epoch: %w", s.trial.ID, err))
	} else if err != nil {
		return nil, err
	}
	if from != nil {
		if was, is := from.Meta[numericsKey], s.x.lab.Backend.Numerics(); was != is {
			s.x.lab.Warn(fmt.Errorf("trial %s resumes after epoch %d on a different device (was %s, now %s): results may differ in the last "+
				"digits", s.trial.ID, from.Row.Epoch, was, is))
		}
	}
	trial := Record(s.trial, s.x.lab.Now())
	err = s.claim.Begin(trial, from)
	if err != nil && from != nil && !errors.Is(err, results.ErrClaimLost) && !errors.Is(err, results.ErrStorage) {
		// The checkpoint is of a process that had lost the trial, on a device with other numbers, and was frozen while it wrote.
		s.x.lab.Warn(fmt.Errorf("trial %s starts again from its first epoch: %w", s.trial.ID, err))
		from, err = nil, s.claim.Begin(trial, nil)
	}
	if err != nil {
		return nil, err
	}
	rows, err := s.x.Study.View().Epochs(s.trial.ID)
	s.recorded, s.evaluated, s.finals = len(rows), map[int]bool{}, map[int]bool{}
	for _, r := range append(rows, s.x.Again...) {
		if r.Trial != s.trial.ID {
			continue
		}
		s.evaluated[r.Epoch] = s.evaluated[r.Epoch] || r.Evaluated
		for name := range r.Metrics {
			s.finals[r.Epoch] = s.finals[r.Epoch] || strings.HasPrefix(name, spec.FinalPrefix)
		}
	}
	return from, err
}

// Record is a trial as the study records it.
func Record(p plan.Trial, began time.Time) results.Trial {
	point := results.Values{}
	for _, s := range p.Point {
		point[s.Name] = s.Value.Any()
	}
	t := results.Trial{ID: p.ID, Index: p.Index, Point: point, Seed: int64(p.Seed), Started: began, Configuration: p.Configuration,
		Train: p.Inputs.Train, Test: p.Inputs.Test, Measure: p.Inputs.Measure}
	if p.Job != nil {
		t.Length, t.Data = p.Job.Epochs, p.Job.Data.String()
	}
	return t
}

// outcome is what is known about the outcome of a trial before it begins.
func (x *Executor) outcome(p plan.Trial) results.Outcome {
	on := x.lab.Backend
	if rounded, err := x.lab.Backend.For(p.Job.Program); err == nil { // otherwise the trial fails for this reason
		on = rounded
	}
	return results.Outcome{Trial: p.ID, Parameters: int64(p.Job.Program.Parameters("")), Program: p.Job.Program.Fingerprint(),
		Settings: x.Origin.Settings, Script: x.Origin.Script, Version: x.Origin.Version, Backend: on.Name, Device: on.Device().String()}
}

// run trains the trial on a goroutine of its own, which is abandoned if it does not notice that the run ends.
func (s *session) run(ctx context.Context, from *results.Checkpoint, o *results.Outcome) ending {
	ctx, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	training, stop := context.WithCancelCause(ctx)
	s.stopTraining = func() { stop(errLeave) }
	go s.watch(ctx, leave)
	done := make(chan ending, 1)
	ended, err := s.x.interruptible(ctx, func() error {
		done <- s.work(ctx, training, from)
		return nil
	})
	switch {
	case !ended:
		return interrupted(ctx)
	case err != nil: // a panic
		return endingOf(ctx, err)
	}
	if t := s.trainee; t != nil {
		o.Compilations, o.SecondsCompile = t.cost.Graphs, t.cost.Seconds
		s.x.phases.add(func(sum *Phases) { sum.Compile, sum.Wait = sum.Compile+t.cost.Seconds, sum.Wait+t.waited.Seconds() })
	}
	return <-done
}

// watch makes the session leave when the run stops. What is in progress is finished if it is expected to end in time.
func (s *session) watch(ctx context.Context, leave context.CancelCauseFunc) {
	select {
	case <-ctx.Done():
		return
	case <-s.x.stopping:
	}
	defer leave(errLeave)
	grace := s.x.Limits.Grace
	training, committing := s.pace.left()
	if committing > grace {
		return
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	recorded := make(<-chan struct{}) // never: the session ends after its epoch
	if training > grace {
		s.stopTraining()
		recorded = s.newest.Load().done()
	}
	select {
	case <-ctx.Done():
	case <-recorded:
	case <-late.C:
	}
}

// work opens the trial and trains it, unless its epochs are there and only its outcome is not.
func (s *session) work(ctx, training context.Context, from *results.Checkpoint) ending {
	if from == nil && s.recorded >= s.budget() {
		if end, over := s.judge(); over {
			return end
		}
		return ending{state: sweep.Completed}
	}
	var err error
	if s.trainee, err = s.x.lab.Open(ctx, s.trial, from); err != nil {
		return endingOf(ctx, err)
	}
	defer s.trainee.Close()
	if err := s.redrawSheet(); err != nil {
		return endingOf(ctx, err)
	}
	if end, over := s.judge(); over { // an earlier session may have ended between an epoch and its verdict
		return end
	}
	if end, over := s.asked(); over && s.trainee.Done < s.budget() { // the session before may have ended with the request unseen
		return end
	}
	return s.epochs(ctx, training)
}

// epochs trains the epochs that remain: each is trained, evaluated, recorded and judged. If x.overlaps, an epoch is evaluated and
// recorded while the next one trains: the commit works on a snapshot, and an epoch counts only once the one before it is recorded. Rows
// and checkpoints therefore have the same order and the same bits either way.
func (s *session) epochs(ctx, training context.Context) ending {
	var before *commit // of the epoch before
	defer func() { before.wait() }()
	for s.trainee.Done < s.budget() && !s.x.stopped() && s.x.inTime(s.pace.next(s.due(s.trainee.Done+1))) {
		s.number.Store(int64(s.trainee.Done + 1))
		s.pace.trains(s.due(s.trainee.Done + 1))
		row, err := s.x.epoch(training, s.trainee)
		if end, over := before.wait(); over {
			return end
		}
		if err != nil {
			return endingOf(training, err)
		}
		if before, err = s.commit(ctx, row); err != nil {
			return endingOf(ctx, err)
		}
		if s.x.overlaps {
			continue
		}
		if end, over := before.wait(); over {
			return end
		}
	}
	if end, over := before.wait(); over {
		return end
	}
	if s.trainee.Done < s.budget() {
		return ending{state: sweep.Waiting, late: !s.x.stopped()}
	}
	return ending{state: sweep.Completed}
}

// trainEpoch trains the next epoch of a trainee.
func trainEpoch(ctx context.Context, t *Trainee) (results.Epoch, error) { return t.Train(ctx) }

// budget is the number of epochs that the script asks for.
func (s *session) budget() int { return s.trial.Job.Epochs }

// due reports whether an epoch is evaluated. One that is trained again, and was evaluated as the last one of a smaller budget, is evaluated
// again, so that its row is the same.
func (s *session) due(epoch int) bool {
	return s.evaluated[epoch] || s.trial.Job.Evaluation.Due(epoch, s.budget())
}

// final reports whether the final evaluation measures an epoch, which is evaluated: likewise.
func (s *session) final(epoch int) bool { return s.finals[epoch] || epoch == s.budget() }

// judge asks the judges whether the trial goes on.
func (s *session) judge() (end ending, over bool) {
	v, err := s.x.agenda.judge(s.trial)
	if err != nil {
		return ending{state: sweep.Waiting, fatal: err}, true
	}
	return judged(v)
}

// ByHand is the reason of a trial that somebody has ended.
const ByHand = "by hand"

// asked is the ending of a trial that somebody has asked to prune.
func (s *session) asked() (end ending, over bool) {
	switch asked, err := s.claim.AskedToPrune(); {
	case err != nil:
		return unrecorded(err), true
	case asked:
		return ending{state: sweep.Pruned, reason: ByHand}, true
	}
	return ending{}, false
}

// statusOf returns the status of a trial as the study has it.
func statusOf(s sweep.State) results.Status {
	if s.Final() || s == sweep.Paused {
		return results.Status(s)
	}
	return results.Interrupted
}
