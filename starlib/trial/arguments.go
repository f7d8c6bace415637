package trial

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/starlib/draw"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/optimizer"
)

// lossArg is a variable for the losses of a GAN.
type lossArg struct{ *lossValue }

func (a *lossArg) Unpack(v starlark.Value) error {
	l, ok := v.(*lossValue)
	if f, isFunction := v.(*starlark.Function); isFunction {
		return fmt.Errorf("got the function %s, want the loss that it returns: %s()", f.Name(), f.Name())
	}
	if !ok {
		return fmt.Errorf("got %s, want loss(critic = ..., generator = ...) or one of @std//losses.star", kit.Describe(v))
	}
	a.lossValue = l
	return nil
}

// latentArg is a variable for a latent distribution.
type latentArg struct{ *draw.Latent }

func (a *latentArg) Unpack(v starlark.Value) error {
	l, ok := v.(draw.Latent)
	if !ok {
		return fmt.Errorf("got %s, want normal(size) or uniform(size)", kit.Describe(v))
	}
	a.Latent = &l
	return nil
}

// functionOrNone is a variable for a function or None.
type functionOrNone struct{ *kit.Function }

func (o *functionOrNone) Unpack(v starlark.Value) error {
	if v == starlark.None {
		return nil
	}
	var f kit.Function
	err := f.Unpack(v)
	o.Function = &f
	return err
}

// criticArg is a variable for whether d_real and d_fake are recorded: True, False, or a function from the critic's output to the
// numbers that are averaged, one per example.
type criticArg struct {
	read  bool
	logit *kit.Function
}

func (a *criticArg) Unpack(v starlark.Value) error {
	if read, ok := v.(starlark.Bool); ok {
		*a = criticArg{read: bool(read)}
		return nil
	}
	var f kit.Function
	if err := f.Unpack(v); err != nil {
		return fmt.Errorf("got %s, want True, False, or a function from the network's output to one number per example", kit.Describe(v))
	}
	*a = criticArg{read: true, logit: &f}
	return nil
}

// optimizersArg is a variable for one optimizer for all players, or a dict with one for each.
type optimizersArg struct {
	all  *optimizer.Value
	each map[string]optimizer.Value
}

func (o *optimizersArg) Unpack(v starlark.Value) error {
	switch v := v.(type) {
	case optimizer.Value:
		o.all = &v
		return nil
	case *starlark.Dict:
		o.each = map[string]optimizer.Value{}
		for k, e := range v.Entries() {
			name, _ := starlark.AsString(k)
			opt, ok := e.(optimizer.Value)
			if !ok || name != "generator" && name != "discriminator" {
				return fmt.Errorf(`got %s: %s, want {"generator": adam(...), "discriminator": adam(...)}`, kit.Describe(k), kit.Describe(e))
			}
			o.each[name] = opt
		}
		if len(o.each) == 2 {
			return nil
		}
	}
	return fmt.Errorf(`got %s, want adam(...) or {"generator": adam(...), "discriminator": adam(...)}`, kit.Describe(v))
}

// of is a player's optimizer. An average of weights is for sampling, so if both players share an optimizer, only the generator keeps it.
func (o optimizersArg) of(player string) optimizer.Value {
	if o.all == nil {
		return o.each[player]
	}
	own := *o.all
	if player == "discriminator" {
		own.EMA = nil
	}
	return own
}

// precision is a variable: "f32", or "bf16" for products of bfloat16.
type precision string

func (p *precision) Unpack(v starlark.Value) error {
	s, ok := v.(starlark.String)
	if !ok || s != "f32" && s != "bf16" {
		return fmt.Errorf(`got %s, want "f32" or "bf16"`, kit.Describe(v))
	}
	*p = precision(s)
	return nil
}
