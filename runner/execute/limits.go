package execute

import (
	"context"
	"errors"
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
