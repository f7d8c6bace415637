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
