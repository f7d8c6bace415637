package runner

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/standing"
)

// statusOptions are the flags of status.
type statusOptions struct {
	watch, inJSON bool
	every         time.Duration
}

func statusCommand(env *Env) *cobra.Command {
	var o statusOptions
	c := &cobra.Command{
		Use:   "status DIR",
		Short: "List the trials of a study, and who trains them",
		Long: `Status lists the trials of a study, finished or not, with status, epochs and
hyperparameters, and the reason of those that did not complete. It names the
processes that train the study, the failures by their class, and estimates the
time that is left. Of a finished study with adaptive seeds it says which points
are on the front for sure.

With --watch it keeps showing how the study stands, and ends when no trial is
left. On a terminal it redraws; elsewhere it prints a line for every change.

Attempts is how often a trial has begun since its last epoch. After three
attempts a trial waits for all others, after six it counts as failed.`,
		Example: `  starsweep status runs/quickstart
  starsweep status runs/quickstart --watch --every 10s
  starsweep status runs/quickstart --json | jq .counts`,
		Args: func(c *cobra.Command, args []string) error {
			if o.every < 100*time.Millisecond {
				return usageErrorf("--every: got %v, want at least 100ms", o.every)
			}
			return oneStudy(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			v, err := env.openView(args[0])
			if err != nil {
				return err
			}
			defer v.Close()
			if o.watch {
				return env.watch(c.Context(), v, o)
			}
			s, err := standing.Of(v)
			if err != nil {
				return err
			}
			d, err := env.decidedIn(c.Context(), v)
			if err != nil {
				env.warn(fmt.Errorf("what the seeds decide is not known: %w", err))
			}
			decided := summaryOf(d)
			if o.inJSON {
				return printJSON(env.Stdout, struct {
					*standing.Standing
					Decided *summaryDecided `json:"decided,omitempty"`
				}{s, decided}, "  ")
			}
			return printStatus(env.Stdout, v, s, decided)
		},
	}
	c.Flags().BoolVar(&o.watch, "watch", false, "keep showing how the study stands, until it is finished")
	c.Flags().DurationVar(&o.every, "every", 2*time.Second, "with --watch: how often to look")
	c.Flags().BoolVar(&o.inJSON, "json", false, "print one JSON object; with --watch one a line each time")
	return exits(c, exitStorage)
}

// printJSON prints a value as JSON.
func printJSON(to io.Writer, value any, indent string) error {
	out := json.NewEncoder(to)
	out.SetIndent("", indent)
	return out.Encode(value)
}

// printStatus prints the trials of a study, how it stands, and what is decided of its points.
func printStatus(to io.Writer, v *results.View, s *standing.Standing, decided *summaryDecided) error {
	labels := make([]string, len(s.Trials))
	for i, t := range s.Trials {
		labels[i] = t.Label
	}
	differences := results.Differences(s.States, labels)
	attempts, earlier := false, s.Earlier > 0
	for _, t := range s.Trials {
		attempts = attempts || t.Attempts > 1
	}
	column := func(shown bool, text string) string {
		if !shown {
			return ""
		}
		return text + "\t"
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "trial\tstatus\tepochs\t%s%spoint\treason\n", column(attempts, "attempts"), column(earlier, "plan"))
	for i, t := range s.Trials {
		plan, reason := "earlier", plain.Line(t.Reason)
		if t.Newest {
			plan = "newest"
		}
		if t.Failure != "" {
			reason = "(" + plain.Line(t.Failure) + ") " + reason
		}
		fmt.Fprintf(w, "%s\t%s\t%d/%d\t%s%s%s\t%s\n", t.ID, t.Standing, t.Epochs, t.Budget, column(attempts, fmt.Sprint(t.Attempts)),
			column(earlier, plan), t.Label+differing(differences, i), reason)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, line := range append(standingLines(s), decided.lines()...) {
		fmt.Fprintln(to, plain.Line(line))
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
