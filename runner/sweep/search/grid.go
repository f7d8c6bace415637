package search

import (
	"context"
	"fmt"

	"github.com/starsweep/starsweep/engine/spec"
)

// grid is every combination, the last dimension fastest.
func grid(ctx context.Context, s spec.Space) (spec.Points, error) {
	for _, d := range s {
		if d.Len() == 0 {
			return spec.Points{}, fmt.Errorf("%s is a range, and a grid needs single values: use choice(...), a step, or "+
				"search = random(trials = ...)", d.Name)
		}
	}
	if s.Conditional() {
		return conditional(ctx, s)
	}
	n := 1
	for _, d := range s {
		if n *= d.Len(); n > spec.MaxPoints {
			return spec.Points{}, errTooMany
		}
	}
	return spec.NewPoints(n, func(i int) spec.Point {
		p, rest := make(spec.Point, len(s)), i
		for j := len(s) - 1; j >= 0; j-- {
			p[j] = spec.Assignment{Name: s[j].Name, Value: s[j].Value(rest % s[j].Len())}
			rest /= s[j].Len()
		}
		return p
	}), nil
}

var errTooMany = fmt.Errorf("the grid has more than %d points: use search = random(trials = ...)", spec.MaxPoints)

// conditional is the grid of a space in which a dimension may have no value: one combination then, instead of one for each of its values.
func conditional(ctx context.Context, s spec.Space) (spec.Points, error) {
	places := []int32{} // of the values, by point and dimension
	point := make(spec.Point, len(s))
	at := make([]int32, len(s))
	var add func(j int) error
	add = func(j int) error {
		if j == len(s) {
			if places = append(places, at...); len(places) > spec.MaxPoints*len(s) {
				return errTooMany
			}
			return context.Cause(ctx)
		}
		at[j], point[j] = 0, spec.Assignment{Name: s[j].Name}
		if !s.Applies(point, j) {
			return add(j + 1)
		}
		for k := range s[j].Len() {
			at[j], point[j].Value = int32(k), s[j].Value(k)
			if err := add(j + 1); err != nil {
				return err
			}
		}
		return nil
	}
	if err := add(0); err != nil {
		return spec.Points{}, err
	}
	return spec.NewPoints(len(places)/len(s), func(i int) spec.Point {
		p := make(spec.Point, len(s))
		for j, d := range s {
			p[j] = spec.Assignment{Name: d.Name, Value: d.Value(int(places[i*len(s)+j]))}
		}
		s.Settle(p)
		return p
	}), nil
}
