package guard

import (
	"context"
	"time"
)

// Patience is the time that an interrupted function has to return.
const Patience = 500 * time.Millisecond

// Interruptible runs f on its own goroutine, with panics as errors, and returns its error. If ctx is done and f does not return in
// time, because a compiler, a kernel or a library does not notice, ended is false and the error is the context's cause. f is then
// abandoned: it keeps running and keeps its memory, and what it uses must not be closed. The process should end soon.
func Interruptible(ctx context.Context, f func() error) (ended bool, err error) {
	done := make(chan error, 1)
	go func() { done <- Run(f) }()
	select {
	case err := <-done:
		return true, err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return true, err
	case <-time.After(Patience):
		return false, context.Cause(ctx)
	}
}
