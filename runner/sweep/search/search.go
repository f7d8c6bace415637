// Package search holds the sources of suggestions. Those of this file ignore the history: every combination of a space, random points,
// or a list of points, each under every seed. Package plan traces what they suggest before anything runs.
package search

import (
	"context"
	"fmt"
	"io"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep"
)

// Study is what a search needs to know of a study.
type Study struct {
	Space  spec.Space
	Search spec.Search
	Seeds  []uint32
	Allows func(context.Context, spec.Point) (bool, error) // whether a point satisfies the constraint; nil: there is none
}

// Blocks suggests every point under the first seed, then every point under the second, and so on: a study that is stopped early has
// compared all configurations, and one that gains seeds keeps the trials that it has, in their places.
type Blocks struct {
	Points  spec.Points
	Seeds   []uint32
	LeftOut int // points of a grid or a list that do not satisfy the constraint; a random search draws others instead
}

var _ sweep.Source = (*Blocks)(nil)

// New returns the search of a study. Errors name the argument of study(...) that is wrong; those of Allows are returned as they are.
func New(ctx context.Context, s Study) (*Blocks, error) {
	points, err := s.points()
	if err != nil {
		return nil, fmt.Errorf("space: %w", err)
	}
	b := &Blocks{Points: points, Seeds: s.Seeds}
	if s.Allows != nil {
		if b.Points, err = s.allowed(ctx, points); err != nil {
			return nil, err
		}
		if s.Search.Kind != spec.Random {
			b.LeftOut = points.Len() - b.Points.Len()
		}
	}
	if b.Len() > spec.MaxPoints {
		return nil, fmt.Errorf("study: got %d trials, %d points by %d seeds, want at most %d", b.Len(), b.Points.Len(), len(b.Seeds),
			spec.MaxPoints)
	}
	return b, nil
}

// One returns the search of one point.
func One(p spec.Point, seeds []uint32) *Blocks {
	return &Blocks{Points: spec.PointList(p), Seeds: seeds}
}

// Len is the number of suggestions.
func (b *Blocks) Len() int { return b.Points.Len() * len(b.Seeds) }

// At is suggestion i.
func (b *Blocks) At(i int) sweep.Suggestion {
	n := b.Points.Len()
	return sweep.Suggestion{Index: i, Point: b.Points.At(i % n), Seed: b.Seeds[i/n]}
}

// Next is suggestion i, whatever the history.
func (b *Blocks) Next(i int, _ sweep.History) (sweep.Suggestion, error) {
	if i >= b.Len() {
		return sweep.Suggestion{}, io.EOF
	}
	return b.At(i), nil
}

// points are the points of the study without its constraint.
func (s Study) points() (spec.Points, error) {
	switch s.Search.Kind {
	case spec.List:
		return spec.PointList(s.Search.Points...), nil
	case spec.Random:
		return spec.NewPoints(s.Search.Trials, s.draw()), nil
	}
	return grid(s.Space)
}

// grid is every combination, the last dimension fastest.
func grid(s spec.Space) (spec.Points, error) {
	n := 1
	for _, d := range s {
		if len(d.Choices) == 0 {
			return spec.Points{}, fmt.Errorf("%s is a range, and a grid needs choices: use choice(...) or search = random(trials = ...)", d.Name)
		}
		if n *= len(d.Choices); n > spec.MaxPoints {
			return spec.Points{}, fmt.Errorf("the grid has more than %d points: use search = random(trials = ...)", spec.MaxPoints)
		}
	}
	return spec.NewPoints(n, func(i int) spec.Point {
		p, rest := make(spec.Point, len(s)), i
		for j := len(s) - 1; j >= 0; j-- {
			c := s[j].Choices
			p[j] = spec.Assignment{Name: s[j].Name, Value: c[rest%len(c)]}
			rest /= len(c)
		}
		return p
	}), nil
}

// draw returns the function that draws random point i. Another number of points changes none of them, and another dimension does not
// change the other columns.
func (s Study) draw() func(i int) spec.Point {
	stream := model.NewSource(uint32(s.Search.Seed), "search")
	return func(i int) spec.Point {
		p := make(spec.Point, len(s.Space))
		for j, d := range s.Space {
			source := *stream
			source.Seek(uint64(i)<<32 | uint64(j))
			p[j] = spec.Assignment{Name: d.Name, Value: d.At(source.Uniform())}
		}
		return p
	}
}

// A random search draws this many points for each that it is asked for, and at least leastDraws, before it says that too few satisfy
// the constraint.
const (
	drawsEach  = 100
	leastDraws = 10_000
)

// allowed are the points that satisfy the constraint. Of a random search they are the first draws that do, as many as it is asked for: a
// constraint leaves the points that satisfy it as they were, and adds draws after them.
func (s Study) allowed(ctx context.Context, all spec.Points) (spec.Points, error) {
	candidates, at := all.Len(), all.At
	if s.Search.Kind == spec.Random {
		candidates, at = max(drawsEach*s.Search.Trials, leastDraws), s.draw()
	}
	var kept []uint32
	for i := 0; i < candidates && len(kept) < all.Len(); i++ {
		if ctx.Err() != nil {
			return spec.Points{}, context.Cause(ctx)
		}
		ok, err := s.Allows(ctx, at(i))
		if err != nil {
			return spec.Points{}, err
		}
		if ok {
			kept = append(kept, uint32(i))
		}
	}
	switch {
	case s.Search.Kind == spec.Random && len(kept) < all.Len():
		return spec.Points{}, fmt.Errorf("constraint: got %d points that satisfy it among %d drawn, want %d: allow more of the space, "+
			"or ask for fewer trials", len(kept), candidates, all.Len())
	case len(kept) == 0:
		return spec.Points{}, fmt.Errorf("constraint: none of the %d points satisfies it, want at least one", all.Len())
	}
	return spec.NewPoints(len(kept), func(i int) spec.Point { return at(int(kept[i])) }), nil
}
