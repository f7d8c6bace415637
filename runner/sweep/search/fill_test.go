package search

import (
	"fmt"
	"math"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
)

// Of scipy.stats.qmc.Sobol(d = 128, scramble = False), times 4,096: SciPy 1.17.1, which has the same direction numbers.
func TestTheSequenceIsThatOfSciPy(t *testing.T) {
	s, err := newSobol(sobolMost, 0)
	if err != nil {
		t.Fatal(err)
	}
	dimensions := []int{0, 1, 2, 7, 30, 99, 127}
	for i, want := range map[uint32][]uint32{
		1: {2048, 2048, 2048, 2048, 2048, 2048, 2048}, 2: {3072, 1024, 1024, 3072, 1024, 3072, 1024},
		3: {1024, 3072, 3072, 1024, 3072, 1024, 3072}, 5: {3584, 3584, 512, 1536, 3584, 1536, 512},
		100: {1696, 1056, 3168, 1952, 2912, 3616, 1888}, 1000: {900, 396, 2124, 3684, 604, 764, 2228},
		4095: {1, 3855, 1369, 1601, 1481, 3943, 1071},
	} {
		for k, j := range dimensions {
			if got := s.at(i, j) >> 20; got != want[k] {
				t.Errorf("point %d, dimension %d: got %d, want %d", i, j, got, want[k])
			}
		}
	}
	if _, err := newSobol(sobolMost+1, 0); err == nil {
		t.Error("got no error of 129 dimensions")
	}
}

// inParts counts how many of n points have their coordinate j in each of so many equal parts.
func inParts(n, parts int, at func(i int) float64) []int {
	counts := make([]int, parts)
	for i := range n {
		counts[int(at(i)*float64(parts))]++
	}
	return counts
}

// Of the first 2^m scrambled points, every part of length 2^-m has one, in every dimension, and of the first two dimensions, which are a
// (0, m, 2)-net in base 2, every box of that area.
func TestScrambledPointsFillTheCubeEvenly(t *testing.T) {
	for seed := range uint32(3) {
		s, err := newSobol(sobolMost, seed)
		if err != nil {
			t.Fatal(err)
		}
		for j := range sobolMost {
			for part, n := range inParts(64, 64, func(i int) float64 { return s.uniform(i, j) }) {
				if n != 1 {
					t.Fatalf("seed %d, dimension %d: got %d points in part %d of 64, want 1", seed, j, n, part)
				}
			}
		}
		for across := 1; across <= 64; across *= 2 {
			down := 64 / across
			box := func(i int) float64 {
				x, y := math.Floor(s.uniform(i, 0)*float64(across)), math.Floor(s.uniform(i, 1)*float64(down))
				return (x*float64(down) + y + 0.5) / 64
			}
			for part, n := range inParts(64, 64, box) {
				if n != 1 {
					t.Errorf("seed %d: got %d points in box %d of %d by %d, want 1", seed, n, part, across, down)
				}
			}
		}
	}
}

func TestALatinHypercubeHasOnePointInEachPart(t *testing.T) {
	const n = 37
	orders := map[string]bool{}
	for seed := range uint32(3) {
		l := newLatin(n, 5, seed)
		for j := range 5 {
			for part, in := range inParts(n, n, func(i int) float64 { return l.uniform(i, j) }) {
				if in != 1 {
					t.Errorf("seed %d, dimension %d: got %d points in part %d, want 1", seed, j, in, part)
				}
			}
			orders[fmt.Sprint(l.parts[j])] = true
		}
	}
	if len(orders) != 15 {
		t.Errorf("got %d orders of 15 dimensions, want each its own", len(orders))
	}
}

// discrepancy is the centred L2 discrepancy of n points (Hickernell 1998, equation 5), squared, as SciPy has it.
func discrepancy(n, dimensions int, uniform func(i, j int) float64) float64 {
	single, pairs := 0.0, 0.0
	for i := range n {
		p := 1.0
		for j := range dimensions {
			c := math.Abs(uniform(i, j) - 0.5)
			p *= 1 + c/2 - c*c/2
		}
		single += p
		for k := range n {
			q := 1.0
			for j := range dimensions {
				a, b := uniform(i, j)-0.5, uniform(k, j)-0.5
				q *= 1 + math.Abs(a)/2 + math.Abs(b)/2 - math.Abs(a-b)/2
			}
			pairs += q
		}
	}
	return math.Pow(13.0/12, float64(dimensions)) - 2/float64(n)*single + pairs/float64(n*n)
}

// The bounds are the least and the greatest of 50 seeds of scipy.stats.qmc (SciPy 1.17.1). Random points have 0.0053 to 0.0166 in the
// last row.
func TestPointsAreAsEvenAsThoseOfSciPy(t *testing.T) {
	for _, c := range []struct {
		dimensions, n                            int
		sobolLow, sobolHigh, latinLow, latinHigh float64
	}{
		{2, 64, 1.45e-4, 1.66e-4, 2.75e-4, 1.30e-3},
		{6, 64, 5.12e-3, 5.52e-3, 9.38e-3, 1.46e-2},
		{6, 256, 5.38e-4, 5.65e-4, 2.22e-3, 3.31e-3},
	} {
		for seed := range uint32(3) {
			s, err := newSobol(c.dimensions, seed)
			if err != nil {
				t.Fatal(err)
			}
			table := func(uniform func(i, j int) float64) func(i, j int) float64 {
				x := make([][]float64, c.n)
				for i := range x {
					for j := range c.dimensions {
						x[i] = append(x[i], uniform(i, j))
					}
				}
				return func(i, j int) float64 { return x[i][j] }
			}
			if d := discrepancy(c.n, c.dimensions, table(s.uniform)); d < 0.97*c.sobolLow || d > 1.03*c.sobolHigh {
				t.Errorf("sobol of %d in %d dimensions, seed %d: got %.3g, want %.3g to %.3g", c.n, c.dimensions, seed, d, c.sobolLow, c.sobolHigh)
			}
			l := newLatin(c.n, c.dimensions, seed)
			if d := discrepancy(c.n, c.dimensions, table(l.uniform)); d < 0.8*c.latinLow || d > 1.2*c.latinHigh {
				t.Errorf("latin hypercube of %d in %d dimensions, seed %d: got %.3g, want %.3g to %.3g", c.n, c.dimensions, seed, d, c.latinLow,
					c.latinHigh)
			}
		}
	}
}

// Sobol' points that are asked for later leave the first ones as they are, and another dimension the other columns.
func TestAScrambledSequenceGrows(t *testing.T) {
	unit := func(name string) spec.Dim {
		d, err := spec.Range(name, spec.Float, 0, 1, false)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	points := func(n int, names ...string) (list []spec.Point) {
		s := Study{Search: spec.Search{Kind: spec.Sobol, Trials: n, Seed: 4}, Seeds: []uint32{0}}
		for _, name := range names {
			s.Space = append(s.Space, unit(name))
		}
		b, err := New(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return b.Points.List()
	}
	few, more, wide := points(5, "a", "b"), points(9, "a", "b"), points(5, "a", "b", "c")
	if fmt.Sprint(more[:5]) != fmt.Sprint(few) {
		t.Errorf("got %v of 9 points, want them to begin with %v", more, few)
	}
	for i := range few {
		if fmt.Sprint(wide[i][:2]) != fmt.Sprint(few[i]) {
			t.Errorf("got %v in three dimensions, want it to begin with %v", wide[i], few[i])
		}
	}
}
