package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/guard"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
)

type runOptions struct {
	scriptOptions
	dir, backend  string
	workers       int // of each process
	processes     int
	grace, budget time.Duration
	bounded       bool // by budget
	keep          string
	reuse         []string // directories
	quiet, inJSON bool
	serve         string // the address of the pages; empty: there are none
}

func runCommand(env *Env) *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run SCRIPT",
		Short: "Train the trials of a study",
		Long: `Run trains every trial of a study that is not finished yet, and writes the
tables of the study to one directory. You can interrupt or kill it at any time.
The same command continues: it skips finished trials, and resumes the others
after their last epoch, with the same bits as without the interruption.

SIGINT, SIGTERM and SIGUSR2 make it leave, with exit code 75: epochs that are
expected to end within --grace are finished first. A second signal makes it
leave at once. With --budget, it begins no epoch that would not end in time,
and leaves with 75 while trials remain. Trials are trained in a process of
their own, which is replaced if it crashes or is killed.

The same command in another terminal, or on another machine that shares the
directory, joins: each trial is trained by one of them. --processes starts
several on this machine.`,
		Example: `  starsweep run examples/quickstart.star --workers 2
  starsweep run examples/quickstart.star --profile smoke --set epochs=1 --dir /tmp/q
  starsweep run study.star --backend xla:cuda --budget 3h`,
		Args: oneScript,
		RunE: func(c *cobra.Command, args []string) error {
			o.bounded = c.Flags().Changed("budget")
			return run(c.Context(), env, args[0], o)
		},
	}
	o.flags(c)
	f := c.Flags()
	f.StringVar(&o.dir, "dir", "", "directory of the study (default runs/NAME, or runs/NAME-PROFILE)")
	backendFlag(c, &o.backend)
	f.IntVar(&o.workers, "workers", 1, "number of trials that train at the same time in one process")
	f.IntVar(&o.processes, "processes", 1, "number of processes on this machine, which share its cores and memory")
	f.DurationVar(&o.grace, "grace", 10*time.Second, "how long a run that is asked to leave may go on, to finish epochs")
	f.DurationVar(&o.budget, "budget", 0, "leave after this time, such as 90m or 3h, with trials in progress saved (default: no limit)")
	f.StringVar(&o.keep, "keep", "", "finished trials whose weights stay: front, all or none (default that of the script, else as in the "+
		"last run, at first front)")
	f.BoolFunc("keep-checkpoints", "", func(string) error { return errors.New("it is now --keep all") })
	f.Lookup("keep-checkpoints").Hidden = true
	f.StringArrayVar(&o.reuse, "reuse", nil, "take finished equal trials over from the study in this `directory`; may be repeated")
	addressFlag(c, &o.serve, "serve", "")
	f.BoolVar(&o.quiet, "quiet", false, "print errors and the end only")
	f.BoolVar(&o.inJSON, "json", false, "print JSON objects only, one a line: trials that began, epochs, trials that ended, and a summary "+
		"(docs/terminal.md)")
	return exits(c, exitScript, exitSpace, exitSomeFailed, exitAllFailed, exitNoDevice, exitStorage)
}

// check returns a usage error for values that no run can have.
func (o runOptions) check() error {
	switch {
	case o.workers < 1:
		return usageErrorf("--workers: got %d, want at least 1", o.workers)
	case o.processes < 1:
		return usageErrorf("--processes: got %d, want at least 1", o.processes)
	case o.grace < 0:
		return usageErrorf("--grace: got %v, want 0s or more", o.grace)
	case o.quiet && o.inJSON:
		return usageErrorf("got --quiet and --json, want one of them")
	case o.bounded && o.budget <= 0:
		return usageErrorf("--budget: got %v, want a time such as 90m or 3h", o.budget)
	}
	if o.keep != "" {
		if _, err := results.ParseKeep(o.keep); err != nil {
			return usageErrorf("--keep: %w", err)
		}
	}
	return nil
}

func run(ctx context.Context, env *Env, path string, o runOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	env = env.muted(o)
	switch {
	case env.role.Index > 0:
		return trainStudy(ctx, env, path, o)
	case env.Start != nil:
		return env.served(ctx, path, o, func() error { return env.supervised(ctx, path, o) })
	case o.processes > 1:
		return usageErrorf("--processes: got %d, want 1: this system starts no worker processes", o.processes)
	}
	return env.served(ctx, path, o, func() error { return trainStudy(ctx, env, path, o) })
}

// trainStudy trains a study in this process.
func trainStudy(ctx context.Context, env *Env, path string, o runOptions) error {
	var (
		s       *script
		p       *plan.Plan
		backend *train.Backend
		start   = env.Now()
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
	t, err := env.open(ctx, s, p, backend, o, start)
	if err != nil {
		backend.Close()
		return err
	}
	fmt.Fprintf(env.Stdout, "%s: %s on %s\n", s.Name, p.Summary(), backend.Device())
	return t.end(t.train())
}
