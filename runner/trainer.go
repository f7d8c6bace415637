package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/guard"
	"github.com/starsweep/starsweep/internal/once"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/evaluation"
	"github.com/starsweep/starsweep/runner/memory"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/sweep"
)

// trainer runs the trials of a plan that are not finished yet, and records the results.
//
// A run goes through these steps:
//
//  1. run (run.go) evaluates the script, plans its trials and opens the backend. newTrainer creates the directory of the study, or
//     continues it.
//  2. runPlan identifies the trials by the content that they read (inputs.go), warns of content that has changed (changes.go), and
//     checks data and extractors (preflight). Until then nothing is recorded.
//  3. The plan is journalled, and failed trials are forgotten, so that they run again. runTrials queues all unfinished trials for the
//     workers, and publishes the tables from time to time.
//  4. runTrial (trial.go) is the life of one trial: it compiles the program, waits for memory (memory.go), restores the last
//     checkpoint (checkpoint.go) and trains epoch by epoch. An evaluator (evaluator.go) draws the sample sheet, computes the metrics
//     and detects a collapse. Each epoch is committed as a checkpoint first, and then as a row.
//  5. A trial ends as completed, collapsed, diverged or failed, and the run continues. An interrupt or a storage error ends the run and
//     leaves its trials to the next one.
type trainer struct {
	plan     *plan.Plan
	backend  *train.Backend
	study    *results.Writer
	store    *data.Store
	comparer *evaluation.Comparer
	overlaps bool // an epoch is evaluated while the next one trains
	now      func() time.Time
	progress progress
	passes   *passes // over images: their progress
	warn     func(error)
	script   string // hash
	settings string // of the script, JSON
	profile  string // of the script; empty for none
	version  string

	claims sync.Map // of the trials in progress, by ID: held

	memory    *memory.Pool
	abandoned atomic.Bool // a goroutine that ignored an interrupt still runs: what it may use stays open

	inputs *inputReader
	sets   once.Map[string, *data.Set] // by the data's canonical text
	noted  sync.Map                    // warnings about sets that were printed
}

// overlapCores is the smallest number of cores on which an epoch is evaluated while the next one trains. Training leaves 7 % of two
// cores idle, and half of sixteen: docs/performance.md.
const overlapCores = 4

// newTrainer creates the directory of the study, or continues it, and returns a trainer for the plan. The caller closes the trainer;
// if there is an error, the backend stays the caller's.
func newTrainer(env *Env, s *script, p *plan.Plan, backend *train.Backend, o runOptions) (t *trainer, dir string, err error) {
	if dir, err = s.directory(o); err != nil {
		return nil, "", err
	}
	meta, files, err := studyMeta(s, p, env.Version)
	if err != nil {
		return nil, "", err
	}
	meta.Origin = origin(dir, s.path)
	study, err := env.createStudy(dir, meta, files, o)
	if err != nil {
		return nil, "", err
	}
	t = &trainer{plan: p, backend: backend, study: study, store: env.store(), passes: newPasses(env), memory: env.memory(), now: env.Now,
		warn: env.warn, script: meta.ScriptHash, settings: settings(s), profile: o.profile, version: env.Version,
		overlaps: backend.Accelerator() || runtime.GOMAXPROCS(0) >= overlapCores}
	t.store.Progress = t.passes.watch
	t.inputs = newInputReader(t.images, env.networks())
	t.comparer = evaluation.New(env.evaluation(backend, t.passes, t.images))
	return t, dir, nil
}

// close closes the study and the backend. What an abandoned trial may still use stays open: the process ends soon.
func (t *trainer) close() error {
	err := t.study.Close()
	if !t.abandoned.Load() {
		err = errors.Join(err, t.comparer.Close())
		t.backend.Close()
	}
	return err
}

// tally counts how trials ended, those of earlier runs included.
type tally map[results.Status]int

// runPlan trains the trials that are not finished yet. Trials that failed before run again, since the cause may be gone. Errors that
// appear before the first trial, mostly in data, are returned with a nil tally; then nothing is recorded.
func (t *trainer) runPlan(ctx context.Context, env *Env, workers int) (tally, error) {
	var finished map[string]results.Status
	ended, err := guard.Interruptible(ctx, func() error {
		if err := t.plan.Identify(ctx, func(j *model.Job) (model.Inputs, error) { return t.inputs.of(ctx, j) }); err != nil {
			return err
		}
		t.warnOfChanges()
		finished = t.study.View().Finished()
		return t.preflight(ctx, finished)
	})
	if !ended {
		t.abandoned.Store(true)
	}
	if err != nil {
		return nil, asUsageError(err)
	}
	if err := t.rebudget(); err != nil {
		return nil, err
	}
	finished = t.study.View().Finished()
	var failed []string
	done := 0
	for i := range t.plan.Len() {
		id := t.plan.ID(i)
		switch status, ok := finished[id]; {
		case ok && status == results.Failed:
			failed = append(failed, id)
		case ok:
			done++
		}
	}
	if err := t.study.BeginPlan(t.planRecord()); err != nil {
		return nil, err
	}
	if err := t.study.Forget(failed...); err != nil {
		return nil, err
	}
	if done > 0 {
		fmt.Fprintf(env.Stdout, "%d of %d trials are already finished\n", done, t.plan.Len())
	}
	if len(failed) > 0 {
		fmt.Fprintf(env.Stdout, "%s failed before: running again\n", counted(len(failed), "trial"))
	}
	t.progress = &lines{w: env.Stderr, total: t.plan.Len()}
	if env.Size != nil {
		t.progress = newBars(env, t.plan.Len(), done, t.passes)
	}
	defer t.progress.close()
	return t.runTrials(ctx, workers)
}

// rebudget forgets the trials of the plan that trained for another number of epochs than it asks for, and would go on with it: they run
// again from their beginning.
func (t *trainer) rebudget() error {
	wanted := map[string]int{}
	for i := range t.plan.Len() {
		wanted[t.plan.ID(i)] = t.plan.Epochs(i)
	}
	var again []string
	for _, old := range t.study.View().Trials() {
		epochs, planned := wanted[old.ID]
		if !planned || epochs == old.Length {
			continue
		}
		if old.Status == results.Interrupted || sweep.State(old.Status).Extends(old.Epochs, old.Length, epochs) {
			again = append(again, old.ID)
		}
	}
	return t.study.Forget(again...)
}

// planRecord returns the plan as the journal keeps it.
func (t *trainer) planRecord() results.Plan {
	p := results.Plan{Profile: t.profile, Settings: t.settings, Script: t.script, Began: t.now()}
	for i := range t.plan.Len() {
		p.Trials = append(p.Trials, t.plan.ID(i))
	}
	return p
}

// preflight opens the data and the extractors of every trial to run, and checks that the trial can use them.
func (t *trainer) preflight(ctx context.Context, finished map[string]results.Status) error {
	errs := &plan.Errors{Points: t.plan.Len()}
	for p := range t.plan.All() {
		if status, ok := finished[p.ID]; ok && status != results.Failed {
			continue
		}
		set, err := t.images(ctx, p.Job.Data)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err // the data are missing or damaged, for all trials alike
		}
		if _, err := t.backend.For(p.Job.Program); err != nil {
			return err
		}
		if err := checkImages(p.Job.Data, set, p.Job.Program); err != nil {
			errs.Add(err, p.Point)
			continue
		}
		if t.memory.Check(memory.Least(p.Job, t.backend.Accelerator()), true) != nil {
			continue // the trial will fail; its metrics may be what is too large, so they are not opened here
		}
		if len(p.Job.Evaluation.Metrics) > 0 {
			if _, err := t.comparer.Open(ctx, p.Job.Data, p.Job.Evaluation); err != nil {
				return fmt.Errorf("evaluate: %w", err)
			}
		}
	}
	if len(errs.List) > 0 {
		return errs
	}
	return nil
}

// checkImages returns an error if a program cannot train on a set.
func checkImages(d spec.Data, set *data.Set, p *model.Program) error {
	if err := checkLabels(d, set, p.Config.Classes); err != nil {
		return err
	}
	if want := p.Batches * p.Config.Batch; set.N < want {
		return fmt.Errorf("data: got %d images, want at least the %d of one iteration: lower batch", set.N, want)
	}
	return nil
}

// runTrials trains with a number of workers until all trials are finished, ctx is done or the storage fails.
func (t *trainer) runTrials(ctx context.Context, workers int) (tally, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	finished := t.study.View().Finished()
	count := tally{}
	queue := make(chan plan.Trial)
	go func() {
		defer close(queue)
		for i := range t.plan.Len() {
			if _, done := finished[t.plan.ID(i)]; done {
				continue
			}
			select {
			case queue <- t.plan.At(i):
			case <-ctx.Done():
				return
			}
		}
	}()
	published := make(chan struct{})
	go func() {
		defer close(published)
		t.publish(ctx, cancel)
	}()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for trial := range queue {
				if err := t.runTrial(ctx, trial); err != nil {
					cancel(err) // the first cause counts
					return
				}
			}
		})
	}
	wg.Wait()
	cancel(errFinished) // unless there is an earlier cause
	<-published
	states := t.study.View().Finished()
	for i := range t.plan.Len() {
		if status, ok := states[t.plan.ID(i)]; ok {
			count[status]++
		}
	}
	if cause := context.Cause(ctx); !errors.Is(cause, errFinished) {
		return count, cause
	}
	return count, nil
}

// errFinished is the cause that ends the publisher once all trials are finished.
var errFinished = errors.New("finished")

// publish updates the tables at intervals, so that readers see the epochs of slow trials.
func (t *trainer) publish(ctx context.Context, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(publishEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := t.study.Publish(); err != nil {
				cancel(err)
				return
			}
		}
	}
}

const publishEvery = 15 * time.Second

// images opens a data set, once for all trials.
func (t *trainer) images(ctx context.Context, d spec.Data) (*data.Set, error) {
	return t.sets.Do(ctx, d.String(), func() (*data.Set, error) {
		set, err := t.store.Open(ctx, d)
		if err == nil {
			t.warnOfNotes(d, set)
		}
		return set, err
	})
}

// warnOfNotes prints the notes of a set as warnings, each once even if several specifications read the same files.
func (t *trainer) warnOfNotes(d spec.Data, set *data.Set) {
	for _, note := range set.Notes {
		warning := fmt.Errorf("%s: %s", cmp.Or(d.Path, d.Name), note)
		if _, said := t.noted.LoadOrStore(warning.Error(), true); !said {
			t.warn(warning)
		}
	}
}
