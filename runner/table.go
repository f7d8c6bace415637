package runner

import (
	"bufio"
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/starsweep/starsweep/results/frame"
	"github.com/starsweep/starsweep/results/toptable"
)

// tableOptions are the flags of table.
type tableOptions struct {
	selection
	by, to  string
	top     int
	planned bool
}

// tableFormats are the values of --to.
var tableFormats = []string{"markdown", "latex", "csv"}

func tableCommand(env *Env) *cobra.Command {
	var o tableOptions
	c := &cobra.Command{
		Use:   "table DIR",
		Short: "Print the best configurations as a table for a paper",
		Long: `Table prints the configurations of a study, the best first, or with --planned as
the grid or the list of points has them: hyperparameters that differ, the mean
of the metric over seeds with its standard deviation, the number of seeds, and
remarks on those that collapsed, diverged or failed, which are not in the mean.
The caption says how the metrics were measured, what is equal in all rows, and
what is left out. Below the table, or in comments of LaTeX, stand the measures
in full, with their digests.

LaTeX needs no package. CSV has the numbers in full, with deviation, number of
seeds and measure in columns of their own, and no caption.`,
		Example: `  starsweep table runs/mnist_grid
  starsweep table runs/mnist_grid --by recall --top 5 --to latex > best.tex
  starsweep table runs/mnist_grid --by loss_critic=max --top 0 --to csv`,
		Args: func(c *cobra.Command, args []string) error {
			if !slices.Contains(tableFormats, o.to) {
				return usageErrorf("--to: got %q, want %s", o.to, strings.Join(tableFormats, ", "))
			}
			if o.top < 0 {
				return usageErrorf("--top: got %d, want a number of rows, or 0 for all", o.top)
			}
			return oneStudy(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error { return env.table(c.Context(), args[0], o) },
	}
	f := c.Flags()
	f.StringVar(&o.by, "by", "", "the `METRIC` that orders the rows, METRIC=min or METRIC=max (default: the first objective)")
	f.IntVar(&o.top, "top", 10, "number of rows; 0 for all")
	f.BoolVar(&o.planned, "planned", false, "rows in the order of the plan, instead of the best first")
	f.StringVar(&o.to, "to", tableFormats[0], strings.Join(tableFormats, ", "))
	o.flags(c)
	return exits(c, exitStorage)
}

func (e *Env) table(ctx context.Context, dir string, o tableOptions) error {
	name, direction, err := directed("--by", o.by)
	if err != nil {
		return err
	}
	return e.withFrame(ctx, dir, o.selection, "--by", name, func(f *frame.Frame, metric string) error {
		t, err := toptable.Of(f, toptable.Options{By: metric, Direction: direction, Top: o.top, Planned: o.planned, Best: o.best})
		if err != nil {
			return usageErrorf("--by: %w", err)
		}
		out := bufio.NewWriter(e.Stdout)
		switch o.to {
		case "latex":
			err = t.LaTeX(out)
		case "csv":
			err = t.CSV(out)
		default:
			err = t.Markdown(out)
		}
		if err != nil {
			return err
		}
		return out.Flush()
	})
}
