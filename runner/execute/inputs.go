package execute

import (
	"context"
	"fmt"

	"github.com/starsweep/starsweep/engine/feature"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/evaluation"
)

// Inputs returns what identifies the inputs of a job: its images, and the network that extracts features. Their content is part of a
// trial's identity, so that a trial on other images under the same path is another trial. Jobs of the same description share it.
func (l *Library) Inputs(ctx context.Context, j *model.Job) (model.Inputs, error) {
	description := fmt.Sprintf("%v %v %t", j.Data, j.Evaluation, len(j.Program.Test) > 0)
	return l.inputs.Do(ctx, description, func() (model.Inputs, error) { return l.read(ctx, j) })
}

func (l *Library) read(ctx context.Context, j *model.Job) (in model.Inputs, err error) {
	train, err := l.Images(ctx, j.Data)
	if err != nil {
		return in, err
	}
	in.Train = train.Digest
	if len(j.Program.Test) > 0 {
		tests, err := l.Images(ctx, j.Data.Test())
		if err != nil {
			return in, fmt.Errorf("test: %w", err)
		}
		in.Test, in.Measure.Tests = tests.Digest, spec.Short(tests.Digest)
	}
	if len(j.Evaluation.Metrics) == 0 {
		return in, nil
	}
	if err := l.compared(ctx, j.Data, j.Evaluation, &in.Measure, &in.Test); err != nil {
		return in, fmt.Errorf("evaluate: %w", err)
	}
	if final := j.Evaluation.Final; final != nil {
		in.Measure.Final = &spec.Measure{}
		if err := l.compared(ctx, j.Data, *final, in.Measure.Final, &in.Test); err != nil {
			return in, fmt.Errorf("evaluate: final: %w", err)
		}
	}
	return in, nil
}

// compared adds the inputs of an evaluation's metrics to its measure: the real images, those of the floor, and the extractor; and the
// digest of the test split, if it is read.
func (l *Library) compared(ctx context.Context, d spec.Data, e spec.Evaluation, m *spec.Measure, test *string) error {
	m.Metrics, m.Samples = e.Metrics, e.Samples
	real, other := evaluation.Sets(d, e)
	set, err := l.Images(ctx, real)
	if err != nil {
		return fmt.Errorf("real images: %w", err)
	}
	m.Real = spec.Images(real.Split, set.Digest)
	if e.Real == "test" {
		*test = set.Digest
	}
	if !evaluation.OwnFloor(set.N, e) && other.Split != real.Split {
		floor, err := l.Images(ctx, other)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil && floor.N >= e.Samples: // otherwise there is no floor
			m.Floor = spec.Images(other.Split, floor.Digest)
			if e.Real != "test" {
				*test = floor.Digest
			}
		}
	}
	m.Features, err = l.extractor(e.Features)
	return err
}

// extractor returns the name of an extractor with the digest of its weights.
func (l *Library) extractor(name string) (string, error) {
	if name == spec.PointFeatures {
		return name, nil
	}
	return l.digests.Do(context.Background(), name, func() (string, error) {
		digest, err := feature.Digest(name, l.networks)
		return name + ":" + spec.Short(digest), err
	})
}
