package sandbox

import (
	"fmt"
	"iter"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// Unknown is a value whose elements are not known while the script runs, such as a symbolic tensor. It cannot decide anything in a
// script, so its methods return errors that say what to write instead. Its operators take deferred operands.
type Unknown interface {
	starlark.Value
	// NoComparison is the error of comparing the value with y; nil if that needs no element, as with None.
	NoComparison(y starlark.Value) error
	// NoTruth is the error of using the value as a condition.
	NoTruth() error
	// NoSlice is the error of x[lo:hi].
	NoSlice() error
}

// comparison is the guard of x op y. It pays for a walk over both values, which may share parts many times.
func comparison(name string, op syntax.Token) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(th *starlark.Thread, _ *starlark.Builtin, a starlark.Tuple,
		_ []starlark.Tuple) (starlark.Value, error) {
		x, y := Reveal(th, a[0]), Reveal(th, a[1])
		if op == syntax.IN || op == syntax.NOT_IN {
			return contained(th, op, x, y)
		}
		if err := Pay(th, min(printed(x, maxSteps), printed(y, maxSteps))); err != nil {
			return nil, err
		}
		if err := noComparison(op, x, y); err != nil {
			return nil, err
		}
		ok, err := starlark.Compare(op, x, y)
		return starlark.Bool(ok), err
	})
}

// contained is x in y, or x not in y.
func contained(th *starlark.Thread, op syntax.Token, x, y starlark.Value) (starlark.Value, error) {
	cost := printed(x, maxSteps) + weight(y)
	if _, isDict := y.(*starlark.Dict); !isDict {
		cost += printed(y, maxSteps)
	}
	if err := Pay(th, cost); err != nil {
		return nil, err
	}
	switch y := y.(type) {
	case *starlark.Dict:
		if err := payKey(th, x); err != nil {
			return nil, err
		}
	case starlark.Mapping: // of the host; the interpreter would take an error of Get for a no
		return nil, fmt.Errorf("got %s %s %s, want a list, a dict or a string on the right", x.Type(), op, y.Type())
	case *starlark.List, starlark.Tuple:
		for e := range starlark.Elements(y.(starlark.Iterable)) {
			if err := noComparison(op, x, e); err != nil {
				return nil, err
			}
		}
	}
	in, err := starlark.Binary(syntax.IN, x, y)
	if err != nil || op == syntax.IN {
		return in, err
	}
	return !in.Truth(), nil
}

// noComparison refuses to compare unknown values, also inside lists and the like.
func noComparison(op syntax.Token, x, y starlark.Value) error {
	var err error
	if u, ok := x.(Unknown); ok {
		err = u.NoComparison(y)
	} else if u, ok := y.(Unknown); ok {
		err = u.NoComparison(x)
	}
	if err != nil {
		return fmt.Errorf("got %s %s %s, %w", x.Type(), op, y.Type(), err)
	}
	for v, w := range compared(x, y) {
		if err := noComparison(op, v, w); err != nil {
			return err
		}
	}
	return nil
}

// compared yields the pairs of values inside x and y that a comparison of the two compares.
func compared(x, y starlark.Value) iter.Seq2[starlark.Value, starlark.Value] {
	return func(yield func(v, w starlark.Value) bool) {
		if x.Type() != y.Type() {
			return
		}
		switch x := x.(type) {
		case *starlark.List, starlark.Tuple:
			v, w := x.(starlark.Indexable), y.(starlark.Indexable)
			for i := range v.Len() {
				if v.Len() != w.Len() || !yield(v.Index(i), w.Index(i)) {
					return
				}
			}
		case *starlark.Dict:
			for k, v := range x.Entries() {
				if w, found, err := y.(*starlark.Dict).Get(k); err == nil && found && !yield(v, w) {
					return
				}
			}
		case *starlarkstruct.Struct:
			for _, name := range x.AttrNames() {
				v, err := x.Attr(name)
				w, missing := y.(*starlarkstruct.Struct).Attr(name)
				if err == nil && missing == nil && v != nil && w != nil && !yield(v, w) {
					return
				}
			}
		}
	}
}

// condition is the guard of x where its truth is needed.
func condition(_ *starlark.Thread, _ *starlark.Builtin, a starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	if x, ok := a[0].(Deferred); ok {
		return x.Reveal(), nil
	}
	return a[0], noTruth(a[0])
}

func noTruth(v starlark.Value) error {
	if x, ok := v.(Unknown); ok {
		return x.NoTruth()
	}
	return nil
}

// truths is the builtin of Starlark of this name, which needs the truth of some values: of returns those of an argument.
func truths(name string, of func(v starlark.Value) []starlark.Value) *starlark.Builtin {
	own := guarded(starlark.Universe[name].(*starlark.Builtin), lengths)
	return starlark.NewBuiltin(name, func(th *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple,
		kwargs []starlark.Tuple) (starlark.Value, error) {
		for _, a := range args {
			for _, v := range of(a) {
				if err := noTruth(v); err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
			}
		}
		return own.CallInternal(th, args, kwargs)
	})
}

func itself(v starlark.Value) []starlark.Value { return []starlark.Value{v} }

func elements(v starlark.Value) (all []starlark.Value) {
	if values, ok := v.(starlark.Iterable); ok && v.Type() != "range" { // a range holds numbers only, and may be long
		for e := range starlark.Elements(values) {
			all = append(all, e)
		}
	}
	return all
}
