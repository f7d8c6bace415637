package execute

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/evaluation"
	"github.com/starsweep/starsweep/runner/memory"
	"github.com/starsweep/starsweep/runner/plan"
)

// Lab is what trials train and are evaluated with. Its methods may be called from several goroutines.
type Lab struct {
	Backend  *train.Backend
	Library  *Library
	Comparer *evaluation.Comparer
	Memory   *memory.Pool
	Now      func() time.Time
	Warn     func(error)
}

// Close closes the backend and what was opened on it.
func (l *Lab) Close() error {
	err := l.Comparer.Close()
	l.Backend.Close()
	return err
}

// Open opens a trial on the device, as it is after the epoch of a checkpoint, or before its first epoch if there is none. It compiles
// the trial's program unless another trial has, and waits until the memory is free that the trial takes. The caller closes the trainee.
func (l *Lab) Open(ctx context.Context, p plan.Trial, from *results.Checkpoint) (*Trainee, error) {
	t := &Trainee{Trial: p, lab: l}
	on, err := l.Backend.For(p.Job.Program)
	if err != nil {
		return nil, err
	}
	t.backend = on.Name
	if t.set, err = l.Library.Images(ctx, p.Job.Data); err != nil {
		return nil, asDataError(ctx, err)
	}
	compiled, err := l.compile(ctx, t)
	if err != nil {
		return nil, err
	}
	err = t.begin(compiled, from)
	if err == nil {
		err = t.openEvaluation(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// compile compiles the program of a trainee, and reserves its memory. A trial that cannot fit is an error before anything large is
// allocated. The weights are checked before the compiler runs, since it allocates little else.
func (l *Lab) compile(ctx context.Context, t *Trainee) (*train.Compiled, error) {
	job, accelerator := t.Trial.Job, l.Backend.Accelerator()
	if err := l.Memory.Check(memory.Least(job, accelerator), true); err != nil {
		return nil, err
	}
	images, err := l.imageBytes(ctx, job)
	if err != nil {
		return nil, err
	}
	c, err := train.Compile(l.Backend, job.Program)
	if err != nil {
		return nil, err
	}
	began := l.Now()
	t.release, err = l.Memory.Take(ctx, memory.Of(job, c.Memory(), accelerator, images))
	t.waited = l.Now().Sub(began)
	return c, err
}

// imageBytes returns the memory of all data sets that a job reads. A set that is missing here is one that metrics can do without.
func (l *Lab) imageBytes(ctx context.Context, j *model.Job) (bytes int, err error) {
	for _, d := range memory.Sets(j) {
		set, err := l.Library.Images(ctx, d)
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		if err == nil {
			bytes += memory.SetBytes(set)
		}
	}
	return bytes, nil
}

// Check opens the data and the extractor of a job, and returns an error if the job cannot use them: wrong is true if the job is
// what is wrong, and false if the data or the extractor are, for all jobs alike.
func (l *Lab) Check(ctx context.Context, j *model.Job) (wrong bool, err error) {
	set, err := l.Library.Images(ctx, j.Data)
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if err != nil {
		return false, err
	}
	if _, err := l.Backend.For(j.Program); err != nil {
		return false, err
	}
	if err := checkImages(j.Data, set, j.Program); err != nil {
		return true, err
	}
	if l.Memory.Check(memory.Least(j, l.Backend.Accelerator()), true) != nil {
		return false, nil // the trial will fail; its metrics may be what is too large, so they are not opened here
	}
	_, _, err = l.scorers(ctx, j)
	return false, err
}

// scorers open what trials are evaluated with, and after their last epoch as well: nil where the script asks for no metrics.
func (l *Lab) scorers(ctx context.Context, j *model.Job) (course, final *evaluation.Scorer, err error) {
	if len(j.Evaluation.Metrics) == 0 {
		return nil, nil, nil
	}
	if course, err = l.Comparer.Open(ctx, j.Data, j.Evaluation); err != nil {
		return nil, nil, fmt.Errorf("evaluate: %w", err)
	}
	if j.Evaluation.Final != nil {
		if final, err = l.Comparer.Open(ctx, j.Data, *j.Evaluation.Final); err != nil {
			return nil, nil, fmt.Errorf("evaluate: final: %w", err)
		}
	}
	return course, final, nil
}
