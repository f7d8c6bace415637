package starlib

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// comparison is a guarded x op y that gives a truth value. It walks both values, which may share their parts many times over.
func comparison(name string, op syntax.Token) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(th *starlark.Thread, _ *starlark.Builtin, a starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		x, y := a[0], a[1]
		cost := min(printed(x, maxLimit), printed(y, maxLimit))
		if op == syntax.IN || op == syntax.NOT_IN {
			cost = printed(x, maxLimit) + weight(y)
			if _, isDict := y.(*starlark.Dict); !isDict {
				cost += printed(y, maxLimit)
			}
		}
		if err := pay(th, cost); err != nil {
			return nil, err
		}
		switch op {
		case syntax.IN, syntax.NOT_IN:
			switch y.(type) {
			case Tensor, *params: // the interpreter would take the error of Get for a no
				return nil, fmt.Errorf("got %s %s %s, want a list, a dict or a string on the right", x.Type(), op, y.Type())
			}
			in, err := starlark.Binary(syntax.IN, x, y)
			if err != nil || op == syntax.IN {
				return in, err
			}
			return !in.Truth(), nil
		}
		if err := noElements(op, x, y); err != nil {
			return nil, err
		}
		ok, err := starlark.Compare(op, x, y)
		return starlark.Bool(ok), err
	})
}

// noElements refuses to compare the elements of tensors, which are not known yet. A tensor may be told from None or a string.
func noElements(op syntax.Token, x, y starlark.Value) error {
	_, ofTensor := x.(Tensor)
	_, withTensor := y.(Tensor)
	if ofTensor && (withTensor || numeric(y)) || withTensor && numeric(x) {
		return fmt.Errorf("got %s %s %s, %s", x.Type(), op, y.Type(), compareElements)
	}
	return nil
}

const compareElements = "want less(a, b), greater(a, b) or equal(a, b), which compare elements; where(condition, a, b) chooses by them"

func numeric(v starlark.Value) bool {
	switch v.(type) {
	case starlark.Bool, starlark.Int, starlark.Float, schedule:
		return true
	}
	return false
}

// condition is x where its truth is asked for.
func condition(_ *starlark.Thread, _ *starlark.Builtin, a starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	if x, ok := a[0].(Tensor); ok {
		return nil, fmt.Errorf("got %v as a condition, want where(condition, a, b), which chooses element by element: no value is known while a network is traced", x)
	}
	return a[0], nil
}
