package runner

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/execute"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/sweep"
	"github.com/starsweep/starsweep/runner/sweep/prune"
	"github.com/starsweep/starsweep/runner/sweep/search"
)

type replayOptions struct {
	epochs       int
	tolerance    float64
	dir, backend string
}

// otherDevices is the relative tolerance between kernels that round differently. Training amplifies such differences, so it is wide.
const otherDevices = 0.01

func replayCommand(env *Env) *cobra.Command {
	o := replayOptions{tolerance: -1}
	c := &cobra.Command{
		Use:   "replay DIR TRIAL",
		Short: "Train a recorded trial again and compare every number",
		Long: `Replay trains a trial again from the study's copy of its script, with the
recorded settings, hyperparameters and seed, and compares every number and every
sample sheet with the record. TRIAL is an ID, its first digits, or "best". The
study is not changed.

On the backend and kernels of the record, all numbers must have the same bits.
On others, which round differently, numbers may differ by --tolerance of the
larger one, by default 0.01, and sheets are not compared; since training
amplifies differences, long trials may exceed any tolerance there.`,
		Example: `  starsweep replay runs/quickstart best
  starsweep replay runs/quickstart 3f2a --epochs 1 --backend cpu`,
		Args: oneTrial,
		RunE: func(c *cobra.Command, args []string) error { return replay(c.Context(), env, args[0], args[1], o) },
	}
	c.Flags().IntVar(&o.epochs, "epochs", 0, "number of epochs to train (default all that are recorded)")
	c.Flags().Float64Var(&o.tolerance, "tolerance", o.tolerance, "relative difference up to which numbers count as equal "+
		"(default 0, and 0.01 on other backends)")
	c.Flags().Lookup("tolerance").DefValue = ""
	c.Flags().StringVar(&o.dir, "dir", "", "keep the study of the replayed trial in this new `directory`")
	backendFlag(c, &o.backend)
	return exits(c, exitScript, exitDifferent, exitNoDevice, exitStorage)
}

func replay(ctx context.Context, env *Env, dir, name string, o replayOptions) error {
	v, t, err := env.openTrial(ctx, dir, name)
	if err != nil {
		return err
	}
	defer v.Close()
	r := &replaying{restored: t, env: env, view: v}
	if err := r.choose(o); err != nil {
		return err
	}
	backend, err := env.openBackend(o.backend)
	if err != nil {
		return err
	}
	if err := r.compareBy(backend, o); err != nil {
		backend.Close()
		return err
	}
	to, remove, err := scratch(o.dir)
	if err != nil {
		backend.Close()
		return err
	}
	defer remove()
	if err := r.train(ctx, backend, to); err != nil {
		return err
	}
	return r.compare(to)
}

// replaying is a trial that is trained again.
type replaying struct {
	*restored
	env      *Env
	view     *results.View
	epochs   int
	whole    bool // all that is recorded
	rows     []results.Epoch
	recorded string
	now      string // the backend, as rows name it
	results.Tolerance
}

// choose decides how many epochs are trained.
func (r *replaying) choose(o replayOptions) error {
	t := r.State
	r.epochs, r.whole = t.Length, true
	if t.Status == results.Interrupted || t.Status == results.Failed || t.Status == results.Pruned {
		r.epochs, r.whole = t.Epochs, false
	}
	switch {
	case t.Epochs == 0 && t.Status != results.Diverged:
		return usageErrorf("trial %s has recorded no epoch", t.ID)
	case o.epochs < 0 || o.epochs > t.Epochs:
		return usageErrorf("--epochs: got %d, want 1 to %d, the epochs that trial %s has recorded", o.epochs, t.Epochs, t.ID)
	case o.epochs > 0 && o.epochs < r.epochs:
		r.epochs, r.whole = o.epochs, false
	}
	return nil
}

// compareBy decides how closely numbers must agree.
func (r *replaying) compareBy(b *train.Backend, o replayOptions) error {
	on, err := b.For(r.Job.Program)
	if err != nil {
		return err
	}
	r.now = on.Name
	if r.rows, err = r.view.Epochs(r.ID); err != nil {
		return err
	}
	for _, row := range r.rows[:min(len(r.rows), r.epochs)] {
		if r.recorded = row.Backend; row.Backend != r.now {
			break
		}
	}
	switch {
	case o.tolerance >= 0:
		r.Relative = o.tolerance
	case r.recorded != "" && r.recorded != r.now:
		r.Relative = otherDevices
	}
	return nil
}

// scratch returns the path of the study of the replayed trial, and a function that removes it unless it is to be kept.
func scratch(keep string) (dir string, remove func(), err error) {
	if keep != "" {
		if list, err := os.ReadDir(keep); err == nil && len(list) > 0 {
			return "", nil, usageErrorf("--dir: %s has files already: want a new directory", keep)
		}
		return keep, func() {}, nil
	}
	dir, err = os.MkdirTemp("", "starsweep-replay-*")
	return dir, func() { os.RemoveAll(dir) }, err
}

// replayed is a study of one job.
type replayed struct{ job *model.Job }

// Job implements plan.Study.
func (r replayed) Job(context.Context, spec.Point) (*model.Job, error) { return r.job, nil }

// train trains the trial into the study at to.
func (r *replaying) train(ctx context.Context, backend *train.Backend, to string) (err error) {
	job := *r.restored.Job
	job.Epochs = r.epochs
	p, err := plan.Make(ctx, replayed{&job}, search.One(r.point, []uint32{uint32(r.Seed)}))
	if err != nil {
		backend.Close()
		return err
	}
	meta := r.view.Meta()
	meta.ScriptHash, meta.Version = r.script.hash, r.env.Version
	study, err := results.Create(to, meta, r.script.Files, results.Options{Now: r.env.Now})
	if err != nil {
		backend.Close()
		return asUsageError(err)
	}
	passes := newPasses(r.env)
	x := execute.New(execute.Config{Plan: p, Study: study, Judges: sweep.Judges{Alone: []sweep.Judge{prune.Collapse{}}},
		Origin: execute.Origin{Script: r.script.hash, Settings: r.Settings, Version: r.env.Version}, Again: r.rows}, r.env.lab(backend, passes))
	defer func() {
		if closed := x.Close(); err == nil {
			err = closed
		}
	}()
	var changed error
	if err := x.Prepare(ctx, func() { changed = r.unchanged(p.At(0)) }); err != nil {
		return asUsageError(err)
	}
	if changed != nil {
		return changed
	}
	progress := newProgress(r.env, 1, r.env.Now(), x.Study.View(), passes)
	defer progress.close()
	return x.Run(ctx, 1, progress)
}

// unchanged returns an error if the trial reads something else now than in its run.
func (r *replaying) unchanged(now plan.Trial) error {
	if now.Configuration == r.Configuration {
		return nil
	}
	var errs []error
	for _, c := range compareInputs(r.State.Trial, now.Inputs) {
		errs = append(errs, fmt.Errorf("trial %s cannot be replayed: %s has changed: its digest is %s, and was %s in the run", r.ID, c.what,
			c.is, c.was))
	}
	if len(errs) == 0 {
		errs = append(errs, fmt.Errorf("trial %s cannot be replayed: it compares with %s now, and with %s in the run", r.ID,
			now.Inputs.Measure, r.Measure))
	}
	return withCode(exitUsage, errors.Join(errs...))
}

// compare compares the trial with its replay, and prints what it finds.
func (r *replaying) compare(dir string) error {
	again, err := results.Open(dir)
	if err != nil {
		return err
	}
	defer again.Close()
	if now, _ := again.State(r.ID); now.Status == results.Failed && r.Status != results.Failed {
		return fmt.Errorf("the replay failed: %s", now.Reason)
	}
	found, err := results.Compare(r.view, again, results.CompareOptions{Trials: []string{r.ID}, Tolerance: r.Tolerance})
	if err != nil {
		return err
	}
	if found.Trials != 1 {
		return errors.New("the replay has recorded nothing")
	}
	how := "with the same bits"
	if r.Relative > 0 {
		how = fmt.Sprintf("equal up to %g of the larger one, on %s; the record is of %s", r.Relative, r.now, r.recorded)
	}
	different := r.differences(found)
	if len(different) == 0 {
		_, err := fmt.Fprintf(r.env.Stdout, "trial %s: %s, %s %s\n", r.ID, plain.Count(r.epochs, "epoch"), plain.Count(found.Cells, "value"), how)
		return err
	}
	fmt.Fprintf(r.env.Stdout, "trial %s differs first in %s\n", r.ID, different[0])
	if n := len(different) - 1; n > 0 {
		fmt.Fprintf(r.env.Stdout, "and in %s more\n", plain.Count(n, "value"))
	}
	return withCode(exitDifferent, errReported)
}
