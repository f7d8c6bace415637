package layer

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/starlib/kit"
)

// initializer is the distribution of a weight at the start, as a Starlark value.
type initializer struct {
	kit.Opaque
	model.Init
}

func (i initializer) Type() string { return "initializer" }

// initArg is a variable for an initializer.
type initArg struct{ *model.Init }

func (a *initArg) Unpack(v starlark.Value) error {
	i, ok := v.(initializer)
	if !ok {
		return fmt.Errorf("got %s, want an initializer such as init.he_normal()", kit.Describe(v))
	}
	a.Init = &i.Init
	return nil
}

// initBy is the builtin of an initializer with these arguments, "" for none, and their default values.
func initBy(name string, kind model.InitKind, names []string, standard ...float64) *starlark.Builtin {
	return kit.Builtin("init."+name, func(c kit.Call) (starlark.Value, error) {
		var args [2]kit.Number
		var pairs []any
		for i, n := range names {
			if args[i] = kit.Number(standard[i]); n != "" {
				pairs = append(pairs, n+"?", &args[i])
			}
		}
		if err := c.Unpack(pairs...); err != nil {
			return nil, err
		}
		return initializer{Init: model.Init{Kind: kind, Args: [2]float64{float64(args[0]), float64(args[1])}}}, nil
	})
}

// Initializers is the module init.
var Initializers = &starlarkstruct.Module{Name: "init", Members: starlark.StringDict{
	"zeros":            initBy("zeros", model.ConstantInit, []string{""}, 0),
	"ones":             initBy("ones", model.ConstantInit, []string{""}, 1),
	"constant":         initBy("constant", model.ConstantInit, []string{"value"}, 0),
	"uniform":          initBy("uniform", model.UniformInit, []string{"lo", "hi"}, -.05, .05),
	"normal":           initBy("normal", model.NormalInit, []string{"mean", "std"}, 0, .05),
	"truncated_normal": initBy("truncated_normal", model.TruncatedInit, []string{"mean", "std"}, 0, .05),
	"glorot_uniform":   initBy("glorot_uniform", model.GlorotUniform, []string{"gain"}, 1),
	"glorot_normal":    initBy("glorot_normal", model.GlorotNormal, []string{"gain"}, 1),
	"he_uniform":       initBy("he_uniform", model.HeUniform, []string{"gain"}, 1),
	"he_normal":        initBy("he_normal", model.HeNormal, []string{"gain"}, 1),
	"orthogonal":       initBy("orthogonal", model.OrthogonalInit, []string{"gain"}, 1),
}}
