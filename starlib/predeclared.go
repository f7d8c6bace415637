package starlib

import (
	"fmt"

	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/sandbox"
	"go.starlark.net/lib/math"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// predeclared is all that a script sees without load, one family a file.
func predeclared() starlark.StringDict {
	all := starlark.StringDict{
		"nn":     layers,
		"init":   initializers,
		"math":   module{liftedModule(math.Module)},
		"struct": starlark.NewBuiltin("struct", starlarkstruct.Make),
	}
	// The tensor functions max, min and abs stand for Starlark's own too.
	own := map[string]bool{"max": true, "min": true, "abs": true}
	for _, family := range []starlark.StringDict{sandbox.Guards(), declarations, evaluations, dimensions, searches, datasets(), schedules, optimizers,
		randoms(), functions()} {
		for name, v := range family {
			if _, taken := all[name]; taken && !own[name] {
				panic(fmt.Sprintf("starlib: two builtins are called %s", name))
			}
			all[name] = v
		}
	}
	knowing(all)
	return all
}

// Builtins lists the names that a script sees without load, beside Starlark's own.
func Builtins() []string {
	var names []string
	for name := range predeclared() {
		if kit.IsWord(name) {
			names = append(names, name)
		}
	}
	return names
}
