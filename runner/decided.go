package runner

import (
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
	var d search.Decided
	err := t.executor.History(func(h sweep.History) (err error) {
		d, err = source.Decided(h)
		return err
	})
	if errors.Is(err, sweep.ErrWait) { // another process runs a trial again that had failed
		return nil, nil
	}
	return &d, err
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
