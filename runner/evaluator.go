package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/feature"
	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/evaluation"
	"github.com/starsweep/starsweep/runner/plan"
)

// evaluator evaluates one trial: it draws the sample sheet, computes metrics and tests, and detects a collapse.
type evaluator struct {
	trainer *trainer
	trial   plan.Trial
	set     *data.Set
	tests   *data.Set          // nil: the program has no tests
	scorer  *evaluation.Scorer // nil: the script asks for none

	history []metric.Observation
}

// biasWarnings warns of metrics that are computed from no more samples than features: such values are far above those of more samples,
// equally for all generators.
func biasWarnings(p *plan.Plan) (warnings []string) {
	for _, trial := range p.Families {
		e := trial.Job.Evaluation
		width := feature.Width(e.Features, trial.Job.Program.Config.Image.Elems())
		for _, m := range e.Metrics {
			if row, _ := metric.Lookup(m.Name); !row.Biased || e.Samples > width {
				continue
			}
			if w := biasWarning(m, e.Samples, width, m.Name+metric.Floor); !slices.Contains(warnings, w) {
				warnings = append(warnings, w)
			}
		}
	}
	return warnings
}

func biasWarning(m spec.Metric, samples, features int, floor string) string {
	return fmt.Sprintf("%s of %d samples of %d features is far too high: compare it with %s, or take more samples",
		m.Name, samples, features, floor)
}

// newEvaluator returns an evaluator of a trial that has trained for done epochs.
func (t *trainer) newEvaluator(ctx context.Context, p plan.Trial, set *data.Set, done int) (*evaluator, error) {
	ev := &evaluator{trainer: t, trial: p, set: set}
	var err error
	if len(p.Job.Program.Test) > 0 {
		if ev.tests, err = t.images(ctx, p.Job.Data.Test()); err != nil {
			return nil, fmt.Errorf("test: %w", err)
		}
	}
	if len(p.Job.Evaluation.Metrics) > 0 {
		if ev.scorer, err = t.comparer.Open(ctx, p.Job.Data, p.Job.Evaluation); err != nil {
			return nil, fmt.Errorf("evaluate: %w", err)
		}
		if got, want := ev.scorer.Extractor(), p.Inputs.Measure.Features; got != want {
			return nil, fmt.Errorf("evaluate: the weights changed since the run began: got the features %s, want %s", got, want)
		}
	}
	rows, err := t.study.View().Epochs(p.ID)
	for _, row := range rows[:min(done, len(rows))] {
		ev.observe(row)
	}
	return ev, err
}

// evaluate evaluates the state of a run after an epoch, and fills in the row of that epoch.
func (ev *evaluator) evaluate(ctx context.Context, run *train.Run, row *results.Epoch) error {
	p := ev.trial
	start := ev.trainer.now()
	if p.Job.Program.Sample != nil {
		if err := ev.drawSheet(run, row.Epoch); err != nil {
			return err
		}
	}
	if ev.tests != nil {
		measured, err := run.Test(ctx, trainImages(ev.tests))
		if err != nil {
			return err
		}
		for _, v := range measured {
			row.Metrics[v.Name] = v.V
		}
	}
	if ev.scorer != nil {
		batch := p.Job.Program.Config.SampleBatch
		values, err := ev.scorer.Score(ctx, func(from, to int) ([]float32, error) { return run.Sample(to-from, uint32(from/batch)) })
		if errors.Is(err, metric.ErrNotFinite) {
			return &train.Diverged{Epoch: row.Epoch - 1, Step: int(row.Step) - 1, What: fmt.Sprintf("generated images are not finite: %v", err)}
		} else if err != nil {
			return fmt.Errorf("evaluate: %w", err)
		}
		for name, v := range values {
			row.Metrics[name] = v
		}
	}
	row.Evaluated = ev.tests != nil || ev.scorer != nil
	row.SecondsEvaluate = ev.trainer.now().Sub(start).Seconds()
	ev.observe(*row)
	return nil
}

// observe records what a row says about a collapse.
func (ev *evaluator) observe(row results.Epoch) {
	if row.Evaluated && ev.scorer != nil {
		ev.history = append(ev.history, metric.Observe(row.Epoch, ev.trial.Job.Evaluation.Metrics, row.Metrics))
	}
}

// collapsed is the error that ends a trial whose last evaluations show a collapse.
type collapsed struct {
	epoch int // of the last evaluation
	why   string
}

func (c *collapsed) Error() string { return fmt.Sprintf("collapsed at epoch %d: %s", c.epoch, c.why) }

// collapse returns a *collapsed if the last evaluations show one.
func (ev *evaluator) collapse() error {
	rule := ev.trial.Job.Evaluation.Collapse
	if rule == nil || len(ev.history) == 0 {
		return nil
	}
	if yes, why := metric.Collapsed(*rule, ev.history); yes {
		return &collapsed{ev.history[len(ev.history)-1].Epoch, why}
	}
	return nil
}

// earlyStop returns the result of collapse if the script requests that a collapse end the trial at once.
func (ev *evaluator) earlyStop() error {
	if rule := ev.trial.Job.Evaluation.Collapse; rule == nil || !rule.Stop {
		return nil
	}
	return ev.collapse()
}
