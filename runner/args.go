package runner

import (
	"github.com/spf13/cobra"
)

func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageErrorf("got %q, want no arguments", args)
	}
	return nil
}

func oneScript(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageErrorf("got %d arguments, want one script: %s examples/quickstart.star", len(args), c.CommandPath())
	}
	return nil
}

func oneStudy(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageErrorf("got %d arguments, want the directory of one study", len(args))
	}
	return nil
}

func oneName(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageErrorf("got %d arguments, want the name of one data set: see starsweep data list", len(args))
	}
	return nil
}
