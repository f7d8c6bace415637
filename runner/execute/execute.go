// Package execute trains the trials of a study: it takes them in the order of runner/sweep, trains and evaluates them on a device, makes
// every epoch durable, asks judges whether a trial goes on, and tells observers. It knows neither scripts nor commands; package runner
// wires it to both.
//
// A run goes through these steps:
//
//  1. Prepare identifies the trials by the content that they read (inputs.go), and checks data and extractors (preflight.go). Until
//     then nothing is recorded.
//  2. Run records the plan, and forgets the trials that failed for a cause that may be gone. Its lanes take one trial at a time from
//     the agenda (agenda.go).
//  3. A session (session.go) is the training of one trial: it opens the trial on the device (lab.go, trainee.go) as of the last
//     checkpoint, and trains epoch by epoch. A committer (committer.go) evaluates each epoch, records it, checkpoint first, and asks
//     the judges.
//  4. A session ends with an ending (ending.go): the trial is finished, paused, or left to a later session. An interrupt, a lost
//     device or a storage error ends the run.
package execute

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/starsweep/starsweep/internal/guard"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/sweep"
)

// Config is what an Executor works with.
type Config struct {
	Plan    *plan.Plan
	Study   *results.Writer
	Judges  sweep.Judges
	Keep    results.Keep // which weights of finished trials stay
	Origin  Origin
	Limits  Limits
	Began   time.Time // when the command began; trials that have failed since then do not run again; zero: it begins now
	Starved bool      // the process replaces one that ran out of memory, which a trial that is given up may need

	// Again are rows of trials that another study has and that are trained again: what was evaluated there is evaluated again.
	Again []results.Epoch
}

// Origin is where the trials of a run come from. Outcomes, the plan and suggestions record it.
type Origin struct {
	Script   string   // hash
	Settings string   // of the script, JSON
	Profile  string   // of the script; empty for none
	Set      []string // settings and hyperparameters that the command line set
	Version  string   // of starsweep
}

// Observer is told what happens to the trials of this process. Its methods may be called from several goroutines.
type Observer interface {
	Began(plan.Trial)
	Epoch(plan.Trial, results.Epoch)
	Ended(plan.Trial, results.Outcome) // with the status Interrupted if the trial goes on later
}

// Executor runs the trials of a plan that are not finished yet, and records the results.
type Executor struct {
	Config
	lab       *Lab
	observers []Observer
	overlaps  bool // an epoch is evaluated while the next one trains
	agenda    *agenda
	steps     steps
	paces     paces
	phases    phases
	stopping  chan struct{}                                          // closed when no further epoch may begin
	epoch     func(context.Context, *Trainee) (results.Epoch, error) // trains one; tests replace it
	poll      time.Duration                                          // how often it looks at other processes that it waits for

	asked     chan struct{}   // closed when somebody has asked the process to leave
	tidied    map[string]bool // trials whose weights are removed
	abandoned atomic.Bool     // a goroutine that ignored an interrupt still runs: what it may use stays open
}

// overlapCores is the smallest number of cores on which an epoch is evaluated while the next one trains. Training leaves 7 % of two
// cores idle, and half of sixteen: docs/performance.md.
const overlapCores = 4

// New returns an executor that trains with a lab. The caller closes it.
func New(c Config, lab *Lab) *Executor {
	x := &Executor{Config: c, lab: lab, stopping: make(chan struct{}), asked: make(chan struct{}), epoch: trainEpoch,
		poll: pollEvery, tidied: map[string]bool{},
		overlaps: lab.Backend.Accelerator() || runtime.GOMAXPROCS(0) >= overlapCores}
	x.phases.now = lab.Now
	x.agenda = newAgenda(x)
	return x
}

// Close closes the study and the lab. What an abandoned trial may still use stays open: the process ends soon.
func (x *Executor) Close() error {
	err := x.phases.timed(publishing, x.Study.Close)
	if !x.abandoned.Load() {
		err = errors.Join(err, x.lab.Close())
	}
	return err
}

// interruptible runs a function that may ignore an interrupt.
func (x *Executor) interruptible(ctx context.Context, f func() error) (ended bool, err error) {
	if ended, err = guard.Interruptible(ctx, f); !ended {
		x.abandoned.Store(true)
	}
	return ended, err
}

// Run trains in a number of lanes, and tells observers, until all trials are finished or must be left: ErrStopped says that the limits
// of the run came first, any other error is the cause that ended it.
func (x *Executor) Run(ctx context.Context, lanes int, observers ...Observer) error {
	x.observers = observers
	if err := x.begin(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go x.limit(ctx)
	var group sync.WaitGroup
	for range lanes {
		group.Go(func() {
			if err := x.lane(ctx); err != nil {
				cancel(err) // the first cause counts
			}
		})
	}
	published := make(chan struct{})
	go func() {
		defer close(published)
		x.publish(ctx, cancel)
	}()
	group.Wait()
	cancel(errFinished) // unless there is an earlier cause
	<-published
	switch cause := context.Cause(ctx); {
	case !errors.Is(cause, errFinished):
		return cause
	case x.agenda.left() && x.wasAsked():
		return ErrAsked
	case x.agenda.left():
		return ErrStopped
	}
	return x.conclude()
}

// errFinished is the cause that ends the publisher once all lanes have ended.
var errFinished = errors.New("finished")

// begin records the plan, and forgets the trials that failed before for a cause that may be gone.
func (x *Executor) begin() error {
	least, most := 0, 0
	if x.Plan.Grows() {
		least, most = x.Plan.Least(), x.Plan.Most()
	}
	if err := x.recordPlan(least, most); err != nil {
		return err
	}
	if err := x.forget(x.Earlier().Failed); err != nil {
		return err
	}
	return x.agenda.open()
}

// recordPlan records what the plan has now, and how many trials it grows to, at least and at most.
func (x *Executor) recordPlan(least, most int) error {
	o := x.Origin
	record := results.Plan{Profile: o.Profile, Settings: o.Settings, Script: o.Script, Keep: x.Keep, Began: x.lab.Now(),
		Least: least, Most: most}
	for i := range x.Plan.Len() {
		record.Trials, record.Epochs = append(record.Trials, x.Plan.ID(i)), append(record.Epochs, x.Plan.Epochs(i))
	}
	return x.Study.BeginPlan(record)
}

// forget forgets trials, unless another process is about to do the same.
func (x *Executor) forget(failed []string) error {
	err := x.Study.Forget(failed...)
	if !errors.Is(err, results.ErrClaimed) {
		return err
	}
	if _, err := x.Study.Refresh(); err != nil {
		return err
	}
	for _, id := range failed {
		if s, begun := x.Study.View().State(id); !begun || !x.runsAgain(s) {
			continue
		}
		if err := x.Study.Forget(id); err != nil && !errors.Is(err, results.ErrClaimed) {
			return err
		}
	}
	return nil
}

// Earlier is what earlier runs have left of a plan.
type Earlier struct {
	Finished int      // trials
	Extended []string // finished trials that get more epochs
	Failed   []string // trials that run again, since the cause of their failure may be gone
}

// Earlier returns what earlier runs have left of the plan.
func (x *Executor) Earlier() (e Earlier) {
	for i := range x.Plan.Len() {
		s, begun := x.Study.View().State(x.Plan.ID(i))
		switch state := sweep.State(s.Status); {
		case !begun:
		case x.runsAgain(s):
			e.Failed = append(e.Failed, s.ID)
		case x.finished(i, s):
			e.Finished++
		case state.Final():
			e.Extended = append(e.Extended, s.ID)
		}
	}
	return e
}

// runsAgain reports whether a trial that was begun failed in an earlier run, for a cause that may be gone.
func (x *Executor) runsAgain(s results.State) bool {
	return sweep.State(s.Status).RunsAgain(string(s.Failure)) && (x.Began.IsZero() || s.Started.Before(x.Began))
}

// finished reports whether a trial that was begun is finished under the budget of the plan.
func (x *Executor) finished(place int, s results.State) bool {
	state := sweep.State(s.Status)
	return state.Final() && !state.Extends(s.Epochs, s.Length, x.Plan.Epochs(place))
}

// Counts returns the number of finished trials of the plan by status.
func (x *Executor) Counts() map[results.Status]int {
	count := map[results.Status]int{}
	for i := range x.Plan.Len() {
		if s, begun := x.Study.View().State(x.Plan.ID(i)); begun && x.finished(i, s) {
			count[s.Status]++
		}
	}
	return count
}

// lane trains one trial after another. Its error ends the run.
func (x *Executor) lane(ctx context.Context) error {
	for {
		var (
			next assignment
			ok   bool
		)
		err := x.phases.timed(waiting, func() (err error) {
			next, ok, err = x.agenda.next(ctx)
			return err
		})
		if !ok || err != nil {
			return err
		}
		end := x.train(ctx, next)
		x.agenda.settle(next.trial.Place-1, end.late)
		if end.fatal != nil {
			return end.fatal
		}
	}
}
