package runner

import (
	"context"
	"fmt"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/feature"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/evaluation"
)

// inputReader determines the inputs of jobs: their images, and the networks that extract features. The content of the inputs is part
// of a trial's identity, so that a trial on other images under the same path is another trial.
type inputReader struct {
	open     func(context.Context, spec.Data) (*data.Set, error)
	networks feature.Store

	known    map[string]model.Inputs // by the description of the job
	contents map[string]content      // of data sets, by their description
	features map[string]string       // names and digests of extractors, by name
}

// content identifies the images of a data set.
type content struct {
	digest string
	n      int
}

func newInputReader(open func(context.Context, spec.Data) (*data.Set, error), networks feature.Store) *inputReader {
	return &inputReader{open: open, networks: networks, known: map[string]model.Inputs{}, contents: map[string]content{},
		features: map[string]string{}}
}

// images opens a data set, once.
func (r *inputReader) images(ctx context.Context, d spec.Data) (content, error) {
	if c, ok := r.contents[d.String()]; ok {
		return c, nil
	}
	set, err := r.open(ctx, d)
	if err != nil {
		return content{}, err
	}
	c := content{set.Digest, set.N}
	r.contents[d.String()] = c
	return c, nil
}

// of returns the inputs of a job, which it opens once for all jobs of the same description.
func (r *inputReader) of(ctx context.Context, j *model.Job) (in model.Inputs, err error) {
	description := fmt.Sprintf("%v %v %t", j.Data, j.Evaluation, len(j.Program.Test) > 0)
	in, ok := r.known[description]
	if !ok {
		if in, err = r.read(ctx, j); err == nil {
			r.known[description] = in
		}
	}
	return in, err
}

func (r *inputReader) read(ctx context.Context, j *model.Job) (in model.Inputs, err error) {
	train, err := r.images(ctx, j.Data)
	if err != nil {
		return in, err
	}
	in.Train = train.digest
	if len(j.Program.Test) > 0 {
		tests, err := r.images(ctx, j.Data.Test())
		if err != nil {
			return in, fmt.Errorf("test: %w", err)
		}
		in.Test, in.Measure.Tests = tests.digest, spec.Short(tests.digest)
	}
	if len(j.Evaluation.Metrics) == 0 {
		return in, nil
	}
	if err := r.compared(ctx, j, &in); err != nil {
		return in, fmt.Errorf("evaluate: %w", err)
	}
	return in, nil
}

// compared adds the inputs of the metrics: the real images, those of the floor, and the extractor.
func (r *inputReader) compared(ctx context.Context, j *model.Job, in *model.Inputs) error {
	e, m := j.Evaluation, &in.Measure
	m.Metrics, m.Samples = e.Metrics, e.Samples
	real, other := evaluation.Sets(j.Data, e)
	set, err := r.images(ctx, real)
	if err != nil {
		return fmt.Errorf("real images: %w", err)
	}
	m.Real = spec.Images(real.Split, set.digest)
	if e.Real == "test" {
		in.Test = set.digest
	}
	if !evaluation.OwnFloor(set.n, e) && other.Split != real.Split {
		floor, err := r.images(ctx, other)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil && floor.n >= e.Samples: // otherwise there is no floor
			m.Floor = spec.Images(other.Split, floor.digest)
			if e.Real != "test" {
				in.Test = floor.digest
			}
		}
	}
	m.Features, err = r.extractor(e.Features)
	return err
}

// extractor returns the name of an extractor with the digest of its weights.
func (r *inputReader) extractor(name string) (string, error) {
	if name == spec.PointFeatures {
		return name, nil
	}
	if text, ok := r.features[name]; ok {
		return text, nil
	}
	digest, err := feature.Digest(name, r.networks)
	if err != nil {
		return "", err
	}
	r.features[name] = name + ":" + spec.Short(digest)
	return r.features[name], nil
}
