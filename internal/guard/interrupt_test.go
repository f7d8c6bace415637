package guard

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestAFunctionThatIgnoresAnInterruptIsAbandoned(t *testing.T) {
	cause := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	never := make(chan struct{})
	defer close(never)
	begun := make(chan struct{})
	go func() {
		<-begun
		cancel(cause)
	}()
	start := time.Now()
	ended, err := Interruptible(ctx, func() error {
		close(begun)
		<-never
		return nil
	})
	if ended || !errors.Is(err, cause) {
		t.Errorf("got ended %v, error %v, want an abandoned function and the cause", ended, err)
	}
	if took := time.Since(start); took < Patience {
		t.Errorf("it was abandoned after %v, want %v or more", took, Patience)
	}
}

func TestAFunctionThatNoticesAnInterruptReturnsItsError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	own := errors.New("put in order")
	ended, err := Interruptible(ctx, func() error {
		cancel()
		return own
	})
	if !ended || !errors.Is(err, own) {
		t.Errorf("got ended %v, error %v, want the function's own", ended, err)
	}
	if ended, err := Interruptible(t.Context(), func() error { return own }); !ended || !errors.Is(err, own) {
		t.Errorf("without an interrupt: got ended %v, error %v, want the function's own", ended, err)
	}
}
