package number

import (
	"fmt"
	"math"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/kit"
)

// Bound is the range, beginning at 0, that a number must lie in.
type Bound struct {
	zero  bool    // whether 0 itself lies in it
	below float64 // the end, which is excluded
	Want  string
}

// Bounds of most arguments.
var (
	NotNegative = Bound{true, math.Inf(1), "a finite number of 0 or more"}
	AboveZero   = Bound{false, math.Inf(1), "a finite number above 0"}
	Fraction    = Bound{true, 1, "a number from 0 to below 1"}
)

// Holds reports whether v lies within the bound.
func (b Bound) Holds(v float64) bool { return (v > 0 || b.zero && v == 0) && v < b.below }

// Check refuses an argument whose first value is out of bounds; s is nil if there is none. A constant has no other value, and later
// values of a schedule may be beyond the end of the trial.
func (b Bound) Check(c kit.Call, parameter string, s *spec.Schedule) error {
	if s == nil {
		return nil
	}
	holds := func(s spec.Schedule) bool { return b.Holds(s.At(0, 1)) }
	value, ok := *s, false
	if r := evaluationOf(c.Thread); r != nil {
		value, ok = r.require(value, holds)
	}
	if ok || holds(value) {
		return nil
	}
	s = &value
	begins := ""
	if !s.IsConstant() {
		begins = fmt.Sprintf(", which begins with %g", s.At(0, 1))
	}
	return fmt.Errorf("%s: for parameter %s: got %v%s, want %s", c.Name, parameter, s, begins, b.Want)
}
