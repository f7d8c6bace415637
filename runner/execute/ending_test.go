package execute

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/memory"
	"github.com/starsweep/starsweep/runner/sweep"
)

func TestTheErrorOfATrialDecidesItsEnding(t *testing.T) {
	stopped := errors.New("stopped")
	done, cancel := context.WithCancelCause(t.Context())
	cancel(stopped)
	left, leave := context.WithCancelCause(t.Context())
	leave(errLeave)
	diverged := fmt.Errorf("x: %w", &train.Diverged{Epoch: 2, Step: 6, What: "loss_a is NaN"})
	storage := fmt.Errorf("disk: %w", results.ErrStorage)
	lost := errors.New("step 3: PJRT error (code=13): CUDA_ERROR_LAUNCH_FAILED: unspecified launch failure")
	full := errors.New("PJRT error (code=8): RESOURCE_EXHAUSTED: Out of memory while trying to allocate 20 GB")
	other := errors.New("no power")
	for _, c := range []struct {
		ctx  context.Context
		err  error
		want ending
	}{
		{t.Context(), diverged, ending{state: sweep.Diverged, reason: "loss_a is NaN in epoch 3, step 7"}},
		{t.Context(), other, ending{state: sweep.Failed, reason: "no power"}},
		{t.Context(), &memory.Error{}, ending{state: sweep.Failed, reason: (&memory.Error{}).Error(), failure: sweep.FailureMemory}},
		{t.Context(), full, ending{state: sweep.Failed, reason: full.Error(), failure: sweep.FailureMemory}},
		{t.Context(), asDataError(t.Context(), other), ending{state: sweep.Failed, reason: "no power", failure: sweep.FailureData}},
		{t.Context(), storage, ending{state: sweep.Waiting, fatal: storage}},
		{t.Context(), fmt.Errorf("x: %w", results.ErrClaimLost), ending{state: sweep.Waiting, reason: "another process has taken it over"}},
		{t.Context(), lost, ending{state: sweep.Waiting, fatal: ErrDeviceLost}},
		{done, diverged, ending{state: sweep.Diverged, reason: "loss_a is NaN in epoch 3, step 7"}}, // it was just done
		{done, other, ending{state: sweep.Waiting, fatal: stopped}},
		{done, asDataError(done, other), ending{state: sweep.Waiting, fatal: stopped}},
		{done, storage, ending{state: sweep.Waiting, fatal: storage}}, // an interrupt must not hide a full disk
		{left, other, ending{state: sweep.Waiting}},                   // and the run goes on to leave in good order
	} {
		got := endingOf(c.ctx, c.err)
		if got.state != c.want.state || got.reason != c.want.reason || got.failure != c.want.failure || !errors.Is(got.fatal, c.want.fatal) {
			t.Errorf("%v, %v: got %+v, want %+v", c.ctx.Err(), c.err, got, c.want)
		}
	}
}

func TestAVerdictEndsATrialOrLetsItGoOn(t *testing.T) {
	for _, c := range []struct {
		verdict sweep.Verdict
		want    ending
		over    bool
	}{
		{sweep.Verdict{}, ending{}, false},
		{sweep.Verdict{Action: sweep.Pause, Reason: "rung 1"}, ending{state: sweep.Paused, reason: "rung 1"}, true},
		{sweep.Verdict{Action: sweep.Stop, Status: sweep.Collapsed, Reason: "one image"},
			ending{state: sweep.Collapsed, reason: "one image"}, true},
	} {
		if got, over := judged(c.verdict); got != c.want || over != c.over {
			t.Errorf("%+v: got %+v, %v, want %+v, %v", c.verdict, got, over, c.want, c.over)
		}
	}
}
