package execute

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"time"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/evaluation"
	"github.com/starsweep/starsweep/runner/plan"
)

// Trainee is a trial on a device, in its state after some epochs. It is used by one goroutine at a time; a snapshot may be used by
// another.
type Trainee struct {
	Trial plan.Trial
	Done  int // epochs of its state

	lab     *Lab
	backend string // with the kernels and the precision that decide the last bits
	set     *data.Set
	tests   *data.Set          // nil: the program has no tests
	scorer  *evaluation.Scorer // nil: the script asks for no metrics
	final   *evaluation.Scorer // nil: the script asks for no final evaluation
	run     *train.Run
	cost    train.CompileCost
	waited  time.Duration // for memory
	release func()        // of its memory
}

// begin opens the run.
func (t *Trainee) begin(c *train.Compiled, from *results.Checkpoint) (err error) {
	device, images := t.lab.Backend.Device(), trainImages(t.set)
	if from == nil {
		t.run, err = c.NewRun(device, t.Trial.Job, images, t.Trial.Seed)
	} else {
		state, stateErr := StateOf(from)
		if stateErr != nil {
			return stateErr
		}
		t.Done = from.Row.Epoch
		t.run, err = c.Resume(device, t.Trial.Job, images, t.Trial.Seed, state, t.Done)
	}
	t.cost = c.TakeCompileCost()
	return err
}

// openEvaluation opens what the trial is evaluated with.
func (t *Trainee) openEvaluation(ctx context.Context) (err error) {
	job := t.Trial.Job
	if len(job.Program.Test) > 0 {
		if t.tests, err = t.lab.Library.Images(ctx, job.Data.Test()); err != nil {
			return asDataError(ctx, fmt.Errorf("test: %w", err))
		}
	}
	if t.scorer, t.final, err = t.lab.scorers(ctx, job); err != nil {
		return asDataError(ctx, err)
	}
	m := t.Trial.Inputs.Measure
	unchanged := func(s *evaluation.Scorer, want string) error {
		if got := s.Extractor(); got != want {
			return &dataError{fmt.Errorf("evaluate: the weights changed since the run began: got the features %s, want %s", got, want)}
		}
		return nil
	}
	if t.scorer != nil {
		err = unchanged(t.scorer, m.Features)
	}
	if t.final != nil {
		err = errors.Join(err, unchanged(t.final, m.Final.Features))
	}
	return err
}

// Train trains the next epoch and returns its row, which lacks what an evaluation measures.
func (t *Trainee) Train(ctx context.Context) (results.Epoch, error) {
	start := t.lab.Now()
	e, err := t.run.Epoch(ctx)
	if err != nil {
		return results.Epoch{}, err
	}
	t.Done++
	row := results.Epoch{Trial: t.Trial.ID, Epoch: t.Done, Step: int64(t.Done * t.run.StepsPerEpoch()), Images: int64(e.Images),
		Metrics: results.Metrics{}, Backend: t.backend, SecondsTrain: t.lab.Now().Sub(start).Seconds()}
	for _, v := range append(e.Values, e.Reals...) {
		row.Metrics[v.Name] = v.V
	}
	return row, nil
}

// Evaluate adds the tests and the metrics of the present state to a row, and those of the final evaluation if the row is final. A trial
// whose images are not finite has diverged.
func (t *Trainee) Evaluate(ctx context.Context, row *results.Epoch, final bool) error {
	if t.tests != nil {
		measured, err := t.run.Test(ctx, trainImages(t.tests))
		if err != nil {
			return err
		}
		for _, v := range measured {
			row.Metrics[v.Name] = v.V
		}
	}
	if t.scorer != nil {
		if err := t.score(ctx, t.scorer, row, ""); err != nil {
			return err
		}
	}
	if t.final != nil && final {
		if err := t.score(ctx, t.final, row, spec.FinalPrefix); err != nil {
			return err
		}
	}
	row.Evaluated = t.tests != nil || t.scorer != nil
	return nil
}

// score adds the metrics of a scorer to a row, in columns with a prefix.
func (t *Trainee) score(ctx context.Context, s *evaluation.Scorer, row *results.Epoch, prefix string) error {
	values, err := s.Score(ctx, t.run.Sample)
	if errors.Is(err, metric.ErrNotFinite) {
		return &train.Diverged{Epoch: row.Epoch - 1, Step: int(row.Step) - 1, What: fmt.Sprintf("generated images are not finite: %v", err)}
	} else if err != nil {
		return fmt.Errorf("evaluate: %w", err)
	}
	for name, v := range values {
		row.Metrics[prefix+name] = v
	}
	return nil
}

// Sheet draws n images as a PNG file, from the same latents after every epoch.
func (t *Trainee) Sheet(n int) ([]byte, error) {
	pixels, err := t.run.Sample(0, n)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = png.Encode(&b, t.set.Sheet(pixels, n))
	return b.Bytes(), err
}

// State copies the state of the trial to the host.
func (t *Trainee) State() ([]train.Tensor, error) { return t.run.State() }

// Snapshot returns a copy of a trainee in its present state, which State returned. It can be evaluated while t trains.
func (t *Trainee) Snapshot(state []train.Tensor) (*Trainee, error) {
	run, err := t.run.Snapshot(state)
	if err != nil {
		return nil, err
	}
	s := *t
	s.run, s.release = run, nil
	return &s, nil
}

// Close frees the state and the memory of a trainee.
func (t *Trainee) Close() (err error) {
	if t.run != nil {
		err = t.run.Close()
	}
	if t.release != nil {
		t.release()
	}
	return err
}

// trainImages returns a data set in the form that training reads.
func trainImages(set *data.Set) train.Images {
	return train.Images{ID: set.Digest, N: set.N, H: set.H, W: set.W, C: set.C, Labels: set.Labels, Batch: set.Batch}
}
