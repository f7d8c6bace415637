package starlib

import (
	"fmt"
	"math/bits"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// The interpreter counts steps, but one step may make something of any size: "x" * 10**10, list(range(10**9)), f(*range(10**9)).
// So a file is rewritten before it is resolved (rewrite.go): every operator and method that can make something large becomes a
// call of a builtin, which pays for the result in steps before it makes it. Then a bound on steps is a bound on memory.
// TestBombsEndWithAnError proves it.

// Limits bound what the evaluation of a script may use. The zero value means the default.
type Limits struct {
	// Steps counts interpreter steps and elements made, for a script with what it loads and for every call of trial(p).
	Steps uint64 // at most 4,194,304
}

// defaultSteps is a hundred times what the largest study of ours takes. A step makes at most some 300 bytes (an empty dict).
const defaultSteps = 2_000_000

// maxLimit bounds Limits.Steps, so that counting what would be printed can stop there.
const maxLimit = 1 << 22

func (l Limits) steps() uint64 {
	if l.Steps == 0 {
		return defaultSteps
	}
	return min(l.Steps, maxLimit)
}

const limitsKey = "limits"

// pay charges a thread for n elements that it is about to make.
func pay(th *starlark.Thread, n uint64) error {
	limit, _ := th.Local(limitsKey).(uint64)
	if th.Steps += n; n > limit || th.Steps > limit {
		return fmt.Errorf("%s", tooMuch(limit))
	}
	return nil
}

func tooMuch(limit uint64) string {
	return fmt.Sprintf("the script makes too much: got more than %d steps and elements, want fewer", limit)
}

// weight is what a copy of v costs.
func weight(v starlark.Value) uint64 {
	switch v := v.(type) {
	case starlark.String:
		return uint64(len(v)/16 + 1)
	case starlark.Bytes:
		return uint64(len(v)/16 + 1)
	case *starlark.Dict:
		return 8*uint64(v.Len()) + 1
	case starlark.Int:
		return words(v)
	}
	return uint64(max(0, starlark.Len(v))) + 1
}

func words(v starlark.Int) uint64 {
	if _, small := v.Int64(); small {
		return 1
	}
	return uint64(v.BigInt().BitLen()/64 + 1)
}

// holder is a value of ours that holds others: functions of the script.
type holder interface {
	starlark.Value
	held() []starlark.Value
}

// parts calls yield for what v holds, until it says no.
func parts(v starlark.Value, yield func(starlark.Value) bool) {
	switch v := v.(type) {
	case *starlark.Dict:
		for k, w := range v.Entries() {
			if !yield(k) || !yield(w) {
				return
			}
		}
	case *starlark.List:
		v.Elements()(yield)
	case starlark.Tuple:
		v.Elements()(yield)
	case *starlarkstruct.Struct:
		for _, name := range v.AttrNames() {
			if w, err := v.Attr(name); err == nil && !yield(w) {
				return
			}
		}
	case *starlark.Builtin:
		if r := v.Receiver(); r != nil {
			yield(r)
		}
	case holder:
		for _, w := range v.held() {
			if !yield(w) {
				return
			}
		}
	case *starlark.Function:
		for i := range v.NumParams() {
			if w := v.ParamDefault(i); w != nil && !yield(w) {
				return
			}
		}
		for i := range v.NumFreeVars() {
			if _, w := v.FreeVar(i); w != nil && !yield(w) {
				return
			}
		}
	}
}

// maxDepth bounds nested values, which the interpreter walks recursively.
const maxDepth = 1000

// printed is what the text of v costs; it stops counting at the limit, since a small tree of shared lists prints at any length.
func printed(v starlark.Value, limit uint64) uint64 { return printedAt(v, limit, 0) }

func printedAt(v starlark.Value, limit uint64, depth int) uint64 {
	if depth > maxDepth {
		return limit
	}
	n := weight(v)
	switch v.(type) {
	case *starlark.Function, *starlark.Builtin, holder: // printed by name
		return n
	case starlark.Int:
		return product(n, n) // digits take the square of the length
	}
	parts(v, func(w starlark.Value) bool {
		if n < limit {
			n += printedAt(w, limit-n, depth+1)
		}
		return n < limit
	})
	return n
}

// freeze makes a value immutable, after a look at whether the interpreter can: it follows functions that capture themselves for
// ever, and shared tuples as often as they are shared.
func freeze(th *starlark.Thread, v starlark.Value) error {
	f := freezer{thread: th, seen: map[starlark.Value]bool{}}
	if err := f.check(v, 0); err != nil {
		return err
	}
	v.Freeze()
	return nil
}

type freezer struct {
	thread *starlark.Thread
	seen   map[starlark.Value]bool // functions, lists and dicts: true while they are being looked through
}

func (f *freezer) check(v starlark.Value, depth int) (err error) {
	if depth > maxDepth {
		return fmt.Errorf("got values nested more than %d deep, want fewer", maxDepth)
	}
	switch v := v.(type) {
	case *starlark.Function, *starlark.List, *starlark.Dict:
		open, seen := f.seen[v]
		if fn, isFunction := v.(*starlark.Function); open && isFunction {
			return &Error{Pos: fn.Position().String(), Msg: fmt.Sprintf("the function %s captures itself, want one that does not: there is no recursion", fn.Name())}
		}
		if seen {
			return nil
		}
		f.seen[v] = true
		defer func() { f.seen[v] = false }()
	}
	if err := pay(f.thread, 1); err != nil {
		return err
	}
	parts(v, func(w starlark.Value) bool {
		err = f.check(w, depth+1)
		return err == nil
	})
	return err
}

func product(a, b uint64) uint64 {
	if over, n := bits.Mul64(a, b); over == 0 {
		return n
	}
	return 1 << 62
}

// operator is a guarded x op y.
func operator(name string, op syntax.Token, cost func(x, y starlark.Value) uint64) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(th *starlark.Thread, _ *starlark.Builtin, a starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		x, y := a[0], a[1]
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
		{"|", syntax.PIPE, both}, {"&", syntax.AMP, both}, {"^", syntax.CIRCUMFLEX, both}, {"<<", syntax.LTLT, shifted}, {">>", syntax.GTGT, both},
	} {
		d[o.name] = operator(o.name, o.op, o.cost)
		d[o.name+"="] = operator(o.name+"=", o.op, o.cost)
	}
	for op, name := range guardedUnary {
		d[name] = starlark.NewBuiltin(name, func(th *starlark.Thread, _ *starlark.Builtin, a starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
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
		d[name] = starlark.NewBuiltin(name, func(th *starlark.Thread, _ *starlark.Builtin, a starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			if x, ok := a[0].(Tensor); ok && name == "x[:]" {
				return nil, x.indexed()
			}
			return a[0], pay(th, cost(a[0]))
		})
	}
	d["x.f"] = starlark.NewBuiltin("x.f", func(th *starlark.Thread, _ *starlark.Builtin, a starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		return attribute(a[0], string(a[1].(starlark.String)))
	})
	for name, cost := range universe {
		d[name] = guarded(starlark.Universe[name].(*starlark.Builtin), cost)
	}
	d["if x"] = starlark.NewBuiltin("if x", condition)
	d["getattr"] = starlark.NewBuiltin("getattr", getattr)
	return d
}

// universe lists Starlark's own builtins that copy or print what they are given.
var universe = map[string]func(args []starlark.Value) uint64{
	"all": lengths, "any": lengths, "bytes": lengths, "dict": texts, "enumerate": lengths, "hash": texts, "int": digits, "float": lengths,
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
	paying := starlark.NewBuiltin(b.Name(), func(th *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
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
		return nil, fmt.Errorf("%s has no .%s field or method%s", x.Type(), name, didYouMean(name, has.AttrNames()))
	}
	method, ok := v.(*starlark.Builtin)
	if !ok {
		return v, nil
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
