package runner

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/sweep/search"
	"github.com/starsweep/starsweep/starlib"
)

func showCommand(env *Env) *cobra.Command {
	var (
		o       scriptOptions
		index   int
		program bool
	)
	c := &cobra.Command{
		Use:   "show SCRIPT",
		Short: "Show the networks, numbers and program of one point",
		Long: `Show prints the networks of one point of the search space, layer by layer, with
the shapes of their outputs and the numbers of their parameters, and the real
numbers that the program takes as inputs. With --program, it prints the
training step as expressions. It trains nothing and opens no data.`,
		Example: `  starsweep show examples/quickstart.star
  starsweep show examples/quickstart.star --point 3 --program`,
		Args: oneScript,
		RunE: func(c *cobra.Command, args []string) error {
			s, err := load(c.Context(), env, args[0], o)
			if err != nil {
				return err
			}
			points, leftOut, err := s.points(c.Context())
			if err != nil {
				return err
			}
			if n := points.Len(); index < 1 || index > n {
				return usageErrorf("--point: got %d, want 1 to %d", index, n)
			}
			if leftOut > 0 {
				fmt.Fprintf(env.Stdout, "%s of the space left out by the constraint\n", plain.Count(leftOut, "point"))
			}
			point := points.At(index - 1)
			p, err := plan.Make(c.Context(), s, search.One(point, s.Seeds))
			if err != nil {
				return err
			}
			if why := p.At(0).Skip; why != "" {
				fmt.Fprintf(env.Stdout, "%v\n%s: %s\n", point, results.Skipped, plain.Line(why))
				return nil
			}
			if _, _, err := studyMeta(s, p, env.Version); err != nil { // columns may be missing in this point only
				if _, err := s.plan(c.Context(), env); err != nil {
					return err
				}
			}
			warn(env, s.Notes())
			job := p.At(0).Job
			show(env.Stdout, point.String(), s.Study, job, program)
			return nil
		},
	}
	o.flags(c)
	c.Flags().IntVar(&index, "point", 1, "number of the point in the search space, from 1")
	c.Flags().BoolVar(&program, "program", false, "print the training step as expressions")
	return exits(c, exitScript, exitSpace)
}

func show(w io.Writer, point string, s *starlib.Study, job *model.Job, program bool) {
	fmt.Fprintf(w, "%s\n%s, batch %d, %d epochs, program %s\n", point, job.Data, job.Program.Config.Batch, job.Epochs,
		job.Program.Fingerprint())
	fmt.Fprintf(w, "evaluate %v\n", job.Evaluation)
	for _, n := range s.Networks(job) {
		fmt.Fprintf(w, "\n%s\n", n.Name)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "  layer\toutput\tparameters")
		for _, r := range n.Rows {
			fmt.Fprintf(t, "  %s\t%s\t%s\n", r.Layer, r.Output, grouped(r.Params))
		}
		fmt.Fprintf(t, "  total\t\t%s\n", grouped(job.Program.Parameters(n.Name)))
		t.Flush()
	}
	if job.Program.Reals > 0 {
		fmt.Fprintln(w, "\nreal numbers, inputs of the program")
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for i, r := range job.Reals[:job.Program.Reals] {
			fmt.Fprintf(t, "  r%d\t%s\t%v\n", i, r.Site, r.Value)
		}
		t.Flush()
	}
	if program {
		fmt.Fprintf(w, "\n%s", expr.Print(job.Program.Step()...))
	}
}
