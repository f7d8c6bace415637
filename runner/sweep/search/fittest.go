package search

import (
	"maps"
	"slices"

	"github.com/starsweep/starsweep/engine/pareto"
)

// fittest returns the places of the n best observations that have results, or of all that have, the best first: with one objective by its
// value; with several by front, and on a front those first that have the most room around them (Deb et al. 2002). Points that a judge ended
// come after all others, those that lasted longer first.
func fittest(seen []observation, n int) []int {
	lasting := map[int][]int{}
	for i, o := range seen {
		if o.costs != nil {
			lasting[o.lasted] = append(lasting[o.lasted], i)
		}
	}
	var order []int
	for _, epochs := range slices.Backward(slices.Sorted(maps.Keys(lasting))) {
		places := lasting[epochs]
		costs := make([][]float64, len(places))
		for k, i := range places {
			costs[k] = seen[i].costs
		}
		for _, k := range pareto.Best(costs, n-len(order)) {
			order = append(order, places[k])
		}
	}
	return order
}
