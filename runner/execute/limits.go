package execute

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"
)

// Limits say when a run leaves although trials are not finished. With the zero value, only the end of its context stops a run.
type Limits struct {
	Stop     <-chan struct{} // once closed, no epoch begins, and those in progress are finished if they are expected to end within Grace
	Grace    time.Duration
	Deadline time.Time // no epoch begins that is not expected to end before; then it is as if Stop were closed; zero: there is none
}

// ErrStopped is the error of a run that its limits ended before its trials were finished.
var ErrStopped = errors.New("stopped before all trials were finished")

// errLeave is the cause that ends the sessions of such a run.
var errLeave = errors.New("the run leaves its trials")

// limit closes x.stopping when the run is to leave, or is over.
func (x *Executor) limit(ctx context.Context) {
	defer close(x.stopping)
	var deadline <-chan time.Time
	if at := x.Limits.Deadline; !at.IsZero() {
		timer := time.NewTimer(at.Sub(x.lab.Now()))
		defer timer.Stop()
		deadline = timer.C
	}
	select {
	case <-ctx.Done():
	case <-x.Limits.Stop:
	case <-deadline:
	}
}

// stopped reports whether no epoch may begin.
func (x *Executor) stopped() bool {
	select {
	case <-x.stopping:
		return true
	default:
		return false
	}
}

// inTime reports whether an epoch that takes so long ends before the deadline. One of unknown duration may try.
func (x *Executor) inTime(epoch time.Duration) bool {
	at, now := x.Limits.Deadline, x.lab.Now()
	return at.IsZero() || now.Before(at) && (epoch == unknown || !now.Add(epoch).After(at))
}

// pace is how long the epochs of a trial take, by the last one, and since when what is in progress has been.
type pace struct {
	now func() time.Time

	mu              sync.Mutex
	train, evaluate time.Duration // of the last epoch; 0: none has ended
	training        time.Time     // zero: nothing is in training
	evaluates       bool          // what is in training will be evaluated
	committing      time.Time     // zero: nothing is evaluated and recorded
}

const unknown = time.Duration(math.MaxInt64)

// newPace returns the pace of a trial that is opened: whatever takes so long then is of unknown duration.
func newPace(now func() time.Time) *pace { return &pace{now: now, training: now()} }

// learn takes the durations from a recorded row.
func (p *pace) learn(train, evaluate float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.train = time.Duration(train * float64(time.Second))
	if evaluate > 0 {
		p.evaluate = time.Duration(evaluate * float64(time.Second))
	}
}

// epoch is the expected duration of an epoch. The caller holds p.mu.
func (p *pace) epoch(evaluated bool) time.Duration {
	switch {
	case p.train == 0 || evaluated && p.evaluate == 0:
		return unknown
	case evaluated:
		return p.train + p.evaluate
	}
	return p.train
}

// next is the expected duration of the next epoch.
func (p *pace) next(evaluated bool) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.epoch(evaluated)
}

// trains notes that an epoch begins to train, and whether it will be evaluated.
func (p *pace) trains(evaluated bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.training, p.evaluates = p.now(), evaluated
}

// commits notes that what was in training is evaluated and recorded from now on.
func (p *pace) commits() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.training, p.committing = time.Time{}, p.now()
}

// committed notes that an epoch is recorded.
func (p *pace) committed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.committing = time.Time{}
}

// left is how long what is in training, and what is evaluated and recorded, is still expected to take; 0 where nothing is.
func (p *pace) left() (training, committing time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rest := func(since time.Time, takes time.Duration) time.Duration {
		switch {
		case since.IsZero():
			return 0
		case takes == unknown:
			return unknown
		}
		return max(0, takes-p.now().Sub(since))
	}
	return rest(p.training, p.epoch(p.evaluates)), rest(p.committing, p.evaluate)
}
