package space

import (
	"fmt"
	"math"
	"slices"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/starlib/kit"
)

// Rule is when a trial ends early.
type Rule struct {
	kit.Opaque
	spec.Rule
	better string // "min" or "max" of patience and median; "" if the objectives of the study say it
}

func (r Rule) String() string { return string(r.Kind) }
func (r Rule) Type() string   { return "rule" }

// Rules is a variable for one rule or a list of them.
type Rules []Rule

// Unpack implements starlark.Unpacker.
func (rs *Rules) Unpack(v starlark.Value) error {
	const want = "want asha(...), hyperband(...), median(...), patience(...), threshold(...) or time_limit(...), or a list of them"
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

// Of returns the rules of a study with such objectives. Errors: a metric whose direction nothing says, nothing to compare trials by, and
// several rules that pause trials.
func (rs Rules) Of(objectives []pareto.Objective) (rules []spec.Rule, err error) {
	var pauses spec.RuleKind
	for _, r := range rs {
		switch r.Kind {
		case spec.Patience, spec.Median:
			if r.Metric == "" && len(objectives) != 1 {
				return nil, fmt.Errorf("median: the study has %s: name a metric, or take asha(...), which ranks by all objectives",
					plain.Count(len(objectives), "objective"))
			} else if r.Metric == "" {
				r.Metric = spec.Course(objectives[0].Name)
			}
			if r.Larger, err = r.larger(objectives); err != nil {
				return nil, err
			}
		case spec.ASHA, spec.Hyperband:
			if len(objectives) == 0 {
				return nil, fmt.Errorf("%s compares trials by objectives, and the study has none: give it objectives = {...}", r.Kind)
			}
			if pauses != "" {
				return nil, fmt.Errorf("study: for parameter prune: got %s and %s, want at most one that pauses trials", pauses, r.Kind)
			}
			pauses = r.Kind
		}
		rules = append(rules, r.Rule)
	}
	return rules, nil
}

// larger reports whether larger values of the rule's metric are better.
func (r Rule) larger(objectives []pareto.Objective) (bool, error) {
	direction := pareto.Direction(r.better)
	for _, o := range objectives {
		if direction == "" && spec.Course(o.Name) == r.Metric {
			direction = o.Direction
		}
	}
	if direction == "" {
		return false, fmt.Errorf(`%s: %s is no objective of the study: say what is better, better = "min" or "max"`, r.Kind, r.Metric)
	}
	return direction == pareto.Max, nil
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
		if err := r.checkBetter(); err != nil {
			return nil, err
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
	"median": kit.Builtin("median", func(c kit.Call) (starlark.Value, error) {
		r := Rule{Rule: spec.Rule{Kind: spec.Median}}
		trials, after := kit.Count(5), kit.Natural(0)
		if err := c.Unpack("metric?", &r.Metric, "trials?", &trials, "after?", &after, "better?", &r.better); err != nil {
			return nil, err
		}
		r.Trials, r.After = int(trials), int(after)
		return r, r.checkBetter()
	}),
	"asha":      halving(spec.ASHA),
	"hyperband": halving(spec.Hyperband),
	"time_limit": kit.Builtin("time_limit", func(c kit.Call) (starlark.Value, error) {
		var seconds kit.Positive
		if err := c.Unpack("seconds", &seconds); err != nil {
			return nil, err
		}
		return Rule{Rule: spec.Rule{Kind: spec.TimeLimit, Seconds: float64(seconds)}}, nil
	}),
}

// checkBetter checks the argument better.
func (r Rule) checkBetter() error {
	if r.better == "" {
		return nil
	}
	if _, err := pareto.ParseDirection(r.better); err != nil {
		return fmt.Errorf("%s: for parameter better: %w", r.Kind, err)
	}
	return nil
}

// halving returns the builtin of a rule by which trials pause.
func halving(kind spec.RuleKind) *starlark.Builtin {
	return kit.Builtin(string(kind), func(c kit.Call) (starlark.Value, error) {
		reduction, least := kit.Count(3), kit.Count(1)
		if err := c.Unpack("reduction?", &reduction, "least?", &least); err != nil {
			return nil, err
		}
		if reduction < 2 {
			return nil, fmt.Errorf("%s: for parameter reduction: got 1, want at least 2: one of so many trials goes on", kind)
		}
		return Rule{Rule: spec.Rule{Kind: kind, Reduction: int(reduction), Least: int(least)}}, nil
	})
}
