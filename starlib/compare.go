package starlib

import (
	"fmt"
	"iter"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// comparison is a guarded x op y that gives a truth value. It walks both values, which may share their parts many times over.
func comparison(name string, op syntax.Token) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(th *starlark.Thread, _ *starlark.Builtin, a starlark.Tuple,
		_ []starlark.Tuple) (starlark.Value, error) {
		x, y := concrete(th, a[0]), concrete(th, a[1])
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
			switch y := y.(type) {
			case *starlark.Dict:
				if err := payKey(th, x); err != nil {
					return nil, err
				}
			case Tensor, *params: // the interpreter would take the error of Get for a no
				return nil, fmt.Errorf("got %s %s %s, want a list, a dict or a string on the right", x.Type(), op, y.Type())
			case *starlark.List, starlark.Tuple:
				for e := range starlark.Elements(y.(starlark.Iterable)) {
					if err := noElements(op, x, e); err != nil {
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
		if err := noElements(op, x, y); err != nil {
			return nil, err
		}
		ok, err := starlark.Compare(op, x, y)
		return starlark.Bool(ok), err
	})
}

// noElements refuses to compare the elements of tensors, which are not known yet, also of tensors inside of lists and the like. A
// tensor may be told from None or a string.
func noElements(op syntax.Token, x, y starlark.Value) error {
	_, ofTensor := x.(Tensor)
	_, withTensor := y.(Tensor)
	if ofTensor && (withTensor || numeric(y)) || withTensor && numeric(x) {
		return fmt.Errorf("got %s %s %s, %s", x.Type(), op, y.Type(), compareElements)
	}
	for v, w := range compared(x, y) {
		if err := noElements(op, v, w); err != nil {
			return err
		}
	}
	return nil
}

// compared are the pairs of values inside of x and y that a comparison of the two comes to.
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
	if x, ok := a[0].(*symbol); ok {
		return x.ask(), nil
	}
	return a[0], noTruth(a[0])
}

// noTruth refuses a tensor where a truth value is wanted.
func noTruth(v starlark.Value) error {
	if x, ok := v.(Tensor); ok {
		return fmt.Errorf("got %v as a condition, want where(condition, a, b), which chooses element by element: "+
			"no value is known while a network is traced", x)
	}
	return nil
}

// truths is a builtin of Starlark that asks the truth of what of lists: a value itself, or the elements of a list.
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
	if values, ok := v.(starlark.Iterable); ok && v.Type() != "range" { // a range holds numbers, however many
		for e := range starlark.Elements(values) {
			all = append(all, e)
		}
	}
	return all
}

// sameText compares values of ours whose text says all of them. The interpreter compares others by identity, which Go refuses for
// values that hold lists.
func sameText(op syntax.Token, x, y starlark.Value) (bool, error) {
	switch op {
	case syntax.EQL:
		return x.String() == y.String(), nil
	case syntax.NEQ:
		return x.String() != y.String(), nil
	}
	return false, fmt.Errorf("%s %s %s not implemented", x.Type(), op, y.Type())
}

var (
	_ starlark.Comparable = schedule{}
	_ starlark.Comparable = dataset{}
	_ starlark.Comparable = evaluateValue{}
	_ starlark.Comparable = dimension{}
	_ starlark.Comparable = optimizer{}
)

func (s schedule) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return sameText(op, s, y)
}

func (d dataset) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return sameText(op, d, y)
}

func (e evaluateValue) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return sameText(op, e, y)
}

func (d dimension) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return sameText(op, d, y)
}

// CompareSameType refuses: the numbers of optimizers may be symbols.
func (o optimizer) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return false, fmt.Errorf("got %s %s %s, want optimizers compared by the numbers that they are made of", o.Type(), op, y.Type())
}
