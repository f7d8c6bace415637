package sandbox

import (
	"fmt"

	"go.starlark.net/starlark"
)

// Freeze makes a value immutable, after checking that the interpreter can: it follows functions that capture themselves without end,
// and shared tuples as often as they are shared.
func Freeze(th *starlark.Thread, v starlark.Value) error {
	f := freezer{thread: th, seen: map[starlark.Value]bool{}}
	if err := f.check(v, 0); err != nil {
		return err
	}
	v.Freeze()
	return nil
}

type freezer struct {
	thread *starlark.Thread
	seen   map[starlark.Value]bool // functions, lists and dicts: true while their parts are being checked
}

func (f *freezer) check(v starlark.Value, depth int) (err error) {
	if depth > maxDepth {
		return fmt.Errorf("got values nested more than %d deep, want fewer", maxDepth)
	}
	switch v := v.(type) {
	case *starlark.Function, *starlark.List, *starlark.Dict:
		open, seen := f.seen[v]
		if fn, isFunction := v.(*starlark.Function); open && isFunction {
			return &Error{fn.Position(), fmt.Sprintf("the function %s captures itself, want one that does not: there is no recursion",
				fn.Name())}
		}
		if seen {
			return nil
		}
		f.seen[v] = true
		defer func() { f.seen[v] = false }()
	}
	if err := Pay(f.thread, 1); err != nil {
		return err
	}
	parts(v, func(w starlark.Value) bool {
		err = f.check(w, depth+1)
		return err == nil
	})
	return err
}
