package runner

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

// gracePeriod is how long an interrupted command, or trial, has to end by itself.
const gracePeriod = 500 * time.Millisecond

// interruptible runs f, guarded, and waits for it, once ctx is done only as long as patience lasts: compilers, kernels and libraries
// return when they are done. Then it reports the context's cause and that f did not end: f is abandoned, goes on with all the memory
// that it has, and whatever it uses must not be closed any more. That is for a process that ends soon.
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

// abandonable makes every command below c one that ends soon after an interrupt, whatever it does: none of them has anything to
// put in order. run does it by itself.
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
