package starlib

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/starlib/hint"
	"github.com/starsweep/starsweep/starlib/sandbox"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// invocation is one call of a builtin.
type invocation struct {
	thread *starlark.Thread
	name   string
	args   starlark.Tuple
	kwargs []starlark.Tuple
}

// builtin makes a Starlark function of f. It is the border where panics end: an *expr.Error is the script's mistake, any
// other is ours, and is reported with the builtin's name.
func builtin(name string, f func(c invocation) (starlark.Value, error)) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(th *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple,
		kwargs []starlark.Tuple) (v starlark.Value, err error) {
		defer recovered(name, &err)
		return f(invocation{th, name, args, kwargs})
	})
}

func recovered(name string, err *error) {
	switch r := recover().(type) {
	case nil:
		var mistake *expr.Error
		if errors.As(*err, &mistake) && mistake == *err {
			*err = inWordsOfScripts(mistake, name)
		}
	case *expr.Error:
		*err = inWordsOfScripts(r, name)
	default:
		*err = fmt.Errorf("%s: internal error: %v", name, r)
	}
}

// inWordsOfScripts is a mistake in an expression under the name that a script called: it does not know the primitive operations.
// The names of parameters stay.
func inWordsOfScripts(e *expr.Error, name string) *expr.Error {
	if strings.Contains(e.Op, "/") {
		return e
	}
	renamed := *e
	renamed.Op = name
	return &renamed
}

// unpack puts the arguments into variables, given as names and pointers. A name that ends in ? may be left out, one that ends
// in ?? may also be None. It is starlark.UnpackArgs with words that say what was wanted.
func (c invocation) unpack(pairs ...any) error {
	names, optional := make([]string, len(pairs)/2), make([]string, len(pairs)/2)
	for i := range names {
		full := pairs[2*i].(string)
		names[i] = strings.TrimRight(full, "?")
		optional[i] = full[len(names[i]):]
	}
	if len(c.args) > len(names) {
		return fmt.Errorf("%s: got %d arguments, want at most %d", c.name, len(c.args), len(names))
	}
	given := make([]starlark.Value, len(names))
	copy(given, c.args)
	var strange, errs mistakes
	for _, kv := range c.kwargs {
		name := string(kv[0].(starlark.String))
		switch i := slices.Index(names, name); {
		case i < 0 && hint.Argument(c.name, name) != "":
			strange = append(strange, fmt.Errorf("%s: there is no argument %q: %s; want one of %s", c.name, name, hint.Argument(c.name, name),
				strings.Join(names, ", ")))
		case i < 0:
			strange = append(strange, fmt.Errorf("%s: %w", c.name, hint.Unknown("argument", name, names)))
		case given[i] != nil:
			errs = append(errs, fmt.Errorf("%s: got the argument %s twice, want it once", c.name, name))
		default:
			given[i] = kv[1]
		}
	}
	var missing []string
	for i, v := range given {
		switch {
		case v == nil && optional[i] == "":
			missing = append(missing, names[i])
		case v == nil || v == starlark.None && optional[i] == "??":
		default:
			if !takesSymbols(pairs[2*i+1]) {
				v = sandbox.Reveal(c.thread, v)
			}
			if err := starlark.UnpackArg(v, pairs[2*i+1]); err != nil {
				hint := ""
				if _, tensor := pairs[2*i+1].(*Tensor); tensor && numeric(v) {
					hint = ofNumbers(c.name)
				}
				errs = append(errs, fmt.Errorf("%s: for parameter %s: %w%s", c.name, names[i], err, hint))
			}
		}
	}
	if len(missing) > 0 && len(strange) == 0 { // else it may well be what was called by another name
		errs = append(errs, fmt.Errorf("%s: got no %s, want %s", c.name, strings.Join(missing, ", "),
			strings.Join(c.wanted(names, optional), ", ")))
	}
	return append(errs, strange...).err()
}

// mistakes are several in one place of a script.
type mistakes []error

func (m mistakes) Error() string   { return errors.Join(m...).Error() }
func (m mistakes) Unwrap() []error { return m }

// each puts words before an error, or before each of several joined ones.
func each(before string, err error) (all mistakes) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range several.Unwrap() {
			all = append(all, fmt.Errorf("%s%w", before, e))
		}
	} else if err != nil {
		all = mistakes{fmt.Errorf("%s%w", before, err)}
	}
	return all
}

// err is nil if there are none.
func (m mistakes) err() error {
	switch len(m) {
	case 0:
		return nil
	case 1:
		return m[0]
	}
	return m
}

// takesSymbols reports whether a variable may get a symbol: real numbers, and values that the builtin looks at itself.
func takesSymbols(variable any) bool {
	switch variable.(type) {
	case *schedule, *optional, *realArg, *betas, *starlark.Value:
		return true
	}
	return false
}

// wanted lists the arguments that must be given.
func (invocation) wanted(names, optional []string) (required []string) {
	for i, name := range names {
		if optional[i] == "" {
			required = append(required, name)
		}
	}
	return required
}

// keywords is unpack for builtins that take no positional arguments.
func (c invocation) keywords(pairs ...any) error {
	if len(c.args) > 0 {
		return fmt.Errorf("%s: got %d unnamed arguments, want name = value", c.name, len(c.args))
	}
	return c.unpack(pairs...)
}

// count is an argument that is a positive integer.
type count int

func (n *count) Unpack(v starlark.Value) error {
	given, ok := v.(starlark.Int)
	if !ok {
		return fmt.Errorf("got %s, want a positive int", describe(v))
	}
	i, err := starlark.AsInt32(given)
	switch {
	case given.Sign() < 1:
		return fmt.Errorf("got %v, want a positive int", given)
	case err != nil:
		return fmt.Errorf("got %v, want an int below 2147483648", given)
	}
	*n = count(i)
	return nil
}

// pair is an argument that is a positive integer or one for height and one for width.
type pair [2]int

func (p *pair) Unpack(v starlark.Value) error {
	var n count
	if t, ok := v.(starlark.Tuple); ok && len(t) == 2 {
		for i, e := range t {
			if err := n.Unpack(e); err != nil {
				return err
			}
			p[i] = int(n)
		}
		return nil
	}
	if err := n.Unpack(v); err != nil {
		return fmt.Errorf("got %s, want a positive int or a pair of them", describe(v))
	}
	*p = pair{int(n), int(n)}
	return nil
}

// number is an argument that is an int or a float.
type number float64

func (x *number) Unpack(v starlark.Value) error {
	f, ok := starlark.AsFloat(v)
	if !ok {
		return fmt.Errorf("got %s, want a number", describe(v))
	}
	*x = number(f)
	return nil
}

// function is an argument that can be called.
type function struct{ fn starlark.Callable }

func (f *function) Unpack(v starlark.Value) error {
	c, ok := v.(starlark.Callable)
	if _, isSchedule := v.(schedule); !ok || isSchedule {
		return fmt.Errorf("got %s, want a function", describe(v))
	}
	f.fn = c
	return nil
}

// position is where a function is defined.
func (f function) position() string {
	if fn, ok := f.fn.(*starlark.Function); ok {
		return fn.Position().String()
	}
	return ""
}

// describe is a value for an error message: its type, and the value where that is short.
func describe(v starlark.Value) string {
	switch v := v.(type) {
	case starlark.NoneType:
		return "None"
	case starlark.Bool, starlark.Int, starlark.Float:
		return fmt.Sprintf("%s %s", v.Type(), v)
	case starlark.String:
		if len(v) <= 40 {
			return fmt.Sprintf("string %s", v)
		}
	case Tensor:
		return v.Shape.String()
	case *symbol:
		return describe(v.Reveal())
	case starlark.Callable:
		if _, ok := v.(schedule); !ok {
			return "the function " + v.Name()
		}
	}
	return v.Type()
}

// opaque gives the methods that every value of ours has in common: it is immutable, true and no key of a dict.
type opaque struct{}

func (opaque) Freeze()              {}
func (opaque) Truth() starlark.Bool { return true }
func (opaque) Hash() (uint32, error) {
	return 0, fmt.Errorf("got a value of starsweep as a key, want a string or a number")
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
