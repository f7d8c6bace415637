package metric

import (
	"fmt"
	"math"
)

// Evaluation is what one look at a generator found, as far as collapse is concerned. What was not measured is NaN.
type Evaluation struct {
	Epoch                       int
	Precision, Recall, Coverage float64
	Spread, RealSpread          float64 // of the features: see Features.Spread
}

// Collapse is the rule by which a generator counts as collapsed: each of the last Evaluations evaluations shows one of two signs.
//
//   - One image: recall and coverage are at most Reach, and the spread of features is at most Spread of the real set's.
//   - Few modes: samples look real (precision is at least Fidelity), and recall and coverage are at most Modes.
//
// A young generator reaches as little as a collapsed one, but its samples are spread or do not look real. A sign that needs a
// number which was not measured does not show; of recall and coverage one is enough.
type Collapse struct {
	Evaluations                    int
	Reach, Spread, Fidelity, Modes float64
}

// Judge says whether a history, in order of epochs, ends in collapse, and by which numbers.
func (c Collapse) Judge(history []Evaluation) (collapsed bool, why string) {
	if c.Evaluations < 1 || len(history) < c.Evaluations {
		return false, ""
	}
	last := history[len(history)-c.Evaluations:]
	for _, e := range last {
		if why = c.sign(e); why == "" {
			return false, ""
		}
	}
	if c.Evaluations > 1 {
		why += fmt.Sprintf(", and so in every evaluation from epoch %d to %d", last[0].Epoch, last[len(last)-1].Epoch)
	}
	return true, why
}

// sign is what an evaluation shows of collapse, "" if nothing. Comparisons with NaN are false.
func (c Collapse) sign(e Evaluation) string {
	reach := func(bound float64) bool {
		known := e.Recall == e.Recall || e.Coverage == e.Coverage
		return known && !(e.Recall > bound) && !(e.Coverage > bound)
	}
	switch {
	case reach(c.Reach) && e.Spread <= c.Spread*e.RealSpread:
		return fmt.Sprintf("one image: the spread of features is %.3g of %.3g in the real set, with %s", e.Spread, e.RealSpread, e.reached(""))
	case reach(c.Modes) && e.Precision >= c.Fidelity:
		return fmt.Sprintf("few modes: %s at precision %.3g", e.reached("is "), e.Precision)
	}
	return ""
}

// reached names recall and coverage, as far as they were measured, with a verb before the first number.
func (e Evaluation) reached(verb string) string {
	switch {
	case math.IsNaN(e.Coverage):
		return fmt.Sprintf("recall %s%.3g", verb, e.Recall)
	case math.IsNaN(e.Recall):
		return fmt.Sprintf("coverage %s%.3g", verb, e.Coverage)
	}
	return fmt.Sprintf("recall %s%.3g and coverage %.3g", verb, e.Recall, e.Coverage)
}
