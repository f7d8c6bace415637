package search

import (
	"cmp"
	"maps"
	"slices"

	"github.com/starsweep/starsweep/engine/pareto"
)

// fittest returns the places of the observations that have results, the best first: with one objective by its value; with several by
// front, and on a front those first that have the most room around them (Deb et al. 2002). Points that a judge ended come after all others,
// those that lasted longer first.
func fittest(seen []observation) []int {
	lasting := map[int][]int{}
	for i, o := range seen {
		if o.costs != nil {
			lasting[o.lasted] = append(lasting[o.lasted], i)
		}
	}
	var order []int
	for _, epochs := range slices.Backward(slices.Sorted(maps.Keys(lasting))) {
		order = append(order, inOrder(seen, lasting[epochs])...)
	}
	return order
}

// inOrder puts places of observations in order, one or more.
func inOrder(seen []observation, places []int) []int {
	costs := make([][]float64, len(places))
	for k, i := range places {
		costs[k] = seen[i].costs
	}
	order := make([]int, len(places))
	for k := range order {
		order[k] = k
	}
	if len(costs[0]) == 1 {
		slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(costs[a][0], costs[b][0]), cmp.Compare(a, b)) })
	} else {
		ranks, room := crowded(costs)
		slices.SortFunc(order, func(a, b int) int {
			return cmp.Or(cmp.Compare(ranks[a], ranks[b]), cmp.Compare(room[b], room[a]), cmp.Compare(a, b))
		})
	}
	for k, i := range order {
		order[k] = places[i]
	}
	return order
}

// crowded returns the rank of each point, and its crowding distance on its front.
func crowded(costs [][]float64) (ranks []int, room []float64) {
	directions := slices.Repeat([]pareto.Direction{pareto.Min}, len(costs[0]))
	ranks, err := pareto.Ranks(costs, directions)
	if err != nil {
		panic(err) // of directions, or points of different lengths
	}
	fronts := map[int][]int{}
	for i, r := range ranks {
		fronts[r] = append(fronts[r], i)
	}
	room = make([]float64, len(costs))
	for _, front := range fronts {
		points := make([][]float64, len(front))
		for k, i := range front {
			points[k] = costs[i]
		}
		for k, d := range pareto.Crowding(points) {
			room[front[k]] = d
		}
	}
	return ranks, room
}
