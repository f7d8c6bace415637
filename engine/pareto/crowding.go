package pareto

import (
	"cmp"
	"math"
	"slices"
)

// Crowding returns the crowding distance of each point of a front (Deb et al. 2002, section III.B): the sum over the objectives of the
// distance between its neighbours on both sides, as a share of the objective's range; +Inf for the points at the ends of an objective.
// Directions do not matter. Of equal points only the first and the last of them can be at an end.
func Crowding(points [][]float64) []float64 {
	distance := make([]float64, len(points))
	if len(points) == 0 {
		return distance
	}
	order := make([]int, len(points))
	for j := range points[0] {
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(points[a][j], points[b][j]) })
		last := len(order) - 1
		lo, hi := points[order[0]][j], points[order[last]][j]
		distance[order[0]], distance[order[last]] = math.Inf(1), math.Inf(1)
		if !(lo < hi) {
			continue
		}
		for i := 1; i < last; i++ {
			distance[order[i]] += (points[order[i+1]][j] - points[order[i-1]][j]) / (hi - lo)
		}
	}
	return distance
}
