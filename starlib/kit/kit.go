// Package kit is the toolkit for writing builtins: the boundary between Go and the interpreter, which unpacks
// arguments and ends panics; unpackers for the common kinds of arguments; errors with a place and the calls that led there; and
// notes about suspicious lines. The families of builtins import it; of the engine it knows only errors of expressions.
package kit

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/starlib/hint"
	"github.com/starsweep/starsweep/starlib/sandbox"
)

// Call is one call of a builtin.
type Call struct {
	Thread *starlark.Thread
	Name   string
	Args   starlark.Tuple
	Kwargs []starlark.Tuple
}

// Builtin makes a Starlark function of f. It is the boundary where panics end: an *expr.Error is an error of the script; any other panic
// is a bug of starsweep and is reported as an internal error under the builtin's name.
func Builtin(name string, f func(c Call) (starlark.Value, error)) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(th *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple,
		kwargs []starlark.Tuple) (v starlark.Value, err error) {
		defer Recover(name, &err)
		return f(Call{th, name, args, kwargs})
	})
}

// Recover is deferred where the interpreter calls Go: by Builtin, and by the operators of values. It turns a panic into *err, and
// names errors of expressions after the builtin or operator.
func Recover(name string, err *error) {
	switch r := recover().(type) {
	case nil:
		if e, ok := (*err).(*expr.Error); ok {
			*err = renamed(e, name)
		}
	case *expr.Error:
		*err = renamed(r, name)
	default:
		*err = fmt.Errorf("%s: internal error: %v", name, r)
	}
}

// renamed is an error of an expression under the name that a script called, since scripts do not know the primitive operations.
// An error about a parameter of a network, whose name has a /, keeps that name.
func renamed(e *expr.Error, name string) *expr.Error {
	if strings.Contains(e.Op, "/") {
		return e
	}
	own := *e
	own.Op = name
	return &own
}

// Unpack stores the arguments in variables, given as pairs of a name and a pointer. A name that ends in ? may be omitted, one that
// ends in ?? may also be None. It is starlark.UnpackArgs with errors that say what was wanted, all of them at once.
func (c Call) Unpack(pairs ...any) error {
	names, optional := make([]string, len(pairs)/2), make([]string, len(pairs)/2)
	for i := range names {
		full := pairs[2*i].(string)
		names[i] = strings.TrimRight(full, "?")
		optional[i] = full[len(names[i]):]
	}
	if len(c.Args) > len(names) {
		return fmt.Errorf("%s: got %d arguments, want at most %d", c.Name, len(c.Args), len(names))
	}
	values, strange, errs := c.byName(names)
	var required, missing []string
	for i, v := range values {
		if optional[i] == "" {
			required = append(required, names[i])
		}
		switch {
		case v == nil && optional[i] == "":
			missing = append(missing, names[i])
		case v == nil || v == starlark.None && optional[i] == "??":
		default:
			if err := c.store(v, names[i], pairs[2*i+1]); err != nil {
				errs = append(errs, err)
			}
		}
	}
	if len(missing) > 0 && len(strange) == 0 { // an argument with another name is probably the missing one
		errs = append(errs, fmt.Errorf("%s: got no %s, want %s", c.Name, strings.Join(missing, ", "), strings.Join(required, ", ")))
	}
	return append(errs, strange...).Err()
}

// byName returns the arguments in the order of the names, nil for those that are missing, and the errors: strange are the arguments with
// other names.
func (c Call) byName(names []string) (values []starlark.Value, strange, errs Errors) {
	values = make([]starlark.Value, len(names))
	copy(values, c.Args)
	for _, kv := range c.Kwargs {
		name := string(kv[0].(starlark.String))
		switch i := slices.Index(names, name); {
		case i < 0 && hint.Argument(c.Name, name) != "":
			strange = append(strange, fmt.Errorf("%s: there is no argument %q: %s; want one of %s", c.Name, name,
				hint.Argument(c.Name, name), strings.Join(names, ", ")))
		case i < 0:
			strange = append(strange, fmt.Errorf("%s: %w", c.Name, hint.Unknown("argument", name, names)))
		case values[i] != nil:
			errs = append(errs, fmt.Errorf("%s: got the argument %s twice, want it once", c.Name, name))
		default:
			values[i] = kv[1]
		}
	}
	return values, strange, errs
}

// store unpacks one argument into a variable.
func (c Call) store(v starlark.Value, name string, variable any) error {
	if !takesDeferred(variable) {
		v = sandbox.Reveal(c.Thread, v)
	}
	err := starlark.UnpackArg(v, variable)
	if err == nil {
		return nil
	}
	advice := ""
	if a, ok := variable.(Adviser); ok {
		advice = a.Advise(c.Name, v)
	}
	return fmt.Errorf("%s: for parameter %s: %w%s", c.Name, name, err, advice)
}

// Keywords is Unpack for builtins that take no positional arguments.
func (c Call) Keywords(pairs ...any) error {
	if len(c.Args) > 0 {
		return fmt.Errorf("%s: got %d positional arguments, want name = value", c.Name, len(c.Args))
	}
	return c.Unpack(pairs...)
}

// Real is a variable of Unpack for real numbers that accepts deferred ones as they are. Other variables get their numbers.
type Real interface {
	starlark.Unpacker
	TakesDeferred()
}

// takesDeferred reports whether a variable takes deferred values: real numbers, and values that the builtin inspects itself.
func takesDeferred(variable any) bool {
	switch variable.(type) {
	case Real, *starlark.Value:
		return true
	}
	return false
}

// Adviser is a variable of Unpack that knows what to write instead of a value that it refuses. The advice ends the message.
type Adviser interface {
	starlark.Unpacker
	Advise(builtin string, v starlark.Value) string
}
