package runner

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/execute"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/sweep"
	"github.com/starsweep/starsweep/runner/sweep/prune"
	"github.com/starsweep/starsweep/starlib"
)

// training is a plan that is trained into the directory of its study.
type training struct {
	runOptions
	env      *Env
	ctx      context.Context // done: leave in good order
	start    time.Time       // of the command
	dir      string
	script   *script
	settings string // of the script, JSON
	plan     *plan.Plan
	study    *results.Writer
	passes   *passes
	paces    *paces
	executor *execute.Executor
}

// open creates the directory of the study, or continues it, and prepares to train the plan. The caller ends the training; if there is
// an error, the backend stays the caller's.
func (e *Env) open(ctx context.Context, s *script, p *plan.Plan, b *train.Backend, o runOptions, start time.Time) (*training, error) {
	dir, err := s.directory(o)
	if err != nil {
		return nil, err
	}
	meta, files, err := studyMeta(s, p, e.Version)
	if err != nil {
		return nil, err
	}
	meta.Origin = origin(dir, s.path)
	study, err := e.createStudy(dir, meta, files, b.Device().String())
	if err != nil {
		return nil, err
	}
	if e.role.Index > 0 { // the process that it replaces counts too
		start = e.role.Began
	}
	t := &training{runOptions: o, env: e, ctx: ctx, start: start, dir: dir, script: s, settings: settings(s), plan: p, study: study,
		passes: newPasses(e), paces: newPaces(e.Now)}
	limits := execute.Limits{Stop: ctx.Done(), Grace: o.grace}
	if o.bounded {
		limits.Deadline = start.Add(o.budget)
	}
	t.executor = execute.New(execute.Config{Plan: p, Study: study, Judges: judges(s.Study), Limits: limits, Began: start,
		Starved: e.role.Starved, Keep: keepOf(o.keep, s.Keep, study.View()),
		Origin: execute.Origin{Script: meta.ScriptHash, Settings: t.settings, Profile: o.profile, Set: o.set, Version: e.Version}},
		e.lab(b, t.passes))
	return t, nil
}

// train trains the trials that are not finished yet, and shows the progress. began is false after an error that appears before the first
// trial, mostly in data; then nothing is recorded.
func (t *training) train() (began bool, err error) {
	env, view := t.env, t.study.View()
	if err := t.executor.Prepare(t.ctx, func() { env.warnOfChanges(t.plan, view.Trials()) }); err != nil {
		return false, asUsageError(err)
	}
	if err := errors.Join(t.sayWhoElseTrains(), t.takeOver(), t.warm()); err != nil {
		return false, err
	}
	t.sayWhatRuns()
	progress := newProgress(env, t.plan.Most(), t.start, view, t.passes)
	if t.inJSON {
		progress = t.events()
	}
	defer progress.close()
	var beside sync.WaitGroup
	defer beside.Wait()
	over, end := context.WithCancel(context.Background())
	defer end()
	beside.Go(func() { t.sayHowItLeaves(over) })
	beside.Go(func() { t.sayWhenItWaits(over) })
	return true, t.executor.Run(env.atOnce(t.ctx), t.workers, progress, t.paces, reporter{env.Worker, t.executor.Phases})
}

// judges decide after every evaluated epoch whether a trial goes on.
func judges(s *starlib.Study) sweep.Judges {
	js := sweep.Judges{Alone: []sweep.Judge{
		prune.Collapse{},
	}}
	for _, r := range s.Prune {
		switch r.Kind {
		case spec.Median:
			js.Contests = append(js.Contests, prune.Median{Rule: r})
		case spec.ASHA, spec.Hyperband:
			js.Contests = append(js.Contests, prune.Halving{Reduction: r.Reduction, Least: r.Least, Brackets: r.Kind == spec.Hyperband,
				Objectives: sweep.OnTheWay(s.Objectives)})
		default:
			js.Alone = append(js.Alone, prune.Rule{Rule: r})
		}
	}
	return js
}
