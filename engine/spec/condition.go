package spec

import (
	"fmt"
	"slices"
	"strings"
)

// Condition is that a hyperparameter has one of some values, of its kind.
type Condition struct {
	Name   string
	Values []Value
}

// String is canonical: norm = "none", or depth = 2 or 3.
func (c Condition) String() string {
	texts := make([]string, len(c.Values))
	for i, v := range c.Values {
		texts[i] = v.String()
	}
	return c.Name + " = " + strings.Join(texts, " or ")
}

// Settle takes away the values of hyperparameters that do not apply at a point, so that equal trials have equal points.
func (s Space) Settle(p Point) {
	for i := range s {
		if !s.Applies(p, i) {
			p[i].Value = Value{}
		}
	}
}

// Applies reports whether dimension i has a value at a point, which is settled in the dimensions before it.
func (s Space) Applies(p Point, i int) bool { return s.broken(p, i) == nil }

// Unfit says why dimension i does not apply at a settled point: norm = "batch", where it asks for another norm. It is empty where it
// applies.
func (s Space) Unfit(p Point, i int) string {
	if a := s.broken(p, i); a != nil {
		return fmt.Sprintf("%s = %v", a.Name, a.Value)
	}
	return ""
}

// broken is the assignment by which dimension i does not apply, its own or that of a dimension that it depends on; nil if it applies.
func (s Space) broken(p Point, i int) *Assignment {
	for _, c := range s[i].When {
		switch v, _ := p.Get(c.Name); {
		case v.Kind() == None: // which does not apply itself
			return s.broken(p, s.Place(c.Name))
		case !slices.Contains(c.Values, v):
			return &Assignment{c.Name, v}
		}
	}
	return nil
}

// Never reports whether dimension i applies nowhere in the space, such as one whose condition is a value that a profile left out.
func (s Space) Never(i int) bool {
	return slices.ContainsFunc(s[i].When, func(c Condition) bool {
		on := s.Place(c.Name)
		for k := range s[on].Len() {
			if slices.Contains(c.Values, s[on].Value(k)) {
				return s.Never(on)
			}
		}
		return true
	})
}

// Conditional reports whether some hyperparameters apply only under conditions.
func (s Space) Conditional() bool {
	return slices.ContainsFunc(s, func(d Dim) bool { return len(d.When) > 0 })
}
