package runner

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/starlib"
)

func checkCommand(env *Env) *cobra.Command {
	var o scriptOptions
	c := &cobra.Command{
		Use:   "check SCRIPT",
		Short: "check a script: types, and the shapes of its whole search space",
		Long: `check evaluates the script, asks it for the model of every point of its search space, and traces each: names, types,
shapes, losses. It trains nothing and opens no data.`,
		Args: oneScript,
		RunE: func(c *cobra.Command, args []string) error { return check(c.Context(), env, args[0], o) },
	}
	o.flags(c)
	return c
}

func check(ctx context.Context, env *Env, path string, o scriptOptions) error {
	start := env.Now()
	s, err := load(ctx, env, path, o)
	if err != nil {
		return err
	}
	p, err := s.plan(ctx, env)
	if err != nil {
		return err
	}
	if err := env.checkMemory(p); err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "%s: ok: %s, checked in %.2f s\n", path, p.Summary(), env.Now().Sub(start).Seconds())
	for _, name := range players(p.Programs) {
		lo, hi := parameterRange(p.Programs, name)
		if lo == hi {
			fmt.Fprintf(env.Stdout, "  %-14s %s parameters\n", name, grouped(lo))
		} else {
			fmt.Fprintf(env.Stdout, "  %-14s %s to %s parameters\n", name, grouped(lo), grouped(hi))
		}
	}
	return nil
}

// players lists the players of programs, in the order of their first appearance.
func players(programs []*model.Program) (names []string) {
	for _, p := range programs {
		for _, v := range p.Vars {
			if v.Role == model.Weight && !slices.Contains(names, v.Player()) {
				names = append(names, v.Player())
			}
		}
	}
	return names
}

func parameterRange(programs []*model.Program, player string) (lo, hi int) {
	for i, p := range programs {
		n := p.Parameters(player)
		if i == 0 {
			lo = n
		}
		lo, hi = min(lo, n), max(hi, n)
	}
	return lo, hi
}

// grouped writes 1234567 as 1,234,567.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func planCommand(env *Env) *cobra.Command {
	var (
		o       scriptOptions
		list    bool
		backend string
	)
	c := &cobra.Command{
		Use:   "plan SCRIPT",
		Short: "tell what a run would do: trials, programs, images, memory",
		Long: `plan lists the programs of a study, and the trials, images, arithmetic and memory of each. It trains nothing.

The state is a trial's weights, with what optimizers and layers keep of them. The peak is all that a process needs which
trains and evaluates one such trial: copies of the state, temporaries, images, and what metrics take. The backend cpu
plans temporaries exactly; a ~ marks what is estimated from the sizes of all expressions, as for other backends and
where there are more than 64 programs. On accelerators it is the host's memory alone. Workers multiply it.

--trials lists every trial with its ID, which is that of the tables: it opens the images, since their content is part of it.`,
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
	c.Flags().BoolVar(&list, "trials", false, "list every trial, with its ID; opens the images")
	return c
}

// identify finds out who the trials of a plan are.
func identify(ctx context.Context, env *Env, p *plan.Plan) error {
	reads := newReader(env.store().Open, env.networks())
	return p.Identify(ctx, func(j *model.Job) (model.Inputs, error) { return reads.inputs(ctx, j) })
}

func printPlan(env *Env, s *study, p *plan.Plan, b *train.Backend, list bool) error {
	fmt.Fprintf(env.Stdout, "%s: %s\n", s.Name, p.Summary())
	work := map[string]*workload{}
	var order []string
	total := workload{}
	size := env.sizes()
	for _, t := range p.Kinds {
		f := t.Job.Program.Fingerprint()
		if work[f] == nil {
			work[f] = &workload{program: t.Job.Program}
			order = append(order, f)
		}
		n, known := size(t.Job.Data)
		work[f].add(t, n, known)
		total.add(t, n, known)
	}
	memory := newMemory(env)
	peaks, err := memory.peaks(p, b, size)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "program\ttrials\tparameters\timages\tGFLOP an image\tstate, MB\tpeak, MB\t")
	for _, f := range order {
		x := work[f]
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%.3f\t%.1f\t%v\t\n", f, x.trials, grouped(x.program.Parameters("")), grouped(x.images), x.flops()/1e9,
			float64(x.program.StateBytes())/1e6,
			peaks[f])
	}
	fmt.Fprintf(w, "all\t%d\t\t%s\t\t\t\t\n", total.trials, grouped(total.images))
	w.Flush()
	if memory.room.Bytes > 0 {
		fmt.Fprintf(env.Stdout, "%s has %s of memory for this process\n", memory.room.Whose, gigabytes(memory.room.Bytes))
	}
	if total.unknown {
		fmt.Fprintln(env.Stdout, "the number of images counts only the data sets at hand: see starsweep data list")
	}
	if !list {
		return nil
	}
	for t := range p.All() {
		fmt.Fprintf(env.Stdout, "%s  %s  %v seed=%d\n", t.ID, t.Job.Program.Fingerprint(), t.Point, t.Seed)
	}
	return nil
}

// workload is what the trials of a program ask for.
type workload struct {
	program        *model.Program
	trials, images int
	unknown        bool // a data set is not at hand
}

// add takes in the trials of a kind, each on n images, if their number is known.
func (x *workload) add(t plan.Kind, n int, known bool) {
	x.trials += t.Trials
	if !known {
		x.unknown = true
		return
	}
	each := t.Job.Program.Batches * t.Job.Program.Config.Batch
	x.images += t.Trials * t.Job.Epochs * (n / each) * each
}

// flops of an iteration, by real image.
func (x *workload) flops() float64 {
	cost := expr.Cost(x.program.Step()...)
	return 2 * float64(cost.MulAdds) / float64(x.program.Batches*x.program.Config.Batch)
}

func showCommand(env *Env) *cobra.Command {
	var (
		o       scriptOptions
		index   int
		program bool
	)
	c := &cobra.Command{
		Use:   "show SCRIPT",
		Short: "show the networks of a trial, and its program as expressions",
		Args:  oneScript,
		RunE: func(c *cobra.Command, args []string) error {
			s, err := load(c.Context(), env, args[0], o)
			if err != nil {
				return err
			}
			points, err := s.Points()
			if err != nil {
				return err
			}
			if index < 1 || index > points.Len() {
				return usage("--point: got %d, want 1 to %d", index, points.Len())
			}
			p, err := plan.Make(c.Context(), onePoint{s, points.At(index - 1)}, s.Seeds)
			if err != nil {
				return err
			}
			if _, _, err := describe(s, p, env.Version); err != nil { // or only this point has not all columns
				if _, err := s.plan(c.Context(), env); err != nil {
					return err
				}
			}
			warn(env, s.Notes())
			job := p.At(0).Job
			show(env.Stdout, points.At(index-1).String(), s.Study, job, program)
			return nil
		},
	}
	o.flags(c)
	c.Flags().IntVar(&index, "point", 1, "which point of the search space, from 1")
	c.Flags().BoolVar(&program, "program", false, "print the training step as expressions")
	return c
}

// onePoint is a study of one point of another.
type onePoint struct {
	*study
	point spec.Point
}

func (s onePoint) Points() (spec.Points, error) { return spec.PointList(s.point), nil }

func show(w io.Writer, point string, s *starlib.Study, job *model.Job, program bool) {
	fmt.Fprintf(w, "%s\n%s, batch %d, %d epochs, program %s\n", point, job.Data, job.Program.Config.Batch, job.Epochs,
		job.Program.Fingerprint())
	fmt.Fprintf(w, "evaluate %v\n", job.Evaluate)
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
