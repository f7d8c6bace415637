package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/results"
)

func TestTheErrorOfATrialDecidesItsStatus(t *testing.T) {
	stopped := errors.New("stopped")
	done, cancel := context.WithCancelCause(t.Context())
	cancel(stopped)
	diverged := fmt.Errorf("x: %w", &train.Diverged{Epoch: 2, Step: 6, What: "loss_a is NaN"})
	storage := fmt.Errorf("disk: %w", results.ErrStorage)
	other := errors.New("no power")
	for _, c := range []struct {
		ctx    context.Context
		err    error
		status results.Status
		reason string
		fatal  error
	}{
		{t.Context(), nil, results.Completed, "", nil},
		{t.Context(), diverged, results.Diverged, "loss_a is NaN in epoch 3, step 7", nil},
		{t.Context(), &collapsed{4, "one image"}, results.Collapsed, "epoch 4: one image", nil},
		{t.Context(), other, results.Failed, "no power", nil},
		{t.Context(), storage, results.Interrupted, "", storage},
		{done, nil, results.Completed, "", nil}, // it was just done
		{done, diverged, results.Diverged, "loss_a is NaN in epoch 3, step 7", nil},
		{done, other, results.Interrupted, "", stopped},
		{done, storage, results.Interrupted, "", storage}, // an interrupt must not hide a full disk
	} {
		status, reason, fatal := trialStatus(c.ctx, c.err)
		if status != c.status || reason != c.reason || !errors.Is(fatal, c.fatal) {
			t.Errorf("%v, %v: got %s, %q, %v, want %s, %q, %v", c.ctx.Err(), c.err, status, reason, fatal, c.status, c.reason, c.fatal)
		}
	}
}

func TestABackgroundFunctionCanBeAwaitedAgain(t *testing.T) {
	var none *background
	if err := none.wait(); err != nil {
		t.Errorf("got %v of a function that was never started", err)
	}
	failed := errors.New("failed")
	b := inBackground(func() error { return failed })
	for range 2 {
		if err := b.wait(); !errors.Is(err, failed) {
			t.Errorf("got %v, want the error of the function", err)
		}
	}
	if err := inBackground(func() error { panic("no luck") }).wait(); err == nil || !strings.Contains(err.Error(), "no luck") {
		t.Errorf("got %v, want the panic as an error", err)
	}
}
