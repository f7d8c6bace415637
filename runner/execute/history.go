package execute

import (
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/sweep"
)

// history shows judges the trials of the plan with what the study has recorded of them. It is used while the caller holds the lock of the
// agenda, and reads epochs on demand. An error of reading makes what it shows worthless.
type history struct {
	*agenda
	err error // the first error of reading
}

var _ sweep.History = (*history)(nil)

// Len is the number of trials.
func (h *history) Len() int { return h.x.Plan.Len() }

// At is trial i.
func (h *history) At(i int) sweep.Trial {
	p := h.x.Plan.At(i)
	t := sweep.Trial{Suggestion: sweep.Suggestion{Index: p.Index, Point: p.Point, Seed: p.Seed}, ID: p.ID, State: sweep.Waiting,
		Budget: p.Job.Epochs, Evaluation: p.Job.Evaluation}
	s, begun := h.x.Study.View().State(p.ID)
	if !begun {
		return t
	}
	t.State, t.Reason = h.standing(i, s).State, s.Reason
	rows, err := h.x.Study.View().Epochs(p.ID)
	if err != nil && h.err == nil {
		h.err = err
	}
	t.Epochs = epochsOf(rows)
	return t
}

// epochsOf returns rows as judges see them.
func epochsOf(rows []results.Epoch) (list []sweep.Epoch) {
	for _, r := range rows {
		list = append(list, sweep.Epoch{Epoch: r.Epoch, Evaluated: r.Evaluated, Values: r.Metrics})
	}
	return list
}
