package search

import (
	"fmt"
	"testing"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
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
		o := observation{x: uniform(axes(s), draws), ended: true}
		for range objectives {
			o.costs = append(o.costs, draws.Uniform())
		}
		seen = append(seen, o)
	}
	return seen
}

func BenchmarkSuggestion(b *testing.B) {
	s := cube(b, 10)
	for _, n := range []int{1000, 10_000} {
		for _, objectives := range []int{1, 2} {
			seen := measured(s, n, objectives)
			for name, sampler := range map[string]sampler{"tpe": &tpe{s, axes(s)}, "nsga2": &nsga2{s, axes(s), 50}} {
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
