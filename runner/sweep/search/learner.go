package search

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep"
)

// Learner is a source that learns from the results of earlier trials. It suggests points that fill the space evenly, then those of its
// sampler, each under every seed before the next.
//
// A suggestion is a function of the suggestions before it, and of what it saw of their trials: how those had ended that had ended. Its
// Saw lists what no earlier suggestion had seen. What one has seen, all that follow see as well, whatever becomes of the trial.
type Learner struct {
	study   Study
	free    spec.Space
	axes    []axis       // of the free dimensions
	even    []spec.Point // they come before those of the sampler
	sampler sampler
	warm    []observation // of other studies

	read   int               // suggestions of the history that are known
	points []observation     // in the order in which they were suggested
	places map[string]int    // of points, by their texts
	full   int               // so many of the first points have been suggested under every seed
	trials map[string]*known // by ID
	open   map[string]bool   // IDs of trials that may have ended or paused since
	fresh  map[string]bool   // IDs of trials of which an earlier suggestion saw, and whose results are to be read
}

// sampler proposes points.
type sampler interface {
	// propose returns coordinates of points to try next, the best first. Those of hyperparameters that do not apply are not used.
	propose(seen []observation, draws *model.Source) [][]float64
}

// observation is a point that was suggested, with what is known of it.
type observation struct {
	spec.Point
	x      []float64 // coordinates, by axis
	seeds  []uint32  // under which it was suggested
	trials []string  // their IDs

	ended  bool      // a trial has, or rests
	costs  []float64 // objectives, means over the seeds that have any; less is better; nil if there are none
	lasted int       // epochs after which a judge ended or paused it; toTheEnd if none did
}

// known is a trial of the history.
type known struct {
	index    int   // of its first suggestion
	points   []int // that have it
	recorded bool  // an earlier suggestion saw it
	result
}

// NewLearner returns the search of a study that learns. Errors name the argument of study(...) that is wrong; those of Derive and Allows
// are returned as they are.
func NewLearner(ctx context.Context, s Study) (*Learner, error) {
	if len(s.Objectives) == 0 {
		return nil, fmt.Errorf("search: %s learns from objectives, and the study has none: give it objectives = {...}, or use "+
			"search = sobol(trials = ...)", s.Search.Kind)
	}
	if n := s.Search.Trials * len(s.Seeds); n > spec.MaxPoints {
		return nil, fmt.Errorf("study: got %d trials, %d points by %d seeds, want at most %d", n, s.Search.Trials, len(s.Seeds), spec.MaxPoints)
	}
	free := s.Space.Free()
	l := &Learner{study: s, free: free, axes: axes(free)}
	switch s.Search.Kind {
	case spec.TPE:
		l.sampler = &tpe{free, l.axes}
	case spec.GP:
		if n := len(s.Objectives); n > 2 {
			return nil, fmt.Errorf("search: gp learns from one objective or two, and the study has %d: use tpe or nsga2", n)
		}
		l.sampler = &gp{free, l.axes}
	case spec.NSGA2:
		l.sampler = &nsga2{l.axes, s.Search.Even}
	default:
		panic(fmt.Sprintf("search: %s does not learn", s.Search.Kind))
	}
	l.forget()
	var err error
	l.even, err = s.evenly(ctx)
	return l, err
}

// Least is how many suggestions there are whatever the results: a space may have no more points.
func (l *Learner) Least() int { return 0 }

// Most is how many suggestions there are at most.
func (l *Learner) Most() int { return l.study.Search.Trials * len(l.study.Seeds) }

// forget makes the learner one that knows nothing of a history.
func (l *Learner) forget() {
	l.read, l.full, l.points = 0, 0, nil
	l.places, l.trials, l.open, l.fresh = map[string]int{}, map[string]*known{}, map[string]bool{}, map[string]bool{}
}

// Next is suggestion i.
func (l *Learner) Next(i int, h sweep.History) (sweep.Suggestion, error) {
	s := sweep.Suggestion{Index: i}
	if i < l.read {
		l.forget()
	}
	for ; l.read < i; l.read++ {
		l.learn(h.At(l.read))
	}
	for ; l.full < len(l.points); l.full++ { // a study that gains seeds has points that lack one
		if seed, lacks := l.study.lacks(l.points[l.full].seeds); lacks {
			s.Point, s.Seed = l.points[l.full].Point, seed
			return s, nil
		}
	}
	s.Seed = l.study.Seeds[0]
	if len(l.points) >= l.study.Search.Trials {
		return s, io.EOF
	}
	for _, p := range l.even {
		if l.isNew(p) {
			s.Point = p
			return s, nil
		}
	}
	var err error
	if s.Saw, err = l.look(h); err != nil {
		return s, err
	}
	s.Point, err = l.sample()
	return s, err
}

// learn adds a suggestion of the history.
func (l *Learner) learn(t sweep.Trial) {
	key := t.Point.String()
	place, ok := l.places[key]
	if !ok {
		place = len(l.points)
		l.places[key] = place
		x := make([]float64, len(l.axes))
		for j, a := range l.axes {
			v, _ := t.Point.GetAt(j, a.Name)
			x[j] = a.coordinate(v)
		}
		l.points = append(l.points, observation{Point: t.Point, x: x})
	}
	p := &l.points[place]
	p.seeds, p.trials = append(p.seeds, t.Seed), append(p.trials, t.ID)
	k := l.trials[t.ID]
	if k == nil {
		k = &known{index: t.Index}
		l.trials[t.ID] = k
		l.open[t.ID] = true
	}
	k.points = append(k.points, place)
	for id, sight := range t.Saw {
		if k := l.trials[id]; k != nil {
			k.sight, k.recorded = sight, true
			l.fresh[id] = true
		}
	}
}

// isNew reports whether a point was not suggested yet.
func (l *Learner) isNew(p spec.Point) bool {
	_, known := l.places[p.String()]
	return !known
}

// look reads what has become of the trials, and returns what no earlier suggestion saw. The error is sweep.ErrWait if the history lacks
// what one of them saw.
func (l *Learner) look(h sweep.History) (saw sweep.Seen, err error) {
	for id := range l.fresh {
		k := l.trials[id]
		t := h.At(k.index)
		if t.Last() < k.sight.Epochs {
			return nil, sweep.ErrWait
		}
		l.take(id, t)
		delete(l.fresh, id)
		if s := k.sight.State; s != sweep.Failed && s != sweep.Paused { // these may run again
			delete(l.open, id)
		}
	}
	for id := range l.open {
		k := l.trials[id]
		t := h.At(k.index)
		sight := sweep.Sight{State: t.State, Epochs: t.Last()}
		switch {
		case k.recorded && (!t.State.Rests() || k.sight == sight):
			continue
		case !t.State.Rests():
			if k.sight = (sweep.Sight{}); k.costs != nil { // it had ended for a suggestion that was not recorded, and runs again
				l.take(id, sweep.Trial{})
			}
			continue
		}
		if saw == nil {
			saw = sweep.Seen{}
		}
		saw[id], k.sight = sight, sight
		l.take(id, t)
	}
	return saw, nil
}

// take takes over the results of a trial, as far as they are in sight.
func (l *Learner) take(id string, t sweep.Trial) {
	k := l.trials[id]
	k.costs = l.study.costs(t, k.sight)
	for _, place := range k.points {
		l.points[place].sum(l.trials)
	}
}

// costs are the objectives of a trial at its last epoch that has all of them; nil if none has, or the trial has no usable model. Those of a
// trial that a judge ended or paused are what it was compared by: costs are comparable if their trials lasted equally long.
func (s Study) costs(t sweep.Trial, sight sweep.Sight) []float64 {
	switch sight.State {
	case sweep.Failed, sweep.Diverged, sweep.Skipped:
		return nil
	}
	if (result{sight: sight}).lasted() < toTheEnd {
		s.Objectives = sweep.OnTheWay(s.Objectives)
	}
	e, found := s.Measured(t.Epochs, sight.Epochs)
	if !found {
		return nil
	}
	costs := make([]float64, len(s.Objectives))
	for j, o := range s.Objectives {
		if costs[j] = e.Values[o.Name]; o.Direction == pareto.Max {
			costs[j] = -costs[j]
		}
	}
	return costs
}

// Measured is the last epoch of some that has all objectives, if there is one up to a number of epochs.
func (s Study) Measured(epochs []sweep.Epoch, until int) (e sweep.Epoch, found bool) {
	for _, e := range slices.Backward(epochs) {
		lacks := func(o pareto.Objective) bool {
			v, has := e.Values[o.Name]
			return !has || math.IsNaN(v) || math.IsInf(v, 0)
		}
		if e.Epoch <= until && !slices.ContainsFunc(s.Objectives, lacks) {
			return e, true
		}
	}
	return sweep.Epoch{}, false
}

// sum sums up the trials of a point: of those with results, the ones that lasted longest.
func (p *observation) sum(trials map[string]*known) {
	p.ended, p.costs = false, nil
	var all []result
	for _, id := range p.trials {
		k := trials[id]
		p.ended = p.ended || k.sight.State.Rests()
		all = append(all, k.result)
	}
	var costs [][]float64
	costs, p.lasted = longest(all)
	for n, own := range costs {
		if p.costs == nil {
			p.costs = make([]float64, len(own))
		}
		for j, c := range own {
			p.costs[j] += (c - p.costs[j]) / float64(n+1)
		}
	}
}

// evenly returns the points that come before those of the sampler: the first ones of the study, then new ones that fill the space, as
// far as there are enough.
func (s Study) evenly(ctx context.Context) ([]spec.Point, error) {
	n := len(s.Search.Points) + s.Search.Even
	if n == 0 {
		return nil, nil
	}
	if len(s.Space.Free()) > sobolMost {
		return s.distinct(ctx, spec.Random, n)
	}
	return s.distinct(ctx, spec.Sobol, n)
}

// Sample returns different points of the space, by which a study is known before its trials are: those that come first, and random ones,
// as many as it may have, within bounds.
func (l *Learner) Sample(ctx context.Context) (spec.Points, error) {
	const least, most = 100, 1000
	points, err := l.study.distinct(ctx, spec.Random, min(max(l.study.Search.Trials, least), most))
	return spec.PointList(points...), err
}

// distinct returns up to n different points that satisfy the constraint: the first ones of the study, then those of another kind of search.
func (s Study) distinct(ctx context.Context, kind spec.SearchKind, n int) ([]spec.Point, error) {
	s.Search = spec.Search{Kind: kind, Trials: leastDraws, Seed: s.Search.Seed, Points: s.Search.Points}
	all, err := s.candidates(ctx)
	if err != nil {
		return nil, err
	}
	var points []spec.Point
	known := map[string]bool{}
	for i := 0; i < all.n && len(points) < n; i++ {
		p, err := s.whole(ctx, all.at(i))
		if err != nil {
			return nil, err
		}
		key := p.String()
		if known[key] {
			continue
		}
		known[key] = true
		ok, err := s.admits(ctx, p)
		if err != nil {
			return nil, err
		}
		if ok {
			points = append(points, p)
		}
	}
	if len(points) == 0 {
		return nil, fmt.Errorf("constraint: none of %d points satisfies it, want at least one", all.n)
	}
	return points, nil
}

// A search that learns asks its sampler this often for a point that is new and satisfies the constraint.
const proposals = 100

// sample returns a point of the sampler, or any that is new. The error is io.EOF if none is found.
func (l *Learner) sample() (spec.Point, error) {
	draws := model.NewSource(uint32(l.study.Search.Seed), string(l.study.Search.Kind))
	draws.Seek(uint64(len(l.points)) << 32)
	seen := slices.Concat(l.warm, l.points)
	for range proposals {
		for _, x := range l.sampler.propose(seen, draws) {
			if p, err := l.accepted(x); p != nil || err != nil {
				return p, err
			}
		}
	}
	for range leastDraws {
		if p, err := l.accepted(uniform(l.axes, draws)); p != nil || err != nil {
			return p, err
		}
	}
	return nil, io.EOF
}

// accepted is the point at coordinates; nil if it was suggested before, or does not satisfy the constraint.
func (l *Learner) accepted(x []float64) (spec.Point, error) {
	p, err := l.study.whole(context.Background(), point(l.free, l.axes, x))
	if err != nil || !l.isNew(p) {
		return nil, err
	}
	if ok, err := l.study.admits(context.Background(), p); !ok || err != nil {
		return nil, err
	}
	return p, nil
}

// uniform draws from the uniform distribution over the space.
func uniform(axes []axis, draws *model.Source) []float64 {
	x := make([]float64, len(axes))
	for j, a := range axes {
		x[j] = a.uniform(draws.Uniform())
	}
	return x
}
