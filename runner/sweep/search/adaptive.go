package search

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep"
	"github.com/starsweep/starsweep/runner/sweep/race"
)

// Adaptive suggests every point of a search under the first seeds, as many as the study starts with. Then, round by round, those of which
// it is not decided whether they are on the Pareto front of the objectives get one more seed, until they have all.
//
// Each round waits for all results of the one before it, so that what is suggested depends on the results alone, whatever the number of
// workers. The first suggestion of a round sees how all trials have ended; its Saw lists those that no earlier one saw to end so.
type Adaptive struct {
	LeftOut int // points that do not satisfy the constraint

	study    Study
	points   []spec.Point // all different
	places   map[string]int
	progress // after read suggestions
}

// mostRaced bounds the points, of which every two are compared.
const mostRaced = 4096

// progress is how far adaptive seeds have come.
type progress struct {
	read   int            // suggestions of the history that are known
	seeds  [][]uint32     // by point, under which it was suggested
	trials [][]int        // by point, places in ends
	ends   []end          // of all trials of the points, in their order
	known  map[string]int // places in ends, by ID
	filled int            // so many of the first suggestions of a study that begins were made
	race   *race.Race
	lost   []bool // points that are not compared: none of their trials has costs, or lasted as long as those of others
	round  []int  // points that get one more seed, and have not yet
}

// end is the end of a trial, as the newest look has seen it.
type end struct {
	result
	id    string
	index int // of its first suggestion
	point int // which was suggested first
}

// NewAdaptive returns the source of a study with adaptive seeds. Errors name the argument of study(...) that is wrong; those of Allows are
// returned as they are.
func NewAdaptive(ctx context.Context, s Study) (*Adaptive, error) {
	switch {
	case s.Search.Kind.Learns():
		return nil, fmt.Errorf("seeds: adaptive(...) compares points that are known from the start, and %s suggests them one by one: use "+
			"seeds = %d, or a search such as grid() or sobol(trials = ...)", s.Search.Kind, s.Adaptive.Start)
	case len(s.Objectives) == 0:
		return nil, fmt.Errorf("seeds: adaptive(...) compares points by objectives, and the study has none: give it objectives = {...}, or use "+
			"seeds = %d", len(s.Seeds))
	}
	all, err := New(ctx, s)
	if err != nil {
		return nil, err
	}
	a := &Adaptive{LeftOut: all.LeftOut, study: s, places: map[string]int{}}
	for i := range all.Points.Len() {
		p := all.Points.At(i)
		if _, known := a.places[p.String()]; !known {
			a.places[p.String()] = len(a.points)
			a.points = append(a.points, p)
		}
	}
	if n := len(a.points); n > mostRaced {
		return nil, fmt.Errorf("seeds: adaptive(...) compares every two points, and there are %d, want at most %d: use seeds = %d", n, mostRaced,
			s.Adaptive.Start)
	}
	a.forget()
	return a, nil
}

// forget makes the source one that knows nothing of a history.
func (a *Adaptive) forget() {
	n := len(a.points)
	a.progress = progress{seeds: make([][]uint32, n), trials: make([][]int, n), known: map[string]int{}, lost: make([]bool, n),
		race: race.New(n, a.study.Adaptive.Error)}
}

// Sample returns the points of the search, all different, by which a study is known before its trials are.
func (a *Adaptive) Sample(context.Context) (spec.Points, error) {
	return spec.PointList(a.points...), nil
}

// Least is how many suggestions there are whatever the results.
func (a *Adaptive) Least() int { return len(a.points) * a.study.Adaptive.Start }

// Most is how many suggestions there are at most.
func (a *Adaptive) Most() int { return len(a.points) * len(a.study.Seeds) }

// Next is suggestion i.
func (a *Adaptive) Next(i int, h sweep.History) (s sweep.Suggestion, err error) {
	s.Index = i
	if err := a.follow(i, h); err != nil {
		return s, err
	}
	for n := len(a.points); a.filled < a.Least(); a.filled++ {
		p, seed := a.filled%n, a.study.Seeds[a.filled/n]
		if !slices.Contains(a.seeds[p], seed) {
			s.Point, s.Seed = a.points[p], seed
			return s, nil
		}
	}
	round := a.round
	if len(round) == 0 {
		var next progress
		if next, s.Saw, err = a.next(h); err != nil {
			return s, err
		}
		round = next.round
	}
	if len(round) == 0 {
		return s, io.EOF
	}
	s.Point = a.points[round[0]]
	s.Seed, _ = a.study.lacks(a.seeds[round[0]])
	return s, nil
}

// follow learns the first n suggestions of a history. The error is sweep.ErrWait if it lacks what they saw.
func (a *Adaptive) follow(n int, h sweep.History) error {
	if n < a.read {
		a.forget()
	}
	for ; a.read < n; a.read++ {
		t := h.At(a.read)
		p, ours := a.places[t.Point.String()]
		if !ours { // but of other points, which the study had before
			continue
		}
		if t.Saw != nil { // a round begins
			if err := a.look(t.Saw, h); err != nil {
				return err
			}
		}
		a.add(p, t)
	}
	return nil
}

// add adds a suggestion of a point.
func (a *Adaptive) add(p int, t sweep.Trial) {
	place, known := a.known[t.ID]
	if !known {
		place = len(a.ends)
		a.known[t.ID] = place
		a.ends = append(a.ends, end{id: t.ID, index: t.Index, point: p})
	}
	a.seeds[p], a.trials[p] = append(a.seeds[p], t.Seed), append(a.trials[p], place)
	a.round = slices.DeleteFunc(a.round, func(q int) bool { return p == q })
}

// next is the progress after the next look, and what that look sees which no earlier one saw. The error is sweep.ErrWait if a trial has not
// ended.
func (a *Adaptive) next(h sweep.History) (next progress, saw sweep.Seen, err error) {
	for _, e := range slices.Backward(a.ends) { // the newest ones are those that have not ended
		t := h.At(e.index)
		if !t.State.Final() {
			return next, nil, sweep.ErrWait
		}
		if sight := sightOf(t); sight != e.sight {
			if saw == nil {
				saw = sweep.Seen{}
			}
			saw[e.id] = sight
		}
	}
	ahead := *a // what it learns counts only once the suggestion is recorded
	ahead.ends, ahead.race = slices.Clone(a.ends), a.race.Clone()
	err = ahead.look(saw, h)
	return ahead.progress, saw, err
}

// sightOf is the end of a trial within its budget, beyond which it has epochs if the study had a larger one before.
func sightOf(t sweep.Trial) sweep.Sight {
	sight := sweep.Sight{State: t.State, Epochs: t.Last()}
	if 0 < t.Budget && t.Budget < sight.Epochs {
		sight.Epochs = t.Budget
	}
	return sight
}

// look compares the points by the trials that it sees and those that earlier looks saw, and begins a round. The error is sweep.ErrWait if
// the history lacks what it sees.
func (a *Adaptive) look(saw sweep.Seen, h sweep.History) error {
	for id, sight := range saw {
		place, ours := a.known[id]
		if !ours {
			continue
		}
		e := &a.ends[place]
		t := h.At(e.index)
		if t.Last() < sight.Epochs {
			return sweep.ErrWait
		}
		e.result = result{sight, a.study.costs(t, sight)}
	}
	costs, lasted := make([][][]float64, len(a.points)), make([]int, len(a.points))
	for p := range a.points {
		if a.isTwin(p) {
			continue
		}
		var own []result
		for _, place := range a.trials[p] {
			own = append(own, a.ends[place].result)
		}
		costs[p], lasted[p] = longest(own)
	}
	to := slices.Max(lasted)
	a.lost = make([]bool, len(a.points))
	for p := range costs {
		if a.lost[p] = len(a.trials[p]) > 0 && (costs[p] == nil || lasted[p] < to); a.lost[p] {
			costs[p] = nil
		}
	}
	a.race.Look(costs)
	a.begin()
	return nil
}

// begin begins a round: of the points that are undecided and lack a seed, those that have the fewest.
func (a *Adaptive) begin() {
	a.round = nil
	for p := range a.points {
		if _, lacks := a.study.lacks(a.seeds[p]); !lacks || a.standing(p) != undecided {
			continue
		}
		if len(a.round) > 0 && len(a.seeds[p]) < len(a.seeds[a.round[0]]) {
			a.round = nil
		}
		if len(a.round) == 0 || len(a.seeds[p]) == len(a.seeds[a.round[0]]) {
			a.round = append(a.round, p)
		}
	}
}

// isTwin reports whether an earlier point has the same trials.
func (a *Adaptive) isTwin(p int) bool {
	return slices.ContainsFunc(a.trials[p], func(place int) bool { return a.ends[place].point != p })
}

// standing is what is decided of a point.
type standing uint8

const (
	undecided standing = iota
	onFront
	out
	twin // of another point, which stands for both
)

func (a *Adaptive) standing(p int) standing {
	isOut := func(p int) bool { return a.lost[p] || a.race.Out(p) }
	switch {
	case a.isTwin(p):
		return twin
	case isOut(p):
		return out
	}
	for q := range a.points {
		if q != p && !isOut(q) && !a.race.Safe(p, q) {
			return undecided
		}
	}
	return onFront
}

// Decided is what is decided of the points of a study with adaptive seeds. Points of one configuration count as one.
type Decided struct {
	Front     []spec.Point `json:"front"`     // surely
	Undecided []spec.Point `json:"undecided"` // under all seeds
	Out       []spec.Point `json:"out"`       // surely not on the front
}

// Decided is what is decided by a history. The error is sweep.ErrWait if a trial of it has not ended.
func (a *Adaptive) Decided(h sweep.History) (d Decided, err error) {
	if err := a.follow(h.Len(), h); err != nil {
		return d, err
	}
	last := *a
	if last.progress, _, err = a.next(h); err != nil {
		return d, err
	}
	for p, point := range a.points {
		switch last.standing(p) {
		case onFront:
			d.Front = append(d.Front, point)
		case undecided:
			d.Undecided = append(d.Undecided, point)
		case out:
			d.Out = append(d.Out, point)
		}
	}
	return d, nil
}
