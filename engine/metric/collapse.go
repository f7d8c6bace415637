package metric

import (
	"fmt"
	"math"
	"strings"

	"github.com/starsweep/starsweep/engine/spec"
)

// Observation is the evidence of one evaluation about collapse. Columns that were not measured are missing; a missing number is NaN.
type Observation struct {
	Epoch    int
	Reach    []Reading // how much of the real set samples reach: recall, coverage
	Fidelity []Reading // how many samples look real: precision
	Spread   float64   // of the features, relative to the real ones: see Features.Spread
	Variety  float64   // of the pixels, relative to the real ones: see PixelStats.Variety

	Distinctness float64 // likewise: see PixelStats.Distinctness
}

// Reading is the value of a column.
type Reading struct {
	Column string
	Value  float64
}

// Observe collects from the values of an epoch those that say something about collapse.
func Observe(epoch int, metrics []spec.Metric, values map[string]float64) Observation {
	of := func(column string) float64 {
		if v, measured := values[column]; measured {
			return v
		}
		return math.NaN()
	}
	o := Observation{Epoch: epoch, Spread: of(Spread), Variety: of(Variety), Distinctness: of(Distinctness)}
	for _, m := range metrics {
		row, _ := Lookup(m.Name)
		for _, c := range row.Columns {
			v, measured := values[c.Name]
			switch {
			case !measured || math.IsNaN(v):
			case c.Shows == Reach:
				o.Reach = append(o.Reach, Reading{c.Name, v})
			case c.Shows == Fidelity:
				o.Fidelity = append(o.Fidelity, Reading{c.Name, v})
			}
		}
	}
	return o
}

// Collapsed reports whether a history, in order of epochs, ends in collapse, and by which numbers: each of the last rule.Evaluations
// evaluations shows one of three signs.
//
//   - One image: recall and coverage are at most rule.Reach, and the variety of pixels is at most rule.Variety of the real set's. Of
//     points, which have no pixels, the spread is at most rule.Spread.
//   - Few images: recall and coverage are at most rule.Reach, and the distinctness of images is at most rule.Distinctness.
//   - Few modes: samples look real (precision is at least rule.Fidelity), and recall and coverage are at most rule.Modes. Of images, the
//     variety is at most rule.Few as well: that of k images in equal numbers is about 1 - 1/k, and a generator that has learnt hard data
//     for a while may reach few of them with samples that all differ.
//
// A young generator reaches as little as a collapsed one, but its samples vary or do not look real. A sign that needs a number that was
// not measured does not count; of recall and coverage, one is enough.
func Collapsed(rule spec.Collapse, history []Observation) (collapsed bool, why string) {
	if rule.Evaluations < 1 || len(history) < rule.Evaluations {
		return false, ""
	}
	last := history[len(history)-rule.Evaluations:]
	for _, o := range last {
		if why = o.sign(rule); why == "" {
			return false, ""
		}
	}
	if rule.Evaluations > 1 {
		why += fmt.Sprintf(", in every evaluation from epoch %d to %d", last[0].Epoch, last[len(last)-1].Epoch)
	}
	return true, why
}

// sign describes the sign of collapse that an observation shows, or is "". Comparisons with NaN are false.
func (o Observation) sign(rule spec.Collapse) string {
	switch {
	case o.reachesAtMost(rule.Reach) && o.Variety <= rule.Variety:
		return fmt.Sprintf("one image: the variety of pixels is %.3g of that of the real set, with %s", o.Variety, list(o.Reach, " "))
	case o.reachesAtMost(rule.Reach) && math.IsNaN(o.Variety) && o.Spread <= rule.Spread:
		return fmt.Sprintf("one image: the spread of features is %.3g of that of the real set, with %s", o.Spread, list(o.Reach, " "))
	case o.reachesAtMost(rule.Reach) && o.Distinctness <= rule.Distinctness:
		return fmt.Sprintf("few images: their distinctness is %.3g of that of the real set, with %s", o.Distinctness, list(o.Reach, " "))
	case o.reachesAtMost(rule.Modes) && o.looksReal(rule.Fidelity) && !(o.Variety > rule.Few):
		return fmt.Sprintf("few modes: %s at %s", list(o.Reach, " is "), list(o.Fidelity, " "))
	}
	return ""
}

func (o Observation) reachesAtMost(bound float64) bool {
	for _, r := range o.Reach {
		if r.Value > bound {
			return false
		}
	}
	return len(o.Reach) > 0
}

func (o Observation) looksReal(bound float64) bool {
	for _, r := range o.Fidelity {
		if r.Value < bound {
			return false
		}
	}
	return len(o.Fidelity) > 0
}

// list writes readings as text, with a verb before the first value.
func list(readings []Reading, verb string) string {
	parts := make([]string, len(readings))
	for i, r := range readings {
		parts[i] = fmt.Sprintf("%s%s%.3g", r.Column, verb, r.Value)
		verb = " "
	}
	return strings.Join(parts, " and ")
}
