// Package space is the family of builtins that declare what a study varies: the values of its hyperparameters (choice, log_uniform,
// integers, derived; uniform is in package draw), the search that picks points among them (grid, random, sobol, latin_hypercube, tpe, gp,
// nsga2, points), and the rules by which trials end early (patience, threshold, time_limit). It makes values of engine/spec. Package
// starlib assembles a study's space from them.
package space

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/hint"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/sandbox"
)

// Dimension is the values of a hyperparameter, which has no name yet.
type Dimension struct {
	kit.Opaque
	values     []spec.Value     // of a choice
	dim        spec.Dim         // of a range
	Derivation Derivation       // of a derived one
	when       []spec.Condition // with the values as they are written
	text       string
}

// Derivation is the function of which the values of a derived hyperparameter are. Fn is nil if it is not derived.
type Derivation struct {
	kit.Function
	pos string
}

// Position is where the function is defined or, of a builtin, where the hyperparameter is derived.
func (d Derivation) Position() string { return cmp.Or(d.Function.Position(), d.pos) }

var (
	_ starlark.Comparable = Dimension{}
	_ sandbox.Holder      = Dimension{}
)

func (d Dimension) String() string { return d.text }
func (d Dimension) Type() string   { return "dimension" }
func (d Dimension) Freeze()        { sandbox.FreezeHeld(d) }

// Held is the function of a derived hyperparameter.
func (d Dimension) Held() []starlark.Value {
	if d.Derivation.Fn == nil {
		return nil
	}
	return []starlark.Value{d.Derivation.Fn}
}

// CompareSameType compares by text.
func (d Dimension) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return kit.SameText(op, d, y)
}

// Named is the dimension under a name. Its conditions have the values that are written: Conditions types them. The kind of a derived one is
// left to be found.
func (d Dimension) Named(name string) (spec.Dim, error) {
	r := d.dim
	if d.values != nil {
		var err error
		if r, err = spec.Choice("", d.values...); err != nil {
			return r, err
		}
	}
	r.Name, r.When, r.Derived = name, d.when, d.Derivation.Fn != nil
	return r, nil
}

// Conditions are those of a dimension with the types of the dimensions before it; an error if one cannot hold.
func Conditions(d spec.Dim, before spec.Space) (typed []spec.Condition, err error) {
	var names []string
	for _, b := range before {
		names = append(names, b.Name)
	}
	for _, c := range d.When {
		i := slices.Index(names, c.Name)
		switch {
		case i < 0:
			return nil, fmt.Errorf("when: %w before it", hint.Unknown("hyperparameter", c.Name, names))
		case before[i].Derived:
			return nil, fmt.Errorf("when: %s is derived, want a hyperparameter of single values", c.Name)
		case before[i].Len() == 0:
			return nil, fmt.Errorf("when: %s is a range, want a hyperparameter of single values", c.Name)
		}
		t := spec.Condition{Name: c.Name}
		for _, v := range c.Values {
			if v, err = before[i].Typed(v); err != nil {
				return nil, fmt.Errorf("when: %s: %w", c.Name, err)
			}
			t.Values = append(t.Values, v)
		}
		typed = append(typed, t)
	}
	return typed, nil
}

// when is the builtin when(dimension, norm = "none"): the dimension applies where each hyperparameter that is named has the value, or one
// of the values of a list.
func when(c kit.Call) (starlark.Value, error) {
	if len(c.Args) != 1 || len(c.Kwargs) == 0 {
		return nil, fmt.Errorf(`when: got %d dimensions and %d conditions, want one dimension and conditions: `+
			`when(uniform(0, 0.3), norm = "none")`, len(c.Args), len(c.Kwargs))
	}
	d, ok := c.Args[0].(Dimension)
	if !ok {
		return nil, fmt.Errorf("when: got %s, want a dimension such as uniform(0, 0.3)", kit.Describe(c.Args[0]))
	}
	d.when = slices.Clone(d.when)
	for _, pair := range c.Kwargs {
		name, _ := starlark.AsString(pair[0])
		if slices.ContainsFunc(d.when, func(c spec.Condition) bool { return c.Name == name }) {
			return nil, fmt.Errorf("when: got two conditions of %s, want one with a list of values", name)
		}
		values := []starlark.Value{pair[1]}
		if list, isList := pair[1].(*starlark.List); isList {
			values = slices.Collect(list.Elements())
		}
		condition := spec.Condition{Name: name}
		for _, v := range values {
			x, err := Value(v)
			if err != nil {
				return nil, fmt.Errorf("when: %s: %w", name, err)
			}
			condition.Values = append(condition.Values, x)
		}
		if len(values) == 0 {
			return nil, fmt.Errorf("when: %s: got an empty list, want at least one value", name)
		}
		d.when = append(d.when, condition)
	}
	texts := make([]string, len(d.when))
	for i, c := range d.when {
		texts[i] = c.String()
	}
	d.text = fmt.Sprintf("when(%s, %s)", c.Args[0], strings.Join(texts, ", "))
	return d, nil
}

// Value converts a value of a script to that of a hyperparameter or setting.
func Value(v starlark.Value) (spec.Value, error) {
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

// Dimensions are the builtins that make dimensions.
var Dimensions = starlark.StringDict{
	"when": kit.Builtin("when", when),
	"choice": kit.Builtin("choice", func(c kit.Call) (starlark.Value, error) {
		if len(c.Kwargs) > 0 {
			return nil, fmt.Errorf("choice: got the argument %s, want values only", c.Kwargs[0][0])
		}
		var d Dimension
		for _, a := range c.Args {
			v, err := Value(a)
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
		return interval(c, spec.Float, float64(lo), float64(hi), true, 0)
	}),
	"derived": kit.Builtin("derived", func(c kit.Call) (starlark.Value, error) {
		d := Dimension{Derivation: Derivation{pos: kit.Here(c.Thread).String()}}
		err := c.Unpack("function", &d.Derivation.Function)
		d.text = fmt.Sprintf("derived(%s)", d.Derivation.Position())
		return d, err
	}),
	"integers": kit.Builtin("integers", func(c kit.Call) (starlark.Value, error) {
		var lo, hi int64
		var step kit.Count
		log := false
		if err := c.Unpack("lo", &lo, "hi", &hi, "log?", &log, "step?", &step); err != nil {
			return nil, err
		}
		return interval(c, spec.Int, float64(lo), float64(hi), log, float64(step))
	}),
}

// Uniform is the builtin uniform(lo, hi, step = ...), which shares its name with a distribution of random numbers.
func Uniform(c kit.Call) (starlark.Value, error) {
	var lo, hi kit.Number
	var step kit.Positive
	if err := c.Unpack("lo", &lo, "hi", &hi, "step?", &step); err != nil {
		return nil, err
	}
	return interval(c, spec.Float, float64(lo), float64(hi), false, float64(step))
}

// interval is the dimension of a range. Without a step, which is then 0, all numbers of the range are values.
func interval(c kit.Call, k spec.Kind, lo, hi float64, log bool, step float64) (starlark.Value, error) {
	if math.IsInf(lo, 0) || math.IsInf(hi, 0) {
		return nil, fmt.Errorf("%s: got an infinite range, want finite ends", c.Name)
	}
	r, err := spec.Range("", k, lo, hi, log)
	text := fmt.Sprintf("%s(%g, %g)", c.Name, lo, hi)
	if err == nil && step > 0 {
		r, err = r.Stepped(step)
		text = fmt.Sprintf("%s(%g, %g, step = %g)", c.Name, lo, hi, step)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	return Dimension{dim: r, text: text}, nil
}
