package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
)

// retryOptions are the flags of retry.
type retryOptions struct {
	statuses, failures []string
	dry                bool
}

// retried are the statuses that --status takes.
var retried = []string{string(results.Failed), string(results.Diverged), string(results.Collapsed), string(results.Pruned)}

// failureClasses are what --failure takes.
var failureClasses = []string{string(results.FailureMemory), string(results.FailureData), "other"}

func retryCommand(env *Env) *cobra.Command {
	var o retryOptions
	c := &cobra.Command{
		Use:   "retry DIR [TRIAL...]",
		Short: "Forget trials, so that the next run trains them again",
		Long: `Retry removes trials with all their rows and checkpoints from a study, whichever
process wrote them. The command that started the study then trains them again
from their beginning.

Trials are named by their IDs or the first digits of these, or chosen from the
newest plan by status or by class of failure. Trials that do not fit into memory
are run again only after this command; other failed trials run again anyway.

A trial that a live process holds is refused, and nothing is forgotten then.`,
		Example: `  starsweep retry runs/quickstart 4f1d2c3b
  starsweep retry runs/quickstart --failure memory
  starsweep retry runs/quickstart --status diverged,collapsed --dry-run`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageErrorf("got no arguments, want the directory of a study")
			}
			if len(args) == 1 && len(o.statuses)+len(o.failures) == 0 {
				return usageErrorf("want the IDs of trials, --status or --failure")
			}
			if err := oneOf("--status", o.statuses, retried); err != nil {
				return err
			}
			return oneOf("--failure", o.failures, failureClasses)
		},
		RunE: func(c *cobra.Command, args []string) error { return env.retry(c.Context(), args[0], args[1:], o) },
	}
	c.Flags().StringSliceVar(&o.statuses, "status", nil, "trials of this `status`: "+strings.Join(retried, ", "))
	c.Flags().StringSliceVar(&o.failures, "failure", nil, "failed trials of this `class`: "+strings.Join(failureClasses, ", "))
	c.Flags().BoolVar(&o.dry, "dry-run", false, "only say what would be forgotten")
	return exits(c, exitStorage)
}

// oneOf returns an error unless all values of a flag are known.
func oneOf(flag string, values, known []string) error {
	for _, v := range values {
		if !slices.Contains(known, v) {
			return usageErrorf("%s: got %q, want %s", flag, v, strings.Join(known, ", "))
		}
	}
	return nil
}

func (e *Env) retry(ctx context.Context, dir string, names []string, o retryOptions) error {
	v, err := e.openView(dir)
	if err != nil {
		return err
	}
	defer v.Close()
	chosen, err := o.choose(v, names)
	if err != nil {
		return err
	}
	if len(chosen) == 0 {
		fmt.Fprintln(e.Stdout, "no such trial in the newest plan")
		return nil
	}
	var w *results.Writer
	if o.dry {
		err = v.Watch(ctx, e.options())
	} else if w, err = e.joinStudy(dir); err == nil {
		defer w.Close()
	}
	if err != nil {
		return err
	}
	if err := held(v, w, chosen); err != nil {
		return err
	}
	epochs := 0
	var ids []string
	for _, t := range chosen {
		line := fmt.Sprintf("trial %s %s: %s after %s", t.ID, v.Meta().Label(t.Point, t.Seed), t.Status, plain.Count(t.Epochs, "epoch"))
		if t.Reason != "" {
			line += ": " + t.Reason
		}
		fmt.Fprintln(e.Stdout, plain.Line(line))
		epochs += t.Epochs
		ids = append(ids, t.ID)
	}
	what := fmt.Sprintf("%s with %s", plain.Count(len(chosen), "trial"), plain.Count(epochs, "epoch"))
	if o.dry {
		fmt.Fprintf(e.Stdout, "would forget %s\n", what)
		return nil
	}
	if err := w.Forget(ids...); err != nil {
		return err
	}
	fmt.Fprintf(e.Stdout, "forgot %s; the command that started the study trains them again\n", what)
	return w.Close()
}

// choose returns the trials to forget. Flags choose from the newest plan or, if trials are named, among these.
func (o retryOptions) choose(v *results.View, names []string) (chosen []results.State, err error) {
	candidates := v.Trials()
	if len(names) > 0 {
		candidates = nil
		for _, name := range names {
			t, err := findTrial(v, name)
			if err != nil {
				return nil, err
			}
			candidates = append(candidates, t)
		}
	} else {
		candidates = slices.DeleteFunc(candidates, func(t results.State) bool { return !t.InPlan })
	}
	for _, t := range candidates {
		if t.Status == results.Skipped {
			if len(names) > 0 {
				return nil, usageErrorf("trial %s was skipped by the script: %s", t.ID, plain.Line(t.Reason))
			}
			continue
		}
		known := slices.ContainsFunc(chosen, func(c results.State) bool { return c.ID == t.ID })
		if !known && o.wants(t) {
			chosen = append(chosen, t)
		}
	}
	return chosen, nil
}

// wants reports whether the flags choose a trial.
func (o retryOptions) wants(t results.State) bool {
	if len(o.statuses) > 0 && !slices.Contains(o.statuses, string(t.Status)) {
		return false
	}
	if len(o.failures) == 0 {
		return true
	}
	class := string(t.Failure)
	if !slices.Contains(failureClasses, class) {
		class = "other"
	}
	return t.Status == results.Failed && slices.Contains(o.failures, class)
}

// held returns an error if live processes hold some of the trials, as the writer knows or, without one, the view.
func held(v *results.View, w *results.Writer, trials []results.State) error {
	claims := v.Claims
	if w != nil {
		claims = w.Claims
	}
	holders, err := claims()
	if err != nil {
		return err
	}
	for _, t := range trials {
		if h := holders[t.ID]; h.Live {
			return fmt.Errorf("trial %s: %w by %s: wait for it or stop it; nothing was forgotten", t.ID, results.ErrClaimed, plain.Line(h.Process))
		}
	}
	return nil
}
