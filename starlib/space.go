package starlib

import (
	"fmt"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/hint"
	"github.com/starsweep/starsweep/starlib/kit"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// dimension is one hyperparameter's values, not named yet.
type dimension struct {
	kit.Opaque
	values []spec.Value // of a choice
	dim    spec.Dim     // of a range
	text   string
}

var _ starlark.Comparable = dimension{}

func (d dimension) String() string { return d.text }
func (d dimension) Type() string   { return "dimension" }

// CompareSameType compares by text.
func (d dimension) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return kit.SameText(op, d, y)
}

// named is the dimension under its name.
func (d dimension) named(name string) (spec.Dim, error) {
	if d.values == nil {
		r := d.dim
		r.Name = name
		return r, nil
	}
	return spec.Choice(name, d.values...)
}

// value converts a Starlark value to that of a hyperparameter or setting.
func value(v starlark.Value) (spec.Value, error) {
	switch v := v.(type) {
	case starlark.Bool:
		return spec.BoolValue(bool(v)), nil
	case starlark.Int:
		if i, ok := v.Int64(); ok {
			return spec.IntValue(i), nil
		}
	case starlark.Float:
		if f := float64(v); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return spec.FloatValue(f), nil
		}
	case starlark.String:
		return spec.StringValue(string(v)), nil
	}
	return spec.Value{}, fmt.Errorf("got %s, want a bool, an int of 64 bits, a finite float or a string", kit.Describe(v))
}

var dimensions = starlark.StringDict{
	"choice": kit.Builtin("choice", func(c kit.Call) (starlark.Value, error) {
		if len(c.Kwargs) > 0 {
			return nil, fmt.Errorf("choice: got the argument %s, want values only", c.Kwargs[0][0])
		}
		var d dimension
		for _, a := range c.Args {
			v, err := value(a)
			if list, isList := a.(*starlark.List); isList && err != nil {
				return nil, fmt.Errorf("choice: got a list, want its values one by one: choice(*%s)", list)
			}
			if err != nil {
				return nil, fmt.Errorf("choice: %w", err)
			}
			d.values = append(d.values, v)
		}
		if _, err := spec.Choice("", d.values...); err != nil {
			return nil, fmt.Errorf("choice: %w", err)
		}
		d.text = "choice" + c.Args.String()
		return d, nil
	}),
	"log_uniform": kit.Builtin("log_uniform", func(c kit.Call) (starlark.Value, error) {
		var lo, hi kit.Number
		if err := c.Unpack("lo", &lo, "hi", &hi); err != nil {
			return nil, err
		}
		return interval(c, spec.Float, float64(lo), float64(hi), true)
	}),
	"integers": kit.Builtin("integers", func(c kit.Call) (starlark.Value, error) {
		var lo, hi int64
		log := false
		if err := c.Unpack("lo", &lo, "hi", &hi, "log?", &log); err != nil {
			return nil, err
		}
		return interval(c, spec.Int, float64(lo), float64(hi), log)
	}),
}

func interval(c kit.Call, k spec.Kind, lo, hi float64, log bool) (starlark.Value, error) {
	if math.IsInf(lo, 0) || math.IsInf(hi, 0) {
		return nil, fmt.Errorf("%s: got an infinite range, want finite ends", c.Name)
	}
	r, err := spec.Range("", k, lo, hi, log)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	return dimension{dim: r, text: fmt.Sprintf("%s(%g, %g)", c.Name, lo, hi)}, nil
}

// searchValue is how points are chosen, as a Starlark value.
type searchValue struct {
	kit.Opaque
	spec.Search
	points []*starlark.Dict // of a list; they get their types from the space
	pos    string
}

func (s *searchValue) String() string { return string(s.Kind) }
func (s *searchValue) Type() string   { return "search" }

// searchArg is an argument that is a search.
type searchArg struct{ *searchValue }

func (a *searchArg) Unpack(v starlark.Value) error {
	s, ok := v.(*searchValue)
	if !ok {
		return fmt.Errorf("got %s, want grid(), random(trials = ...) or points([...])", kit.Describe(v))
	}
	a.searchValue = s
	return nil
}

var searches = starlark.StringDict{
	"grid": kit.Builtin("grid", func(c kit.Call) (starlark.Value, error) {
		return &searchValue{Search: spec.Search{Kind: spec.Grid}}, c.Unpack()
	}),
	"random": kit.Builtin("random", func(c kit.Call) (starlark.Value, error) {
		var trials kit.Count
		var seed kit.Natural
		if err := c.Unpack("trials", &trials, "seed?", &seed); err != nil {
			return nil, err
		}
		if trials > spec.MaxPoints {
			return nil, fmt.Errorf("random: for parameter trials: got %d, want at most %d", trials, spec.MaxPoints)
		}
		if seed > math.MaxUint32 {
			return nil, fmt.Errorf("random: for parameter seed: got %d, want at most %d", seed, uint32(math.MaxUint32))
		}
		return &searchValue{Search: spec.Search{Kind: spec.Random, Trials: int(trials), Seed: uint64(seed)}}, nil
	}),
	"points": kit.Builtin("points", func(c kit.Call) (starlark.Value, error) {
		var list *starlark.List
		if err := c.Unpack("points", &list); err != nil {
			return nil, err
		}
		s := &searchValue{Search: spec.Search{Kind: spec.List}, pos: kit.Here(c.Thread).String()}
		for v := range list.Elements() {
			d, ok := v.(*starlark.Dict)
			if !ok {
				return nil, fmt.Errorf("points: got %s, want a dict of hyperparameters", kit.Describe(v))
			}
			s.points = append(s.points, d)
		}
		if len(s.points) == 0 {
			return nil, fmt.Errorf("points: got no points, want at least one")
		}
		return s, nil
	}),
}

// within gives the points of a list their types and checks that they lie in the space.
func (s *searchValue) within(space spec.Space) ([]spec.Point, error) {
	var names []string
	for _, d := range space {
		names = append(names, d.Name)
	}
	fail := func(i int, format string, a ...any) error {
		return &kit.Error{Pos: s.pos, Msg: fmt.Sprintf("points: point %d: ", i+1) + fmt.Sprintf(format, a...)}
	}
	var points []spec.Point
	for i, dict := range s.points {
		for k := range dict.Entries() {
			name, _ := starlark.AsString(k)
			if !slices.Contains(names, name) {
				return nil, fail(i, "%v", hint.Unknown("hyperparameter", name, names))
			}
		}
		var p spec.Point
		for _, d := range space {
			raw, ok, _ := dict.Get(starlark.String(d.Name))
			if !ok {
				return nil, fail(i, "got no %s, want every hyperparameter of the space", d.Name)
			}
			v, err := value(raw)
			if err == nil {
				v, err = typed(d, v)
			}
			if err != nil {
				return nil, fail(i, "%s: %v", d.Name, err)
			}
			p = append(p, spec.Assignment{Name: d.Name, Value: v})
		}
		points = append(points, p)
	}
	return points, nil
}

// abridged is the values of a choice for a message: the first ones, if there are many, and how many more.
func abridged(choices []spec.Value) string {
	const most = 12
	if len(choices) <= most {
		return fmt.Sprint(choices)
	}
	return fmt.Sprintf("%v and %d more", choices[:most], len(choices)-most)
}

// typed is v as the dimension's type, if it is one of its values.
func typed(d spec.Dim, v spec.Value) (spec.Value, error) {
	v, err := v.As(d.Kind)
	if err != nil {
		return v, err
	}
	if len(d.Choices) > 0 {
		for _, c := range d.Choices {
			if c == v {
				return v, nil
			}
		}
		return v, fmt.Errorf("got %v, want one of %s", v, abridged(d.Choices))
	}
	f, _ := v.As(spec.Float)
	if x, ok := f.Any().(float64); ok && (x < d.Lo || x > d.Hi) {
		return v, fmt.Errorf("got %v, want a number from %g to %g", v, d.Lo, d.Hi)
	}
	return v, nil
}
