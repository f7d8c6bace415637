// Package pareto compares points of several objectives: which dominate which, in fronts, and how much of the space a front
// dominates. It is pure mathematics over rows of numbers and imports no package of this module. Package results computes the pareto
// table with it, and scripts name directions by its type.
package pareto

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
)

// Direction says which values of an objective are better.
type Direction string

const (
	Min Direction = "min"
	Max Direction = "max"
)

// ParseDirection reads a direction as scripts and command lines write it.
func ParseDirection(text string) (Direction, error) {
	if d := Direction(text); d == Min || d == Max {
		return d, nil
	}
	return "", fmt.Errorf("got %q, want min or max", text)
}

// Objective is a column of the tables that a study minimizes or maximizes.
type Objective struct {
	Name      string
	Direction Direction
}

// costs checks points and negates the objectives to maximize, so that less is better everywhere. NaN remains: such a point dominates
// no other.
func costs(points [][]float64, directions []Direction) ([][]float64, error) {
	if len(directions) == 0 {
		return nil, fmt.Errorf("pareto: got no objective, want 1 or more")
	}
	for j, d := range directions {
		if _, err := ParseDirection(string(d)); err != nil {
			return nil, fmt.Errorf("pareto: direction of objective %d: %w", j, err)
		}
	}
	out := make([][]float64, len(points))
	for i, p := range points {
		if len(p) != len(directions) {
			return nil, fmt.Errorf("pareto: point %d: got %d values, want %d, one for each objective", i, len(p), len(directions))
		}
		out[i] = slices.Clone(p)
		for j, d := range directions {
			if d == Max {
				out[i][j] = -p[j]
			}
		}
	}
	return out, nil
}

// dominates reports whether a is nowhere worse than b, and somewhere better.
func dominates(a, b []float64) bool {
	better := false
	for i, v := range a {
		if !(v <= b[i]) {
			return false
		}
		better = better || v < b[i]
	}
	return better
}

// Ranks sorts points into fronts (Deb et al. 2002, section III.A): rank 1 are the points that no other dominates, rank 2
// those that only rank 1 dominates, and so on. Equal points have equal ranks. A point with a NaN has rank 0: it is on no
// front.
//
// Points are placed in lexicographic order, in which none dominates an earlier one, each on the first front where no point dominates
// it. If a front has a point that dominates it, so has every front before, so bisection finds the place (Zhang et al. 2015, ENS-BS).
// Equal points are neighbours in this order, and one stands for all. Of two objectives, the last point of a front is the best in the second
// one, so that it dominates if any does.
func Ranks(points [][]float64, directions []Direction) ([]int, error) {
	c, err := costs(points, directions)
	if err != nil {
		return nil, err
	}
	var order []int
	for i, p := range c {
		if !slices.ContainsFunc(p, math.IsNaN) {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Or(slices.Compare(c[i], c[j]), cmp.Compare(i, j)) })
	ranks := make([]int, len(c))
	var fronts [][]int
	for at, i := range order {
		if at > 0 && slices.Equal(c[i], c[order[at-1]]) {
			ranks[i] = ranks[order[at-1]]
			continue
		}
		r := sort.Search(len(fronts), func(r int) bool {
			front := fronts[r]
			if len(directions) == 2 {
				front = front[len(front)-1:]
			}
			return !slices.ContainsFunc(front, func(j int) bool { return dominates(c[j], c[i]) })
		})
		if r == len(fronts) {
			fronts = append(fronts, nil)
		}
		fronts[r] = append(fronts[r], i)
		ranks[i] = r + 1
	}
	return ranks, nil
}

// Front returns the indices of the points of rank 1.
func Front(points [][]float64, directions []Direction) ([]int, error) {
	ranks, err := Ranks(points, directions)
	var front []int
	for i, r := range ranks {
		if r == 1 {
			front = append(front, i)
		}
	}
	return front, err
}

// Hypervolume is the volume that points dominate, up to a reference point that is worse (Zitzler and Thiele 1998, section 3): exact,
// for any number of objectives, by the WFG algorithm (While et al. 2012). Points that are not better than the reference count 0.
func Hypervolume(points [][]float64, reference []float64, directions []Direction) (float64, error) {
	boxes, err := edges(points, reference, directions)
	return volume(slices.CompactFunc(sorted(boxes), slices.Equal[[]float64])), err
}

// Contributions returns what the hypervolume would lose without each point, with all others kept: 0 for dominated points and for equal
// ones. Of equal points one stands for all, so a front of few different points is fast however many it has.
func Contributions(points [][]float64, reference []float64, directions []Direction) ([]float64, error) {
	boxes, err := edges(points, reference, directions)
	if err != nil {
		return nil, err
	}
	different := slices.CompactFunc(sorted(boxes), slices.Equal[[]float64])
	copies := make([]int, len(different))
	place := make([]int, len(boxes))
	for i, b := range boxes {
		place[i], _ = slices.BinarySearchFunc(different, b, descending)
		copies[place[i]]++
	}
	out := make([]float64, len(boxes))
	for i, at := range place {
		if copies[at] == 1 {
			out[i] = exclusive(different[at], slices.Concat(different[:at], different[at+1:]))
		}
	}
	return out, nil
}

// edges returns the boxes that points span with the reference. Their edges are gains, 0 where there is none.
func edges(points [][]float64, reference []float64, directions []Direction) ([][]float64, error) {
	all, err := costs(append([][]float64{reference}, points...), directions)
	if err != nil {
		return nil, err
	}
	for i, v := range all[0] {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("hypervolume: reference of objective %d: got %g, want a number", i, reference[i])
		}
	}
	for i, p := range all[1:] {
		for j, v := range p {
			if math.IsInf(v, -1) {
				return nil, fmt.Errorf("hypervolume: point %d, objective %d: got %g, want a number", i, j, points[i][j])
			}
			p[j] = max(0, all[0][j]-v)
			if math.IsNaN(v) {
				clear(p)
				break
			}
		}
	}
	return all[1:], nil
}

// sorted returns boxes with the longest first edges first.
func sorted(boxes [][]float64) [][]float64 {
	return slices.SortedFunc(slices.Values(boxes), descending)
}

func descending(a, b []float64) int { return slices.Compare(b, a) }

// volume is the volume of the union of sorted boxes that share a corner.
func volume(boxes [][]float64) (v float64) {
	if len(boxes) > 0 && len(boxes[0]) == 2 {
		return area(boxes)
	}
	for i, b := range boxes {
		v += exclusive(b, boxes[i+1:])
	}
	return v
}

// area is volume in two dimensions, of sorted boxes: a staircase.
func area(boxes [][]float64) (a float64) {
	var reached float64
	for _, b := range boxes {
		if b[1] > reached {
			a += b[0] * (b[1] - reached)
			reached = b[1]
		}
	}
	return a
}

// exclusive is the volume of b outside all other boxes.
func exclusive(b []float64, others [][]float64) float64 {
	v := 1.0
	for _, e := range b {
		v *= e
	}
	if v == 0 {
		return 0
	}
	var limited [][]float64 // the others, cut to b, without those inside another
	for _, o := range others {
		cut := make([]float64, len(b))
		for i := range cut {
			cut[i] = min(b[i], o[i])
		}
		if !slices.ContainsFunc(limited, func(l []float64) bool { return contains(l, cut) }) {
			limited = append(slices.DeleteFunc(limited, func(l []float64) bool { return contains(cut, l) }), cut)
		}
	}
	return max(0, v-volume(sorted(limited)))
}

// contains reports whether box b is inside box a.
func contains(a, b []float64) bool {
	for i, e := range b {
		if e > a[i] {
			return false
		}
	}
	return true
}
