package execute

import (
	"cmp"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/sweep"
)

// history shows judges and sources the suggestions of a plan with what the study has recorded of their trials. It is used while the caller
// holds the lock of the agenda, and reads epochs on demand. After an error, what it has shown is worthless.
type history struct {
	*agenda
	err error // the first
}

var _ sweep.History = (*history)(nil)

// records are the epochs of a trial as they were read.
type records struct {
	generation int
	epochs     []sweep.Epoch
}

// History shows a function the suggestions of the plan, with what has become of their trials. Nothing changes in the meantime.
func (x *Executor) History(show func(sweep.History) error) error {
	x.agenda.mu.Lock()
	defer x.agenda.mu.Unlock()
	h := &history{agenda: x.agenda}
	err := show(h)
	return cmp.Or(h.err, err)
}

// Len is the number of suggestions.
func (h *history) Len() int { return h.x.Plan.Suggested() }

// At is suggestion i.
func (h *history) At(i int) sweep.Trial {
	t := h.trial(h.x.Plan.PlaceOf(i))
	t.Suggestion = h.x.Plan.Suggestion(i)
	return t
}

// trial is the trial in a place, without its suggestion.
func (h *history) trial(place int) sweep.Trial {
	t := sweep.Trial{ID: h.x.Plan.ID(place), State: sweep.Waiting, Budget: h.x.Plan.Epochs(place), Evaluation: h.x.Plan.Evaluation(place)}
	if by := h.holders[place]; by != 0 && by != aside {
		t.State = sweep.Running
	}
	s, begun := h.x.Study.View().State(t.ID)
	if !begun {
		return t
	}
	switch reason, paused := h.paused[place]; {
	case h.x.finished(place, s):
		t.State, t.Reason = sweep.State(s.Status), s.Reason
	case paused:
		t.State, t.Reason = sweep.Paused, reason
	}
	t.Attempts = attempts(s)
	t.Epochs = h.epochs(place, t.ID, s.Generation, s.Epochs)
	return t
}

// epochs returns the recorded epochs of a trial, which are read if there are others than before.
func (h *history) epochs(place int, id string, generation, n int) []sweep.Epoch {
	known, ok := h.seen[place]
	if ok && known.generation == generation && len(known.epochs) == n {
		return known.epochs
	}
	rows, err := h.x.Study.View().Epochs(id)
	if err != nil && h.err == nil {
		h.err = err
	}
	known = records{generation: generation, epochs: EpochsOf(rows)}
	h.seen[place] = known
	return known.epochs
}

// EpochsOf are recorded epochs as judges and sources see them.
func EpochsOf(rows []results.Epoch) (epochs []sweep.Epoch) {
	for _, r := range rows {
		epochs = append(epochs, sweep.Epoch{Epoch: r.Epoch, Evaluated: r.Evaluated, Values: r.Metrics,
			Seconds: r.SecondsTrain + r.SecondsEvaluate})
	}
	return epochs
}
