package runner

import (
	"fmt"
	"sync"
	"time"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/standing"
)

// paces observes how long epochs take, to estimate what remains of a study. Its methods may be called from several goroutines.
type paces struct {
	now func() time.Time

	mu        sync.Mutex
	last      map[string]time.Time     // when the last epoch of a trial ended, by ID
	byProgram map[string]standing.Pace // by fingerprint
	all       standing.Pace
}

func newPaces(now func() time.Time) *paces {
	return &paces{now: now, last: map[string]time.Time{}, byProgram: map[string]standing.Pace{}}
}

// Began implements execute.Observer. The time until the first epoch is that of a compiler, and tells nothing about the next trial.
func (p *paces) Began(plan.Trial) {}

// Epoch implements execute.Observer. An epoch has taken all the time since the one before it, with its evaluation and its checkpoint.
func (p *paces) Epoch(t plan.Trial, row results.Epoch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	took := standing.Pace{Epochs: 1, Seconds: row.SecondsTrain + row.SecondsEvaluate}
	if before, ok := p.last[t.ID]; ok {
		took.Seconds = now.Sub(before).Seconds()
	}
	p.last[t.ID] = now
	program := t.Job.Program.Fingerprint()
	own := p.byProgram[program]
	own.Add(took)
	p.byProgram[program] = own
	p.all.Add(took)
}

// Ended implements execute.Observer.
func (p *paces) Ended(t plan.Trial, _ results.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.last, t.ID)
}

// remaining is what is left of a study.
type remaining struct {
	trials, epochs int
	takes, longest float64 // seconds of one trial after the other, of the longest one
	measured       bool    // at least one epoch was measured
}

// of returns what remains of a plan of so many trials, those included that its search has not suggested yet. epochs is the number of epochs
// that a trial still has to train, by its place.
func (p *paces) of(all *plan.Plan, planned int, epochs func(i int) int) (r remaining) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.measured = p.all.Epochs > 0
	for i := range all.Len() {
		if n := epochs(i); n > 0 {
			r.add(n, p.program(all.Program(i)))
		}
	}
	if len(all.Families) > 0 {
		for range planned - all.Len() {
			r.add(all.Families[0].Job.Epochs, p.all)
		}
	}
	return r
}

// program is the pace of a program. One of which nothing was measured takes as long as the others. The caller holds p.mu.
func (p *paces) program(x *model.Program) standing.Pace {
	if x != nil {
		if own, ok := p.byProgram[x.Fingerprint()]; ok {
			return own
		}
	}
	return p.all
}

// add adds a trial with this number of epochs to go.
func (r *remaining) add(epochs int, p standing.Pace) {
	takes := p.Of(epochs)
	r.trials, r.epochs = r.trials+1, r.epochs+epochs
	r.takes, r.longest = r.takes+takes, max(r.longest, takes)
}

// text says what remains, and how long it takes with this number of trials at the same time.
func (r remaining) text(lanes int) string {
	s := fmt.Sprintf("%s with %s to go", plain.Count(r.trials, "trial"), plain.Count(r.epochs, "epoch"))
	if !r.measured {
		return s + ", of unknown duration"
	}
	s += ": about " + standing.Rounded(r.seconds(lanes))
	if lanes = min(lanes, r.trials); lanes > 1 {
		s += fmt.Sprintf(" with %d at the same time", lanes)
	}
	return s
}

// seconds is how long it takes with this number of trials at the same time.
func (r remaining) seconds(lanes int) float64 {
	return max(r.longest, r.takes/float64(max(1, min(lanes, r.trials))))
}

// summary is what remains for the summary of a run; nil: nothing.
func (r remaining) summary(lanes int) *summaryRemaining {
	if r.trials == 0 {
		return nil
	}
	s := &summaryRemaining{Trials: r.trials, Epochs: r.epochs}
	if r.measured {
		seconds := r.seconds(lanes)
		s.Seconds = &seconds
	}
	return s
}
