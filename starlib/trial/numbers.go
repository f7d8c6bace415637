package trial

import (
	"errors"
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/number"
	"github.com/starsweep/starsweep/starlib/optimizer"
)

// playerNumber is a real number of a player's optimizer, or the bound of its weights.
type playerNumber struct {
	name   string
	player string
	value  spec.Schedule
	bound  number.Bound
}

// Numbers are the numbers of a trial's players, which must be within bounds until training ends.
type Numbers struct {
	pos              string
	epochs, perEpoch int
	numbers          []playerNumber
}

// Numbers returns those of the trial's players for a given number of iterations per epoch; 0: unknown.
func (t *Trial) Numbers(perEpoch int) Numbers {
	all := Numbers{pos: t.Pos, epochs: t.Epochs, perEpoch: perEpoch}
	for _, p := range t.Players {
		all.numbers = append(all.numbers, p.numbers()...)
	}
	return all
}

// Check refuses numbers that leave their bounds during training, and notes schedules that are longer than training.
func (ns Numbers) Check(n *kit.Notes, shortened bool) error {
	var errs []error
	for _, x := range ns.numbers {
		if err := x.holds(ns.epochs, ns.perEpoch); err != nil {
			errs = append(errs, &kit.Error{Pos: ns.pos, Msg: fmt.Sprintf("the %s of the %s: %v", x.name, x.player, err)})
		}
		for _, part := range x.value.Beyond(ns.epochs, ns.epochs*ns.perEpoch) {
			if shortened {
				break
			}
			n.Add(ns.pos, fmt.Sprintf("the %s of the %s: %v is not complete when training ends, after %d epochs", x.name, x.player, part, ns.epochs))
		}
	}
	return errors.Join(errs...)
}

// At returns the numbers that change over time or between points, with the values of a point.
func (ns Numbers) At(bind func(id string) spec.Schedule) Numbers {
	var changing []playerNumber
	for _, x := range ns.numbers {
		if x.value = x.value.Bind(bind); !x.value.IsConstant() {
			changing = append(changing, x)
		}
	}
	ns.numbers = changing
	return ns
}

// Variables returns the numbers that depend on the point.
func (ns Numbers) Variables() Numbers {
	ns.numbers = slices.DeleteFunc(slices.Clone(ns.numbers), func(x playerNumber) bool {
		_, ok := x.value.Variable()
		return !ok
	})
	return ns
}

func (p *Player) numbers() (all []playerNumber) {
	for _, x := range p.Optimizer.Params {
		all = append(all, playerNumber{x.Name, p.Name, x.Value, optimizer.Bound(x.Name)})
	}
	for _, x := range []struct {
		name  string
		value *spec.Schedule
		bound number.Bound
	}{{"clip_norm", p.Optimizer.ClipNorm, number.AboveZero}, {"clip_value", p.Optimizer.ClipValue, number.AboveZero},
		{"ema", p.Optimizer.EMA, number.Fraction}, {"clip", p.Clip, number.AboveZero}} {
		if x.value != nil {
			all = append(all, playerNumber{x.name, p.Name, *x.value, x.bound})
		}
	}
	return all
}

// holds checks a schedule from the first step to the last. A schedule in steps can be checked only if the size of the data is known.
func (x playerNumber) holds(epochs, perEpoch int) error {
	if x.value.IsConstant() || perEpoch == 0 && x.value.Counts(spec.Steps) {
		return nil
	}
	if perEpoch == 0 {
		perEpoch = 1000 // any number: only fractions of epochs matter
	}
	for step, v := range x.value.Over(epochs*perEpoch, perEpoch) {
		if !x.bound.Holds(v) {
			return fmt.Errorf("got %v, which is %.3g in epoch %d, want %s", x.value, v, step/perEpoch+1, x.bound.Want)
		}
	}
	return nil
}
