package runner

import (
	"context"
	"errors"
	"fmt"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/sweep"
	"github.com/starsweep/starsweep/runner/sweep/search"
)

// decided is what the results of a finished study decide of its points; nil unless its seeds are adaptive.
func (t *training) decided() (*search.Decided, error) {
	source, adaptive := t.plan.Source().(*search.Adaptive)
	if !adaptive {
		return nil, nil
	}
	var d *search.Decided
	err := t.executor.History(func(h sweep.History) (err error) {
		d, err = decidedBy(source, h)
		return err
	})
	return d, err
}

// decidedIn is the same by the record of a study alone.
func (e *Env) decidedIn(ctx context.Context, v *results.View) (*search.Decided, error) {
	r := newSearchReplay(e, v)
	var source *search.Adaptive
	for {
		s, found, err := r.recorded(len(r.made))
		if err != nil {
			return nil, err
		}
		if !found {
			break
		}
		from, err := r.source(ctx, s)
		if err != nil {
			return nil, err
		}
		adaptive := false
		if source, adaptive = from.(*search.Adaptive); !adaptive {
			return nil, nil
		}
		r.made = append(r.made, s)
		if t, begun := v.State(s.Trial); begun {
			r.sights[s.Trial] = sweep.Sight{State: sweep.State(t.Status), Epochs: min(t.Epochs, t.Length)}
		}
	}
	if source == nil {
		return nil, nil
	}
	d, err := decidedBy(source, r)
	if r.err != nil {
		return nil, r.err
	}
	return d, err
}

// decidedBy is what a history decides; nil if some of its trials have not ended: another process may run one again that had failed.
func decidedBy(source *search.Adaptive, h sweep.History) (*search.Decided, error) {
	d, err := source.Decided(h)
	switch {
	case errors.Is(err, sweep.ErrWait):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &d, nil
}

// summaryDecided is what is decided of the points of a study with adaptive seeds.
type summaryDecided struct {
	Front     []results.Values `json:"front"`     // points that surely are on it
	Undecided []results.Values `json:"undecided"` // after all seeds
	Out       []results.Values `json:"out"`       // points that surely are not on it

	front []spec.Point
}

func summaryOf(d *search.Decided) *summaryDecided {
	if d == nil {
		return nil
	}
	s := &summaryDecided{[]results.Values{}, []results.Values{}, []results.Values{}, d.Front}
	for _, x := range []struct {
		from []spec.Point
		to   *[]results.Values
	}{{d.Front, &s.Front}, {d.Undecided, &s.Undecided}, {d.Out, &s.Out}} {
		for _, p := range x.from {
			*x.to = append(*x.to, valuesOf(p))
		}
	}
	return s
}

// lines say the same in words, and name the first points of the front.
func (s *summaryDecided) lines() (lines []string) {
	if s == nil {
		return nil
	}
	const most = 5
	points := len(s.Front) + len(s.Undecided) + len(s.Out)
	lines = []string{fmt.Sprintf("%d of %s on the front for sure, %d undecided after all seeds, %d out", len(s.Front),
		plain.Count(points, "point"), len(s.Undecided), len(s.Out))}
	for _, p := range s.front[:min(most, len(s.front))] {
		lines = append(lines, p.String())
	}
	if more := len(s.front) - most; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return lines
}
