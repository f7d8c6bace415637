package pareto_test

import (
	"math"
	"slices"
	"testing"

	. "github.com/starsweep/starsweep/engine/pareto"
)

func TestCrowding(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		points [][]float64
		want   []float64
	}{
		{nil, []float64{}},
		{[][]float64{{1, 2}}, []float64{inf}},
		{[][]float64{{0, 4}, {1, 3}, {4, 0}, {2, 1}}, []float64{inf, 2./4 + 3./4, inf, 3./4 + 3./4}},
		{[][]float64{{2}, {0}, {8}, {3}}, []float64{3. / 8, inf, inf, 6. / 8}},
		{[][]float64{{1, 1}, {1, 1}, {1, 1}}, []float64{inf, 0, inf}},
	} {
		if got := Crowding(c.points); !slices.Equal(got, c.want) {
			t.Errorf("%v: got %v, want %v", c.points, got, c.want)
		}
	}
}

func TestTheBest(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		points [][]float64
		want   []int
	}{
		{nil, []int{}},
		{[][]float64{{3}, {1}, {inf}, {1}, {2}}, []int{1, 3, 4, 0, 2}},
		{[][]float64{{1, 9}, {5, 5}, {9, 1}, {5, 6}}, []int{0, 2, 1, 3}},              // the ends of the front, its middle, the next front
		{[][]float64{{0, 10}, {1, 9}, {2, 8}, {9, 1}, {10, 0}}, []int{0, 4, 2, 3, 1}}, // by the room on the front
		{[][]float64{{inf, inf}, {5, 5}, {inf, inf}, {1, 1}}, []int{3, 1, 0, 2}},
	} {
		for n := range len(c.points) + 2 {
			if got, want := Best(c.points, n), c.want[:min(n, len(c.want))]; !slices.Equal(got, want) {
				t.Errorf("the %d best of %v: got %v, want %v", n, c.points, got, want)
			}
		}
	}
}
