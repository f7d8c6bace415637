package runner

import (
	"fmt"

	"github.com/spf13/cobra"
)

func versionCommand(env *Env) *cobra.Command {
	return exits(&cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: `  starsweep version`,
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(env.Stdout, "starsweep %s\n", env.Version)
			return err
		},
	})
}
