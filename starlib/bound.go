package starlib

import (
	"fmt"
	"math"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/kit"
)

// bound is the range from 0 that a number must lie in.
type bound struct {
	zero  bool    // 0 itself lies in it
	below float64 // the end, which does not
	want  string
}

var (
	notNegative = bound{true, math.Inf(1), "a finite number of 0 or more"}
	aboveZero   = bound{false, math.Inf(1), "a finite number above 0"}
	fraction    = bound{true, 1, "a number from 0 to below 1"}
)

func (b bound) holds(v float64) bool { return (v > 0 || b.zero && v == 0) && v < b.below }

// check looks at the value that an argument begins with; nil is none. A constant has no other value, and the later ones of a
// schedule may be out of the trial's reach.
func (b bound) check(c kit.Call, parameter string, s *spec.Schedule) error {
	if s == nil {
		return nil
	}
	holds := func(s spec.Schedule) bool { return b.holds(s.At(0, 1)) }
	value, ok := *s, false
	if r := runOf(c.Thread); r != nil {
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
	return fmt.Errorf("%s: for parameter %s: got %v%s, want %s", c.Name, parameter, s, begins, b.want)
}
