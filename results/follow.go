package results

import (
	"context"
	"iter"
	"time"
)

// Event is a change that Follow saw.
type Event struct {
	Kind  EventKind
	Trial string // empty for Planned
	Epoch int    // of EpochDone, SampleDrawn and Measured
}

// EventKind says what changed.
type EventKind string

// The kinds of events.
const (
	Began       EventKind = "began"
	EpochDone   EventKind = "epoch"
	SampleDrawn EventKind = "sample"
	TrialPaused EventKind = "paused"
	Ended       EventKind = "ended"
	Forgotten   EventKind = "forgotten"
	Measured    EventKind = "measured"
	Planned     EventKind = "planned"
)

// event is what an entry means to those who follow.
func (e *entry) event() (Event, bool) {
	id := e.owner()
	switch {
	case e.Plan != nil:
		return Event{Kind: Planned}, true
	case e.Trial != nil:
		return Event{Kind: Began, Trial: id}, true
	case e.Epoch != nil:
		return Event{EpochDone, id, e.Epoch.Epoch}, true
	case e.Sample != nil:
		return Event{SampleDrawn, id, e.Sample.Epoch}, true
	case e.Measurement != nil:
		return Event{Measured, id, e.Measurement.Epoch}, true
	case e.Pause != nil:
		return Event{Kind: TrialPaused, Trial: id}, true
	case e.Outcome != nil:
		return Event{Kind: Ended, Trial: id}, true
	case e.Forget != "":
		return Event{Kind: Forgotten, Trial: id}, true
	}
	return Event{}, false
}

// follower holds the events that one Follow has not yet yielded.
type follower struct{ events []Event }

func (f *follower) see(e *entry) {
	if event, ok := e.event(); ok {
		f.events = append(f.events, event)
	}
}

// Follow refreshes the view at intervals and yields what came since it was called, until ctx is done, which is not an error. The view has
// everything that was yielded. Events of one trial come in the order in which each of its writers recorded them.
func (v *View) Follow(ctx context.Context, every time.Duration) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		f := &follower{}
		v.mu.Lock()
		v.followers[f] = true
		v.mu.Unlock()
		defer func() {
			v.mu.Lock()
			delete(v.followers, f)
			v.mu.Unlock()
		}()
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			v.mu.Lock()
			err := v.refresh()
			events := f.events
			f.events = nil
			v.mu.Unlock()
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
			}
			if err != nil {
				yield(Event{}, err)
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}
}
