// Package number holds the numbers of scripts, which are known in part while a script runs: reals, which may change over training
// time (schedules), and symbols, which change over the points of a space. A script is evaluated once for all points that agree on
// the values that decided something in it; an Evaluation records these values, and Assumptions what must hold elsewhere. The
// families of builtins that take numbers, the tracer and package starlib import it; of the engine it knows plain values only.
package number

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/kit"
)

// Real is a real number over training time: a constant or a schedule. It can be added to and multiplied with numbers and schedules;
// with a tensor it becomes an input of the program. schedule(step, per_epoch) is its value, for tests of scripts.
type Real struct {
	kit.Opaque
	spec.Schedule
}

var (
	_ starlark.HasBinary = Real{}
	_ starlark.HasUnary  = Real{}
	_ starlark.Callable  = Real{}

	_ starlark.Comparable = Real{}
)

func (s Real) Type() string { return "schedule" }
func (s Real) Name() string { return "schedule" }

func (s Real) CallInternal(th *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	step, perEpoch := 0, kit.Count(1)
	c := kit.Call{Thread: th, Name: "schedule", Args: args, Kwargs: kwargs}
	if err := c.Unpack("step", &step, "per_epoch?", &perEpoch); err != nil {
		return nil, err
	}
	if step < 0 {
		return nil, fmt.Errorf("schedule: for parameter step: got %d, want 0 or more", step)
	}
	return starlark.Float(s.At(step, int(perEpoch))), nil
}

func (s Real) Binary(op syntax.Token, y starlark.Value, side starlark.Side) (starlark.Value, error) {
	var other Real
	if other.Unpack(y) != nil {
		return nil, nil // the other operand may be a tensor
	}
	a, b := s.Schedule, other.Schedule
	if side == starlark.Right {
		a, b = b, a
	}
	switch {
	case op == syntax.PLUS:
		return Real{Schedule: spec.Sum(s.Schedule, other.Schedule)}, nil
	case op == syntax.STAR:
		return Real{Schedule: spec.Product(s.Schedule, other.Schedule)}, nil
	case op == syntax.MINUS:
		return Real{Schedule: spec.Sum(a, negative(b))}, nil
	case op == syntax.SLASH && b.IsConstant() && b.At(0, 1) != 0:
		return Real{Schedule: spec.Quotient(a, b)}, nil
	}
	return nil, nil
}

func (s Real) Unary(op syntax.Token) (starlark.Value, error) {
	if op != syntax.MINUS {
		return nil, nil
	}
	return Real{Schedule: negative(s.Schedule)}, nil
}

// CompareSameType compares by text.
func (s Real) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return kit.SameText(op, s, y)
}

func negative(s spec.Schedule) spec.Schedule { return spec.Product(spec.Constant(-1), s) }

// Unpack takes what a script may write for a real number: an int, a float, a schedule, or a symbol for one.
func (s *Real) Unpack(v starlark.Value) error {
	switch v := v.(type) {
	case Real:
		*s = v
		return nil
	case *Symbol:
		*s = Real{Schedule: v.variable()}
		return nil
	case starlark.Int, starlark.Float:
		f, _ := starlark.AsFloat(v)
		*s = Real{Schedule: spec.Constant(f)}
		return nil
	}
	return fmt.Errorf("got %s, want a number or a schedule", kit.Describe(v))
}

// TakesDeferred marks a variable that keeps deferred numbers.
func (s *Real) TakesDeferred() {}

// OrNone is a variable for a real number or None.
type OrNone struct{ *spec.Schedule }

func (o *OrNone) Unpack(v starlark.Value) error {
	if v == starlark.None {
		o.Schedule = nil
		return nil
	}
	var s Real
	err := s.Unpack(v)
	o.Schedule = &s.Schedule
	return err
}

// TakesDeferred marks a variable that keeps deferred numbers.
func (o *OrNone) TakesDeferred() {}

// Optional is a variable for a real number that may be omitted.
type Optional struct {
	Real
	given bool
}

func (r *Optional) Unpack(v starlark.Value) error {
	r.given = true
	return r.Real.Unpack(v)
}

// Value is nil if it was omitted.
func (r Optional) Value() *spec.Schedule {
	if !r.given {
		return nil
	}
	return &r.Schedule
}
