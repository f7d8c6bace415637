package search

import (
	"math"

	"github.com/starsweep/starsweep/runner/sweep"
)

// result is the end of a trial as a suggestion saw it.
type result struct {
	sight sweep.Sight
	costs []float64 // objectives; less is better; nil if there are none
}

// toTheEnd is more epochs than any judge lets a trial have.
const toTheEnd = math.MaxInt

// lasted is the number of epochs after which a judge ended or paused a trial; toTheEnd if none did.
func (r result) lasted() int {
	if r.sight.State == sweep.Pruned || r.sight.State == sweep.Paused {
		return r.sight.Epochs
	}
	return toTheEnd
}

// longest returns the costs that count of several trials of a point, and how long these lasted: of those that have any, the trials that
// lasted longest.
func longest(results []result) (costs [][]float64, lasted int) {
	for _, r := range results {
		if r.costs != nil {
			lasted = max(lasted, r.lasted())
		}
	}
	for _, r := range results {
		if r.costs != nil && r.lasted() == lasted {
			costs = append(costs, r.costs)
		}
	}
	return costs, lasted
}
