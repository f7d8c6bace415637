package starlib

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.starlark.net/lib/math"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/data"
	"github.com/starsweep/starsweep/starlib/draw"
	"github.com/starsweep/starsweep/starlib/evaluate"
	"github.com/starsweep/starsweep/starlib/function"
	"github.com/starsweep/starsweep/starlib/hint"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/layer"
	"github.com/starsweep/starsweep/starlib/number"
	"github.com/starsweep/starsweep/starlib/optimizer"
	"github.com/starsweep/starsweep/starlib/sandbox"
	"github.com/starsweep/starsweep/starlib/space"
	"github.com/starsweep/starsweep/starlib/trial"
)

// predeclared is everything that a script sees without load: the families of builtins, composed. The functions of tensors called max,
// min and abs replace those of Starlark, which they call for numbers.
func predeclared(catalogue spec.Catalogue) starlark.StringDict {
	all := sandbox.Guards()
	maps.Copy(all, function.Builtins())
	for _, family := range []starlark.StringDict{
		{
			"nn":     advising(layer.Module),
			"init":   advising(layer.Initializers),
			"math":   advising(number.LiftedModule(math.Module)),
			"struct": starlark.NewBuiltin("struct", starlarkstruct.Make),
			"study":  kit.Builtin("study", makeStudy),
		},
		trial.Builtins, evaluate.Builtins(catalogue), data.Builtins(catalogue.DataSets),
		space.Dimensions, space.Searches, space.SeedBuiltins, space.RuleBuiltins, optimizer.Builtins, number.Schedules, draw.Builtins(),
	} {
		for name, v := range family {
			if _, taken := all[name]; taken {
				panic(fmt.Sprintf("starlib: two builtins are called %s", name))
			}
			all[name] = v
		}
	}
	lift(all)
	return all
}

// offered lists what scripts choose from, for advice on names of other libraries.
func offered(sets []spec.DataSet) hint.Offered {
	o := hint.Offered{Metrics: evaluate.Metrics(), Optimizers: slices.Sorted(maps.Keys(optimizer.Builtins))}
	for _, name := range slices.Sorted(maps.Keys(space.Searches)) {
		o.Searches = append(o.Searches, name+"()")
	}
	for _, s := range sets {
		switch args := strings.Fields(s.Args); {
		case s.Builtin == "":
		case slices.Contains(args, "path"):
			o.Files = append(o.Files, s.Builtin+"(path)")
		case slices.Contains(args, "path?"):
			o.Layouts = append(o.Layouts, s.Builtin+"(path)")
		}
	}
	return o
}

// words are the names of values that scripts can write.
func words(values starlark.StringDict) (names []string) {
	for name := range values {
		if kit.IsWord(name) {
			names = append(names, name)
		}
	}
	return names
}

// lift adapts global functions to symbols: those that compute with numbers are lifted, and those that need their values get them.
// Functions that only hold or pass on their arguments stay as they are, as do ours, which decide when they unpack their arguments.
func lift(all starlark.StringDict) {
	for _, name := range []string{"float", "int", "real", "linear", "cosine", "exponential", "step", "warmup", "constant", "piecewise"} {
		all[name] = number.Lifted(builtinOf(all, name), false)
	}
	for _, name := range []string{"abs", "max", "min"} {
		all[name] = number.Lifted(builtinOf(all, name), true)
	}
	for _, name := range []string{"hash", "bytes", "fail", "print", "repr", "sorted", "str", "bool", "chr", "dir", "hasattr", "ord", "range"} {
		all[name] = sandbox.Revealing(builtinOf(all, name))
	}
	all["type"] = number.LiftedType()
}

// builtinOf is a global function, ours or Starlark's.
func builtinOf(all starlark.StringDict, name string) *starlark.Builtin {
	if b, ok := all[name].(*starlark.Builtin); ok {
		return b
	}
	return starlark.Universe[name].(*starlark.Builtin)
}
