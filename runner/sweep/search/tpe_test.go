package search

import (
	"fmt"
	"slices"
	"testing"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep"
)

// cube is the space of numbers from 0 to 1 in d dimensions.
func cube(t testing.TB, d int) (s spec.Space) {
	t.Helper()
	for j := range d {
		dim, err := spec.Range(fmt.Sprint("x", j), spec.Float, 0, 1, false)
		if err != nil {
			t.Fatal(err)
		}
		s = append(s, dim)
	}
	return s
}

// measured are n random points of a space with made-up objectives.
func measured(s spec.Space, n, objectives int) (seen []observation) {
	draws := model.NewSource(1, "test")
	for range n {
		o := observation{x: uniform(axes(s), draws), ended: true, lasted: toTheEnd}
		for range objectives {
			o.costs = append(o.costs, draws.Uniform())
		}
		seen = append(seen, o)
	}
	return seen
}

// Searches that learn come closer to the best point than points that fill the space, and with two objectives dominate more.
func TestSearchesLearn(t *testing.T) {
	const seeds = 5
	costs := func(p spec.Point, objectives int) []float64 {
		sums := make([]float64, objectives)
		for k := range sums {
			for _, x := range p {
				d := x.Value.Any().(float64) - .3 - .4*float64(k)
				sums[k] += d * d
			}
		}
		return sums
	}
	score := func(kind spec.SearchKind, trials, objectives int, seed uint64) float64 {
		s := Study{Space: cube(t, 4), Seeds: []uint32{0}, Search: spec.Search{Kind: kind, Trials: trials, Even: 10, Seed: seed}}
		for k := range objectives {
			s.Objectives = append(s.Objectives, pareto.Objective{Name: fmt.Sprint(k), Direction: pareto.Min})
		}
		if kind == spec.Random {
			s.Search.Kind, s.Search.Even = spec.TPE, trials // all are even
		}
		l, err := NewLearner(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		var h sweep.Trials
		var results [][]float64
		for i := range trials {
			next, err := l.Next(i, h)
			if err != nil {
				t.Fatal(err)
			}
			results = append(results, costs(next.Point, objectives))
			e := sweep.Epoch{Epoch: 1, Values: map[string]float64{}}
			for k, c := range results[i] {
				e.Values[fmt.Sprint(k)] = c
			}
			h = append(h, sweep.Trial{Suggestion: next, ID: fmt.Sprint(i), State: sweep.Completed, Epochs: []sweep.Epoch{e}})
		}
		reference := slices.Repeat([]float64{1}, objectives)
		volume, err := pareto.Hypervolume(results, reference, slices.Repeat([]pareto.Direction{pareto.Min}, objectives))
		if err != nil {
			t.Fatal(err)
		}
		return volume
	}
	for _, objectives := range []int{1, 2} {
		for kind, trials := range map[spec.SearchKind]int{spec.TPE: 40, spec.GP: 25, spec.NSGA2: 200} {
			with, without := 0.0, 0.0
			for seed := range uint64(seeds) {
				with += score(kind, trials, objectives, seed) / seeds
				without += score(spec.Random, trials, objectives, seed) / seeds
			}
			t.Logf("%s, %d trials, %d objectives: got %.4f, %.4f of points that fill the space", kind, trials, objectives, with, without)
			if with < without+[]float64{.01, .02}[objectives-1] {
				t.Errorf("%s, %d trials, %d objectives: got %g, want more than %g", kind, trials, objectives, with, without)
			}
		}
	}
}

func BenchmarkSuggestion(b *testing.B) {
	s := cube(b, 10)
	for _, n := range []int{1000, 10_000} {
		for _, objectives := range []int{1, 2} {
			seen := measured(s, n, objectives)
			for name, sampler := range map[string]sampler{"tpe": &tpe{s, axes(s)}, "gp": &gp{s, axes(s)}, "nsga2": &nsga2{axes(s), 50}} {
				b.Run(fmt.Sprintf("%s/%d/%d", name, n, objectives), func(b *testing.B) {
					draws := model.NewSource(1, "test")
					for b.Loop() {
						sampler.propose(seen, draws)
					}
				})
			}
		}
	}
}
