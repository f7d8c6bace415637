package sandbox

import (
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Guards returns the builtins that rewritten files call: operators, methods and comparisons under names that no script can spell, and
// Starlark's own builtins, which pay for what they copy or print.
func Guards() starlark.StringDict {
	d := starlark.StringDict{}
	for _, o := range operators {
		d[o.name] = operator(o.name, o.op, o.cost)
		d[o.name+"="] = operator(o.name+"=", o.op, o.cost)
	}
	for op, name := range guardedUnary {
		d[name] = unary(name, op)
	}
	for op, name := range comparisons {
		d[name] = comparison(name, op)
	}
	d["f(*x)"] = starlark.NewBuiltin("f(*x)", unpacked)
	d["x[:]"] = starlark.NewBuiltin("x[:]", sliced)
	d["x[k]"] = starlark.NewBuiltin("x[k]", key)
	d["x.f"] = starlark.NewBuiltin("x.f", field)
	for name := range universe {
		d[name] = Universe(name)
	}
	d["bool"], d["any"], d["all"] = truths("bool", itself), truths("any", elements), truths("all", elements)
	d["if x"] = starlark.NewBuiltin("if x", condition)
	d["getattr"] = starlark.NewBuiltin("getattr", getattr)
	return d
}

// operators lists the operators that can make large values, with what they cost.
var operators = []struct {
	name string
	op   syntax.Token
	cost func(x, y starlark.Value) uint64
}{
	{"+", syntax.PLUS, both}, {"-", syntax.MINUS, both}, {"*", syntax.STAR, times},
	{"/", syntax.SLASH, divided}, {"//", syntax.SLASHSLASH, divided}, {"%", syntax.PERCENT, divided},
	{"|", syntax.PIPE, both}, {"&", syntax.AMP, both}, {"^", syntax.CIRCUMFLEX, both}, {"<<", syntax.LTLT, shifted},
	{">>", syntax.GTGT, both},
}

// operator is the guard of x op y; of x op= y if the name ends in =.
func operator(name string, op syntax.Token, cost func(x, y starlark.Value) uint64) *starlark.Builtin {
	inPlace := op == syntax.PLUS && strings.HasSuffix(name, "=")
	return starlark.NewBuiltin(name, func(th *starlark.Thread, b *starlark.Builtin, a starlark.Tuple,
		_ []starlark.Tuple) (starlark.Value, error) {
		if v, ok, err := operate(th, b, a); ok {
			return v, err
		}
		x, y := a[0], a[1]
		if mustReveal(x, y) {
			x, y = Reveal(th, x), Reveal(th, y)
		}
		if err := Pay(th, cost(x, y)); err != nil {
			return nil, err
		}
		if list, ok := x.(*starlark.List); ok && inPlace {
			if more, ok := y.(starlark.Iterable); ok {
				return list, extend(list, more)
			}
		}
		return starlark.Binary(op, x, y)
	})
}

// mustReveal reports whether an operator needs the numbers of its operands: a text formats them, and no value but an unknown one
// computes with deferred ones.
func mustReveal(x, y starlark.Value) bool {
	if _, isText := x.(starlark.String); isText {
		return true
	}
	return isDeferred(y) && !isUnknown(x) || isDeferred(x) && !isUnknown(y)
}

func isDeferred(v starlark.Value) bool { _, ok := v.(Deferred); return ok }
func isUnknown(v starlark.Value) bool  { _, ok := v.(Unknown); return ok }

// unary is the guard of op x.
func unary(name string, op syntax.Token) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(th *starlark.Thread, b *starlark.Builtin, a starlark.Tuple,
		_ []starlark.Tuple) (starlark.Value, error) {
		if v, ok, err := operate(th, b, a); ok {
			return v, err
		}
		if err := Pay(th, weight(a[0])); err != nil {
			return nil, err
		}
		return starlark.Unary(op, a[0])
	})
}

// unpacked is x in f(*x) and f(**x), which copy it.
func unpacked(th *starlark.Thread, _ *starlark.Builtin, a starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	return a[0], Pay(th, weight(a[0]))
}

// sliced is x in x[lo:hi], which copies it.
func sliced(th *starlark.Thread, _ *starlark.Builtin, a starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	if x, ok := a[0].(Unknown); ok {
		return nil, x.NoSlice()
	}
	return a[0], Pay(th, weight(a[0]))
}

// key is an index or a key of a dict, which is hashed.
func key(th *starlark.Thread, _ *starlark.Builtin, a starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	k := Reveal(th, a[0])
	if err := Pay(th, printed(k, maxSteps)-1); err != nil {
		return k, err
	}
	return k, payKey(th, k)
}

// extend appends the values of more, in place.
func extend(list *starlark.List, more starlark.Iterable) error {
	var values []starlark.Value // all of them first: more may be the list itself
	for v := range starlark.Elements(more) {
		values = append(values, v)
	}
	for _, v := range values {
		if err := list.Append(v); err != nil {
			return err
		}
	}
	return nil
}

// both is the cost of operators that make at most as much as they are given.
func both(x, y starlark.Value) uint64 { return weight(x) + weight(y) }

// times is the cost of x * y, which repeats a text or a sequence if one of them is an integer.
func times(x, y starlark.Value) uint64 {
	i, xIsInt := x.(starlark.Int)
	j, yIsInt := y.(starlark.Int)
	switch {
	case xIsInt && yIsInt:
		return product(words(i), words(j))
	case xIsInt:
		return repeat(i, y)
	case yIsInt:
		return repeat(j, x)
	}
	return 1
}

func repeat(n starlark.Int, v starlark.Value) uint64 {
	if starlark.Len(v) <= 0 || n.Sign() <= 0 {
		return 1
	}
	count, ok := n.Uint64()
	if !ok {
		return 1 << 62
	}
	if s, ok := v.(starlark.String); ok {
		return product(count, uint64(len(s)))/16 + 1
	}
	return product(count, weight(v))
}

// divided is the cost of x / y, x // y and x % y, which formats y if x is a text.
func divided(x, y starlark.Value) uint64 {
	switch x := x.(type) {
	case starlark.String:
		return weight(x) + printed(y, maxSteps)
	case starlark.Int:
		if y, ok := y.(starlark.Int); ok {
			return product(words(x), words(y))
		}
	}
	return both(x, y)
}

// shifted is the cost of x << y; the interpreter bounds y.
func shifted(x, _ starlark.Value) uint64 { return weight(x) + 8 }
