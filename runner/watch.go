package runner

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/standing"
)

// watch shows how a study stands until it is finished or ctx is done.
func (e *Env) watch(ctx context.Context, v *results.View, o statusOptions) error {
	switch {
	case o.inJSON:
		return e.watchStandings(ctx, v, o.every, func(s *standing.Standing) error { return printJSON(e.Stdout, s, "") })
	case e.screen != nil:
		defer e.screen.release()
		return e.watchStandings(ctx, v, o.every, func(s *standing.Standing) error {
			e.screen.pin(standingRows(s, v.Meta()))
			return nil
		})
	}
	return e.watchEvents(ctx, v, o.every)
}

// watchStandings calls show once, and again each time, until the study is finished. What shows may differ although no row was added: a
// process ages.
func (e *Env) watchStandings(ctx context.Context, v *results.View, every time.Duration, show func(*standing.Standing) error) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		s, err := standing.Of(v)
		if err != nil {
			return err
		}
		if err := show(s); err != nil || s.Done() {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		if _, err := v.Refresh(); err != nil {
			return err
		}
	}
}

// watchEvents prints a line for every change, and how the study stands whenever a trial ends.
func (e *Env) watchEvents(ctx context.Context, v *results.View, every time.Duration) error {
	stands := func() (done bool, err error) {
		s, err := standing.Of(v)
		if err != nil {
			return false, err
		}
		_, err = fmt.Fprintln(e.Stdout, strings.Join(standingLines(s), "; "))
		return s.Done(), err
	}
	if done, err := stands(); done || err != nil {
		return err
	}
	for event, err := range v.Follow(ctx, every) {
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(e.Stdout, eventLine(v, event)); err != nil {
			return err
		}
		if event.Kind != results.Ended && event.Kind != results.Forgotten && event.Kind != results.Planned {
			continue
		}
		if done, err := stands(); done || err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// eventLine describes a change.
func eventLine(v *results.View, event results.Event) string {
	if event.Kind == results.Planned {
		return "a run begins"
	}
	name, budget, end := event.Trial, "", "ended"
	if t, known := v.State(event.Trial); known {
		name = fmt.Sprintf("%s [%s]", t.ID, v.Meta().Label(t.Point, t.Seed))
		budget, end = fmt.Sprintf("/%d", t.Length), string(t.Status)
		if t.Reason != "" {
			end += ": " + t.Reason
		}
	}
	what := map[results.EventKind]string{
		results.Began:       "begins",
		results.EpochDone:   fmt.Sprintf("epoch %d%s", event.Epoch, budget),
		results.SampleDrawn: fmt.Sprintf("sample sheet of epoch %d", event.Epoch),
		results.TrialPaused: "paused",
		results.Ended:       end,
		results.Forgotten:   "forgotten",
		results.Measured:    fmt.Sprintf("measured at epoch %d", event.Epoch),
	}[event.Kind]
	return plain.Line(fmt.Sprintf("trial %s %s", name, what))
}
