package starlib

import (
	"fmt"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/kit"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// schedule is a real number over training time as a Starlark value. It adds to and multiplies with numbers and schedules; with
// a tensor it becomes an input of the program. sched(step, per_epoch) is its value, for tests.
type schedule struct {
	kit.Opaque
	spec.Schedule
}

var (
	_ starlark.HasBinary = schedule{}
	_ starlark.HasUnary  = schedule{}
	_ starlark.Callable  = schedule{}

	_ starlark.Comparable = schedule{}
)

func (s schedule) Type() string { return "schedule" }
func (s schedule) Name() string { return "schedule" }

func (s schedule) CallInternal(th *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
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

func (s schedule) Binary(op syntax.Token, y starlark.Value, side starlark.Side) (starlark.Value, error) {
	var other schedule
	if other.Unpack(y) != nil {
		return nil, nil // a tensor knows what to do, others do not
	}
	a, b := s.Schedule, other.Schedule
	if side == starlark.Right {
		a, b = b, a
	}
	switch {
	case op == syntax.PLUS:
		return schedule{Schedule: spec.Sum(s.Schedule, other.Schedule)}, nil
	case op == syntax.STAR:
		return schedule{Schedule: spec.Product(s.Schedule, other.Schedule)}, nil
	case op == syntax.MINUS:
		return schedule{Schedule: spec.Sum(a, negative(b))}, nil
	case op == syntax.SLASH && b.IsConstant() && b.At(0, 1) != 0:
		return schedule{Schedule: spec.Quotient(a, b)}, nil
	}
	return nil, nil
}

func (s schedule) Unary(op syntax.Token) (starlark.Value, error) {
	if op != syntax.MINUS {
		return nil, nil
	}
	return schedule{Schedule: negative(s.Schedule)}, nil
}

// CompareSameType compares by text.
func (s schedule) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return kit.SameText(op, s, y)
}

func negative(s spec.Schedule) spec.Schedule { return spec.Product(spec.Constant(-1), s) }

// Unpack takes what a script may write where a real number is meant: an int, a float, a schedule.
func (s *schedule) Unpack(v starlark.Value) error {
	switch v := v.(type) {
	case schedule:
		*s = v
		return nil
	case *symbol:
		*s = schedule{Schedule: v.variable()}
		return nil
	case starlark.Int, starlark.Float:
		f, _ := starlark.AsFloat(v)
		*s = schedule{Schedule: spec.Constant(f)}
		return nil
	}
	return fmt.Errorf("got %s, want a number or a schedule", kit.Describe(v))
}

// TakesDeferred marks a variable that keeps deferred numbers.
func (s *schedule) TakesDeferred() {}

// optional is a real number that may be None.
type optional struct{ *spec.Schedule }

func (o *optional) Unpack(v starlark.Value) error {
	if v == starlark.None {
		o.Schedule = nil
		return nil
	}
	var s schedule
	err := s.Unpack(v)
	o.Schedule = &s.Schedule
	return err
}

// TakesDeferred marks a variable that keeps deferred numbers.
func (o *optional) TakesDeferred() {}

// over is how long a schedule takes: epochs = or steps =.
type over struct{ epochs, steps optional }

func (o *over) duration(c kit.Call) (float64, spec.Unit, error) {
	got, unit := o.epochs.Schedule, spec.Epochs
	if got == nil {
		got, unit = o.steps.Schedule, spec.Steps
	}
	if (o.epochs.Schedule == nil) == (o.steps.Schedule == nil) {
		return 0, 0, fmt.Errorf("%s: got both or neither of epochs and steps, want one", c.Name)
	}
	if d := got.At(0, 1); got.IsConstant() && d > 0 {
		return d, unit, nil
	}
	return 0, 0, fmt.Errorf("%s: for parameter %s: got %s, want a positive number", c.Name, unit, got)
}

// ramp is a schedule of two numbers and a duration.
func ramp(name, first, second string, make func(a, b, over float64, u spec.Unit) spec.Schedule) *starlark.Builtin {
	return kit.Builtin(name, func(c kit.Call) (starlark.Value, error) {
		var a, b kit.Number
		var o over
		if err := c.Unpack(first, &a, second, &b, "epochs?", &o.epochs, "steps?", &o.steps); err != nil {
			return nil, err
		}
		d, unit, err := o.duration(c)
		if err != nil {
			return nil, err
		}
		return schedule{Schedule: make(float64(a), float64(b), d, unit)}, nil
	})
}

var schedules = starlark.StringDict{
	"linear":      ramp("linear", "start", "end", spec.Linear),
	"cosine":      ramp("cosine", "start", "end", spec.Cosine),
	"exponential": ramp("exponential", "start", "rate", spec.Exponential),
	"step":        ramp("step", "start", "rate", spec.Step),
	"warmup": kit.Builtin("warmup", func(c kit.Call) (starlark.Value, error) {
		var o over
		if err := c.Keywords("epochs?", &o.epochs, "steps?", &o.steps); err != nil {
			return nil, err
		}
		d, unit, err := o.duration(c)
		return schedule{Schedule: spec.Warmup(d, unit)}, err
	}),
	"constant": kit.Builtin("constant", func(c kit.Call) (starlark.Value, error) {
		var v kit.Number
		err := c.Unpack("value", &v)
		return schedule{Schedule: spec.Constant(float64(v))}, err
	}),
	"piecewise": kit.Builtin("piecewise", makePiecewise),
	"real": kit.Builtin("real", func(c kit.Call) (starlark.Value, error) {
		var s schedule
		name := ""
		if err := c.Unpack("x", &s, "name?", &name); err != nil {
			return nil, err
		}
		if name != "" {
			if !kit.IsWord(name) {
				return nil, fmt.Errorf("real: for parameter name: got %q, want a word: it becomes a column", name)
			}
			s.Schedule = spec.Named(spec.Label{Name: name, Place: placeOf(c.Thread)}, s.Schedule)
		}
		return s, nil
	}),
}

// makePiecewise is piecewise([1e-3, 1e-4], epochs = [10]): a value, and when the next begins.
func makePiecewise(c kit.Call) (starlark.Value, error) {
	var values, epochs, steps *starlark.List
	if err := c.Unpack("values", &values, "epochs?", &epochs, "steps?", &steps); err != nil {
		return nil, err
	}
	if (epochs == nil) == (steps == nil) {
		return nil, fmt.Errorf("%s: got both or neither of epochs and steps, want one list", c.Name)
	}
	unit, when := spec.Epochs, epochs
	if when == nil {
		unit, when = spec.Steps, steps
	}
	var parts []spec.Schedule
	for v := range values.Elements() {
		var s schedule
		if err := s.Unpack(v); err != nil {
			return nil, fmt.Errorf("%s: for parameter values: %w", c.Name, err)
		}
		parts = append(parts, s.Schedule)
	}
	var times []float64
	for v := range when.Elements() {
		var t kit.Number
		if err := t.Unpack(v); err != nil {
			return nil, fmt.Errorf("%s: for parameter %s: %w", c.Name, unit, err)
		}
		times = append(times, float64(t))
	}
	s, err := spec.Piecewise(times, parts, unit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	return schedule{Schedule: s}, nil
}
