package starlib

import (
	"fmt"
	"strings"

	"github.com/starsweep/starsweep/starlib/hint"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// The interpreter counts steps, but one step may make something of any size: "x" * 10**10, list(range(10**9)), f(*range(10**9)).
// So a file is rewritten before it is resolved (rewrite.go): every operator and method that can make something large becomes a
// call of a builtin, which pays for the result in steps before it makes it. Then a bound on steps is a bound on memory.
// TestBombsEndWithAnError proves it.

// operator is a guarded x op y.
func operator(name string, op syntax.Token, cost func(x, y starlark.Value) uint64) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(th *starlark.Thread, b *starlark.Builtin, a starlark.Tuple,
		_ []starlark.Tuple) (starlark.Value, error) {
		x, y := a[0], a[1]
		if r := operated(x, y); r != nil {
			return r.apply(th, b, a, nil)
		}
		if _, isText := x.(starlark.String); isText || !isTensor(x) && isSymbol(y) || !isTensor(y) && isSymbol(x) {
			x, y = concrete(th, x), concrete(th, y)
		}
		if err := pay(th, cost(x, y)); err != nil {
			return nil, err
		}
		if list, ok := x.(*starlark.List); ok && strings.HasSuffix(name, "=") && op == syntax.PLUS {
			if more, ok := y.(starlark.Iterable); ok { // x += y changes a list in place
				return list, extend(list, more)
			}
		}
		return starlark.Binary(op, x, y)
	})
}

func extend(list *starlark.List, more starlark.Iterable) error {
	var values []starlark.Value // first all of it: it may be the list itself
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

func both(x, y starlark.Value) uint64 { return weight(x) + weight(y) }

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

// divided is x / y, x // y and x % y, which formats if x is a text.
func divided(x, y starlark.Value) uint64 {
	switch x := x.(type) {
	case starlark.String:
		return weight(x) + printed(y, maxLimit)
	case starlark.Int:
		if y, ok := y.(starlark.Int); ok {
			return product(words(x), words(y))
		}
	}
	return both(x, y)
}

// shifted is x << y, where the interpreter bounds y.
func shifted(x, _ starlark.Value) uint64 { return weight(x) + 8 }

// guards are the builtins that rewritten operators call. No script can spell their names.
func guards() starlark.StringDict {
	d := starlark.StringDict{}
	for _, o := range []struct {
		name string
		op   syntax.Token
		cost func(x, y starlark.Value) uint64
	}{
		{"+", syntax.PLUS, both}, {"-", syntax.MINUS, both}, {"*", syntax.STAR, times},
		{"/", syntax.SLASH, divided}, {"//", syntax.SLASHSLASH, divided}, {"%", syntax.PERCENT, divided},
		{"|", syntax.PIPE, both}, {"&", syntax.AMP, both}, {"^", syntax.CIRCUMFLEX, both}, {"<<", syntax.LTLT, shifted},
		{">>", syntax.GTGT, both},
	} {
		d[o.name] = operator(o.name, o.op, o.cost)
		d[o.name+"="] = operator(o.name+"=", o.op, o.cost)
	}
	for op, name := range guardedUnary {
		d[name] = starlark.NewBuiltin(name, func(th *starlark.Thread, b *starlark.Builtin, a starlark.Tuple,
			_ []starlark.Tuple) (starlark.Value, error) {
			if x, ok := a[0].(*symbol); ok {
				return x.run.apply(th, b, a, nil)
			}
			if err := pay(th, weight(a[0])); err != nil {
				return nil, err
			}
			return starlark.Unary(op, a[0])
		})
	}
	for op, name := range comparisons {
		d[name] = comparison(name, op)
	}
	// f(*x), f(**x) and x[:] copy x; an index or a key is hashed.
	for name, cost := range map[string]func(v starlark.Value) uint64{
		"f(*x)": weight, "x[:]": weight, "x[k]": func(v starlark.Value) uint64 { return printed(v, maxLimit) - 1 },
	} {
		d[name] = starlark.NewBuiltin(name, func(th *starlark.Thread, _ *starlark.Builtin, a starlark.Tuple,
			_ []starlark.Tuple) (starlark.Value, error) {
			if x, ok := a[0].(Tensor); ok && name == "x[:]" {
				return nil, x.indexed()
			}
			x := a[0]
			if name == "x[k]" {
				x = concrete(th, x)
			}
			if err := pay(th, cost(x)); err != nil || name != "x[k]" {
				return x, err
			}
			return x, payKey(th, x)
		})
	}
	d["x.f"] = starlark.NewBuiltin("x.f", func(th *starlark.Thread, _ *starlark.Builtin, a starlark.Tuple,
		_ []starlark.Tuple) (starlark.Value, error) {
		return attribute(a[0], string(a[1].(starlark.String)))
	})
	for name, cost := range universe {
		d[name] = guarded(starlark.Universe[name].(*starlark.Builtin), cost)
	}
	d["bool"], d["any"], d["all"] = truths("bool", itself), truths("any", elements), truths("all", elements)
	d["if x"] = starlark.NewBuiltin("if x", condition)
	d["getattr"] = starlark.NewBuiltin("getattr", getattr)
	return d
}

// universe lists Starlark's own builtins that copy or print what they are given.
var universe = map[string]func(args []starlark.Value) uint64{
	"bytes": lengths, "dict": texts, "enumerate": lengths, "hash": texts, "int": digits, "float": lengths,
	"list": lengths, "reversed": lengths, "tuple": lengths, "zip": lengths,
	"fail": texts, "max": texts, "min": texts, "print": texts, "repr": texts, "sorted": texts, "str": texts,
}

func lengths(args []starlark.Value) (n uint64) {
	for _, v := range args {
		n += 2 * weight(v)
	}
	return n
}

// digits is what an integer's text costs, as printing it does.
func digits(args []starlark.Value) uint64 { return product(lengths(args), lengths(args)) }

func texts(args []starlark.Value) (n uint64) {
	for _, v := range args {
		n += printed(v, maxLimit)
	}
	return n
}

func guarded(b *starlark.Builtin, cost func([]starlark.Value) uint64) *starlark.Builtin {
	paying := starlark.NewBuiltin(b.Name(), func(th *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple,
		kwargs []starlark.Tuple) (starlark.Value, error) {
		all := append([]starlark.Value{}, args...)
		if r := b.Receiver(); r != nil {
			all = append(all, r)
		}
		for _, kv := range kwargs {
			all = append(all, kv[1])
		}
		if err := pay(th, cost(all)); err != nil {
			return nil, err
		}
		if _, ofDict := b.Receiver().(*starlark.Dict); ofDict || b.Name() == "dict" {
			if err := payKeys(th, b.Name(), args); err != nil {
				return nil, err
			}
		}
		return b.CallInternal(th, args, kwargs)
	})
	if r := b.Receiver(); r != nil {
		paying = paying.BindReceiver(r)
	}
	return paying
}

// attribute is x.name, where methods of Starlark's own types pay for what they make.
func attribute(x starlark.Value, name string) (starlark.Value, error) {
	has, ok := x.(starlark.HasAttrs)
	if !ok {
		return nil, fmt.Errorf("%s has no .%s field or method", x.Type(), name)
	}
	v, err := has.Attr(name)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, fmt.Errorf("%s has no .%s field or method%s", x.Type(), name, hint.DidYouMean(name, has.AttrNames()))
	}
	method, ok := v.(*starlark.Builtin)
	if !ok {
		return v, nil
	}
	switch x.(type) {
	case starlark.String, starlark.Bytes:
		method = concreteOnly(method)
	case *starlark.List:
		if name == "index" || name == "remove" || name == "insert" || name == "pop" { // they compare, or count
			method = concreteOnly(method)
		}
	}
	switch s := x.(type) {
	case *starlark.List, *starlark.Dict, starlark.Bytes:
		if name == "extend" || name == "append" || name == "items" || name == "keys" || name == "values" {
			return guarded(method, lengths), nil
		}
		return guarded(method, texts), nil // they compare or hash
	case starlark.String:
		switch name {
		case "join":
			return guarded(method, func(a []starlark.Value) uint64 { return texts(a) + product(weight(s), lengths(a)) }), nil
		case "format":
			return guarded(method, func(a []starlark.Value) uint64 {
				return product(uint64(1+strings.Count(string(s), "{")), texts(a)) + weight(s)
			}), nil
		case "replace":
			return guarded(method, func(a []starlark.Value) uint64 { return product(uint64(len(s)+1), texts(a)) }), nil
		}
		// Other methods give at most one value a character.
		return guarded(method, func(a []starlark.Value) uint64 { return uint64(len(s)) + texts(a) }), nil
	}
	return v, nil
}

func getattr(th *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var x, standard starlark.Value
	var name string
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 2, &x, &name, &standard); err != nil {
		return nil, err
	}
	v, err := attribute(x, name)
	if err != nil && standard != nil {
		return standard, nil
	}
	return v, err
}

// methods are the names of the methods of Starlark's own types.
var methods = func() map[string]bool {
	m := map[string]bool{}
	for _, v := range []starlark.HasAttrs{starlark.String(""), starlark.Bytes(""), &starlark.List{}, &starlark.Dict{}} {
		for _, name := range v.AttrNames() {
			m[name] = true
		}
	}
	return m
}()
