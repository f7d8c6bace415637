package runner

import (
	"fmt"

	"github.com/spf13/cobra"
)

func versionCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print the version", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			fmt.Fprintf(env.Stdout, "starsweep %s\n", env.Version)
			return nil
		},
	}
}
