package execute

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/starsweep/starsweep/runner/plan"
)

// Step is the epoch that a trial has in progress.
type Step struct {
	Trial plan.Trial
	Epoch int
	Left  time.Duration // until it is recorded, as expected; longer than anything if nobody knows
}

// Steps returns the epochs in progress, in the order of their trials. If one is evaluated while the next one trains, it is the later one.
func (x *Executor) Steps() (list []Step) {
	x.steps.mu.Lock()
	defer x.steps.mu.Unlock()
	for _, s := range x.steps.sessions {
		training, committing := s.pace.left()
		list = append(list, Step{Trial: s.trial, Epoch: int(s.number.Load()), Left: max(training, committing)})
	}
	slices.SortFunc(list, func(a, b Step) int { return cmp.Compare(a.Trial.Place, b.Trial.Place) })
	return list
}

// steps are the sessions that train.
type steps struct {
	mu       sync.Mutex
	sessions []*session
}

func (l *steps) add(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sessions = append(l.sessions, s)
}

func (l *steps) remove(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sessions = slices.DeleteFunc(l.sessions, func(other *session) bool { return other == s })
}
