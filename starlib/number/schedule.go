package number

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/kit"
)

// over is the duration of a schedule: epochs = or steps =.
type over struct{ epochs, steps OrNone }

func (o *over) duration(c kit.Call) (float64, spec.Unit, error) {
	got, unit := o.epochs.Schedule, spec.Epochs
	if got == nil {
		got, unit = o.steps.Schedule, spec.Steps
	}
	if (o.epochs.Schedule == nil) == (o.steps.Schedule == nil) {
		return 0, 0, fmt.Errorf("%s: got both or neither of epochs and steps, want exactly one", c.Name)
	}
	if d := got.At(0, 1); got.IsConstant() && d > 0 {
		return d, unit, nil
	}
	return 0, 0, fmt.Errorf("%s: for parameter %s: got %s, want a positive number", c.Name, unit, got)
}

// ramp is a builtin for schedules of two numbers and a duration.
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
		return Real{Schedule: make(float64(a), float64(b), d, unit)}, nil
	})
}

// Schedules are the builtins that make schedules.
var Schedules = starlark.StringDict{
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
		return Real{Schedule: spec.Warmup(d, unit)}, err
	}),
	"constant": kit.Builtin("constant", func(c kit.Call) (starlark.Value, error) {
		var v kit.Number
		err := c.Unpack("value", &v)
		return Real{Schedule: spec.Constant(float64(v))}, err
	}),
	"piecewise": kit.Builtin("piecewise", makePiecewise),
	"real": kit.Builtin("real", func(c kit.Call) (starlark.Value, error) {
		var s Real
		name := ""
		if err := c.Unpack("x", &s, "name?", &name); err != nil {
			return nil, err
		}
		if name != "" {
			if !kit.IsWord(name) {
				return nil, fmt.Errorf("real: for parameter name: got %q, want an identifier: it becomes a column", name)
			}
			s.Schedule = spec.Named(spec.Label{Name: name, Place: placeOf(c.Thread)}, s.Schedule)
		}
		return s, nil
	}),
}

// makePiecewise is piecewise([1e-3, 1e-4], epochs = [10]): values, and when each but the first begins.
func makePiecewise(c kit.Call) (starlark.Value, error) {
	var values, epochs, steps *starlark.List
	if err := c.Unpack("values", &values, "epochs?", &epochs, "steps?", &steps); err != nil {
		return nil, err
	}
	if (epochs == nil) == (steps == nil) {
		return nil, fmt.Errorf("%s: got both or neither of epochs and steps, want exactly one list", c.Name)
	}
	unit, when := spec.Epochs, epochs
	if when == nil {
		unit, when = spec.Steps, steps
	}
	var parts []spec.Schedule
	for v := range values.Elements() {
		var s Real
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
	return Real{Schedule: s}, nil
}
