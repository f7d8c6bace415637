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
// trial of the plan from the journals and the claims of the study, and lets judges see them.
type agenda struct {
	x *Executor

	mu      sync.Mutex
	queue   sweep.Queue
	places  map[uint64]int // of the trials of the plan
	mine    map[int]bool   // places that a lane of this process has
	others  map[int]bool   // places that a live process elsewhere has
	changed chan struct{}  // closed when a standing changes
}

// assignment is a trial that a lane trains.
type assignment struct {
	trial plan.Trial
	do    sweep.Task
	claim *results.Claim
}

// pollEvery is how often a lane that waits for other processes looks at what they do.
const pollEvery = time.Second

// open reads the standings of the trials of the plan.
func (a *agenda) open() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.places, a.mine, a.others, a.changed = map[uint64]int{}, map[int]bool{}, map[int]bool{}, make(chan struct{})
	for i := range a.x.Plan.Len() {
		a.places[key(a.x.Plan.ID(i))] = i
		a.queue.Set(i, sweep.Standing{State: sweep.Waiting})
	}
	for _, s := range a.x.Study.View().Trials() {
		if i, planned := a.places[key(s.ID)]; planned {
			a.queue.Set(i, a.standing(i, s))
		}
	}
	return a.claims()
}

// key is the number that a trial's ID writes in hexadecimal digits.
func key(id string) uint64 {
	n, _ := strconv.ParseUint(id, 16, 64)
	return n
}

// standing is the standing of a trial that was begun.
func (a *agenda) standing(place int, s results.State) sweep.Standing {
	switch state := sweep.State(s.Status); {
	case a.mine[place] || a.others[place]:
		return sweep.Standing{State: sweep.Running}
	case s.Status == results.Interrupted:
		return sweep.Standing{State: sweep.Waiting}
	default:
		return sweep.Standing{State: state}
	}
}

// update takes the standing of a trial from the view. The caller holds a.mu.
func (a *agenda) update(place int) {
	standing := sweep.Standing{State: sweep.Waiting}
	if a.mine[place] || a.others[place] {
		standing.State = sweep.Running
	} else if s, begun := a.x.Study.View().State(a.x.Plan.ID(place)); begun {
		standing = a.standing(place, s)
	}
	a.queue.Set(place, standing)
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
	return a.claims()
}

// claims reads which trials other processes hold. The caller holds a.mu.
func (a *agenda) claims() error {
	holders, err := a.x.Study.View().Claims()
	if err != nil {
		return err
	}
	before := a.others
	a.others = map[int]bool{}
	for id, h := range holders {
		if place, planned := a.places[key(id)]; planned && h.Live && !a.mine[place] {
			a.others[place] = true
		}
	}
	for place := range before {
		if !a.others[place] {
			a.update(place)
		}
	}
	for place := range a.others {
		a.update(place)
	}
	return nil
}

// next claims the trial that a lane trains next. It waits while all trials that are left are in progress, here or elsewhere; ok is false
// if none is left, or the run stops.
func (a *agenda) next(ctx context.Context) (next assignment, ok bool, err error) {
	for {
		if err := a.refresh(); err != nil {
			return next, false, err
		}
		if ctx.Err() != nil || a.x.stopped() {
			return next, false, nil
		}
		next, changed := a.take()
		if next.do != sweep.Nothing {
			ok, err := a.claim(&next)
			if ok || err != nil {
				return next, ok, err
			}
			continue
		}
		if changed == nil {
			return next, false, nil
		}
		select {
		case <-changed:
		case <-time.After(pollEvery):
		case <-a.x.stopping:
		case <-ctx.Done():
		}
	}
}

// take takes the first trial of the queue, for this process. If there is none, but some are in progress, changed is closed when one of
// this process ends; else it is nil.
func (a *agenda) take() (next assignment, changed <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	place, do := a.queue.Next()
	if do != sweep.Nothing {
		a.mine[place] = true
		a.update(place)
		return assignment{trial: a.x.Plan.At(place), do: do}, nil
	}
	if a.queue.Left() > 0 {
		changed = a.changed
	}
	return next, changed
}

// claim claims a trial that was taken. ok is false if another process was faster.
func (a *agenda) claim(next *assignment) (ok bool, err error) {
	place := next.trial.Place - 1
	next.claim, err = a.x.Study.Claim(next.trial.ID)
	if errors.Is(err, results.ErrClaimed) {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.mine, place)
		a.others[place] = true // until the claims are read again
		a.update(place)
		return false, nil
	}
	if err != nil {
		a.settle(place)
		return false, err
	}
	return true, nil
}

// settle notes that a session of a trial has ended.
func (a *agenda) settle(place int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.mine, place)
	a.update(place)
	close(a.changed)
	a.changed = make(chan struct{})
}

// left is the number of trials that are not finished.
func (a *agenda) left() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.queue.Left()
}

// judge asks the judges whether a trial goes on.
func (a *agenda) judge(p plan.Trial) (sweep.Verdict, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := &history{agenda: a}
	v := a.x.Judges.Judge(h.At(p.Place-1), h)
	return v, h.err
}
