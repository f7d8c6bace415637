package pareto

import (
	"cmp"
	"math"
	"slices"
)

// Order returns the places of points to be minimized, the best first: of one objective by its value, of several by front, and on a front
// those first that have the most room around them (Deb et al. 2002). No coordinate is NaN. Equal points keep their order.
func Order(points [][]float64) []int {
	order := make([]int, len(points))
	for i := range order {
		order[i] = i
	}
	if len(points) == 0 {
		return order
	}
	if len(points[0]) == 1 {
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(points[a][0], points[b][0]) })
		return order
	}
	ranks, room := crowded(points)
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(ranks[a], ranks[b]), cmp.Compare(room[b], room[a]))
	})
	return order
}

// crowded returns the rank of each point to be minimized, and its crowding distance on its front.
func crowded(points [][]float64) (ranks []int, room []float64) {
	ranks, err := Ranks(points, slices.Repeat([]Direction{Min}, len(points[0])))
	if err != nil {
		panic(err) // points of different lengths
	}
	fronts := map[int][]int{}
	for i, r := range ranks {
		fronts[r] = append(fronts[r], i)
	}
	room = make([]float64, len(points))
	for _, front := range fronts {
		on := make([][]float64, len(front))
		for k, i := range front {
			on[k] = points[i]
		}
		for k, d := range Crowding(on) {
			room[front[k]] = d
		}
	}
	return ranks, room
}

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
