package search

import (
	"cmp"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/spec"
)

// axis is a dimension as a search that learns sees it. A finite one has numbered values; other coordinates are those of the dimension's
// uniform distribution, from 0 to 1.
type axis struct {
	spec.Dim
	values  []spec.Value // by their number, in the order of their size if they are ordered; nil of a range that has many or any number
	ordered bool         // values with close numbers are alike
}

// mostValues is how many integers or steps are told apart. Of more, coordinates are those of a range.
const mostValues = 64

// absent is the coordinate of a hyperparameter that does not apply.
const absent = -1

func axes(s spec.Space) []axis {
	all := make([]axis, len(s))
	for j, d := range s {
		a := axis{Dim: d, ordered: d.Kind == spec.Int || d.Kind == spec.Float}
		if n := d.Len(); len(d.Choices) > 0 || n > 0 && n <= mostValues {
			for k := range n {
				a.values = append(a.values, d.Value(k))
			}
			if a.ordered {
				slices.SortFunc(a.values, func(v, w spec.Value) int { return cmp.Compare(number(v), number(w)) })
			}
		}
		all[j] = a
	}
	return all
}

// number is the number that a value is.
func number(v spec.Value) float64 {
	f, err := v.As(spec.Float)
	if err != nil {
		return math.NaN()
	}
	return f.Any().(float64)
}

// uniform is the coordinate at the quantile u of the uniform distribution.
func (a axis) uniform(u float64) float64 {
	if n := len(a.values); n > 0 {
		return float64(min(int(u*float64(n)), n-1))
	}
	return u
}

// unit is the place of a coordinate from 0 to 1, for which uniform returns it.
func (a axis) unit(x float64) float64 {
	if n := len(a.values); n > 0 {
		return (x + .5) / float64(n)
	}
	return x
}

// value is the value at a coordinate.
func (a axis) value(x float64) spec.Value {
	switch {
	case x == absent:
		return spec.Value{}
	case len(a.values) > 0:
		return a.values[int(x)]
	}
	return a.At(x)
}

// coordinate is that of a value. A value that the space had when it was suggested, and has no longer, is at the nearest one, or absent.
func (a axis) coordinate(v spec.Value) float64 {
	if v.Kind() == spec.None {
		return absent
	}
	if len(a.values) > 0 {
		if k := slices.Index(a.values, v); k >= 0 {
			return float64(k)
		}
		nearest, distance := absent, math.Inf(1)
		for k, w := range a.values {
			if d := math.Abs(number(v) - number(w)); d < distance {
				nearest, distance = k, d
			}
		}
		return float64(nearest)
	}
	if u := a.Unit(v); u >= 0 && u <= 1 {
		return u
	} else if u > 1 {
		return 1
	}
	return 0
}

// point is the point with such coordinates, settled: a coordinate of a hyperparameter that does not apply there becomes absent.
func point(space spec.Space, axes []axis, x []float64) spec.Point {
	p := make(spec.Point, len(axes))
	for j, a := range axes {
		p[j].Name = a.Name
		if x[j] != absent {
			p[j].Value = a.value(x[j])
		}
		if !space.Applies(p, j) {
			p[j].Value, x[j] = spec.Value{}, absent
		}
	}
	return p
}
