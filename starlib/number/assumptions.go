package number

import (
	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/kit"
)

// Assumptions are what an evaluation assumed about the numbers that it did not reveal: that the formulas that it computed have values,
// and that some of them are within bounds.
type Assumptions struct {
	formulas []*formula // each after those that it is computed from
	known    map[formulaID]bool
	bounds   []requirement
}

// requirement is a bound that an evaluation assumed for a number.
type requirement struct {
	of    *formula
	holds func(v starlark.Value) bool
}

func noAssumptions() Assumptions { return Assumptions{known: map[formulaID]bool{}} }

// Current returns the assumptions of an evaluation so far.
func (a *Assumptions) Current() Assumptions { return *a }

// Empty reports whether nothing was assumed.
func (a Assumptions) Empty() bool { return len(a.formulas) == 0 }

// know notes a formula that has a value at the evaluation's point.
func (a *Assumptions) know(f *formula) {
	if !a.known[f.id] {
		a.known[f.id] = true
		a.formulas = append(a.formulas, f)
	}
}

// At returns the values that variables have at another point, computed on the thread. ok is false if the point does not meet the
// assumptions.
func (a Assumptions) At(th *starlark.Thread, point spec.Point) (bind func(id string) spec.Schedule, ok bool) {
	values, ok := compute(th, a.formulas, point)
	for _, b := range a.bounds {
		ok = ok && b.holds(values[b.of.id])
	}
	return func(id string) spec.Schedule { return asSchedule(values[formulaID([]byte(id))]) }, ok
}

// require assumes that a variable is within bounds, if it is at the evaluation's point. ok reports that s is a variable and within
// bounds.
func (r *Evaluation) require(s spec.Schedule, holds func(s spec.Schedule) bool) (value spec.Schedule, ok bool) {
	id, isVariable := s.Variable()
	if !isVariable {
		return s, false
	}
	x := r.variables[formulaID([]byte(id))]
	within := func(v starlark.Value) bool { return holds(asSchedule(v)) }
	if within(x.value) {
		r.bounds = append(r.bounds, requirement{x.formula, within})
		return s, true
	}
	return asSchedule(x.Reveal()), false
}

// asSchedule is a number as a schedule.
func asSchedule(v starlark.Value) spec.Schedule {
	var s Real
	if err := s.Unpack(v); err != nil {
		panic(err) // symbols represent numbers
	}
	return s.Schedule
}

// compute returns the values of formulas at a point, each of which follows those that it is computed from. ok is false if one has no
// value there, or one whose type differs from the type where it was made.
func compute(th *starlark.Thread, formulas []*formula, point spec.Point) (values map[formulaID]starlark.Value, ok bool) {
	values = make(map[formulaID]starlark.Value, len(formulas))
	for _, f := range formulas {
		var v starlark.Value
		if f.name != "" {
			number, _ := point.GetAt(f.at, f.name)
			v = kit.Plain(number.Any())
		} else {
			th.SetLocal(placeKey, f.place)
			args, kwargs := f.fill(func(x *Symbol) starlark.Value { return values[x.formula.id] })
			var err error
			if v, err = f.of.CallInternal(th, args, kwargs); err != nil {
				return nil, false
			}
		}
		if v.Type() != f.kind {
			return nil, false
		}
		values[f.id] = v
	}
	return values, true
}

// placeKey is the place in the script of the formula that a thread computes.
const placeKey = "place"

// placeOf is the place in the script where the number is made that a thread computes.
func placeOf(th *starlark.Thread) string {
	if place, ok := th.Local(placeKey).(string); ok {
		return place
	}
	return kit.Here(th).String()
}
