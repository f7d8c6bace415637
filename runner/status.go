package runner

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
)

func statusCommand(env *Env) *cobra.Command {
	return exits(&cobra.Command{
		Use:   "status DIR",
		Short: "List the trials of a study and their status",
		Long: `Status lists the trials of a study, finished or not, with status, epochs and
hyperparameters, and the reason of those that did not complete. It names the
process that is running the study, if there is one.`,
		Example: `  starsweep status runs/quickstart`,
		Args:    oneStudy,
		RunE: func(_ *cobra.Command, args []string) error {
			v, err := env.openView(args[0])
			if err != nil {
				return err
			}
			defer v.Close()
			if err := printStatus(env.Stdout, v); err != nil {
				return err
			}
			writers, err := v.Writers()
			for _, by := range writers {
				fmt.Fprintf(env.Stdout, "%s is running this study; trials listed as interrupted may be in progress\n", plain.Line(by.Name))
			}
			return err
		},
	}, exitStorage)
}

func printStatus(to io.Writer, v *results.View) error {
	trials := v.Trials()
	labels := make([]string, len(trials))
	for i, t := range trials {
		labels[i] = v.Meta().Label(t.Point, t.Seed)
	}
	differences := results.Differences(trials, labels)
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	begun, finished := 0, 0
	for _, t := range trials {
		if t.InPlan {
			begun++
		}
		if t.InPlan && t.Status != results.Interrupted {
			finished++
		}
	}
	plan := func(name string) string { return "" }
	if begun < len(trials) {
		plan = func(name string) string { return name + "\t" }
	}
	fmt.Fprintf(w, "trial\tstatus\tepochs\t%spoint\treason\n", plan("plan"))
	for i, t := range trials {
		of := plan("earlier")
		if t.InPlan {
			of = plan("newest")
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s%s\t%s\n", t.ID, t.Status, t.Epochs, of, labels[i]+differing(differences, i), plain.Line(t.Reason))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if p, found := v.Plan(); found {
		fmt.Fprintf(to, "newest plan: %d of %s finished", finished, counted(len(p.Trials), "trial"))
		if others := len(trials) - begun; others > 0 {
			fmt.Fprintf(to, "; %s of earlier plans", counted(others, "trial"))
		}
		fmt.Fprintln(to)
	}
	return printMeasures(to, v)
}

// printMeasures lists the measures of the objectives if there are several.
func printMeasures(to io.Writer, v *results.View) error {
	newest, others := v.Measures()
	if len(newest)+len(others) < 2 || len(v.Meta().Objectives) == 0 {
		return nil
	}
	fmt.Fprintln(to, "the objectives have several measures; only values of the same measure can be compared:")
	for _, m := range newest {
		fmt.Fprintf(to, "  %s\n", m)
	}
	for _, m := range others {
		fmt.Fprintf(to, "  %s (no trial of the newest plan)\n", m)
	}
	return nil
}

// differing returns what distinguishes trial i from others of the same label: " width=64 epochs_planned=6".
func differing(differences []results.Difference, i int) string {
	var b strings.Builder
	for _, d := range differences {
		if value := d.Values[i]; value != "" {
			fmt.Fprintf(&b, " %s=%s", d.Name, plain.Line(value))
		}
	}
	return b.String()
}
