package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/evaluation"
	"github.com/starsweep/starsweep/runner/execute"
	"github.com/starsweep/starsweep/runner/memory"
)

// measurer evaluates the kept weights of trials by another measure. It prepares all trials before it measures the first: what is wrong
// with one of them, such as data that have changed, is an error before anything is recorded.
type measurer struct {
	env  *Env
	view *results.View
	lab  *execute.Lab
	list []*measured
}

// measured is a trial with what is measured of it.
type measured struct {
	*restored
	job     *model.Job // with the new evaluation
	measure spec.Measure
	first   results.Epoch // the row of the run: what was measured first
	row     results.Measurement
	done    bool // the row has numbers
}

// prepare restores the trials, checks what they read, and finds what is measured already.
func (m *measurer) prepare(ctx context.Context, trials []results.State, o measureOptions) error {
	r := newRestorer(m.env, m.view)
	for _, state := range trials {
		t, err := r.restore(ctx, state)
		if err != nil {
			return err
		}
		job := *t.Job
		if job.Evaluation, err = o.evaluation(job.Evaluation); err != nil {
			return fmt.Errorf("trial %s: %w", t.ID, err)
		}
		in, err := m.lab.Library.Inputs(ctx, &job)
		if err != nil {
			return fmt.Errorf("trial %s: %w", t.ID, err)
		}
		if err := unchanged(t.State, in); err != nil {
			return err
		}
		if err := m.fits(&job); err != nil {
			return fmt.Errorf("trial %s: %w", t.ID, err)
		}
		if _, err := m.lab.Comparer.Open(ctx, job.Data, job.Evaluation); err != nil {
			return fmt.Errorf("trial %s: %w", t.ID, err)
		}
		in.Measure.Tests = "" // tests are the script's: they are not computed again
		x := &measured{restored: t, job: &job, measure: in.Measure}
		if err := m.recorded(x); err != nil {
			return err
		}
		m.list = append(m.list, x)
	}
	return nil
}

// unchanged returns an error if a trial reads other images now than in its run.
func unchanged(t results.State, now model.Inputs) error {
	var errs []error
	for _, c := range compareInputs(t.Trial, now) {
		if c.what != t.Data && c.what != "the test split of "+t.Data {
			continue // an extractor: the measure has its digest
		}
		errs = append(errs, fmt.Errorf("trial %s: %s has changed: its digest is %s, and was %s in the run: the numbers would not be comparable",
			t.ID, c.what, c.is, c.was))
	}
	return errors.Join(errs...)
}

// fits returns an error if an evaluation needs more memory than there is.
func (m *measurer) fits(j *model.Job) error {
	image := j.Program.Config.Image
	kept, passing := evaluation.Memory(j.Evaluation, max(1, image.Size('h')), max(1, image.Size('w')), image.Size('c'))
	return m.lab.Memory.Check(memory.Need{Kept: kept, Own: passing + 2*j.Program.StateBytes()}, false)
}

// recorded finds the row of the run for the weights, and the measurement if there is one.
func (m *measurer) recorded(x *measured) error {
	c, err := m.view.LoadCheckpoint(x.ID)
	if err != nil {
		return err
	}
	x.first = c.Row
	x.row = results.Measurement{Trial: x.ID, Epoch: c.Row.Epoch, Measure: x.measure.String(), Samples: x.measure.Samples,
		Extractor: x.measure.Features, Backend: m.lab.Backend.Name}
	old, err := m.view.Measurements(x.ID)
	i := slices.IndexFunc(old, func(y results.Measurement) bool { return y.Epoch == x.row.Epoch && y.Measure == x.row.Measure })
	if err == nil && i >= 0 {
		x.row, x.done = old[i], true
	}
	return err
}

// measure measures what is not measured yet. Each row is recorded as soon as it is there.
func (m *measurer) measure(ctx context.Context) (err error) {
	left := slices.DeleteFunc(slices.Clone(m.list), func(x *measured) bool { return x.done })
	if len(left) == 0 {
		return nil
	}
	w, err := m.writer(left)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	for i, x := range left {
		fmt.Fprintf(m.env.Stderr, "measuring %d/%d trial %s [%s] after epoch %d\n", i+1, len(left), x.ID,
			m.view.Meta().Label(x.Point, x.Seed), x.row.Epoch)
		if err := m.one(ctx, x); err != nil {
			return fmt.Errorf("trial %s: %w", x.ID, err)
		}
		if err := w.AppendMeasurement(x.row); err != nil {
			return err
		}
		x.done = true
	}
	return nil
}

// writer joins the study, which gains the columns that it lacks.
func (m *measurer) writer(list []*measured) (*results.Writer, error) {
	meta, grown := m.view.Meta(), false
	for _, x := range list {
		for _, name := range metric.Columns(x.job.Evaluation) {
			if !slices.Contains(meta.Metrics, name) {
				meta.Metrics, grown = append(slices.Clip(meta.Metrics), name), true
			}
		}
	}
	o := results.Options{Now: m.env.Now, FlushEvery: flushEvery}
	if grown {
		return results.Create(m.view.Dir(), meta, nil, o)
	}
	return results.Continue(m.view.Dir(), o)
}

// one measures one trial.
func (m *measurer) one(ctx context.Context, x *measured) error {
	start := m.env.Now()
	g, err := openWeights(m.view, x.restored, m.lab.Backend, uint32(x.Seed))
	if err != nil {
		return err
	}
	scorer, err := m.lab.Comparer.Open(ctx, x.Job.Data, x.job.Evaluation)
	if err == nil {
		x.row.Metrics, err = scorer.Score(ctx, func(from, to int) ([]float32, error) { return g.images(ctx, from, to) })
	}
	if on, is := m.lab.Backend.For(x.Job.Program); is == nil {
		x.row.Backend = on.Name
	}
	x.row.SecondsEvaluate = m.env.Now().Sub(start).Seconds()
	return errors.Join(err, g.Close())
}

// columns are the metrics that were measured, in the order of the evaluations, without floors.
func (m *measurer) columns() (names []string) {
	there := map[string]bool{}
	for _, x := range m.list {
		for name := range maps.Keys(x.row.Metrics) {
			there[name] = true
		}
	}
	for _, x := range m.list {
		for _, metrics := range x.job.Evaluation.Metrics {
			row, _ := metric.Lookup(metrics.Name)
			for _, c := range row.Columns {
				if there[c.Name] && !c.Deviation && !slices.Contains(names, c.Name) {
					names = append(names, c.Name)
				}
			}
		}
	}
	return names
}
