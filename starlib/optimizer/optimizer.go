// Package optimizer is the family of builtins for optimizers: update rules of engine/model with their numbers. Players of a trial have
// one; the loader of starlib composes the builtins.
package optimizer

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/number"
)

// Value is an update rule with its numbers.
type Value struct {
	kit.Opaque
	model.Optimizer
}

var _ starlark.Comparable = Value{}

func (o Value) String() string { return string(o.Rule) + "(...)" } // not its numbers, which may be symbols
func (o Value) Type() string   { return "optimizer" }

// CompareSameType refuses: the numbers of optimizers may be symbols.
func (o Value) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return false, fmt.Errorf("got %s %s %s, want a comparison of the numbers that optimizers are made from", o.Type(), op, y.Type())
}

// common sets the arguments that every optimizer has.
func (o *Value) common(clipNorm, clipValue, ema number.OrNone) {
	o.ClipNorm, o.ClipValue, o.EMA = clipNorm.Schedule, clipValue.Schedule, ema.Schedule
}

// Bound is the range that a number of an update rule must lie in.
func Bound(name string) number.Bound {
	switch name {
	case "lr", "decay":
		return number.NotNegative
	case "eps":
		return number.AboveZero
	}
	return number.Fraction // the fraction of an average that is kept
}

// check refuses numbers that are out of bounds at the start.
func (o Value) check(c kit.Call) error {
	for _, p := range o.Params {
		parameter := p.Name
		if parameter == "beta1" || parameter == "beta2" {
			parameter = "betas"
		}
		if err := Bound(p.Name).Check(c, parameter, &p.Value); err != nil {
			return err
		}
	}
	if err := number.AboveZero.Check(c, "clip_norm", o.ClipNorm); err != nil {
		return err
	}
	if err := number.AboveZero.Check(c, "clip_value", o.ClipValue); err != nil {
		return err
	}
	return number.Fraction.Check(c, "ema", o.EMA)
}

// rule is the builtin of an update rule whose numbers have these default values; lr has none.
func rule(r model.Rule, standard map[string]float64) *starlark.Builtin {
	return kit.Builtin(string(r), func(c kit.Call) (starlark.Value, error) {
		o := Value{Optimizer: model.Optimizer{Rule: r}}
		var lr number.Real
		var clipNorm, clipValue, ema number.OrNone
		pairs := []any{"lr", &lr}
		values := map[string]*number.Real{"lr": &lr}
		var betas betas
		if b1, ok := standard["beta1"]; ok {
			betas = [2]spec.Schedule{spec.Constant(b1), spec.Constant(standard["beta2"])}
			pairs = append(pairs, "betas?", &betas)
		}
		for _, name := range model.Rules[r].Params {
			if v, ok := standard[name]; ok && name != "beta1" && name != "beta2" {
				values[name] = &number.Real{Schedule: spec.Constant(v)}
				pairs = append(pairs, name+"?", values[name])
			}
		}
		pairs = append(pairs, "clip_norm?", &clipNorm, "clip_value?", &clipValue, "ema?", &ema)
		if err := c.Unpack(pairs...); err != nil {
			return nil, err
		}
		values["beta1"], values["beta2"] = &number.Real{Schedule: betas[0]}, &number.Real{Schedule: betas[1]}
		for _, name := range model.Rules[r].Params {
			o.Params = append(o.Params, model.Param{Name: name, Value: values[name].Schedule})
		}
		o.common(clipNorm, clipValue, ema)
		return o, o.check(c)
	})
}

// betas is Adam's pair of decays.
type betas [2]spec.Schedule

func (b *betas) Unpack(v starlark.Value) error {
	t, ok := v.(starlark.Indexable)
	if _, isString := v.(starlark.String); !ok || isString || t.Len() != 2 {
		return fmt.Errorf("got %s, want a pair of numbers", kit.Describe(v))
	}
	for i := range b {
		var s number.Real
		if err := s.Unpack(t.Index(i)); err != nil {
			return err
		}
		b[i] = s.Schedule
	}
	return nil
}

// TakesDeferred marks a variable that keeps deferred numbers.
func (b *betas) TakesDeferred() {}

// eps is the default of Keras, which the thesis used; that of PyTorch is 1e-8.
const eps = 1e-7

// Builtins are the optimizers.
var Builtins = starlark.StringDict{
	"adam":    rule(model.Adam, map[string]float64{"beta1": .9, "beta2": .999, "eps": eps}),
	"adamw":   rule(model.AdamW, map[string]float64{"beta1": .9, "beta2": .999, "eps": eps, "decay": .004}),
	"sgd":     rule(model.SGD, map[string]float64{"momentum": 0}),
	"rmsprop": rule(model.RMSProp, map[string]float64{"rho": .9, "eps": eps, "momentum": 0}),
}
