package starlib

import (
	"fmt"
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/hint"
	"github.com/starsweep/starsweep/starlib/kit"
)

// module is a module whose errors about missing members carry its name and say what may be meant.
type module struct{ *starlarkstruct.Module }

// advising is m as a module, with the modules in it.
func advising(m *starlarkstruct.Module) module {
	members := starlark.StringDict{}
	for name, v := range m.Members {
		if inner, ok := v.(*starlarkstruct.Module); ok {
			v = advising(inner)
		}
		members[name] = v
	}
	return module{&starlarkstruct.Module{Name: m.Name, Members: members}}
}

var _ starlark.HasAttrs = module{}

func (m module) Attr(name string) (starlark.Value, error) {
	if v, ok := m.Members[name]; ok {
		return v, nil
	}
	own := m.AttrNames()
	if hint.Meant(name, own) == "" {
		if f := hint.Meant(name, globalFunctions()); f != "" {
			return nil, fmt.Errorf("%s has no %s: %s is a global function", m.Name, name, f)
		}
	}
	return nil, fmt.Errorf("%s has no %s%s", m.Name, name, hint.Suggestion(name, own))
}

// globalFunctions lists the functions that are in no module.
func globalFunctions() (names []string) {
	for name, v := range predeclared(spec.Catalogue{}) {
		if _, ok := v.(*starlark.Builtin); ok && kit.IsWord(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
