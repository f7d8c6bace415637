package runner

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/standing"
)

// picture shows at the bottom of a terminal how a study stands that runs: a row for each trial in training, whichever process trains
// it, and one for the study. What it shows is what the study records, so that one picture does for any number of processes.
type picture struct {
	console *console
	now     func() time.Time
	began   time.Time            // the command
	open    func() *results.View // nil while there is no study yet
	passes  func() (shown []row) // progress of passes over images
	changed atomic.Bool          // a trial of this process
	stop    func()               // stops the redrawing

	view     *results.View
	standing *standing.Standing // nil: nothing is known of this run
	soon     time.Time          // when the study may be read again
	next     time.Time          // when it is read although nothing is known to have changed
}

const (
	// redrawEvery is how often a terminal is redrawn, with the time that has passed.
	redrawEvery = 200 * time.Millisecond
	// readEvery is how often the study is read for a picture, and readShare the part of the time that reading may take, 1 in so many.
	readEvery = time.Second
	readShare = 50
)

// newPicture shows a picture until it is closed. The console must be a terminal.
func newPicture(env *Env, began time.Time, open func() *results.View, passes func() []row) *picture {
	p := &picture{console: env.console, now: env.Now, began: began, open: open, passes: passes}
	ended, clock := make(chan struct{}), make(chan struct{})
	p.stop = sync.OnceFunc(func() { close(ended); <-clock })
	go func() {
		defer close(clock)
		tick := time.NewTicker(redrawEvery)
		defer tick.Stop()
		for {
			p.draw()
			select {
			case <-ended:
				return
			case <-tick.C:
			}
		}
	}()
	return p
}

// draw draws the picture. An error of the study keeps the old one: the processes that train report it.
func (p *picture) draw() {
	if now := p.now(); !now.Before(p.next) || p.changed.Load() && !now.Before(p.soon) {
		p.changed.Store(false)
		p.read()
		p.soon = now.Add(readShare * p.now().Sub(now))
		p.next = later(p.soon, now.Add(readEvery))
	}
	rows := p.passes()
	if p.standing != nil {
		study := trainingRows(p.standing, p.view.Meta(), p.now().Sub(p.began))
		last := len(study) - 1
		rows = slices.Concat(study[:last], rows, study[last:])
	}
	p.console.pin(rows)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// read reads how the study stands. Until the run has recorded its plan or trains, the newest plan is that of an earlier run.
func (p *picture) read() {
	if p.view == nil {
		if p.view = p.open(); p.view == nil {
			return
		}
	}
	once, cancel := context.WithCancel(context.Background())
	cancel()
	for _, err := range p.view.Follow(once, time.Hour) { // View.Refresh is for the executor, which wants to know every change
		if err != nil {
			return
		}
	}
	s, err := standing.Of(p.view)
	if err != nil {
		return
	}
	newest, planned := p.view.Plan()
	if p.standing != nil || planned && !newest.Began.Before(p.began.Truncate(time.Millisecond)) || s.Counts[standing.Running] > 0 {
		p.standing = s
	}
}

// hurry says that a trial has changed, so that the study is read soon.
func (p *picture) hurry() { p.changed.Store(true) }

// close leaves the row of the study on the terminal.
func (p *picture) close() {
	p.stop()
	p.read()
	if p.standing == nil {
		p.console.pin(nil)
	} else {
		rows := trainingRows(p.standing, p.view.Meta(), p.now().Sub(p.began))
		p.console.pin(rows[len(rows)-1:])
	}
	p.console.release()
}
