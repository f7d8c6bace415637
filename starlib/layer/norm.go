package layer

import (
	"strings"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/nn"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/number"
	"github.com/starsweep/starsweep/starlib/tensor"
)

// norm is a normalizing layer.
type norm struct {
	arguments string // in order, of those that normArguments has; ? marks those that may be omitted
	apply     func(t *tensor.Tracer, a *normArguments) (*expr.Node, error)
}

// normArguments are the arguments of normalizing layers. Each layer takes some of them.
type normArguments struct {
	nn.NormOptions
	x             tensor.Tensor
	groups        kit.Count
	momentum, eps number.Optional
	axes          tensor.Axes
}

// norms lists the normalizing layers by name.
var norms = map[string]norm{
	"batch_norm": {"x momentum? eps? scale? center?", func(t *tensor.Tracer, a *normArguments) (*expr.Node, error) {
		return nn.BatchNorm(t.Trace, a.x.Node, a.NormOptions)
	}},
	"layer_norm": {"x eps? scale? center? axes?", func(t *tensor.Tracer, a *normArguments) (*expr.Node, error) {
		return nn.LayerNorm(t.Trace, a.x.Node, a.NormOptions)
	}},
	"instance_norm": {"x eps? scale? center?", func(t *tensor.Tracer, a *normArguments) (*expr.Node, error) {
		return nn.InstanceNorm(t.Trace, a.x.Node, a.NormOptions)
	}},
	"group_norm": {"x groups eps? scale? center?", func(t *tensor.Tracer, a *normArguments) (*expr.Node, error) {
		return nn.GroupNorm(t.Trace, a.x.Node, int(a.groups), a.NormOptions)
	}},
}

// builtin is the layer under its name.
func (n norm) builtin(name string) *starlark.Builtin {
	return layer(name, func(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
		a := &normArguments{NormOptions: nn.NormOptions{Scale: true, Center: true}}
		variables := map[string]any{"x": &a.x, "groups": &a.groups, "momentum": &a.momentum, "eps": &a.eps, "scale": &a.Scale,
			"center": &a.Center, "axes": &a.axes}
		var pairs []any
		for argument := range strings.FieldsSeq(n.arguments) {
			pairs = append(pairs, argument, variables[strings.TrimSuffix(argument, "?")])
		}
		if err := c.Unpack(pairs...); err != nil {
			return nil, err
		}
		if err := number.Fraction.Check(c, "momentum", a.momentum.Value()); err != nil {
			return nil, err
		}
		if err := number.AboveZero.Check(c, "eps", a.eps.Value()); err != nil {
			return nil, err
		}
		a.Momentum, a.Eps = real(t, a.momentum, name+" momentum"), real(t, a.eps, name+" eps")
		var err error
		if a.Axes, err = a.axes.Of(c.Name, a.x, ""); err != nil {
			return nil, err
		}
		return n.apply(t, a)
	})
}
