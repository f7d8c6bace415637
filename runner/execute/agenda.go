package execute

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/sweep"
)

// agenda hands trials to the lanes, in the order of the queue, and leaves alone what other processes hold. It knows the standing of every
// trial of the plan from the journals and the claims of the study. Where the plan has a source, it adds what that suggests (grow.go).
type agenda struct {
	x *Executor

	mu        sync.Mutex
	queue     sweep.Queue
	places    map[uint64]int // of the trials of the plan
	holders   map[int]holder // of places that somebody has
	paused    map[int]string // why a judge has paused a trial
	compared  comparisons
	seen      map[int]records // what judges and sources have looked at
	changed   chan struct{}   // closed when a standing changes
	exhausted bool            // the source of the plan has no more suggestions
}

// holder is who has a trial, as far as this process is concerned.
type holder uint8

const (
	mine  holder = iota + 1 // a lane of this process
	alone                   // a lane of this process, while all others wait
	other                   // a live process elsewhere
	aside                   // nobody: no epoch of it ends before the deadline
)

// assignment is a trial that a lane trains, or only records the end of.
type assignment struct {
	trial   plan.Trial
	claim   *results.Claim
	decided *ending // nil: it is trained
}

// pollEvery is how often a lane that waits for other processes looks at what they do, and retryEvery how soon one that has lost a claim
// looks for another trial.
const (
	pollEvery  = time.Second
	retryEvery = 5 * time.Millisecond
)

// newAgenda returns an agenda without trials.
func newAgenda(x *Executor) *agenda {
	return &agenda{x: x, places: map[uint64]int{}, holders: map[int]holder{}, paused: map[int]string{},
		compared: comparisons{last: map[comparison]sweep.Verdict{}}, seen: map[int]records{}, changed: make(chan struct{})}
}

// fill adds the trials of the plan, which are identified, and those that its source has suggested to others.
func (a *agenda) fill(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.x.Plan.Len() {
		a.places[key(a.x.Plan.ID(i))] = i
		a.queue.Set(i, sweep.Standing{State: sweep.Waiting})
	}
	return a.recall(ctx)
}

// open reads the standings of the trials.
func (a *agenda) open() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.x.Study.View().Trials() {
		if i, planned := a.places[key(s.ID)]; planned {
			a.set(i, s, true)
		}
	}
	return errors.Join(a.readVerdicts(), a.claims())
}

// key is the number that a trial's ID writes in hexadecimal digits.
func key(id string) uint64 {
	n, _ := strconv.ParseUint(id, 16, 64)
	return n
}

// set sets the standing of a trial from its state. The caller holds a.mu.
func (a *agenda) set(place int, s results.State, begun bool) {
	standing := sweep.Standing{State: sweep.Waiting}
	delete(a.paused, place)
	switch {
	case begun && s.Status == results.Paused && a.waits(s):
		standing.State, a.paused[place], a.compared.news = sweep.Paused, s.Reason, true
	case begun && a.x.finished(place, s):
		standing.State = sweep.State(s.Status)
	case begun:
		standing.Attempts = attempts(s)
	}
	if !standing.State.Final() && a.holders[place] != 0 {
		standing = sweep.Standing{State: sweep.Running}
	}
	a.queue.Set(place, standing)
}

// attempts is how often a trial was begun since its last epoch.
func attempts(s results.State) int {
	if s.Status != results.Interrupted {
		return 0
	}
	return s.Attempts
}

// update sets the standing of a trial from the view. The caller holds a.mu.
func (a *agenda) update(place int) {
	s, begun := a.x.Study.View().State(a.x.Plan.ID(place))
	a.set(place, s, begun)
}

// refresh reads what other processes have done.
func (a *agenda) refresh() error {
	changed, err := a.x.Study.Refresh()
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range changed {
		if place, planned := a.places[key(id)]; planned {
			a.update(place)
		}
	}
	return errors.Join(a.readVerdicts(), a.claims())
}

// claims reads which trials other processes hold. The caller holds a.mu.
func (a *agenda) claims() error {
	held, err := a.x.Study.Claims()
	if err != nil {
		return err
	}
	now := map[int]bool{}
	for id, h := range held {
		if place, planned := a.places[key(id)]; planned && h.Live && !h.Mine {
			now[place] = true
		}
	}
	for place, by := range a.holders {
		if by == other && !now[place] {
			delete(a.holders, place)
			a.update(place)
		}
	}
	for place := range now {
		if a.holders[place] == 0 {
			a.holders[place] = other
			a.update(place)
		}
	}
	return nil
}

// next claims the trial that a lane trains next. It waits while all trials that are left are in progress, here or elsewhere; ok is false
// if none is left, or the run stops.
func (a *agenda) next(ctx context.Context) (next assignment, ok bool, err error) {
	for {
		if err := a.refresh(); err != nil || ctx.Err() != nil || a.x.stopped() {
			return next, false, err
		}
		next, found, changed, err := a.take(ctx)
		wait := a.x.poll
		switch {
		case err != nil:
			return next, false, err
		case found:
			if ok, err := a.claim(&next); ok || err != nil {
				return next, ok, err
			}
			wait = retryEvery
		case changed == nil:
			return next, false, nil
		}
		select {
		case <-changed:
		case <-time.After(wait):
		case <-a.x.stopping:
		case <-ctx.Done():
		}
	}
}

// take takes a trial for this process. If there is none to take, but some are in progress, changed is closed when the standing of one
// changes by this process; else it is nil.
func (a *agenda) take(ctx context.Context) (next assignment, found bool, changed <-chan struct{}, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for {
		if err := a.promote(false); err != nil {
			return next, false, nil, err
		}
		place, do := a.queue.Next()
		if do == sweep.Nothing {
			more, err := a.grow(ctx)
			if err != nil {
				return next, false, nil, err
			}
			if more {
				continue
			}
			if a.inProgress() {
				changed = a.changed
			}
			return next, false, changed, nil
		}
		if !a.room(do) {
			return next, false, a.changed, nil
		}
		p := a.x.Plan.At(place)
		if p.Job != nil && !a.x.inTime(a.x.paces.of(p.Job.Program.Fingerprint()).epoch(false)) {
			a.hold(place, aside)
			continue
		}
		by := mine
		if do == sweep.Alone {
			by = alone
		}
		a.hold(place, by)
		return assignment{trial: p, decided: a.decision(p, do)}, true, nil, nil
	}
}

// room reports whether a task may begin beside the trials that this process has. The caller holds a.mu.
func (a *agenda) room(do sweep.Task) bool {
	for _, by := range a.holders {
		if by == alone || by == mine && do == sweep.Alone {
			return false
		}
	}
	return true
}

// decision is how a trial ends that is not trained; nil if it is.
func (a *agenda) decision(p plan.Trial, do sweep.Task) *ending {
	switch v := a.ended(p.ID); {
	case v.Action == sweep.Stop:
		return &ending{state: v.Status, reason: v.Reason}
	case p.Skip != "":
		return &ending{state: sweep.Skipped, reason: p.Skip}
	case do == sweep.GiveUp && a.x.Starved:
		return &ending{state: sweep.Failed, reason: sweep.GiveUpReason + starved, failure: sweep.FailureMemory}
	case do == sweep.GiveUp:
		return &ending{state: sweep.Failed, reason: sweep.GiveUpReason}
	}
	return nil
}

// starved is what the reason of a trial that is given up says as well if the memory ran out.
const starved = ", the last time probably for lack of memory"

// hold notes who has a trial. The caller holds a.mu.
func (a *agenda) hold(place int, by holder) {
	a.holders[place] = by
	a.update(place)
}

// inProgress reports whether a trial is in progress, here or elsewhere. The caller holds a.mu.
func (a *agenda) inProgress() bool {
	for _, by := range a.holders {
		if by != aside {
			return true
		}
	}
	return false
}

// claim claims a trial that was taken. ok is false if another process was faster.
func (a *agenda) claim(next *assignment) (ok bool, err error) {
	place := next.trial.Place - 1
	next.claim, err = a.x.Study.Claim(next.trial.ID)
	if err != nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.hold(place, other) // until the claims are read again
		if errors.Is(err, results.ErrClaimed) {
			err = nil
		}
		return false, err
	}
	if s, begun := a.x.Study.View().State(next.trial.ID); begun && a.x.finished(place, s) {
		err = next.claim.Release() // by another process, after the last look
		a.settle(place, false)
		return false, err
	}
	return true, nil
}

// settle notes that a lane has ended with a trial: late says that no epoch of it would end before the deadline.
func (a *agenda) settle(place int, late bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.holders, place)
	if late {
		a.holders[place] = aside
	}
	a.update(place)
	close(a.changed)
	a.changed = make(chan struct{})
}

// left reports whether trials are left that are not finished, or may be suggested.
func (a *agenda) left() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.queue.Left() > 0 || len(a.paused) > 0 || !a.exhausted
}
