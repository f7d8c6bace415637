package pareto

import (
	"cmp"
	"math"
	"slices"
)

// Best returns the places of the n best points to be minimized, or of all if they are fewer, the best first: of one objective by its
// value, of several by front, and on a front those first that have the most room around them (Deb et al. 2002). No coordinate is NaN.
// Equal points keep their order.
func Best(points [][]float64, n int) []int {
	n = min(n, len(points))
	if n == 0 {
		return nil
	}
	if len(points[0]) == 1 {
		order := make([]int, len(points))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(points[a][0], points[b][0]), cmp.Compare(a, b)) })
		return order[:n]
	}
	ranks, err := Ranks(points, slices.Repeat([]Direction{Min}, len(points[0])))
	if err != nil {
		panic(err) // points of different lengths
	}
	fronts := make([][]int, slices.Max(ranks))
	for i, r := range ranks {
		fronts[r-1] = append(fronts[r-1], i)
	}
	order := make([]int, 0, n)
	for _, front := range fronts {
		if order = append(order, roomiest(points, front)...); len(order) >= n {
			break
		}
	}
	return order[:n]
}

// roomiest returns a front with those points first that have the most room around them.
func roomiest(points [][]float64, front []int) []int {
	on, order := make([][]float64, len(front)), make([]int, len(front))
	for k, i := range front {
		on[k], order[k] = points[i], k
	}
	room := Crowding(on)
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(room[b], room[a]) })
	for k, at := range order {
		order[k] = front[at]
	}
	return order
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
