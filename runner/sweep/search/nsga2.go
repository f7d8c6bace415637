package search

import (
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/model"
)

// nsga2 is NSGA-II (Deb, Pratap, Agarwal and Meyarivan 2002): the parents of a generation are the fittest of all points before it, each
// chosen by a tournament of two; each coordinate of a child is that of one parent (uniform crossover, Syswerda 1989), and one of them, on
// the average, changes a little (polynomial mutation, Deb and Goyal 1996). The crossover of the paper mixes the coordinates of both, and
// needs more points than a study has (docs/search.md). A generation begins when all points of the one before are suggested; what has not
// ended by then can be a parent later.
type nsga2 struct {
	axes []axis
	size int // of a generation
}

// As in the paper, section V.
const (
	crossoverShare = 0.9
	mutationIndex  = 20
)

func (n *nsga2) propose(seen []observation, draws *model.Source) [][]float64 {
	parents := seen[:len(seen)/n.size*n.size]
	fit := fittest(parents, n.size)
	if len(fit) < 2 {
		return [][]float64{uniform(n.axes, draws)}
	}
	a, b := parents[n.winner(fit, draws)].x, parents[n.winner(fit, draws)].x
	children := n.cross(a, b, draws)
	for _, x := range children {
		n.mutate(x, draws)
	}
	return children
}

// winner is the better of two places at random, of a list in the order of fitness.
func (n *nsga2) winner(fit []int, draws *model.Source) int {
	pick := func() int { return int(draws.Uniform() * float64(len(fit))) }
	return fit[min(pick(), pick())]
}

// cross returns two children. Where only one parent has a coordinate, both have it; where none has, it is drawn.
func (n *nsga2) cross(a, b []float64, draws *model.Source) [][]float64 {
	x, y := slices.Clone(a), slices.Clone(b)
	crossed := draws.Uniform() < crossoverShare
	for j, axis := range n.axes {
		swap, other := draws.Uniform() < .5, axis.uniform(draws.Uniform())
		switch {
		case a[j] == absent && b[j] == absent:
			x[j], y[j] = other, other
		case a[j] == absent:
			x[j] = b[j]
		case b[j] == absent:
			y[j] = a[j]
		case crossed && swap:
			x[j], y[j] = b[j], a[j]
		}
	}
	return [][]float64{x, y}
}

// mutate changes one coordinate, on the average: to any value if values have no order.
func (n *nsga2) mutate(x []float64, draws *model.Source) {
	for j, axis := range n.axes {
		hit, u := draws.Uniform() < 1/float64(len(x)), draws.Uniform()
		switch {
		case !hit:
		case axis.values != nil && !axis.ordered:
			x[j] = axis.uniform(u)
		default:
			by := math.Pow(2*u, 1./(mutationIndex+1)) - 1
			if u > .5 {
				by = 1 - math.Pow(2*(1-u), 1./(mutationIndex+1))
			}
			x[j] = axis.uniform(min(max(axis.unit(x[j])+by, 0), 1))
		}
	}
}
