package runner

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/safetensors"
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
	now      func() time.Time
	progress progress
	warn     func(error)
	script   string // hash
	settings string // of the script, JSON
	version  string

	mu   sync.Mutex
	sets map[string]func() (*data.Set, error) // by the data's canonical text
}

// tally counts how trials ended, those of earlier runs included.
type tally map[results.Status]int

// all trains what is not finished yet. Trials that failed before are tried again: what made them fail may be mended. Faults
// that can be seen before the first trial, in data above all, come back with a nil tally, and nothing is recorded.
func (t *trainer) all(ctx context.Context, env *Env, workers int) (tally, error) {
	finished := t.study.Finished()
	var failed []string
	done := 0
	for _, p := range t.plan.Trials {
		switch status, ok := finished[p.ID]; {
		case ok && status == results.Failed:
			failed = append(failed, p.ID)
		case ok:
			done++
		}
	}
	if err := t.inspect(ctx, finished); err != nil {
		return nil, err
	}
	if err := t.study.Forget(failed...); err != nil {
		return nil, err
	}
	if done > 0 {
		fmt.Fprintf(env.Stdout, "%d of %d trials are finished already\n", done, len(t.plan.Trials))
	}
	if len(failed) > 0 {
		fmt.Fprintf(env.Stdout, "%d trials failed before and are tried again\n", len(failed))
	}
	t.progress = &lines{w: env.Stderr, total: len(t.plan.Trials)}
	if env.Terminal {
		t.progress = newBars(env.Stderr, len(t.plan.Trials), done)
	}
	defer t.progress.close()
	return t.run(ctx, workers)
}

// inspect opens the data of every trial to come, and what measures it, and holds them against what the trial wants of them.
func (t *trainer) inspect(ctx context.Context, finished map[string]results.Status) error {
	faults := &plan.Faults{Points: len(t.plan.Trials)}
	for _, p := range t.plan.Trials {
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
		if err := suits(set, p.Job.Program); err != nil {
			faults.Add(err, p.Point)
			continue
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

// suits reports whether a program can train on a set.
func suits(set *data.Set, p *model.Program) error {
	if want := p.Config.Classes; want > 0 && set.Classes > want {
		return fmt.Errorf("data: got images of %d classes, and the script says labels = %d", set.Classes, want)
	}
	if want := p.Batches * p.Config.Batch; set.N < want {
		return fmt.Errorf("data: got %d images, want at least the %d of one iteration: lower batch", set.N, want)
	}
	return nil
}

// run trains on a number of workers until all trials are finished, ctx ends or the storage fails.
func (t *trainer) run(ctx context.Context, workers int) (tally, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	finished := t.study.Finished()
	count := tally{}
	queue := make(chan plan.Trial)
	go func() {
		defer close(queue)
		for _, trial := range t.plan.Trials {
			if _, done := finished[trial.ID]; done {
				continue
			}
			select {
			case queue <- trial:
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
				if err := t.trial(ctx, trial); err != nil {
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
	for _, trial := range t.plan.Trials {
		if status, ok := states[trial.ID]; ok {
			count[status]++
		}
	}
	if cause := context.Cause(ctx); !errors.Is(cause, errFinished) {
		return count, cause
	}
	return count, nil
}

// errFinished ends the helpers of a run that is over.
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

// trial trains one trial to its end. Its own faults end in its row; an error is one of the whole run.
func (t *trainer) trial(ctx context.Context, p plan.Trial) error {
	point := results.Values{}
	for _, s := range p.Point {
		point[s.Name] = s.Value.Any()
	}
	if err := t.study.BeginTrial(results.Trial{ID: p.ID, Index: p.Index, Point: point, Seed: int64(p.Seed), Started: t.now()}); err != nil {
		return err
	}
	t.progress.begin(p)
	outcome := results.Outcome{Trial: p.ID, Parameters: int64(p.Job.Program.Parameters("")), Program: p.Job.Program.Fingerprint(),
		Settings: t.settings, Script: t.script, Version: t.version, Backend: t.backend.Name, Device: t.backend.Device()}
	err := t.epochs(ctx, p, &outcome)
	var diverged *train.Diverged
	var collapse *collapsed
	switch {
	case err == nil:
		outcome.Status = results.Completed
	case errors.As(err, &diverged):
		outcome.Status, outcome.Reason = results.Diverged, fmt.Sprintf("%s in epoch %d, step %d", diverged.What, diverged.Epoch+1, diverged.Step+1)
	case errors.As(err, &collapse):
		outcome.Status, outcome.Reason = results.Collapsed, fmt.Sprintf("epoch %d: %s", collapse.epoch, collapse.why)
	case ctx.Err() != nil:
		t.progress.end(p, results.Interrupted, "")
		return context.Cause(ctx)
	case errors.Is(err, results.ErrStorage):
		return err
	default:
		outcome.Status, outcome.Reason = results.Failed, err.Error()
	}
	t.progress.end(p, outcome.Status, outcome.Reason)
	return t.study.FinishTrial(outcome)
}

// epochs trains from the last checkpoint to the last epoch, and notes what was compiled for it. A panic below is a fault of
// ours, and ends this trial only.
func (t *trainer) epochs(ctx context.Context, p plan.Trial, o *results.Outcome) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("internal error: %v\n%s", r, debug.Stack())
		}
	}()
	set, err := t.images(ctx, p.Job.Data)
	if err != nil {
		return err
	}
	compiled, err := train.Compile(t.backend, p.Job.Program)
	if err != nil {
		return err
	}
	run, done, err := t.open(p, compiled, set)
	claimed := compiled.Claim()
	o.Compilations, o.SecondsCompile = claimed.Graphs, claimed.Seconds
	if err != nil {
		return err
	}
	defer run.Close()
	look, err := t.examine(ctx, p, set, done)
	if err != nil {
		return err
	}
	for epoch := done + 1; epoch <= p.Job.Epochs; epoch++ {
		if err := look.stop(); err != nil {
			return err
		}
		start := t.now()
		e, err := run.Epoch(ctx)
		if err != nil {
			return err
		}
		row := results.Epoch{Trial: p.ID, Epoch: epoch, Step: int64(epoch * run.StepsPerEpoch()), Images: int64(e.Images),
			Metrics: results.Metrics{}, SecondsTrain: t.now().Sub(start).Seconds()}
		for _, v := range append(e.Readings, e.Reals...) {
			row.Metrics[v.Name] = v.V
		}
		if err := look.at(ctx, run, &row); err != nil {
			return err
		}
		if err := t.save(set, run, row); err != nil {
			return err
		}
		t.progress.epoch(p, row)
	}
	return look.verdict()
}

// open starts a trial, or continues it from its checkpoint.
func (t *trainer) open(p plan.Trial, compiled *train.Compiled, set *data.Set) (*train.Run, int, error) {
	images := trainImages(set)
	c, found, err := t.study.Resume(p.ID)
	if err != nil {
		return nil, 0, err
	}
	if !found {
		run, err := compiled.NewRun(p.Job, images, p.Seed)
		return run, 0, err
	}
	if was, is := c.Meta[checkpointData], set.Digest; was != is {
		return nil, 0, fmt.Errorf("data: the images are not those of the first %d epochs: got the digest %.16s, want %.16s: restore them, or run again to train from the beginning", c.Row.Epoch, is, was)
	}
	if was, is := c.Meta[checkpointDevice], t.backend.Device(); was != is {
		t.warn(fmt.Errorf("trial %s goes on on %s after %d epochs on %s: its numbers are no longer those of either alone", p.ID, is, c.Row.Epoch, was))
	}
	var state []train.Tensor
	for _, x := range c.Tensors {
		d, ok := dtypes[x.DType]
		if !ok {
			return nil, 0, fmt.Errorf("checkpoint of trial %s: tensor %s has the type %s", p.ID, x.Name, x.DType)
		}
		state = append(state, train.Tensor{Name: x.Name, DType: d, Shape: x.Shape, Data: x.Data})
	}
	run, err := compiled.Resume(p.Job, images, p.Seed, state, c.Row.Epoch)
	return run, c.Row.Epoch, err
}

// trainImages is a set as training sees it.
func trainImages(set *data.Set) train.Images {
	return train.Images{ID: set.Digest, N: set.N, H: set.H, W: set.W, C: set.C, Labels: set.Labels, Batch: set.Batch}
}

var dtypes = map[safetensors.DType]expr.DType{safetensors.F32: expr.F32, safetensors.F64: expr.F64, safetensors.U32: expr.U32, safetensors.I32: expr.I32, safetensors.Bool: expr.Bool}

func format(d expr.DType) safetensors.DType {
	for name, e := range dtypes {
		if e == d {
			return name
		}
	}
	panic(fmt.Sprintf("no safetensors type for %v", d))
}

// What a checkpoint says of its making: a trial must go on with the same images, and should on the same device.
const (
	checkpointData   = "data"
	checkpointDevice = "device"
)

// save makes an epoch durable: first the state with the row beside it, then the row.
func (t *trainer) save(set *data.Set, run *train.Run, row results.Epoch) error {
	state, err := run.State()
	if err != nil {
		return err
	}
	c := results.Checkpoint{Row: row, Meta: map[string]string{checkpointData: set.Digest, checkpointDevice: t.backend.Device()}}
	for _, x := range state {
		c.Tensors = append(c.Tensors, safetensors.Tensor{Name: x.Name, DType: format(x.DType), Shape: x.Shape, Data: x.Data})
	}
	if err := t.study.SaveCheckpoint(c); err != nil {
		return err
	}
	return t.study.AppendEpoch(row)
}

// images opens a data set once, however many trials train on it.
func (t *trainer) images(ctx context.Context, d spec.Data) (*data.Set, error) {
	t.mu.Lock()
	open := t.sets[d.String()]
	if open == nil {
		open = sync.OnceValues(func() (*data.Set, error) { return t.store.Open(ctx, d) })
		t.sets[d.String()] = open
	}
	t.mu.Unlock()
	return open()
}
