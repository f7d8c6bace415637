package runner

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

// gracePeriod is the time that an interrupted command or trial has to return.
const gracePeriod = 500 * time.Millisecond

// interruptible runs f on its own goroutine, with panics as errors, and returns its error. If ctx is done and f does not return
// within the grace period, because a compiler, a kernel or a library does not notice, ended is false and the error is the context's
// cause. f is then abandoned: it keeps running and keeps its memory, and what it uses must not be closed. The process should end soon.
func interruptible(ctx context.Context, f func() error) (ended bool, err error) {
	done := make(chan error, 1)
	go func() { done <- guarded(f) }()
	select {
	case err := <-done:
		return true, err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return true, err
	case <-time.After(gracePeriod):
		return false, context.Cause(ctx)
	}
}

// abandonable makes c and its subcommands return soon after an interrupt, regardless of what they are doing. It is for commands
// that have nothing to clean up, which are all but run.
func abandonable(c *cobra.Command) *cobra.Command {
	if f := c.RunE; f != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			_, err := interruptible(c.Context(), func() error { return f(c, args) })
			return err
		}
	}
	for _, sub := range c.Commands() {
		abandonable(sub)
	}
	return c
}
