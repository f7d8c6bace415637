package kit

import (
	"fmt"
	"regexp"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starsweep/starsweep/starlib/sandbox"
)

// Plain is the value in a script of a bool, an int64, a float64 or a string; of anything else it is None.
func Plain(x any) starlark.Value {
	switch x := x.(type) {
	case bool:
		return starlark.Bool(x)
	case int64:
		return starlark.MakeInt64(x)
	case float64:
		return starlark.Float(x)
	case string:
		return starlark.String(x)
	}
	return starlark.None
}

// Opaque is embedded in values of the study language. They are immutable and true, and cannot be keys of dicts.
type Opaque struct{}

func (Opaque) Freeze()              {}
func (Opaque) Truth() starlark.Bool { return true }
func (Opaque) Hash() (uint32, error) {
	return 0, fmt.Errorf("got a value of starsweep as a key, want a string or a number")
}

// SameText compares values whose text determines them. The interpreter would compare them by identity, which panics for values that
// hold slices.
func SameText(op syntax.Token, x, y starlark.Value) (bool, error) {
	switch op {
	case syntax.EQL:
		return x.String() == y.String(), nil
	case syntax.NEQ:
		return x.String() != y.String(), nil
	}
	return false, fmt.Errorf("%s %s %s not implemented", x.Type(), op, y.Type())
}

// Describe is a value in an error message: its type, and the value if it is short.
func Describe(v starlark.Value) string {
	switch v := v.(type) {
	case starlark.NoneType:
		return "None"
	case starlark.Bool, starlark.Int, starlark.Float:
		return fmt.Sprintf("%s %s", v.Type(), v)
	case starlark.String:
		if len(v) <= 40 {
			return fmt.Sprintf("string %s", v)
		}
	case sandbox.Unknown:
		return v.String()
	case sandbox.Deferred:
		return Describe(v.Reveal())
	case *starlark.Function:
		return "the function " + v.Name()
	case *starlark.Builtin:
		return "the function " + v.Name()
	}
	return v.Type()
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// IsWord reports whether a name is an identifier, and so can be a field of p or a column.
func IsWord(name string) bool { return identifier.MatchString(name) }

// Forgotten is advice where a function returned None.
func Forgotten(v starlark.Value) string {
	if v == starlark.None {
		return ": is there a return?"
	}
	return ""
}
