package sweep

import "fmt"

// State is where a trial is in its life.
type State string

const (
	Waiting State = "waiting" // for a worker; it may have epochs already
	Running State = "running" // a live worker holds it
	Paused  State = "paused"  // until it is promoted; its checkpoint stays

	Completed State = "completed" // trained for its whole budget
	Pruned    State = "pruned"    // ended early by a judge
	Collapsed State = "collapsed" // mode collapse
	Diverged  State = "diverged"  // a loss, a parameter or an image became NaN or infinite
	Failed    State = "failed"    // an error
	Skipped   State = "skipped"   // the script skips it
)

// States are all states: in progress first, then the final ones.
var States = []State{Waiting, Running, Paused, Completed, Pruned, Collapsed, Diverged, Failed, Skipped}

// Event is what moves a trial from one state to another.
type Event string

const (
	Begins    Event = "begin"   // a worker takes it
	Leaves    Event = "leave"   // its worker left or died
	Pauses    Event = "pause"   // a judge pauses it
	Promotes  Event = "promote" // a source or a judge lets it go on
	Completes Event = "complete"
	Prunes    Event = "prune"
	Collapses Event = "collapse"
	Diverges  Event = "diverge"
	Fails     Event = "fail"   // an error; or its workers ended too often before it finished an epoch
	Skips     Event = "skip"   // the script says that there is nothing to train
	Extends   Event = "extend" // the script asks for more epochs
	Retries   Event = "retry"  // it is forgotten, to run again
)

// Events are all events.
var Events = []Event{Begins, Leaves, Pauses, Promotes, Completes, Prunes, Collapses, Diverges, Fails, Skips, Extends, Retries}

// transitions are all changes of state that a trial may undergo.
var transitions = map[State]map[Event]State{
	Waiting: {Begins: Running, Skips: Skipped, Fails: Failed},
	Running: {Leaves: Waiting, Pauses: Paused, Completes: Completed, Prunes: Pruned, Collapses: Collapsed, Diverges: Diverged, Fails: Failed},
	// A promoted trial takes its turn in the queue. One that nothing promotes until the search ends is pruned.
	Paused:    {Promotes: Waiting, Prunes: Pruned},
	Completed: {Extends: Waiting, Retries: Waiting},
	Collapsed: {Extends: Waiting, Retries: Waiting},
	Diverged:  {Extends: Waiting, Retries: Waiting},
	Pruned:    {Retries: Waiting},
	Failed:    {Retries: Waiting},
	Skipped:   {}, // it would be skipped again
}

// After is the state after an event; an error if the event cannot happen to a trial in state s.
func (s State) After(e Event) (State, error) {
	next, ok := transitions[s][e]
	if !ok {
		return s, fmt.Errorf("a trial that is %s cannot %s", s, e)
	}
	return next, nil
}

// Final reports whether a trial in state s has ended. What is no state has not: a record says of some trials that they are interrupted.
func (s State) Final() bool {
	switch s {
	case Completed, Pruned, Collapsed, Diverged, Failed, Skipped:
		return true
	}
	return false
}

// Rests reports whether no worker trains a trial in state s, or is about to, so that its results stay as they are for now.
func (s State) Rests() bool { return s == Paused || s.Final() }

// Extends reports whether a budget of wanted epochs reopens a trial that ended in state s, with a number of epochs, under an earlier
// budget. It does where the earlier budget decided the end: had the trial been trained for wanted epochs at once, it would have gone on.
// The last epoch of a budget is always evaluated. A collapse there, or images that were not finite, is not seen by a trial that is
// longer, unless that epoch is evaluated in any case; then the trial ends there again.
func (s State) Extends(epochs, budget, wanted int) bool {
	if wanted <= budget {
		return false
	}
	switch s {
	case Completed:
		return true
	case Collapsed:
		return epochs == budget
	case Diverged:
		return epochs == budget-1 // the epoch in which it diverged has no row
	}
	return false
}

// Classes of failures. Any other failure has none.
const (
	FailureMemory = "memory" // the trial needs more than there is
	FailureDevice = "device" // the device is lost: the trial runs elsewhere
	FailureScript = "script" // the script is wrong: the study stops
	FailureData   = "data"   // the images cannot be read
)

// RunsAgain reports whether the next run of a study runs a trial again that ended in state s, with a class of failure: its cause may be
// gone. A trial that needs too much memory would need it again.
func (s State) RunsAgain(failure string) bool { return s == Failed && failure != FailureMemory }
