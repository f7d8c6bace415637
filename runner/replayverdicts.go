package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/execute"
	"github.com/starsweep/starsweep/runner/sweep"
)

// verdicts is how the judges of a study are asked again.
type verdicts struct {
	*searchReplay
	restore     *restorer
	contestants map[string]contestant // by ID
	entries     []sweep.Entry         // that were read
	last        map[string]sweep.Entry
}

// contestant is a trial with the judges of its script.
type contestant struct {
	sweep.Trial // with all its epochs
	judges      sweep.Judges
}

// judge makes every verdict again: first those that compare trials, in their order, and then those on each finished trial. A trial goes on
// after every evaluation but the last.
func (r *searchReplay) judge(ctx context.Context) error {
	v := &verdicts{searchReplay: r, restore: newRestorer(r.env, r.view), contestants: map[string]contestant{}, last: map[string]sweep.Entry{}}
	if err := v.compare(ctx); err != nil {
		return err
	}
	for _, state := range r.view.Trials() {
		switch state.Status {
		case results.Completed, results.Collapsed, results.Pruned:
		default:
			continue
		}
		if state.Reason == execute.ByHand {
			continue
		}
		if err := v.finished(ctx, state); err != nil {
			return err
		}
	}
	return r.err
}

// contestant is a trial that the study has begun. One that has not ended belongs to the script of the newest plan.
func (v *verdicts) contestant(ctx context.Context, state results.State) (contestant, error) {
	if c, known := v.contestants[state.ID]; known {
		return c, nil
	}
	if p, planned := v.view.Plan(); planned && !state.Status.Final() {
		state.Script, state.Settings = p.Script, p.Settings
	}
	trial, err := v.restore.restore(ctx, state)
	if err != nil {
		return contestant{}, err
	}
	c := contestant{sweep.Trial{ID: state.ID, State: sweep.Running, Budget: state.Length, Evaluation: trial.Job.Evaluation,
		Epochs: v.epochs(state.ID)}, judges(trial.script.Study)}
	v.contestants[state.ID] = c
	return c, nil
}

// after is the trial as it was after an epoch.
func (c contestant) after(epoch int) sweep.Trial {
	t := c.Trial
	for i, e := range t.Epochs {
		if e.Epoch > epoch {
			t.Epochs = t.Epochs[:i]
			break
		}
	}
	return t
}

// compare makes the verdicts again that compare trials.
func (v *verdicts) compare(ctx context.Context) error {
	for i := 0; ctx.Err() == nil; i++ {
		text, err := v.view.Decision(results.Verdicts, i)
		if err != nil || text == nil {
			return err
		}
		var want sweep.Entry
		if err := json.Unmarshal(text, &want); err != nil {
			return withCode(exitStorage, fmt.Errorf("%w: verdict %d is not readable", results.ErrCorrupt, i))
		}
		if err := v.entry(ctx, i, want); err != nil {
			return err
		}
		v.entries, v.last[want.Trial] = append(v.entries, want), want
		v.verdicts++
	}
	return context.Cause(ctx)
}

// entry makes verdict i again.
func (v *verdicts) entry(ctx context.Context, i int, want sweep.Entry) error {
	state, begun := v.view.State(want.Trial)
	if !begun {
		v.differs("verdict %d: trial %s is not recorded", i, want.Trial)
		return nil
	}
	c, err := v.contestant(ctx, state)
	if err != nil {
		return err
	}
	before := sweep.Entries{List: v.entries, Over: want.Over}
	t := c.after(want.Epoch)
	got, due := c.judges.Enter(t)
	switch last := v.last[want.Trial]; {
	case !due || got.Epoch != want.Epoch:
		v.differs("verdict %d: trial %s is not compared after epoch %d", i, want.Trial, want.Epoch)
		return nil
	case last.Epoch == want.Epoch && last.Action == sweep.Pause && want.Action == sweep.Continue: // it was promoted
		got.Verdict = last.Verdict
		for _, e := range c.judges.Promoted(before) {
			if e.Trial == want.Trial && e.Epoch == want.Epoch {
				got.Verdict = e.Verdict
			}
		}
	default:
		got.Verdict = c.judges.Compare(t, got, before)
	}
	if !maps.Equal(got.Values, want.Values) {
		v.differs("verdict %d: trial %s has %v after epoch %d, want %v", i, want.Trial, got.Values, want.Epoch, want.Values)
	}
	if got.Verdict != want.Verdict || got.Bracket != want.Bracket {
		v.differs("verdict %d: trial %s, epoch %d: got %s, want %s", i, want.Trial, want.Epoch, verdictText(got.Verdict),
			verdictText(want.Verdict))
	}
	return nil
}

// finished makes the verdicts on a finished trial again, by its own epochs.
func (v *verdicts) finished(ctx context.Context, state results.State) error {
	c, err := v.contestant(ctx, state)
	if err != nil {
		return err
	}
	compared := v.last[state.ID]
	for _, e := range c.Epochs {
		if !e.Evaluated {
			continue
		}
		want := sweep.Verdict{}
		if e.Epoch == state.Epochs && state.Status != results.Completed {
			want = sweep.Verdict{Action: sweep.Stop, Status: sweep.State(state.Status), Reason: state.Reason}
		}
		t := c.after(e.Epoch)
		got := c.judges.Judge(t)
		_, due := c.judges.Enter(t)
		switch {
		case got.Action != sweep.Continue || !due:
		case compared.Epoch < e.Epoch:
			v.differs("trial %s, epoch %d: no verdict that compares it is recorded", state.ID, e.Epoch)
			continue
		case compared.Epoch == e.Epoch:
			got = compared.Verdict
		}
		if got != want {
			v.differs("trial %s, epoch %d: got %s, want %s", state.ID, e.Epoch, verdictText(got), verdictText(want))
		}
		if !due {
			v.verdicts++
		}
	}
	return nil
}

func verdictText(v sweep.Verdict) string {
	switch v.Action {
	case sweep.Continue:
		return "that it goes on"
	case sweep.Pause:
		return fmt.Sprintf("paused (%s)", v.Reason)
	}
	return fmt.Sprintf("%s (%s)", v.Status, v.Reason)
}
