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

// Settle takes the values from the hyperparameters of a point that do not apply there, of which points of one meaning would differ.
func (s Space) Settle(p Point) {
	for i, d := range s {
		if len(d.When) > 0 && s.unfit(d, p) != "" {
			p[i].Value = Value{}
		}
	}
}

// Unfit says why a hyperparameter does not apply at a settled point: norm = "batch", where it asks for another norm. It is empty where it
// applies.
func (s Space) Unfit(p Point, name string) string {
	i := slices.IndexFunc(s, func(d Dim) bool { return d.Name == name })
	if i < 0 {
		return ""
	}
	return s.unfit(s[i], p)
}

func (s Space) unfit(d Dim, p Point) string {
	for _, c := range d.When {
		v, _ := p.Get(c.Name)
		switch {
		case v.Kind() == None: // which does not apply itself
			return s.Unfit(p, c.Name)
		case !slices.Contains(c.Values, v):
			return fmt.Sprintf("%s = %v", c.Name, v)
		}
	}
	return ""
}

// Never reports whether a hyperparameter applies nowhere in the space, such as one whose condition is a value that a profile left out.
func (s Space) Never(name string) bool {
	i := slices.IndexFunc(s, func(d Dim) bool { return d.Name == name })
	return i >= 0 && slices.ContainsFunc(s[i].When, func(c Condition) bool {
		j := slices.IndexFunc(s, func(d Dim) bool { return d.Name == c.Name })
		has := func(v Value) bool {
			for k := range s[j].Len() {
				if s[j].Value(k) == v {
					return true
				}
			}
			return false
		}
		return s.Never(c.Name) || !slices.ContainsFunc(c.Values, has)
	})
}

// Conditional reports whether some hyperparameters apply only under conditions.
func (s Space) Conditional() bool {
	return slices.ContainsFunc(s, func(d Dim) bool { return len(d.When) > 0 })
}
