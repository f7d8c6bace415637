package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
)

// watch shows how a study stands until it is finished or ctx is done.
func (e *Env) watch(ctx context.Context, v *results.View, o statusOptions) error {
	switch {
	case o.inJSON:
		return e.watchStandings(ctx, v, o.every, func(s *standing) error { return printJSON(e.Stdout, s, "") })
	case e.screen != nil:
		defer e.screen.release()
		return e.watchStandings(ctx, v, o.every, func(s *standing) error {
			e.screen.pin(s.screen(v.Meta()))
			return nil
		})
	}
	return e.watchEvents(ctx, v, o.every)
}

// watchStandings calls show once, and again each time, until the study is finished. What shows may differ although no row was added: a
// process ages.
func (e *Env) watchStandings(ctx context.Context, v *results.View, every time.Duration, show func(*standing) error) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		s, err := standingOf(v)
		if err != nil {
			return err
		}
		if err := show(s); err != nil || s.done() {
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
		s, err := standingOf(v)
		if err != nil {
			return false, err
		}
		_, err = fmt.Fprintln(e.Stdout, strings.Join(s.lines(), "; "))
		return s.done(), err
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

// shownTrials is the number of trials that a screen shows of those that do not train.
const shownTrials = 5

// screen is what a terminal shows. Low terminals hide the first lines, narrow ones the ends: the most important comes last and first.
func (s *standing) screen(m results.Meta) (lines []string) {
	var ended []standingTrial
	for _, t := range s.Trials {
		if t.Newest && t.Reason != "" && t.Standing != standingRunning {
			ended = append(ended, t)
		}
	}
	for _, t := range ended[max(0, len(ended)-shownTrials):] {
		lines = append(lines, t.line(m))
	}
	lines = append(lines, s.failureLines()...)
	for _, p := range s.Processes {
		lines = append(lines, p.line())
		for _, t := range s.Trials {
			if slices.Contains(p.Trials, t.ID) {
				lines = append(lines, "  "+t.line(m))
			}
		}
	}
	lines = append(lines, s.summary())
	last := fmt.Sprintf("%s %s", plain.Line(s.Study), bar(s.Finished, s.Planned))
	if left := s.left(); left != "" {
		last += "  " + left
	}
	return append(lines, last)
}

// line describes a trial, what changes first.
func (t standingTrial) line(m results.Meta) string {
	text := fmt.Sprintf("%s  %s  epoch %d/%d", t.ID, t.Standing, t.Epochs, t.Budget)
	for _, o := range m.Objectives {
		if value, measured := t.Last[o.Metric]; measured {
			text += fmt.Sprintf("  %s %.3g", o.Metric, value)
		}
	}
	if t.Attempts > 1 {
		text += fmt.Sprintf("  attempt %d", t.Attempts)
	}
	text += "  " + t.Label
	if t.Reason != "" {
		text += "  " + t.Reason
	}
	return plain.Line(text)
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
