package runner

import (
	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/internal/guard"
)

// abandonable makes c and its subcommands return soon after an interrupt, regardless of what they are doing. It is for commands
// that have nothing to clean up, which are all but run.
func abandonable(c *cobra.Command) *cobra.Command {
	if f := c.RunE; f != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			_, err := guard.Interruptible(c.Context(), func() error { return f(c, args) })
			return err
		}
	}
	for _, sub := range c.Commands() {
		abandonable(sub)
	}
	return c
}
