package number

import (
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/starsweep/starsweep/starlib/sandbox"
)

// Lifted is a builtin that computes with symbols if its other arguments are numbers, or texts and lists of numbers. A builtin that
// chooses among its arguments does so only if all are of one type.
func Lifted(b *starlark.Builtin, chooses bool) *starlark.Builtin {
	return starlark.NewBuiltin(b.Name(), func(th *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple,
		kwargs []starlark.Tuple) (starlark.Value, error) {
		k := kindsOf(args, kwargs)
		switch {
		case k.in == nil:
			return b.CallInternal(th, args, kwargs)
		case k.numbers && !(chooses && k.mixed):
			return k.in.apply(th, b, args, kwargs)
		}
		return sandbox.Call(th, b, args, kwargs)
	})
}

// kinds is what arguments consist of.
type kinds struct {
	in      *Evaluation // of the symbols among them; nil if there are none
	numbers bool        // whether all are numbers, or texts and lists of numbers
	kind    string      // type of the last number
	mixed   bool        // whether there are numbers of several types
}

func kindsOf(args starlark.Tuple, kwargs []starlark.Tuple) kinds {
	k := kinds{numbers: true}
	for _, v := range args {
		k.add(v, false)
	}
	for _, kv := range kwargs {
		k.add(kv[1], false)
	}
	return k
}

func (k *kinds) add(v starlark.Value, inList bool) {
	switch x := v.(type) {
	case *Symbol:
		k.in, v = x.in, x.value
	case *starlark.List, starlark.Tuple:
		k.numbers = k.numbers && !inList
		for e := range starlark.Elements(x.(starlark.Iterable)) {
			if k.add(e, true); !k.numbers {
				return
			}
		}
		return
	case starlark.String, starlark.NoneType:
		return
	}
	k.numbers = k.numbers && isNumber(v)
	k.mixed = k.mixed || k.kind != "" && k.kind != v.Type()
	k.kind = v.Type()
}

// LiftedModule is a module whose functions compute with symbols.
func LiftedModule(m *starlarkstruct.Module) *starlarkstruct.Module {
	members := starlark.StringDict{}
	for name, v := range m.Members {
		if members[name] = v; isBuiltin(v) {
			members[name] = Lifted(v.(*starlark.Builtin), false)
		}
	}
	return &starlarkstruct.Module{Name: m.Name, Members: members}
}

func isBuiltin(v starlark.Value) bool { _, ok := v.(*starlark.Builtin); return ok }

// LiftedType is Starlark's type(x), which returns the type of a symbol's value without revealing it: it is the same at every point.
func LiftedType() *starlark.Builtin {
	own := starlark.Universe["type"].(*starlark.Builtin)
	return starlark.NewBuiltin("type", func(th *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple,
		kwargs []starlark.Tuple) (starlark.Value, error) {
		if len(args) == 1 && isSymbol(args[0]) {
			args = starlark.Tuple{args[0].(*Symbol).value}
		}
		return own.CallInternal(th, args, kwargs)
	})
}
