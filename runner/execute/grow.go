package execute

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/sweep"
)

// Suggested is a suggestion as the directory of a study records it: with its trial, and all that its source is made of.
type Suggested struct {
	sweep.Suggestion
	Trial   string   `json:"trial"`
	Version string   `json:"version"` // of starsweep
	Script  string   `json:"script"`  // hash
	Profile string   `json:"profile,omitempty"`
	Set     []string `json:"set,omitempty"` // settings and hyperparameters that the command line set
}

// recall adds the suggestions that the study has recorded, and the plan has not. The caller holds a.mu.
func (a *agenda) recall(ctx context.Context) error {
	for {
		recorded, err := a.x.Study.View().Decision(results.Suggestions, a.x.Plan.Suggested())
		if err != nil || recorded == nil {
			return err
		}
		if err := a.add(ctx, recorded); err != nil {
			return err
		}
	}
}

// grow looks for trials once none is waiting: suggestions that are recorded, and what the source suggests now. If there are none, and
// nobody has a trial or leaves it for lack of time, the judges decide what goes on of those that are still paused, and the others end. The
// caller holds a.mu.
func (a *agenda) grow(ctx context.Context) (more bool, err error) {
	before := a.x.Plan.Suggested()
	if !a.exhausted {
		if err := a.recall(ctx); err != nil || a.x.Plan.Suggested() > before {
			return true, err
		}
	}
	if more, err := a.suggest(ctx); more || err != nil {
		return more, err
	}
	if len(a.holders) > 0 {
		return false, nil
	}
	if err := a.promote(true); err != nil || a.queue.Left() > 0 {
		return true, err
	}
	if more, err := a.dismiss(); more || err != nil {
		return more, err
	}
	if !a.exhausted {
		return false, errors.New("the search waits for results, but no trial is in progress")
	}
	return false, nil
}

// suggest asks the source for its next suggestion, and records it. If another process has recorded one in the meantime, that counts.
func (a *agenda) suggest(ctx context.Context) (more bool, err error) {
	if a.exhausted {
		return false, nil
	}
	h := &history{agenda: a}
	s, err := a.x.Plan.Next(h)
	switch {
	case h.err != nil:
		return false, h.err
	case errors.Is(err, io.EOF):
		a.exhausted = true
		return false, nil
	case errors.Is(err, sweep.ErrWait):
		return false, nil
	case err != nil:
		return false, err
	}
	o := a.x.Origin
	record := Suggested{Suggestion: s, Version: o.Version, Script: o.Script, Profile: o.Profile, Set: o.Set}
	if record.Trial, err = a.x.Plan.TrialOf(ctx, s); err != nil {
		return false, fmt.Errorf("%w; this would be suggestion %d, %v", err, s.Index, s.Point)
	}
	text, err := json.Marshal(record)
	if err != nil {
		return false, err
	}
	if text, err = a.x.Study.Decide(results.Suggestions, a.x.Plan.Suggested(), text); err != nil {
		return false, err
	}
	return true, a.add(ctx, text)
}

// add adds a recorded suggestion to the plan.
func (a *agenda) add(ctx context.Context, text []byte) error {
	var s Suggested
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("suggestion %d: %w", a.x.Plan.Suggested(), err)
	}
	place, err := a.x.Plan.Add(ctx, s.Suggestion)
	if err != nil {
		return fmt.Errorf("%w; this is suggestion %d, %v, of a search that goes on only with a script that trains what it has suggested: mend "+
			"the script, or choose another directory", err, s.Index, s.Point)
	}
	a.places[key(a.x.Plan.ID(place))] = place
	a.update(place)
	return nil
}
