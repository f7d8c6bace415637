package runner

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/results"
)

func statusCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "status DIR", Short: "tell how the trials of a study stand",
		Args: oneStudy,
		RunE: func(_ *cobra.Command, args []string) error {
			v, err := env.view(args[0])
			if err != nil {
				return err
			}
			defer v.Close()
			w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "trial\tstatus\tepochs\tpoint\treason")
			for _, t := range v.Trials() {
				fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", t.ID, t.Status, t.Epochs, v.Meta().Label(t.Point, t.Seed), t.Reason)
			}
			if err := w.Flush(); err != nil {
				return err
			}
			if by, held := results.Writer(args[0]); held {
				fmt.Fprintf(env.Stdout, "%s is at it: trials that read interrupted may be training now\n", by)
			}
			return nil
		},
	}
}
