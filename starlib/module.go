package starlib

import (
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/starlib/hint"
	"github.com/starsweep/starsweep/starlib/kit"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// module is a module whose missing members are told by its name, with what else may be meant.
type module struct{ *starlarkstruct.Module }

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

// globalFunctions lists the functions that stand in no module.
func globalFunctions() (names []string) {
	for name, v := range predeclared() {
		if _, ok := v.(*starlark.Builtin); ok && kit.IsWord(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
