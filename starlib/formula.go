package starlib

import (
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/kit"
	"go.starlark.net/starlark"
)

// placeKey is where the script stood when it made the formula that a thread computes.
const placeKey = "place"

// placeOf is where a number is made.
func placeOf(th *starlark.Thread) string {
	if place, ok := th.Local(placeKey).(string); ok {
		return place
	}
	return kit.Here(th).String()
}

// compute gives the values of formulas at a point, each of which follows those that it is computed of; false if one has no value
// there, or one of another type than where it was made.
func (s *Study) compute(formulas []*formula, point spec.Point) (map[formulaID]starlark.Value, bool) {
	values := make(map[formulaID]starlark.Value, len(formulas))
	var th *starlark.Thread
	for _, f := range formulas {
		var v starlark.Value
		if f.name != "" {
			number, _ := point.GetAt(f.at, f.name)
			v = starlarkValue(number)
		} else {
			if th == nil {
				th, _ = s.made.threads.Get().(*starlark.Thread)
			}
			if th == nil {
				th = s.loader.thread()
			}
			var err error
			th.SetLocal(placeKey, f.place)
			args, kwargs := f.fill(func(x *symbol) starlark.Value { return values[x.formula.id] })
			if v, err = f.of.CallInternal(th, args, kwargs); err != nil {
				return nil, false
			}
		}
		if v.Type() != f.kind {
			return nil, false
		}
		values[f.id] = v
	}
	if th != nil {
		th.Steps = 0
		s.made.threads.Put(th)
	}
	return values, true
}

// namesMeet reports whether a job has several numbers under one name, which may be equal at one point and not at another.
func namesMeet(job *model.Job) bool {
	seen := map[string]bool{}
	for _, r := range job.Reals {
		for label := range r.Value.Named() {
			if seen[label.Name] {
				return true
			}
			seen[label.Name] = true
		}
	}
	return false
}
