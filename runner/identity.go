package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/feature"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/evaluation"
	"github.com/starsweep/starsweep/runner/plan"
)

// reader finds out what jobs read: their images and the networks that take features of them. Trials are who they are by the
// content of these, so that a trial on other images under the same path is another trial.
type reader struct {
	open     func(context.Context, spec.Data) (*data.Set, error)
	networks feature.Store

	known    map[string]model.Inputs // by the words of jobs
	contents map[string]content      // of sets, by their words
	features map[string]string       // extractors as measures have them, by name
}

// content is what is to know of a set's images.
type content struct {
	digest string
	n      int
}

func newReader(open func(context.Context, spec.Data) (*data.Set, error), networks feature.Store) *reader {
	return &reader{open: open, networks: networks, known: map[string]model.Inputs{}, contents: map[string]content{},
		features: map[string]string{}}
}

// images opens a set, once.
func (r *reader) images(ctx context.Context, d spec.Data) (content, error) {
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

// inputs opens what a job reads. Jobs of the same words read the same.
func (r *reader) inputs(ctx context.Context, j *model.Job) (in model.Inputs, err error) {
	words := fmt.Sprintf("%v %v %t", j.Data, j.Evaluate, len(j.Program.Test) > 0)
	in, ok := r.known[words]
	if !ok {
		if in, err = r.read(ctx, j); err == nil {
			r.known[words] = in
		}
	}
	return in, err
}

func (r *reader) read(ctx context.Context, j *model.Job) (in model.Inputs, err error) {
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
	if len(j.Evaluate.Metrics) == 0 {
		return in, nil
	}
	if err := r.compared(ctx, j, &in); err != nil {
		return in, fmt.Errorf("evaluate: %w", err)
	}
	return in, nil
}

// compared fills in what metrics compare generated images with.
func (r *reader) compared(ctx context.Context, j *model.Job, in *model.Inputs) error {
	e, m := j.Evaluate, &in.Measure
	m.Metrics, m.Samples = e.Metrics, e.Samples
	real, other := evaluation.Sets(j.Data, e)
	set, err := r.images(ctx, real)
	if err != nil {
		return fmt.Errorf("real images: %w", err)
	}
	m.Real = spec.Images(real.WithDefaults().Split, set.digest)
	if e.Real == "test" {
		in.Test = set.digest
	}
	if !evaluation.OwnFloor(set.n, e) && other.WithDefaults().Split != real.WithDefaults().Split {
		floor, err := r.images(ctx, other)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil && floor.n >= e.Samples: // else there is no floor
			m.Floor = spec.Images(other.WithDefaults().Split, floor.digest)
			if e.Real != "test" {
				in.Test = floor.digest
			}
		}
	}
	m.Features, err = r.extractor(e.Features)
	return err
}

// extractor names an extractor and its content.
func (r *reader) extractor(name string) (string, error) {
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

// change is content that is no longer what some trials of the directory read under the same words.
type change struct{ what, was, is string }

// changes finds the trials of a study whose images or extractors have changed since, by what changed. They are none of the plan's.
func changes(p *plan.Plan, begun []results.State) (list []change, trials map[change][]results.State) {
	trials = map[change][]results.State{}
	inputs, others := map[string][]model.Inputs{}, map[string]bool{} // by data: kinds read more of it or less
	for i, k := range p.Kinds {
		data := k.Job.Data.String()
		inputs[data] = append(inputs[data], p.Inputs(i))
	}
	for _, old := range begun {
		others[old.ID] = true
	}
	for i := range p.Len() {
		delete(others, p.ID(i))
	}
	for _, old := range begun {
		if !others[old.ID] {
			continue
		}
		var found []change
		for _, now := range inputs[old.Data] {
			found = append(found, changed(old.Trial, now)...)
		}
		for i, c := range found {
			if slices.Contains(found[:i], c) {
				continue
			}
			if trials[c] == nil {
				list = append(list, c)
			}
			trials[c] = append(trials[c], old)
		}
	}
	return list, trials
}

// changed compares what a trial read with what is read now.
func changed(old results.Trial, now model.Inputs) (list []change) {
	compare := func(what, was, is string) {
		if was != "" && is != "" && was != is {
			list = append(list, change{what, was, is})
		}
	}
	compare(old.Data, spec.Short(old.Train), spec.Short(now.Train))
	compare("the test split of "+old.Data, spec.Short(old.Test), spec.Short(now.Test))
	was, wasDigest, _ := strings.Cut(old.Measure.Features, ":")
	if is, isDigest, _ := strings.Cut(now.Measure.Features, ":"); was == is {
		compare("the extractor "+was, wasDigest, isDigest)
	}
	return list
}

// left warns of the trials that a change leaves behind.
func (t *trainer) left() {
	list, trials := changes(t.plan, t.study.Trials())
	for _, c := range list {
		var names []string
		half := 0
		for _, old := range trials[c] {
			names = append(names, old.ID)
			if old.Status == results.Interrupted {
				half++
			}
		}
		const most = 5
		if n := len(names); n > most {
			names = append(names[:most], fmt.Sprintf("%d more", n-most))
		}
		text := fmt.Sprintf("%s changed: digest %s, and %s at the beginning of these trials, which stay as they are and are not continued: %s",
			c.what, c.is, c.was, strings.Join(names, ", "))
		if half > 0 {
			text += fmt.Sprintf("; half done: %d, whose checkpoints stay until the old content is back", half)
		}
		t.warn(errors.New(text))
	}
}
