package search

import "github.com/starsweep/starsweep/runner/sweep"

// Warm shows the search finished trials of other studies, which it sees as if they had been suggested before all others. It is called
// before the first suggestion. They have points of the space and the epochs that count, and are none of the trials that it may suggest: a
// point of theirs is new. One that lacks an objective, which the study has got since, is left out; one that diverged has none.
func (l *Learner) Warm(trials []sweep.Trial) {
	others := &Learner{study: l.study, axes: l.axes}
	others.forget()
	for i, t := range trials {
		sight := sweep.Sight{State: t.State, Epochs: t.Last()}
		if t.State != sweep.Diverged && l.study.costs(t, sight) == nil {
			continue
		}
		t.Index = i
		others.learn(t)
		others.trials[t.ID].sight = sight
		others.take(t.ID, t)
	}
	l.warm = others.points
}
