package runner

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
)

func repairCommand(env *Env) *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use:   "repair DIR",
		Short: "Take back what a damaged study has lost",
		Long: `Repair does to a damaged study what the next run would do, without training:
rows of damaged parts of a journal come back from the tables that have them,
tables are written anew from the journals, and trials that have lost an epoch
are forgotten, so that they run again. It says what it has taken back and what
is lost. Damage to one record costs nothing but that record.

With --dry-run it says the same, but changes nothing: it repairs a folder of
links to the study's files.`,
		Example: `  starsweep repair runs/quickstart --dry-run
  starsweep repair runs/quickstart`,
		Args: oneStudy,
		RunE: func(_ *cobra.Command, args []string) error {
			return env.repair(args[0], dry)
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "only say what would be done")
	return exits(c, exitStorage)
}

// repair says what it repairs, or would.
func (e *Env) repair(dir string, dry bool) error {
	if _, err := results.Origin(dir); err != nil {
		return asUsageError(err)
	}
	do := results.Repair
	if dry {
		do = results.Rehearse
	}
	r, err := do(dir, e.options())
	if err != nil {
		return asUsageError(err)
	}
	lines := repaired(r)
	for _, line := range lines {
		fmt.Fprintln(e.Stdout, plain.Line(line))
	}
	if len(lines) == 0 {
		fmt.Fprintln(e.Stdout, "nothing to repair")
	}
	return nil
}
