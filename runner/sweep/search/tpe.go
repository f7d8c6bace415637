package search

import (
	"cmp"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/parallel"
)

// tpe is the tree-structured Parzen estimator (Bergstra, Bardenet, Bengio and Kégl 2011): points are drawn from a density of the good
// points, and those come first where it is highest against a density of all others. Points whose trials have not ended count among the
// others, so that several workers try different points. With several objectives, points are good by their fronts (Ozaki et al. 2020).
//
// The kernels of good points narrow down as these gather; those of all others have one width, which leaves room for points between them:
// docs/search.md compares the rules.
type tpe struct {
	space spec.Space // as far as it is free
	axes  []axis
}

// Of the points that have ended, a share is good, and at most mostGood are.
const (
	goodShare = 0.1
	mostGood  = 25
	proposed  = 64 // points, of which the best is suggested
)

func (t *tpe) propose(seen []observation, draws *model.Source) [][]float64 {
	good, others := split(seen)
	l, g := newParzen(t.axes, good, byNeighbours), newParzen(t.axes, others, byNumber)
	points, score := make([][]float64, proposed), make([]float64, proposed)
	order := make([]int, proposed)
	for i := range points {
		points[i], order[i] = l.draw(draws), i
		point(t.space, t.axes, points[i])
	}
	const atOnce = 8
	parallel.Each(proposed/atOnce, func(k int) {
		memory := make([]float64, len(seen)+1)
		for i := k * atOnce; i < (k+1)*atOnce; i++ {
			score[i] = l.logDensity(points[i], memory) - g.logDensity(points[i], memory)
		}
	})
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(score[b], score[a]) })
	best := make([][]float64, proposed)
	for i, k := range order {
		best[i] = points[k]
	}
	return best
}

// split returns the coordinates of the good points, and of all others.
func split(seen []observation) (good, others [][]float64) {
	ended := 0
	for _, o := range seen {
		if o.ended {
			ended++
		}
	}
	isGood := make([]bool, len(seen))
	for _, i := range fittest(seen, min(mostGood, int(math.Ceil(goodShare*float64(ended))))) {
		isGood[i] = true
		good = append(good, seen[i].x)
	}
	for i, o := range seen {
		if !isGood[i] {
			others = append(others, o.x)
		}
	}
	return good, others
}
