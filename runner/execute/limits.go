package execute

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Limits say when a run leaves although trials are not finished. With the zero value, only the end of its context stops a run.
type Limits struct {
	Stop     <-chan struct{} // once closed, no epoch begins, and those in progress are finished if they are expected to end within Grace
	Grace    time.Duration
	Deadline time.Time // no epoch begins that is not expected to end before; then it is as if Stop were closed; zero: there is none
}

// ErrStopped is the error of a run that its limits ended before its trials were finished, and ErrAsked that of one that somebody has
// asked to leave by a file in the directory of the study. It is an ErrStopped as well.
var (
	ErrStopped = errors.New("stopped before all trials were finished")
	ErrAsked   = fmt.Errorf("%w, as somebody has asked", ErrStopped)
)

// askedEvery is how often a run looks whether somebody has asked it to leave.
const askedEvery = time.Second

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
	tick := time.NewTicker(askedEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-x.Limits.Stop:
			return
		case <-deadline:
			return
		case <-tick.C:
			if x.Study.AskedToStop() {
				close(x.asked)
				return
			}
		}
	}
}

// Asked is closed when somebody has asked the process to leave by a file in the directory of the study.
func (x *Executor) Asked() <-chan struct{} { return x.asked }

func (x *Executor) wasAsked() bool {
	select {
	case <-x.asked:
		return true
	default:
		return false
	}
}

// stopped reports whether no epoch may begin.
func (x *Executor) stopped() bool {
	select {
	case <-x.stopping:
		return true
	case <-x.Limits.Stop: // of which limit may not have heard yet
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
