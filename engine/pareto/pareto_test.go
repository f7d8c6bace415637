package pareto_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/pareto"
)

const side = 6 // coordinates of the tests' points are whole numbers from 0 to side, so that many are equal

func random(rng *rand.Rand, n, m int) (points [][]float64, directions []pareto.Direction) {
	for range m {
		directions = append(directions, []pareto.Direction{pareto.Min, pareto.Max}[rng.IntN(2)])
	}
	for range n {
		p := make([]float64, m)
		for j := range p {
			p[j] = float64(rng.IntN(side + 1))
		}
		points = append(points, p)
	}
	return points, directions
}

func better(a, b float64, d pareto.Direction) bool {
	return d == pareto.Min && a < b || d == pareto.Max && a > b
}

// dominates is the definition, written independently.
func dominates(a, b []float64, directions []pareto.Direction) bool {
	some := false
	for j, d := range directions {
		if better(b[j], a[j], d) {
			return false
		}
		some = some || better(a[j], b[j], d)
	}
	return some
}

// peel finds ranks by their definition: it removes the points that no other dominates, again and again.
func peel(points [][]float64, directions []pareto.Direction) []int {
	ranks := make([]int, len(points))
	for r, left := 1, len(points); left > 0; r++ {
		var front []int
		for i, p := range points {
			rival := false
			for j, q := range points {
				rival = rival || ranks[j] == 0 && dominates(q, p, directions)
			}
			if ranks[i] == 0 && !rival {
				front = append(front, i)
			}
		}
		for _, i := range front {
			ranks[i] = r
		}
		left -= len(front)
	}
	return ranks
}

// cells counts the unit cubes between the points and the reference that some point dominates.
func cells(points [][]float64, reference []float64, directions []pareto.Direction) (n float64) {
	at := make([]float64, len(reference))
	var count func(j int)
	count = func(j int) {
		if j < len(at) {
			for at[j] = 0.5; at[j] < side; at[j]++ {
				count(j + 1)
			}
			return
		}
		inside := func(p []float64) bool {
			for j, d := range directions {
				if !better(p[j], at[j], d) || !better(at[j], reference[j], d) {
					return false
				}
			}
			return true
		}
		if slices.ContainsFunc(points, inside) {
			n++
		}
	}
	count(0)
	return n
}

func corner(directions []pareto.Direction) (worst []float64) {
	for _, d := range directions {
		worst = append(worst, map[pareto.Direction]float64{pareto.Min: side, pareto.Max: 0}[d])
	}
	return worst
}

func TestRanksAreThoseOfPeelingFrontsOff(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	for range 300 {
		points, directions := random(rng, rng.IntN(25), 1+rng.IntN(4))
		got, err := pareto.Ranks(points, directions)
		if err != nil {
			t.Fatal(err)
		}
		want := peel(points, directions)
		if !slices.Equal(got, want) {
			t.Fatalf("%v, %v: got ranks %v, want %v", points, directions, got, want)
		}
		front, err := pareto.Front(points, directions)
		if err != nil {
			t.Fatal(err)
		}
		for i := range points {
			if slices.Contains(front, i) != (want[i] == 1) {
				t.Fatalf("%v: got front %v, ranks are %v", points, front, want)
			}
		}
	}
}

func TestHypervolumesAndContributionsCountCells(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 0))
	for range 200 {
		points, directions := random(rng, rng.IntN(10), 1+rng.IntN(4))
		reference := corner(directions)
		whole := cells(points, reference, directions)
		got, err := pareto.Hypervolume(points, reference, directions)
		if err != nil {
			t.Fatal(err)
		}
		if got != whole {
			t.Fatalf("%v, %v: got hypervolume %g, want %g cells", points, directions, got, whole)
		}
		contributions, err := pareto.Contributions(points, reference, directions)
		if err != nil {
			t.Fatal(err)
		}
		for i, got := range contributions {
			others := slices.Delete(slices.Clone(points), i, i+1)
			if want := whole - cells(others, reference, directions); got != want {
				t.Fatalf("%v, %v: got contribution %g of point %d, want %g cells", points, directions, got, i, want)
			}
		}
	}
}

func TestPointsBeyondTheReferenceAndWithoutANumberCountNothing(t *testing.T) {
	min2 := []pareto.Direction{pareto.Min, pareto.Min}
	points := [][]float64{{1, 1}, {0, 5}, {math.NaN(), 0}, {math.Inf(1), 0}}
	ranks, err := pareto.Ranks(points, min2)
	if want := []int{1, 1, 0, 1}; err != nil || !slices.Equal(ranks, want) {
		t.Errorf("got ranks %v, %v, want %v", ranks, err, want)
	}
	volume, err := pareto.Hypervolume(points, []float64{4, 3}, min2)
	if err != nil || volume != 6 {
		t.Errorf("got hypervolume %g, %v, want 6", volume, err)
	}
	contributions, err := pareto.Contributions(points, []float64{4, 3}, min2)
	if want := []float64{6, 0, 0, 0}; err != nil || !slices.Equal(contributions, want) {
		t.Errorf("got contributions %v, %v, want %v", contributions, err, want)
	}
}

func TestMalformedPointsAndReferencesAreErrors(t *testing.T) {
	min2 := []pareto.Direction{pareto.Min, pareto.Min}
	for _, c := range []struct {
		name string
		call func() error
		want string
	}{
		{"no objective", func() error { _, err := pareto.Ranks(nil, nil); return err }, "got no objective"},
		{"no direction", func() error {
			_, err := pareto.Ranks([][]float64{{1, 2}}, []pareto.Direction{"", pareto.Min})
			return err
		},
			`direction of objective 0: got "", want min or max`},
		{"ragged", func() error { _, err := pareto.Ranks([][]float64{{1, 2}, {1}}, min2); return err }, "point 1: got 1 values, want 2"},
		{"NaN reference", func() error {
			_, err := pareto.Hypervolume([][]float64{{1, 2}}, []float64{math.NaN(), 1}, min2)
			return err
		}, "reference of objective 0: got NaN"},
		{"infinitely good", func() error {
			_, err := pareto.Contributions([][]float64{{1, math.Inf(-1)}}, []float64{1, 1}, min2)
			return err
		}, "point 0, objective 1: got -Inf"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.call(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q in it", err, c.want)
			}
		})
	}
}

// Copies change neither volume nor ranks, to the bit, and a point with a copy contributes nothing. The numbers of this test are not
// whole, so that another order of sums would show.
func TestEqualPointsCountAsOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	for range 300 {
		points, directions := random(rng, 1+rng.IntN(12), 1+rng.IntN(4))
		var once, copied [][]float64
		for _, p := range points {
			for j := range p {
				p[j] /= 7
			}
			if !slices.ContainsFunc(once, func(o []float64) bool { return slices.Equal(o, p) }) {
				once = append(once, p)
			}
		}
		var original []int // of each copy
		copies := make([]int, len(once))
		for i, p := range once {
			for range 1 + rng.IntN(3) {
				copied, original, copies[i] = append(copied, p), append(original, i), copies[i]+1
			}
		}
		rng.Shuffle(len(copied), func(i, j int) {
			copied[i], copied[j] = copied[j], copied[i]
			original[i], original[j] = original[j], original[i]
		})
		reference := corner(directions)
		want, got := compare(t, once, reference, directions), compare(t, copied, reference, directions)
		if got.volume != want.volume {
			t.Fatalf("%v, %v: got hypervolume %g, want %g as without copies", copied, directions, got.volume, want.volume)
		}
		for i, o := range original {
			contribution := want.contributions[o]
			if copies[o] > 1 {
				contribution = 0
			}
			if got.ranks[i] != want.ranks[o] || got.contributions[i] != contribution {
				t.Fatalf("%v, %v: got rank %d and contribution %g of point %d, want %d and %g", copied, directions,
					got.ranks[i], got.contributions[i], i, want.ranks[o], contribution)
			}
		}
	}
}

type comparison struct {
	ranks         []int
	volume        float64
	contributions []float64
}

func compare(t *testing.T, points [][]float64, reference []float64, directions []pareto.Direction) (c comparison) {
	t.Helper()
	var err error
	if c.ranks, err = pareto.Ranks(points, directions); err != nil {
		t.Fatal(err)
	}
	if c.volume, err = pareto.Hypervolume(points, reference, directions); err != nil {
		t.Fatal(err)
	}
	if c.contributions, err = pareto.Contributions(points, reference, directions); err != nil {
		t.Fatal(err)
	}
	return c
}

// A study whose metric has few values has fronts of thousands of equal points: a cost of their square is one of minutes here.
func TestManyEqualPointsAreFast(t *testing.T) {
	points := slices.Repeat([][]float64{{1, 2, 3}, {3, 2, 1}, {2, 2, 2}}, 100_000)
	directions := []pareto.Direction{pareto.Min, pareto.Min, pareto.Max}
	c := compare(t, points, []float64{4, 4, 0}, directions)
	if want := []int{1, 3, 2}; !slices.Equal(c.ranks[:3], want) || c.volume != 18 || slices.Max(c.contributions) != 0 {
		t.Errorf("got ranks %v, volume %g, contributions up to %g, want %v, 18 and 0", c.ranks[:3], c.volume, slices.Max(c.contributions), want)
	}
}
