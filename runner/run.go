package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/guard"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/execute"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/sweep/prune"
)

type runOptions struct {
	scriptOptions
	dir, backend    string
	workers         int
	keepCheckpoints bool
	reuse           []string
}

func runCommand(env *Env) *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run SCRIPT",
		Short: "Train the trials of a study",
		Long: `Run trains every trial of a study that is not finished yet, and writes the
tables of the study to one directory. You can interrupt or kill it at any time.
The same command continues: it skips finished trials, and resumes the others
after their last epoch, with the same bits as without the interruption.`,
		Example: `  starsweep run examples/quickstart.star --workers 2
  starsweep run examples/quickstart.star --profile smoke --set epochs=1 --dir /tmp/q
  starsweep run study.star --backend xla:cuda`,
		Args: oneScript,
		RunE: func(c *cobra.Command, args []string) error { return run(c.Context(), env, args[0], o) },
	}
	o.flags(c)
	c.Flags().StringVar(&o.dir, "dir", "", "directory of the study (default runs/NAME, or runs/NAME-PROFILE)")
	backendFlag(c, &o.backend)
	c.Flags().IntVar(&o.workers, "workers", 1, "number of trials that train at the same time")
	c.Flags().BoolVar(&o.keepCheckpoints, "keep-checkpoints", false, "keep the last checkpoint of finished trials")
	c.Flags().StringArrayVar(&o.reuse, "reuse", nil, "take finished equal trials over from the study in this `directory`; may be repeated")
	return exits(c, exitScript, exitSpace, exitSomeFailed, exitAllFailed, exitNoDevice, exitStorage)
}

func run(ctx context.Context, env *Env, path string, o runOptions) error {
	if o.workers < 1 {
		return usageErrorf("--workers: got %d, want at least 1", o.workers)
	}
	if env.Start != nil && env.role.Index == 0 {
		return env.supervised(ctx, 1)
	}
	var (
		s       *script
		p       *plan.Plan
		backend *train.Backend
	)
	_, err := guard.Interruptible(ctx, func() (err error) {
		if s, err = load(ctx, env, path, o.scriptOptions); err != nil {
			return err
		}
		if p, err = s.plan(ctx, env); err != nil {
			return err
		}
		backend, err = env.openBackend(o.backend)
		return err
	})
	if err != nil {
		return err
	}
	r, err := env.open(s, p, backend, o)
	if err != nil {
		backend.Close()
		return err
	}
	fmt.Fprintf(env.Stdout, "%s: %s on %s\n", s.Name, p.Summary(), backend.Device())
	start := env.Now()
	began, err := r.train(ctx, o.workers, o.reuse)
	count := tally(r.executor.Counts())
	if closeErr := r.executor.Close(); err == nil {
		err = closeErr
	}
	if began { // a trial may have begun
		env.printOutcomes(count, p.Len(), env.Now().Sub(start).Seconds())
		if reportErr := env.writeReport(r.dir); err == nil {
			err = reportErr
		}
	}
	if ctx.Err() != nil && !errors.Is(err, results.ErrStorage) {
		fmt.Fprintf(env.Stderr, "starsweep: interrupted; run the same command again to continue\n")
		return withCode(exitInterrupted, errReported)
	}
	if err != nil {
		return err
	}
	return trialFailures(count, p.Len()-p.Skipped)
}

// studyRun is a plan that is trained into the directory of its study.
type studyRun struct {
	env      *Env
	dir      string
	plan     *plan.Plan
	study    *results.Writer
	passes   *passes
	executor *execute.Executor
}

// open creates the directory of the study, or continues it, and prepares to train the plan. The caller closes the executor; if there is
// an error, the backend stays the caller's.
func (e *Env) open(s *script, p *plan.Plan, backend *train.Backend, o runOptions) (*studyRun, error) {
	dir, err := s.directory(o)
	if err != nil {
		return nil, err
	}
	meta, files, err := studyMeta(s, p, e.Version)
	if err != nil {
		return nil, err
	}
	meta.Origin = origin(dir, s.path)
	study, err := e.createStudy(dir, meta, files, o)
	if err != nil {
		return nil, err
	}
	passes := newPasses(e)
	c := execute.Config{Plan: p, Study: study, Judges: prune.Collapse{},
		Origin: execute.Origin{Script: meta.ScriptHash, Settings: settings(s), Profile: o.profile, Version: e.Version}}
	return &studyRun{env: e, dir: dir, plan: p, study: study, passes: passes, executor: execute.New(c, e.lab(backend, passes))}, nil
}

// train trains the trials that are not finished yet, and shows the progress. began is false after an error that appears before the first
// trial, mostly in data; then nothing is recorded.
func (r *studyRun) train(ctx context.Context, workers int, reuse []string) (began bool, err error) {
	env, trials := r.env, r.plan.Len()
	if err := r.executor.Prepare(ctx, func() { env.warnOfChanges(r.plan, r.study.View().Trials()) }); err != nil {
		return false, asUsageError(err)
	}
	if err := r.reuse(ctx, reuse); err != nil {
		return false, err
	}
	done, failed := r.executor.Earlier()
	if done > 0 {
		fmt.Fprintf(env.Stdout, "%d of %d trials are already finished\n", done, trials)
	}
	if len(failed) > 0 {
		fmt.Fprintf(env.Stdout, "%s failed before: running again\n", counted(len(failed), "trial"))
	}
	progress := newProgress(env, trials, done, r.passes)
	defer progress.close()
	return true, r.executor.Run(ctx, workers, progress)
}

// tally counts how trials ended, those of earlier runs included.
type tally map[results.Status]int

// trialFailures returns the error of a run in which trials failed.
func trialFailures(count tally, trials int) error {
	switch failed := count[results.Failed]; {
	case failed > 0 && failed == trials:
		return withCode(exitAllFailed, fmt.Errorf("all %d trials failed; the same command runs them again", failed))
	case failed > 0:
		return withCode(exitSomeFailed,
			fmt.Errorf("%d of %d trials failed: see the column reason of the trials table; the same command runs them again", failed, trials))
	}
	return nil
}

// printOutcomes prints the number of trials with each outcome.
func (e *Env) printOutcomes(count tally, total int, seconds float64) {
	var parts []string
	sum := 0
	statuses := []results.Status{results.Completed, results.Pruned, results.Collapsed, results.Diverged, results.Failed, results.Skipped}
	for _, status := range statuses {
		if n := count[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
			sum += n
		}
	}
	if sum < total {
		parts = append(parts, fmt.Sprintf("%d remaining", total-sum))
	}
	fmt.Fprintf(e.Stdout, "%s of %d trials, %.0f s\n", strings.Join(parts, ", "), total, seconds)
}
