package runner

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
)

func compactCommand(env *Env) *cobra.Command {
	return exits(&cobra.Command{
		Use:   "compact DIR",
		Short: "Join the files of each table of a study into one",
		Long: `Compact writes one Parquet file for each table, with the rows in an order that
does not depend on which process wrote them, and removes the files that it
replaces. No row is lost, and a reader never sees one twice. A run compacts the
tables of a study when it finishes the last trial.

It refuses while another process has the study open. One of another machine that
has given no sign of life for a minute is watched for half a minute first.`,
		Example: `  starsweep compact runs/quickstart`,
		Args:    oneStudy,
		RunE:    func(_ *cobra.Command, args []string) error { return env.compact(args[0]) },
	}, exitStorage)
}

func (e *Env) compact(dir string) error {
	w, err := e.joinStudy(dir)
	if err != nil {
		return err
	}
	defer w.Close()
	done, err := w.Compact()
	if err != nil {
		return err
	}
	for _, t := range results.Tables() {
		if c, compacted := done[t]; compacted {
			fmt.Fprintf(e.Stdout, "%s: %s in one file, of %d before\n", t, plain.Count(c.Rows, "row"), c.Files)
		}
	}
	return w.Close()
}

// joinStudy opens a study for writing as it is, and says what was repaired. It knows which other processes live. Checkpoints that a run
// keeps are left alone.
func (e *Env) joinStudy(dir string) (*results.Writer, error) {
	w, err := results.Continue(dir, e.options())
	if err != nil {
		return nil, asUsageError(err)
	}
	e.warnOfRepairs(w.Recovery())
	return w, nil
}
