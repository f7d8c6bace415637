// Package search holds the sources of suggestions. Those of this file ignore the history: every combination of a space, points drawn from
// it (random, Sobol', Latin hypercube), or a list of points, each under every seed. Package plan traces what they suggest before anything
// runs.
package search

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep"
)

// Study is what a search needs to know of a study.
type Study struct {
	Space      spec.Space
	Search     spec.Search
	Seeds      []uint32                                        // all that a point may have
	Adaptive   *spec.Adaptive                                  // nil: every point has all seeds
	Objectives []pareto.Objective                              // of a search that learns, or adaptive seeds
	Derive     func(context.Context, spec.Point) error         // sets the values of the derived hyperparameters; nil: there are none
	Allows     func(context.Context, spec.Point) (bool, error) // whether a point satisfies the constraint; nil: there is none
}

// lacks is the first seed of the study that is not among those under which a point was suggested.
func (s Study) lacks(suggested []uint32) (seed uint32, lacks bool) {
	for _, seed := range s.Seeds {
		if !slices.Contains(suggested, seed) {
			return seed, true
		}
	}
	return 0, false
}

// Blocks suggests every point under the first seed, then every point under the second, and so on: a study that is stopped early has
// compared all configurations, and one that gains seeds keeps the trials that it has, in their places.
type Blocks struct {
	Points  spec.Points
	Seeds   []uint32
	LeftOut int // points of a grid or a list that do not satisfy the constraint; a random search draws others instead
}

var _ sweep.Source = (*Blocks)(nil)

// New returns the search of a study. Errors name the argument of study(...) that is wrong; those of Derive and Allows are returned as they
// are.
func New(ctx context.Context, s Study) (*Blocks, error) {
	all, err := s.candidates(ctx)
	if err != nil {
		return nil, err
	}
	b := &Blocks{Points: spec.NewPoints(all.n, all.at), Seeds: s.Seeds}
	if s.Allows != nil || s.Derive != nil {
		if b.Points, err = s.allowed(ctx, all); err != nil {
			return nil, err
		}
		b.LeftOut = all.n - b.Points.Len()
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

// candidates are the points of a search before its constraint leaves some out. They lack the hyperparameters that are derived, unless the
// script lists them.
type candidates struct {
	n       int
	at      func(i int) spec.Point
	endless bool // there are points after the n-th, which may take the places of those that are left out
}

func list(points spec.Points) candidates { return candidates{n: points.Len(), at: points.At} }

// candidates are those of the study.
func (s Study) candidates(ctx context.Context) (candidates, error) {
	seed, free := uint32(s.Search.Seed), s.Space.Free()
	switch s.Search.Kind {
	case spec.List:
		return list(spec.PointList(s.Search.Points...)), nil
	case spec.Grid:
		points, err := grid(ctx, free)
		if err != nil {
			return candidates{}, fmt.Errorf("space: %w", err)
		}
		return list(points), nil
	case spec.Random:
		return s.drawn(true, random(seed)), nil
	case spec.Sobol:
		sequence, err := newSobol(len(free), seed)
		if err != nil {
			return candidates{}, fmt.Errorf("space: %w", err)
		}
		return s.drawn(true, sequence.uniform), nil
	case spec.LatinHypercube:
		return s.drawn(false, newLatin(s.Search.Trials-len(s.Search.Points), len(free), seed).uniform), nil
	}
	return candidates{}, fmt.Errorf("search: unknown kind %q", s.Search.Kind)
}

// drawn are the points that come first, and then points of the space at coordinates from 0 to 1, of which uniform returns number j of
// point i.
func (s Study) drawn(endless bool, uniform func(i, j int) float64) candidates {
	first, free := s.Search.Points, s.Space.Free()
	return candidates{n: s.Search.Trials, endless: endless, at: func(i int) spec.Point {
		if i < len(first) {
			return first[i]
		}
		p := make(spec.Point, len(free))
		for j, d := range free {
			p[j] = spec.Assignment{Name: d.Name, Value: d.At(uniform(i-len(first), j))}
		}
		free.Settle(p)
		return p
	}}
}

// random returns independent coordinates. Another number of points changes none of them, and another dimension does not change the other
// columns.
func random(seed uint32) func(i, j int) float64 {
	stream := model.NewSource(seed, "search")
	return func(i, j int) float64 {
		source := *stream
		source.Seek(uint64(i)<<32 | uint64(j))
		return source.Uniform()
	}
}

// whole is a candidate with the hyperparameters that are derived. The error is that of Derive.
func (s Study) whole(ctx context.Context, p spec.Point) (spec.Point, error) {
	if s.Derive == nil {
		return p, nil
	}
	all := make(spec.Point, len(s.Space))
	for j, d := range s.Space {
		all[j].Name = d.Name
		if !d.Derived {
			all[j].Value, _ = p.Get(d.Name)
		}
	}
	return all, s.Derive(ctx, all)
}

// admits reports whether a point satisfies the constraint, if there is one. The error is that of the constraint, or the cause of ctx.
func (s Study) admits(ctx context.Context, p spec.Point) (bool, error) {
	switch {
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case s.Allows == nil:
		return true, nil
	}
	return s.Allows(ctx, p)
}

// A search that is endless draws this many points for each that it is asked for, and at least leastDraws, before it says that too few
// satisfy the constraint.
const (
	drawsEach  = 100
	leastDraws = 10_000
)

// allowed are the points that satisfy the constraint. Of an endless search they are the first that do, as many as it is asked for: a
// constraint leaves the points that satisfy it as they were, and adds points after them.
func (s Study) allowed(ctx context.Context, all candidates) (spec.Points, error) {
	most := all.n
	if all.endless {
		most = max(drawsEach*all.n, leastDraws)
	}
	var kept []uint32
	for i := 0; i < most && len(kept) < all.n; i++ {
		p, err := s.whole(ctx, all.at(i))
		if err != nil {
			return spec.Points{}, err
		}
		ok, err := s.admits(ctx, p)
		if err != nil {
			return spec.Points{}, err
		}
		if ok {
			kept = append(kept, uint32(i))
		}
	}
	switch {
	case all.endless && len(kept) < all.n:
		return spec.Points{}, fmt.Errorf("constraint: got %d points that satisfy it among %d drawn, want %d: allow more of the space, "+
			"or ask for fewer trials", len(kept), most, all.n)
	case len(kept) == 0:
		return spec.Points{}, fmt.Errorf("constraint: none of the %d points satisfies it, want at least one", all.n)
	}
	return spec.NewPoints(len(kept), func(i int) spec.Point {
		p, err := s.whole(context.Background(), all.at(int(kept[i])))
		if err != nil { // it is a pure function of the point
			panic(fmt.Sprintf("search: the derived hyperparameters of %v were computed before, and now: %v", p, err))
		}
		return p
	}), nil
}
