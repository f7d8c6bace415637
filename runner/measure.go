package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/starsweep/starsweep/engine/feature"
	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/guard"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/sweep"
)

type measureOptions struct {
	which, features, backend string
	samples                  int
	metrics                  []string
}

func measureCommand(env *Env) *cobra.Command {
	var o measureOptions
	c := &cobra.Command{
		Use:   "measure DIR",
		Short: "Evaluate kept weights with other features or sample counts",
		Long: `Measure evaluates the weights that a study keeps of its trials with another
extractor, another number of samples or other metrics than the script's, and
adds a row for each trial to the table "measurements". It prints the numbers
beside those of the run, and how far both rank the trials alike.

--which is the trials: "front", those on the Pareto front; "all", finished ones
with kept weights; or one trial, by its ID, its first digits, or "best". What
has been measured in the same way is not measured again.

The real images must be those of the run: if the data have changed, nothing is
measured. Flags that are not given are as in the script.`,
		Example: `  starsweep measure runs/mnist_grid --features inception --samples 10000
  starsweep measure runs/mnist_grid --which all --metrics fid,kid --samples 5000`,
		Args: oneStudy,
		RunE: func(c *cobra.Command, args []string) error { return measureKept(c.Context(), env, args[0], o) },
	}
	f := c.Flags()
	f.StringVar(&o.which, "which", whichFront, "trials: front, all, or one `TRIAL`")
	f.StringVar(&o.features, "features", "", "extractor of features of images: "+strings.Join(feature.Names(), ", "))
	f.IntVar(&o.samples, "samples", 0, "number of samples of each set")
	f.StringSliceVar(&o.metrics, "metrics", nil, "metrics to compute: "+strings.Join(metric.Names(metric.All), ", "))
	backendFlag(c, &o.backend)
	return exits(c, exitScript, exitNoDevice, exitStorage)
}

const (
	whichFront = "front"
	whichAll   = "all"
)

func measureKept(ctx context.Context, env *Env, dir string, o measureOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	v, err := env.openView(dir)
	if err != nil {
		return err
	}
	defer v.Close()
	trials, err := o.trials(env, v)
	if err != nil {
		return err
	}
	backend, err := env.openBackend(o.backend)
	if err != nil {
		return err
	}
	m := &measurer{env: env, view: v, lab: env.lab(backend, newPasses(env))}
	ended, err := guard.Interruptible(ctx, func() error {
		if err := m.prepare(ctx, trials, o); err != nil {
			return err
		}
		return m.measure(ctx)
	})
	if ended {
		err = errors.Join(err, m.lab.Close())
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return asUsageError(err)
	}
	return m.printTable(env.Stdout)
}

// check reports flags that no trial could have.
func (o measureOptions) check() error {
	if o.samples < 0 {
		return usageErrorf("--samples: got %d, want at least 1", o.samples)
	}
	if o.features != "" && o.features != spec.PointFeatures && !slices.Contains(feature.Names(), o.features) {
		return usageErrorf("--features: got %q, want one of %s", o.features, strings.Join(feature.Names(), ", "))
	}
	return (&metricOptions{names: o.metrics}).check()
}

// trials returns the trials to measure, and says which have no weights.
func (o measureOptions) trials(env *Env, v *results.View) ([]results.State, error) {
	if o.which != whichAll && o.which != whichFront {
		t, err := findTrial(v, o.which)
		if err == nil && !v.HasCheckpoint(t.ID) {
			err = noWeights(v, t.ID)
		}
		return []results.State{t}, err
	}
	off := map[string]bool{}
	if o.which == whichFront {
		for _, id := range v.Unkept(results.KeepFront) {
			off[id] = true
		}
	}
	var kept, without []results.State
	for _, t := range v.Trials() {
		switch {
		case t.Epochs == 0 || off[t.ID] || !sweep.State(t.Status).Final():
		case v.HasCheckpoint(t.ID):
			kept = append(kept, t)
		default:
			without = append(without, t)
		}
	}
	if len(kept) == 0 {
		return nil, usageErrorf("%s: the study keeps no weights of these %s: run its script with --keep %s", v.Dir(),
			plain.Count(len(without), "trial"), o.which)
	}
	if len(without) > 0 {
		env.warn(fmt.Errorf("the study keeps no weights of %s: %s", plain.Count(len(without), "trial"), fewNames(without)))
	}
	return kept, nil
}

// evaluation returns the evaluation of a trial's script with the flags in place of what it says.
func (o measureOptions) evaluation(e spec.Evaluation) (spec.Evaluation, error) {
	e.Collapse, e.Final = nil, nil
	if o.features != "" {
		e.Features = o.features
	}
	if o.samples > 0 {
		e.Samples = o.samples
	}
	if len(e.Metrics) == 0 {
		if len(o.metrics) == 0 {
			return e, errors.New("the script measures nothing: name metrics with --metrics")
		}
		if e.Samples == 0 || e.Features == "" {
			return e, errors.New("the script measures nothing: set --samples and --features")
		}
		e.Real = "train"
	}
	own := e.Metrics
	if len(o.metrics) > 0 {
		e.Metrics = nil
	}
	for _, name := range o.metrics {
		row, _ := metric.Lookup(name) // check has found all
		m := row.Standard()
		if i := slices.IndexFunc(own, func(x spec.Metric) bool { return x.Name == name }); i >= 0 {
			m = own[i]
		}
		e.Metrics = append(e.Metrics, m)
	}
	e.Metrics = slices.Clone(e.Metrics)
	for i, m := range e.Metrics {
		row, _ := metric.Lookup(m.Name)
		for _, a := range row.Params {
			if n := float64(e.Samples); a.Clamp && m.Arg(a.Name) > n {
				m = m.With(a.Name, n)
			}
		}
		e.Metrics[i] = m
	}
	return e, metric.Validate(e, hasLogits(e.Features))
}
