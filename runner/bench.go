package runner

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/machine"
	"github.com/starsweep/starsweep/runner/roofline"
	"github.com/starsweep/starsweep/starlib"
)

//go:embed bench.star
var benchScript []byte

// measurement is one timed step, in the form that bench/peers.py reads.
type measurement struct {
	System   string  `json:"system"`
	Version  string  `json:"version"`
	Step     string  `json:"step"`
	Batch    int     `json:"batch"`
	Width    int     `json:"width"`
	Threads  int     `json:"threads"`
	Together int     `json:"together"`
	Layout   string  `json:"layout"`
	FirstS   float64 `json:"first_s"` // the first step, with compilation
	BestS    float64 `json:"best_s"`
	MeanS    float64 `json:"mean_s"`
	MedianS  float64 `json:"median_s"`
	CPUS     float64 `json:"cpu_s"` // median processor time of a step, over all threads
	Best     float64 `json:"samples_per_s"`
	Median   float64 `json:"samples_per_s_median"`
	PeakMB   float64 `json:"peak_mb"`

	Parameters map[string]int     `json:"parameters"`
	Roofline   *roofline.Roofline `json:"roofline,omitempty"`
}

type benchOptions struct {
	backend, step                string
	batch, width, threads, steps int
	together                     int
	json, ops, processorTime     bool
	profile                      string
}

func benchCommand(env *Env) *cobra.Command {
	var o benchOptions
	c := &cobra.Command{
		Use:   "bench",
		Short: "Time training steps of reference networks",
		Long: `Bench times single training steps on random 32 x 32 images:

  ns      one discriminator and one generator step of the non-saturating GAN
  critic  one critic step of WGAN-GP
  wgen    one generator step of WGAN-GP

Peak memory is that of the whole process: to compare it, run one step per
process. In a source tree, make bench-peers compares with PyTorch, Keras and
JAX.

Accelerators run many steps in one call: --together 64 is what training does
there.

With --ops, the backend cpu times every operation. A table shows the share of
the step that each operation takes, its rate, and the peak rate of the
processor, which bench measures. Bytes are counted once per call, in caches or
in memory.`,
		Example: `  starsweep bench --backend cpu --step critic
  starsweep bench --backend cpu --step ns --threads 1 --ops`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return bench(c.Context(), env, o) },
	}
	backendFlag(c, &o.backend)
	f := c.Flags()
	f.StringVar(&o.step, "step", "", "ns, critic or wgen (default all)")
	f.IntVar(&o.batch, "batch", 64, "examples per step")
	f.IntVar(&o.width, "width", 64, "channels of the feature maps at the highest resolution")
	f.IntVar(&o.threads, "threads", runtime.GOMAXPROCS(0), "number of cores used")
	f.Lookup("threads").DefValue = "all" // the help text does not depend on the machine
	f.IntVar(&o.steps, "steps", 12, "number of timings, each of --together steps")
	f.IntVar(&o.together, "together", 1, "steps between two looks at the clock")
	f.BoolVar(&o.processorTime, "processor-time", false, "measure processor time, which other processes hardly affect (one thread)")
	f.BoolVar(&o.ops, "ops", false, "print a table of the operations of each step (backend cpu)")
	f.StringVar(&o.profile, "profile", "",
		"write a CPU profile of compilation and steps to this `file`; with --backend cpu:profile, "+
			"go tool pprof -tags shows the time of every operation")
	f.BoolVar(&o.json, "json", false, "print one line of JSON per step")
	return exits(c, exitNoDevice, exitStorage)
}

func bench(ctx context.Context, env *Env, o benchOptions) error {
	if o.steps < 1 || o.threads < 1 || o.together < 1 {
		return usageErrorf("--steps, --threads and --together: got %d, %d and %d, want at least 1", o.steps, o.threads, o.together)
	}
	if o.processorTime {
		if o.threads > 1 {
			return usageErrorf("--processor-time: got --threads %d, want 1", o.threads)
		}
		clocked := *env
		clocked.Now = func() time.Time { return time.Unix(0, 0).Add(machine.Used().Processor()) } // advances while the process runs
		env = &clocked
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(o.threads)) // restored for tests
	backend, err := env.openBackend(o.backend)
	if err != nil {
		return err
	}
	defer backend.Close()
	if _, ok := backend.CPU(); o.ops && !ok {
		return usageErrorf("--ops: got backend %s, want cpu", backend.Name)
	}
	s, err := o.load(ctx)
	if err != nil {
		return err
	}
	if o.profile != "" {
		f, err := os.Create(o.profile)
		if err != nil {
			return withCode(exitStorage, err)
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	steps, err := searchOf(ctx, s)
	if err != nil {
		return err
	}
	var all []measurement
	for _, p := range steps.Points.List() {
		job, err := s.Job(ctx, p)
		if err != nil {
			return err
		}
		m, err := measure(ctx, env, backend, job, o)
		if err != nil {
			return err
		}
		step, _ := p.Get("step")
		m.Step = step.Any().(string)
		all = append(all, m)
	}
	return printMeasurements(env, all, o.json)
}

// load evaluates the embedded study, whose points are the steps.
func (o benchOptions) load(ctx context.Context) (*starlib.Study, error) {
	s, err := starlib.Loader{Catalogue: catalogue()}.Load(ctx, "bench.star", benchScript)
	if err != nil {
		return nil, err
	}
	set := []string{fmt.Sprintf("batch=%d", o.batch), fmt.Sprintf("width=%d", o.width)}
	if o.step != "" {
		set = append(set, "step="+o.step)
	}
	s, err = s.With("", set)
	return s, withCode(exitUsage, err)
}

// measure times the training step of a job.
func measure(ctx context.Context, env *Env, b *train.Backend, job *model.Job, o benchOptions) (measurement, error) {
	m := measurement{System: "starsweep " + o.backend, Version: env.Version, Batch: o.batch, Width: o.width, Threads: o.threads,
		Together: o.together, Layout: "nhwc", Parameters: map[string]int{}}
	for _, player := range players([]*model.Program{job.Program}) {
		m.Parameters[player] = job.Program.Parameters(player)
	}
	start := env.Now()
	compiled, err := train.Compile(b, job.Program)
	if err != nil {
		return m, err
	}
	run, err := compiled.NewRun(b.Device(), job, randomImages(o.batch*max(4, o.together)), 1)
	if err != nil {
		return m, err
	}
	defer run.Close()
	if err := run.Steps(ctx, 1); err != nil {
		return m, err
	}
	m.FirstS = env.Now().Sub(start).Seconds()
	if o.together > 1 { // calls grow until they have as many steps as fit
		if err := run.Steps(ctx, o.together); err != nil {
			return m, err
		}
	}
	own, _ := b.CPU()
	if o.ops {
		own.Trace(env.Now)
		defer own.Trace(nil)
	}
	var took, cpus []float64
	sum := 0.0
	for range o.steps {
		start, before := env.Now(), machine.Used().Processor()
		if err := run.Steps(ctx, o.together); err != nil {
			return m, err
		}
		each := float64(o.together)
		took = append(took, env.Now().Sub(start).Seconds()/each)
		cpus = append(cpus, (machine.Used().Processor()-before).Seconds()/each)
		sum += took[len(took)-1]
	}
	slices.Sort(took)
	slices.Sort(cpus)
	m.CPUS = cpus[len(cpus)/2]
	m.BestS, m.MedianS, m.MeanS = took[0], took[len(took)/2], sum/float64(len(took))
	m.Best, m.Median = float64(o.batch)/m.BestS, float64(o.batch)/m.MedianS
	m.PeakMB = float64(machine.Used().PeakMemory) / 1e6
	if o.ops {
		m.Roofline = roofline.New(own.Timings(), own.Peak(env.Now), o.steps*o.together, sum*float64(o.together))
	}
	return m, nil
}

// randomImages returns n uniform 32 x 32 grey images, the same ones each time.
func randomImages(n int) train.Images {
	r := model.NewSource(1, "bench")
	x := make([]float32, n*32*32)
	for i := range x {
		x[i] = float32(2*r.Uniform() - 1)
	}
	return train.Images{N: n, H: 32, W: 32, C: 1, Batch: func(dst []float32, index []int32) {
		for i, j := range index {
			copy(dst[i*32*32:(i+1)*32*32], x[int(j)*32*32:])
		}
	}}
}

func printMeasurements(env *Env, all []measurement, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(env.Stdout)
		for _, m := range all {
			if err := e.Encode(m); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "step\tbatch\twidth\tthreads\tfirst\tbest\tmedian\timages/s\tpeak MB\t")
	for _, m := range all {
		seconds := func(s float64) time.Duration { return time.Duration(s * 1e9).Round(100 * time.Microsecond) }
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%v\t%v\t%v\t%.0f\t%.0f\t\n", m.Step, m.Batch, m.Width, m.Threads, seconds(m.FirstS), seconds(m.BestS),
			seconds(m.MedianS), m.Best, m.PeakMB)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, m := range all {
		if m.Roofline != nil {
			heading := fmt.Sprintf("%s, batch %d, width %d, %d threads: %.1f ms a step", m.Step, m.Batch, m.Width, m.Threads, m.MeanS*1e3)
			if err := m.Roofline.Write(env.Stdout, heading); err != nil {
				return err
			}
		}
	}
	return nil
}
