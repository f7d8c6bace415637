package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/once"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/evaluation"
	"github.com/starsweep/starsweep/runner/plan"
)

// trainer runs the trials of a plan that are not finished yet, and records what happens.
type trainer struct {
	plan     *plan.Plan
	backend  *train.Backend
	study    *results.Study
	store    *data.Store
	bench    *evaluation.Bench
	overlaps bool // epochs are looked at while the next one trains
	now      func() time.Time
	progress progress
	passes   *passes // over images
	warn     func(error)
	script   string // hash
	settings string // of the script, JSON
	profile  string // of the script; empty for none
	version  string

	memory    *memory
	abandoned atomic.Bool // something goes on that did not notice an interrupt: what it may use is not closed

	inputs *inputReader
	sets   once.Map[string, *data.Set] // by the data's canonical text
	said   sync.Map                    // notes of sets that were printed
}

// tally counts how trials ended, those of earlier runs included.
type tally map[results.Status]int

// runPlan trains what is not finished yet. Trials that failed before are tried again: what made them fail may be mended. Faults
// that can be seen before the first trial, in data above all, come back with a nil tally, and nothing is recorded.
func (t *trainer) runPlan(ctx context.Context, env *Env, workers int) (tally, error) {
	var finished map[string]results.Status
	ended, err := interruptible(ctx, func() error {
		if err := t.plan.Identify(ctx, func(j *model.Job) (model.Inputs, error) { return t.inputs.inputs(ctx, j) }); err != nil {
			return err
		}
		t.warnOfChanges()
		finished = t.study.Finished()
		return t.preflight(ctx, finished)
	})
	if !ended {
		t.abandoned.Store(true)
	}
	if err != nil {
		return nil, asUsageError(err)
	}
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
		fmt.Fprintf(env.Stdout, "%d of %d trials are finished already\n", done, t.plan.Len())
	}
	if len(failed) > 0 {
		fmt.Fprintf(env.Stdout, "%d trials failed before and are tried again\n", len(failed))
	}
	t.progress = &lines{w: env.Stderr, total: t.plan.Len()}
	if env.Size != nil {
		t.progress = newBars(env, t.plan.Len(), done, t.passes)
	}
	defer t.progress.close()
	return t.runTrials(ctx, workers)
}

// planRecord is the plan as the directory keeps it.
func (t *trainer) planRecord() results.Plan {
	p := results.Plan{Profile: t.profile, Settings: t.settings, Script: t.script, Began: t.now()}
	for i := range t.plan.Len() {
		p.Trials = append(p.Trials, t.plan.ID(i))
	}
	return p
}

// preflight opens the data of every trial to come, and what measures it, and holds them against what the trial wants of them.
func (t *trainer) preflight(ctx context.Context, finished map[string]results.Status) error {
	faults := &plan.Faults{Points: t.plan.Len()}
	for p := range t.plan.All() {
		if status, ok := finished[p.ID]; ok && status != results.Failed {
			continue
		}
		set, err := t.images(ctx, p.Job.Data)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err // one for all: the data are missing or damaged
		}
		if _, err := t.backend.For(p.Job.Program); err != nil {
			return err
		}
		if err := checkImages(p.Job.Data, set, p.Job.Program); err != nil {
			faults.Add(err, p.Point)
			continue
		}
		if t.memory.check(leastNeed(p.Job, t.backend.Accelerator()), true) != nil {
			continue // the trial will fail; what compares its images may be what is too large
		}
		if len(p.Job.Evaluate.Metrics) > 0 {
			if _, err := t.bench.Open(ctx, p.Job.Data, p.Job.Evaluate); err != nil {
				return fmt.Errorf("evaluate: %w", err)
			}
		}
	}
	if len(faults.List) > 0 {
		return faults
	}
	return nil
}

// checkImages reports whether a program can train on a set.
func checkImages(d spec.Data, set *data.Set, p *model.Program) error {
	if err := checkLabels(d, set, p.Config.Classes); err != nil {
		return err
	}
	if want := p.Batches * p.Config.Batch; set.N < want {
		return fmt.Errorf("data: got %d images, want at least the %d of one iteration: lower batch", set.N, want)
	}
	return nil
}

// runTrials trains on a number of workers until all trials are finished, ctx ends or the storage fails.
func (t *trainer) runTrials(ctx context.Context, workers int) (tally, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	finished := t.study.Finished()
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
					cancel(err) // the first cause stays
					return
				}
			}
		})
	}
	wg.Wait()
	cancel(errFinished) // an earlier cause stays
	<-published
	states := t.study.Finished()
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

// errFinished ends the publishing of a run that is over.
var errFinished = errors.New("finished")

// publish keeps the tables of a study with slow epochs fresh for whoever reads them meanwhile.
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

// images opens a data set once, however many trials train on it.
func (t *trainer) images(ctx context.Context, d spec.Data) (*data.Set, error) {
	return t.sets.Do(ctx, d.String(), func() (*data.Set, error) {
		set, err := t.store.Open(ctx, d)
		if err == nil {
			t.note(d, set)
		}
		return set, err
	})
}

// note warns of what a set does not hold, once each, however many specs read the same files.
func (t *trainer) note(d spec.Data, set *data.Set) {
	for _, note := range set.Notes {
		warning := fmt.Errorf("%s: %s", cmp.Or(d.Path, d.Name), note)
		if _, said := t.said.LoadOrStore(warning.Error(), true); !said {
			t.warn(warning)
		}
	}
}
