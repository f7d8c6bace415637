package sandbox

import (
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// Deferred is a value that represents a number and reveals it as late as possible: what a script does with the number after that
// holds for this number alone. Operators on deferred values and numbers make deferred values; everything else reveals them.
type Deferred interface {
	starlark.Value
	// Reveal returns the number.
	Reveal() starlark.Value
	// Operate returns op(operands...), of which the value is one, without revealing it; ok is false if that is not possible.
	Operate(th *starlark.Thread, op *starlark.Builtin, operands starlark.Tuple) (v starlark.Value, ok bool, err error)
}

// operate leaves an operation to the first deferred operand.
func operate(th *starlark.Thread, op *starlark.Builtin, operands starlark.Tuple) (v starlark.Value, ok bool, err error) {
	for _, x := range operands {
		if d, isDeferred := x.(Deferred); isDeferred {
			return d.Operate(th, op, operands)
		}
	}
	return nil, false, nil
}

const revealAllKey = "reveal all"

// Defer says that deferred values may occur on the thread. all is called where a value is too large to search: it must count
// every number as revealed.
func Defer(th *starlark.Thread, all func()) { th.SetLocal(revealAllKey, all) }

// Reveal returns v, or its number if it is deferred. Deferred values inside v are revealed as well, but stay in place.
func Reveal(th *starlark.Thread, v starlark.Value) starlark.Value {
	if all, ok := th.Local(revealAllKey).(func()); ok {
		budget := maxSteps
		if !revealWithin(v, &budget) {
			all()
		}
	}
	if d, ok := v.(Deferred); ok {
		return d.Reveal()
	}
	return v
}

// revealWithin reveals all deferred values inside v; false if v holds more values than the budget.
func revealWithin(v starlark.Value, budget *int) bool {
	*budget--
	switch x := v.(type) {
	case Deferred:
		x.Reveal()
	case *starlark.List, *starlark.Dict, starlark.Tuple, *starlarkstruct.Struct:
		within := true
		parts(v, func(w starlark.Value) bool {
			within = *budget > 0 && revealWithin(w, budget)
			return within
		})
		return within
	}
	return true
}

// Call calls a builtin that knows no deferred values.
func Call(th *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	plain := make(starlark.Tuple, len(args))
	for i, v := range args {
		plain[i] = Reveal(th, v)
	}
	named := make([]starlark.Tuple, len(kwargs))
	for i, kv := range kwargs {
		named[i] = starlark.Tuple{kv[0], Reveal(th, kv[1])}
	}
	return b.CallInternal(th, plain, named)
}

// Revealing is a builtin that knows no deferred values, which calls b with their numbers.
func Revealing(b *starlark.Builtin) *starlark.Builtin {
	receiver := b.Receiver()
	r := starlark.NewBuiltin(b.Name(), func(th *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple,
		kwargs []starlark.Tuple) (starlark.Value, error) {
		if receiver != nil {
			Reveal(th, receiver)
		}
		return Call(th, b, args, kwargs)
	})
	if receiver != nil {
		r = r.BindReceiver(receiver)
	}
	return r
}
