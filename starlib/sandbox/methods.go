package sandbox

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/starlib/hint"
)

// methods are the names of the methods of Starlark's own types. Only attributes of these names are rewritten.
var methods = func() map[string]bool {
	m := map[string]bool{}
	for _, v := range []starlark.HasAttrs{starlark.String(""), starlark.Bytes(""), &starlark.List{}, &starlark.Dict{}} {
		for _, name := range v.AttrNames() {
			m[name] = true
		}
	}
	return m
}()

// field is the guard of x.name.
func field(_ *starlark.Thread, _ *starlark.Builtin, a starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	return attribute(a[0], string(a[1].(starlark.String)))
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
	if method, ok := v.(*starlark.Builtin); ok {
		return payingMethod(x, name, method), nil
	}
	return v, nil
}

// payingMethod is a method of x that pays, if x is of one of Starlark's types.
func payingMethod(x starlark.Value, name string, method *starlark.Builtin) starlark.Value {
	switch x := x.(type) {
	case *starlark.List:
		switch name {
		case "index", "remove", "insert", "pop": // they compare, or take a place
			method = Revealing(method)
		}
		return guarded(method, methodCost(name))
	case *starlark.Dict:
		return guarded(method, methodCost(name))
	case starlark.Bytes:
		return guarded(Revealing(method), methodCost(name))
	case starlark.String:
		return guarded(Revealing(method), textCost(string(x), name))
	}
	return method
}

// methodCost is the cost of a method of a list, a dict or bytes: of a copy for some, of comparing or hashing for the others.
func methodCost(name string) func(args []starlark.Value) uint64 {
	switch name {
	case "extend", "append", "items", "keys", "values":
		return lengths
	}
	return texts
}

// textCost is the cost of a method of the text s.
func textCost(s, name string) func(args []starlark.Value) uint64 {
	switch name {
	case "join":
		return func(a []starlark.Value) uint64 { return texts(a) + product(weight(starlark.String(s)), lengths(a)) }
	case "format":
		return func(a []starlark.Value) uint64 {
			return product(uint64(1+strings.Count(s, "{")), texts(a)) + weight(starlark.String(s))
		}
	case "replace":
		return func(a []starlark.Value) uint64 { return product(uint64(len(s)+1), texts(a)) }
	}
	// Other methods return at most one value a character.
	return func(a []starlark.Value) uint64 { return uint64(len(s)) + texts(a) }
}
