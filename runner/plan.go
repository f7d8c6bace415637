package runner

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/execute"
	"github.com/starsweep/starsweep/runner/memory"
	"github.com/starsweep/starsweep/runner/plan"
)

func planCommand(env *Env) *cobra.Command {
	var (
		o       scriptOptions
		list    bool
		backend string
	)
	c := &cobra.Command{
		Use:   "plan SCRIPT",
		Short: "Show the trials of a study, their programs and their memory",
		Long: `Plan lists the programs of a study with the trials, images, arithmetic and
memory of each. It trains nothing.

The state is the weights of a trial and what optimizers and layers store with
them. The peak is the memory of a process that trains and evaluates one such
trial: copies of the state, temporaries, images and metrics. Every worker adds
one peak. The backend cpu knows the size of its temporaries. A ~ marks an
estimate from the sizes of all expressions: on other backends, and for studies
of more than 64 programs. On an accelerator the peak is the host's memory only.

With --trials, plan lists every trial with the ID that it has in the tables. It
then opens the images, because their content is part of the ID. A search that
learns has no trials yet: then the programs are those of a sample of the space.
Nor have adaptive seeds: then they are those of all points.`,
		Example: `  starsweep plan examples/quickstart.star
  starsweep plan examples/quickstart.star --profile smoke --trials`,
		Args: oneScript,
		RunE: func(c *cobra.Command, args []string) error {
			s, err := load(c.Context(), env, args[0], o)
			if err != nil {
				return err
			}
			p, err := s.plan(c.Context(), env)
			if err != nil {
				return err
			}
			b, err := env.openBackend(backend)
			if err != nil {
				return err
			}
			defer b.Close()
			if list {
				if err := identify(c.Context(), env, p); err != nil {
					return err
				}
			}
			return printPlan(env, s, p, b, list)
		},
	}
	o.flags(c)
	backendFlag(c, &backend)
	c.Flags().BoolVar(&list, "trials", false, "list every trial with its ID; opens the images")
	return exits(c, exitScript, exitSpace, exitNoDevice)
}

// identify computes the IDs of the trials of a plan.
func identify(ctx context.Context, env *Env, p *plan.Plan) error {
	library := execute.NewLibrary(env.store(), env.networks(), func(error) {}) // run prints the notes of data sets
	return asUsageError(p.Identify(ctx, func(j *model.Job) (model.Inputs, error) { return library.Inputs(ctx, j) }))
}

func printPlan(env *Env, s *script, p *plan.Plan, b *train.Backend, list bool) error {
	fmt.Fprintf(env.Stdout, "%s: %s\n", s.Name, p.Summary())
	work := map[string]*workload{}
	var order []string
	total := workload{}
	size := env.sizes()
	for _, t := range p.Families {
		f := t.Job.Program.Fingerprint()
		if work[f] == nil {
			work[f] = &workload{program: t.Job.Program}
			order = append(order, f)
		}
		n, known := size(t.Job.Data)
		work[f].add(t, n, known)
		total.add(t, n, known)
	}
	pool := env.memory()
	peaks, err := pool.Peaks(p, b, size)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, what := p.Traced()
	fmt.Fprintf(w, "program\t%s\tparameters\timages\tGFLOP an image\tstate, MB\tpeak, MB\t\n", what)
	for _, f := range order {
		x := work[f]
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%.3f\t%.1f\t%v\t\n", f, x.trials, grouped(x.program.Parameters("")), grouped(x.images), x.flops()/1e9,
			float64(x.program.StateBytes())/1e6,
			peaks[f])
	}
	fmt.Fprintf(w, "all\t%d\t\t%s\t\t\t\t\n", total.trials, grouped(total.images))
	w.Flush()
	if pool.Room().Bytes > 0 {
		fmt.Fprintf(env.Stdout, "%s has %s of memory for this process\n", pool.Room().Whose, memory.Text(pool.Room().Bytes))
	}
	if total.unknown {
		fmt.Fprintln(env.Stdout, "the number of images excludes data sets that are not here: see starsweep data list")
	}
	if !list {
		return nil
	}
	for t := range p.All() {
		if t.Skip != "" {
			fmt.Fprintf(env.Stdout, "%s  %-*s  %v seed=%d: %s\n", t.ID, len(t.ID), results.Skipped, t.Point, t.Seed, plain.Line(t.Skip))
			continue
		}
		fmt.Fprintf(env.Stdout, "%s  %s  %v seed=%d\n", t.ID, t.Job.Program.Fingerprint(), t.Point, t.Seed)
	}
	return nil
}

// workload sums up the trials of a program.
type workload struct {
	program        *model.Program
	trials, images int
	unknown        bool // the number of images of a data set is not known
}

// add adds the trials of a kind. n is the number of their images, if it is known.
func (w *workload) add(t plan.Family, n int, known bool) {
	w.trials += t.Traced()
	if !known {
		w.unknown = true
		return
	}
	each := t.Job.Program.Batches * t.Job.Program.Config.Batch
	w.images += t.Traced() * t.Job.Epochs * (n / each) * each
}

// flops returns the floating-point operations of an iteration per real image.
func (w *workload) flops() float64 {
	cost := expr.Cost(w.program.Step()...)
	return 2 * float64(cost.MulAdds) / float64(w.program.Batches*w.program.Config.Batch)
}
