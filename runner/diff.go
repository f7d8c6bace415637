package runner

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/compare"
)

// diffOptions are the flags of diff.
type diffOptions struct {
	compare.Options
	by                   string
	numbers, all, inJSON bool
}

func diffCommand(env *Env) *cobra.Command {
	var o diffOptions
	c := &cobra.Command{
		Use:   "diff A B",
		Short: "Compare two studies: scripts, settings, numbers",
		Long: `Diff compares the directories of two studies: the scripts of their newest
plans, what they were made with (settings, profiles, versions, backends, data,
hyperparameters, metrics, objectives), and the numbers of the trials that both
have. Trials are paired by configuration and seed, so their numbers are expected
to have the same bits; --by point pairs those of the newest plans by
hyperparameters and seed instead, where a script or version has changed.

Times, speeds and devices are not compared. For each trial that differs, diff
prints the first difference, by epoch and column: got is of B, want is of A. The
relative difference of two numbers is |a-b| / max(|a|, |b|).`,
		Example: `  starsweep diff runs/quickstart /backup/quickstart
  starsweep diff runs/old runs/new --by point --numbers --tolerance 1e-5`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageErrorf("got %d arguments, want the directories of two studies", len(args))
			}
			if o.by != "configuration" && o.by != "point" {
				return usageErrorf("--by: got %q, want configuration or point", o.by)
			}
			if o.Tolerance < 0 || math.IsNaN(o.Tolerance) {
				return usageErrorf("--tolerance: got %v, want 0 or more", o.Tolerance)
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return env.diff(args[0], args[1], o) },
	}
	c.Flags().StringVar(&o.by, "by", "configuration", "pair trials by `what`: configuration or point")
	c.Flags().Float64Var(&o.Tolerance, "tolerance", 0, "numbers are equal up to this relative difference")
	c.Flags().BoolVar(&o.numbers, "numbers", false, "compare only trials and their numbers")
	c.Flags().BoolVar(&o.all, "all", false, "list all trials that differ, not only the first 20")
	c.Flags().BoolVar(&o.inJSON, "json", false, "print one JSON object")
	return exits(c, exitDifferent, exitStorage)
}

func (e *Env) diff(dirA, dirB string, o diffOptions) error {
	return e.withViews(dirA, dirB, func(a, b *results.View) error {
		o.ByPoint = o.by == "point"
		r, err := compare.Studies(a, b, o.Options)
		if err != nil {
			return err
		}
		if o.numbers {
			r.Scripts, r.Properties = nil, nil
		}
		if o.inJSON {
			err = printJSON(e.Stdout, r, "  ")
		} else {
			err = printDiff(e.Stdout, r, o)
		}
		if err == nil && r.Differ() {
			return withCode(exitDifferent, errReported)
		}
		return err
	})
}

// printDiff prints how two studies differ.
func printDiff(to io.Writer, r *compare.Result, o diffOptions) error {
	out := &sticky{to: to}
	for _, s := range r.Scripts {
		out.printf("%s", strings.TrimSuffix(s.Diff, "\n")+"\n")
	}
	for _, p := range r.Properties {
		out.printf("%s: %s, %s\n", plain.Line(strings.TrimSuffix(p.Kind+" "+p.Name, " ")), side("A", p.A), side("B", p.B))
	}
	most := 20
	if o.all {
		most = math.MaxInt
	}
	out.trials("only in A", r.OnlyA, most)
	out.trials("only in B", r.OnlyB, most)
	for i, n := range r.Numbers {
		if i == most {
			out.printf("and %s more: --all lists them\n", plain.Count(len(r.Numbers)-most, "trial"))
			break
		}
		out.printf("trial %s %s: %s: got %s, want %s\n", n.Trial.ID, n.Trial.Label, placeOf(n), plain.Line(n.Got), plain.Line(n.Want))
	}
	out.columns(r.Columns)
	out.printf("%s in both studies: %d equal, %d different\n", plain.Count(r.Trials, "trial"), r.Trials-len(r.Numbers), len(r.Numbers))
	return out.err
}

func side(name, value string) string {
	if value == "" {
		return name + " has none"
	}
	return name + " " + plain.Line(value)
}

// placeOf says where a number is: "epochs, epoch 3, fid".
func placeOf(n compare.Number) string {
	parts := []string{string(n.Table)}
	if n.Epoch > 0 {
		parts = append(parts, fmt.Sprintf("epoch %d", n.Epoch))
	}
	for _, part := range []string{n.Kind, n.Column} {
		if part != "" {
			parts = append(parts, plain.Line(part))
		}
	}
	return strings.Join(parts, ", ")
}

// sticky prints to a writer until the first error.
type sticky struct {
	to  io.Writer
	err error
}

func (s *sticky) printf(format string, a ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.to, format, a...)
	}
}

// trials lists trials under a heading.
func (s *sticky) trials(heading string, list []compare.Trial, most int) {
	for i, t := range list {
		if i == most {
			s.printf("%s: and %s more: --all lists them\n", heading, plain.Count(len(list)-most, "trial"))
			return
		}
		s.printf("%s: trial %s %s\n", heading, t.ID, t.Label)
	}
}

// columns prints a table of the columns with differences.
func (s *sticky) columns(list []compare.Column) {
	if len(list) == 0 {
		return
	}
	w := tabwriter.NewWriter(s.to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "table\tcolumn\tcells that differ\tlargest difference\tin\n")
	for _, c := range list {
		at := "trial " + c.Trial
		if c.Epoch > 0 {
			at += fmt.Sprintf(", epoch %d", c.Epoch)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%.2g\t%s\n", c.Table, c.Column, c.Differ, float64(c.Largest), at)
	}
	s.err = errors.Join(s.err, w.Flush())
}
