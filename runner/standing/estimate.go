package standing

import (
	"fmt"
	"slices"
	"time"

	"github.com/starsweep/starsweep/results"
)

// timedTrials bounds the trials that do not train at the moment and whose epochs are read for an estimate, timedEpochs the epochs that
// are read of a trial.
const timedTrials, timedEpochs = 32, 64

// paces reads how long the epochs of trials took: of those that train, and of the last ones of the study that have epochs. It notes the
// newest epoch of each.
func (s *Standing) paces(v *results.View) (map[string]Pace, error) {
	paces := map[string]Pace{}
	for i, t := range slices.Backward(s.Trials) {
		if t.Epochs == 0 || t.Standing != Running && len(paces) >= timedTrials {
			continue
		}
		epochs, err := v.LastEpochs(t.ID, timedEpochs)
		if err != nil {
			return nil, err
		}
		var p Pace
		for _, e := range epochs {
			p.Add(Pace{1, e.SecondsTrain + e.SecondsEvaluate})
		}
		if len(epochs) > 0 {
			s.Trials[i].Epoch = epochs[len(epochs)-1]
		}
		paces[t.ID] = p
	}
	return paces, nil
}

// estimate estimates the time until the plan is finished: the epochs that are left, each as long as those of its trial or, for a trial
// without any, those of all trials, divided by the number of trials that train at the moment; but no less than the longest trial takes.
func (s *Standing) estimate(paces map[string]Pace) {
	var all Pace
	for _, p := range paces {
		all.Add(p)
	}
	left, longest, budgets, begun := 0.0, 0.0, 0, 0
	for _, t := range s.Trials {
		if !t.Newest {
			continue
		}
		budgets, begun = budgets+t.Budget, begun+1
		if t.Standing != Running && t.Standing != string(results.Interrupted) {
			continue
		}
		p, timed := paces[t.ID]
		if !timed {
			p = all
		}
		takes := p.Of(t.Budget - t.Epochs)
		left, longest = left+takes, max(longest, takes)
	}
	running := s.Counts[Running]
	if running == 0 || all.Epochs == 0 {
		return
	}
	if waiting := s.Counts[Waiting]; waiting > 0 {
		takes := all.Of(budgets / begun)
		left, longest = left+float64(waiting)*takes, max(longest, takes)
	}
	left = max(left/float64(running), longest)
	s.SecondsLeft = &left
}

// Pace is how long a number of epochs took.
type Pace struct {
	Epochs  int
	Seconds float64
}

// Add adds epochs.
func (p *Pace) Add(q Pace) { p.Epochs, p.Seconds = p.Epochs+q.Epochs, p.Seconds+q.Seconds }

// Of is how long a number of epochs will take.
func (p Pace) Of(epochs int) float64 {
	return p.Seconds / float64(max(p.Epochs, 1)) * float64(max(epochs, 0))
}

// Rounded is a time in at most two units.
func Rounded(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}
