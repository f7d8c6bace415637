package execute

import (
	"math"
	"sync"
	"time"
)

// unknown is a duration that nothing is known about.
const unknown = time.Duration(math.MaxInt64)

// duration is how long an epoch took; 0: none has ended.
type duration struct{ train, evaluate time.Duration }

// epoch is the expected duration of an epoch.
func (d duration) epoch(evaluated bool) time.Duration {
	switch {
	case d.train == 0 || evaluated && d.evaluate == 0:
		return unknown
	case evaluated:
		return d.train + d.evaluate
	}
	return d.train
}

// paces are the durations of the last epochs of this process, by the fingerprint of their program.
type paces struct {
	mu   sync.Mutex
	last map[string]duration
}

func (ps *paces) of(program string) duration {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.last[program]
}

func (ps *paces) set(program string, d duration) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.last == nil {
		ps.last = map[string]duration{}
	}
	ps.last[program] = d
}

// pace is how long the epochs of a trial take, and since when what is in progress has been.
type pace struct {
	now     func() time.Time
	all     *paces
	program string

	mu         sync.Mutex
	last       duration  // of the trial, or of another one of its program
	opening    bool      // nothing was trained yet: whatever takes so long is of unknown duration
	training   time.Time // zero: nothing is in training
	evaluates  bool      // what is in training will be evaluated
	committing time.Time // zero: nothing is evaluated and recorded
}

func newPace(now func() time.Time, all *paces, program string) *pace {
	return &pace{now: now, all: all, program: program, last: all.of(program), opening: true}
}

// learn takes the durations of an epoch from its row.
func (p *pace) learn(train, evaluate float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last.train = time.Duration(train * float64(time.Second))
	if evaluate > 0 {
		p.last.evaluate = time.Duration(evaluate * float64(time.Second))
	}
	p.all.set(p.program, p.last)
}

// next is the expected duration of the next epoch.
func (p *pace) next(evaluated bool) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last.epoch(evaluated)
}

// trains notes that an epoch begins to train, and whether it will be evaluated.
func (p *pace) trains(evaluated bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opening, p.training, p.evaluates = false, p.now(), evaluated
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
	if p.opening {
		return unknown, 0
	}
	rest := func(since time.Time, takes time.Duration) time.Duration {
		switch {
		case since.IsZero():
			return 0
		case takes == unknown:
			return unknown
		}
		return max(0, takes-p.now().Sub(since))
	}
	return rest(p.training, p.last.epoch(p.evaluates)), rest(p.committing, p.last.evaluate)
}
