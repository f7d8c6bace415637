package space

import (
	"fmt"
	"math"
	"slices"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/kit"
)

// Rule is when a trial ends early.
type Rule struct {
	kit.Opaque
	spec.Rule
	better string // "min" or "max" of patience; "" if the objectives of the study say it
}

func (r Rule) String() string { return string(r.Kind) }
func (r Rule) Type() string   { return "rule" }

// Rules is a variable for one rule or a list of them.
type Rules []Rule

// Unpack implements starlark.Unpacker.
func (rs *Rules) Unpack(v starlark.Value) error {
	const want = "want patience(...), threshold(...) or time_limit(...), or a list of them"
	values := []starlark.Value{v}
	if list, ok := v.(*starlark.List); ok {
		values = slices.Collect(list.Elements())
	}
	for _, v := range values {
		r, ok := v.(Rule)
		if !ok {
			return fmt.Errorf("got %s, %s", kit.Describe(v), want)
		}
		*rs = append(*rs, r)
	}
	return nil
}

// Of returns the rules of a study with such objectives. The error is that of a metric whose direction nothing says.
func (rs Rules) Of(objectives []pareto.Objective) (rules []spec.Rule, err error) {
	for _, r := range rs {
		if r.Kind == spec.Patience {
			direction := pareto.Direction(r.better)
			for _, o := range objectives {
				if direction == "" && o.Name == r.Metric {
					direction = o.Direction
				}
			}
			if direction == "" {
				return nil, fmt.Errorf(`patience: %s is no objective of the study: say what is better, better = "min" or "max"`, r.Metric)
			}
			r.Larger = direction == pareto.Max
		}
		rules = append(rules, r.Rule)
	}
	return rules, nil
}

// RuleBuiltins are the builtins that make rules.
var RuleBuiltins = starlark.StringDict{
	"patience": kit.Builtin("patience", func(c kit.Call) (starlark.Value, error) {
		r := Rule{Rule: spec.Rule{Kind: spec.Patience}}
		var evaluations kit.Count
		var change starlark.Value
		if err := c.Unpack("metric", &r.Metric, "evaluations", &evaluations, "change?", &change, "better?", &r.better); err != nil {
			return nil, err
		}
		if r.better != "" {
			if _, err := pareto.ParseDirection(r.better); err != nil {
				return nil, fmt.Errorf("patience: for parameter better: %w", err)
			}
		}
		if change != nil {
			x, ok := starlark.AsFloat(change)
			if !ok || !(x >= 0) {
				return nil, fmt.Errorf("patience: for parameter change: got %s, want a number from 0", kit.Describe(change))
			}
			r.Change = x
		}
		r.Evaluations = int(evaluations)
		return r, nil
	}),
	"threshold": kit.Builtin("threshold", func(c kit.Call) (starlark.Value, error) {
		r := Rule{Rule: spec.Rule{Kind: spec.Threshold}}
		var above, below starlark.Value
		var after kit.Natural
		if err := c.Unpack("metric", &r.Metric, "above??", &above, "below??", &below, "after?", &after); err != nil {
			return nil, err
		}
		r.After = int(after)
		for _, x := range []struct {
			name string
			v    starlark.Value
			to   **float64
		}{{"above", above, &r.Above}, {"below", below, &r.Below}} {
			if x.v == nil || x.v == starlark.None {
				continue
			}
			bound, ok := starlark.AsFloat(x.v)
			if !ok || math.IsNaN(bound) {
				return nil, fmt.Errorf("threshold: for parameter %s: got %s, want a number", x.name, kit.Describe(x.v))
			}
			*x.to = &bound
		}
		if r.Above == nil && r.Below == nil {
			return nil, fmt.Errorf("threshold: got no bound, want above = or below = a number")
		}
		return r, nil
	}),
	"time_limit": kit.Builtin("time_limit", func(c kit.Call) (starlark.Value, error) {
		var seconds kit.Positive
		if err := c.Unpack("seconds", &seconds); err != nil {
			return nil, err
		}
		return Rule{Rule: spec.Rule{Kind: spec.TimeLimit, Seconds: float64(seconds)}}, nil
	}),
}
