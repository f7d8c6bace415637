package execute

import (
	"context"
	"errors"
	"fmt"

	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/memory"
	"github.com/starsweep/starsweep/runner/sweep"
)

// ending is how a session ended.
type ending struct {
	state   sweep.State // of the trial: Waiting if a later session goes on, Paused, or a final one
	reason  string
	failure string // class of a failure: see package sweep
	late    bool   // no further epoch would end before the deadline
	fatal   error  // why the run ends as well
}

// describe writes the ending into the outcome of the trial.
func (e ending) describe(o *results.Outcome) {
	o.Status, o.Reason, o.Failure = statusOf(e.state), e.reason, results.Failure(e.failure)
}

// takenOver is the ending of a session whose trial another process has claimed since, which then thought that this one was dead.
var takenOver = ending{state: sweep.Waiting, reason: "another process has taken it over"}

// endingOf returns the ending of a session whose work ended with an error. ctx is that of the work.
func endingOf(ctx context.Context, err error) ending {
	var diverged *train.Diverged
	switch {
	case errors.As(err, &diverged):
		return ending{state: sweep.Diverged, reason: fmt.Sprintf("%s in epoch %d, step %d", diverged.What, diverged.Epoch+1, diverged.Step+1)}
	case errors.Is(err, results.ErrClaimLost): // whoever took the trial over goes on from the last epoch
		return takenOver
	case errors.Is(err, results.ErrStorage): // also after an interrupt: a full disk is not one
		return ending{state: sweep.Waiting, fatal: err}
	case ctx.Err() != nil:
		return interrupted(ctx)
	case train.DeviceLost(err):
		return ending{state: sweep.Waiting, fatal: fmt.Errorf("%w: %w", ErrDeviceLost, err)}
	}
	return ending{state: sweep.Failed, reason: err.Error(), failure: failureOf(err)}
}

// unrecorded is the ending of a session that could not record its begin or its end. That is the study's fault, unless another process
// has taken the trial over.
func unrecorded(err error) ending {
	if errors.Is(err, results.ErrClaimLost) {
		return takenOver
	}
	return ending{state: sweep.Waiting, fatal: err}
}

// interrupted is the ending of a session whose context is done. The run ends as well, unless it leaves in good order.
func interrupted(ctx context.Context) ending {
	end := ending{state: sweep.Waiting}
	if cause := context.Cause(ctx); !errors.Is(cause, errLeave) {
		end.fatal = cause
	}
	return end
}

// ErrDeviceLost is in the chain of the error of a run whose device no longer works. Another process can go on with its trials.
var ErrDeviceLost = errors.New("the device is lost")

// failureOf returns the class of an error of a trial.
func failureOf(err error) string {
	var needs *memory.Error
	var data *dataError
	switch {
	case errors.As(err, &needs), train.OutOfMemory(err):
		return sweep.FailureMemory
	case errors.As(err, &data):
		return sweep.FailureData
	}
	return ""
}

// dataError is an error of images or weights that a trial reads.
type dataError struct{ error }

func (e *dataError) Unwrap() error { return e.error }

// asDataError marks an error, which may be nil, as one of the data, unless the context is why they could not be read.
func asDataError(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	return &dataError{err}
}

// judged is the ending that a verdict demands. A verdict that lets the trial go on has none.
func judged(v sweep.Verdict) (end ending, over bool) {
	switch v.Action {
	case sweep.Pause:
		return ending{state: sweep.Paused, reason: v.Reason}, true
	case sweep.Stop:
		return ending{state: v.Status, reason: v.Reason}, true
	}
	return ending{}, false
}
