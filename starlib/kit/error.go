package kit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/starlib/hint"
	"github.com/starsweep/starsweep/starlib/sandbox"
)

// Error is an error of a script: where it is, what was got and what was wanted.
type Error struct {
	Pos   string   // file:line:col
	Msg   string   // lower case, without the place
	Stack []string // the calls that led there, outermost first: "name, file:line:col"
}

func (e *Error) Error() string {
	if e.Pos == "" {
		return e.Msg
	}
	return e.Pos + ": " + e.Msg
}

// Detail is the error with the calls that led to it, one per line and innermost first, if there was more than one.
func (e *Error) Detail() string {
	if len(e.Stack) < 2 {
		return e.Error()
	}
	lines := []string{e.Error()}
	for i, frame := range slices.Backward(e.Stack) {
		word := "from"
		if i == len(e.Stack)-1 {
			word = "in"
		}
		lines = append(lines, fmt.Sprintf("  %s %s", word, frame))
	}
	return strings.Join(lines, "\n")
}

// StdPrefix begins the names of the files of the standard library.
const StdPrefix = "@std//"

// IsStd reports whether a file, or a position in one, is of the standard library.
func IsStd(file string) bool { return strings.HasPrefix(file, StdPrefix) }

// Unresolved turns the resolver's errors about names into *Errors. Message makes the text of each from its own, which is without the
// interpreter's advice, and the name that is undefined, empty if that is not what is wrong.
func Unresolved(err error, message func(text, undefined string) string) error {
	var names resolve.ErrorList
	if !errors.As(err, &names) {
		return Locate(err, "")
	}
	var all []error
	for _, e := range names {
		text, _, _ := strings.Cut(e.Msg, " (did you mean")
		name, undefined := strings.CutPrefix(text, "undefined: ")
		if !undefined {
			name = ""
		}
		all = append(all, &Error{Pos: e.Pos.String(), Msg: message(text, name)})
	}
	return errors.Join(all...)
}

// Locate turns what the interpreter reports into *Errors, joined if there are several. An error inside the standard library is
// placed at the user's line that led there; fallback is the place if no frame is the user's. The end of a context is returned as it
// is.
func Locate(err error, fallback string) error {
	var end sandbox.Interrupted
	if errors.As(err, &end) {
		return end.Cause
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range several.Unwrap() {
			e = Locate(e, fallback)
			if !slices.ContainsFunc(all, func(other error) bool { return other.Error() == e.Error() }) { // of a network that two losses call
				all = append(all, e)
			}
		}
		if len(all) == 1 {
			return all[0]
		}
		return errors.Join(all...)
	}
	var own *Error
	if errors.As(err, &own) {
		e := *own
		if e.Pos == "" {
			e.Pos = fallback
		}
		return &e
	}
	var refused *sandbox.Error
	if errors.As(err, &refused) {
		return &Error{Pos: refused.Pos.String(), Msg: refused.Msg}
	}
	var parse syntax.Error
	if errors.As(err, &parse) {
		return &Error{Pos: parse.Pos.String(), Msg: parse.Msg}
	}
	var eval *starlark.EvalError
	if !errors.As(err, &eval) {
		return &Error{Pos: fallback, Msg: message(err)}
	}
	return evaluated(eval, fallback)
}

// evaluated locates the errors that one builtin returned.
func evaluated(eval *starlark.EvalError, fallback string) error {
	var several Errors
	if !errors.As(eval, &several) {
		several = Errors{eval}
	}
	var all []error
	for _, err := range several {
		all = append(all, placed(eval, message(err), fallback))
	}
	return Errors(all).Err()
}

// placed is an error with this text at the place where the interpreter was.
func placed(eval *starlark.EvalError, text, fallback string) *Error {
	e := &Error{Pos: fallback, Msg: strings.TrimPrefix(text, "Starlark computation cancelled: ")}
	inner, std := "", ""
	for _, f := range eval.CallStack {
		if !isScript(f.Pos) {
			continue
		}
		e.Stack = append(e.Stack, fmt.Sprintf("%s, %s", f.Name, f.Pos))
		if IsStd(f.Pos.Filename()) {
			std = fmt.Sprintf(" (in %s, %s)", f.Name, f.Pos)
		} else {
			inner, std = f.Pos.String(), ""
		}
	}
	if inner != "" {
		e.Pos = inner
	}
	e.Msg += hint.Instead(e.Msg, "") + std
	return e
}

// message is the text of an error without its place.
func message(err error) string {
	var shape *expr.Error
	if errors.As(err, &shape) {
		bare := *shape
		bare.Pos = ""
		return bare.Error()
	}
	var eval *starlark.EvalError
	if errors.As(err, &eval) {
		return eval.Msg
	}
	return err.Error()
}

// isScript reports whether a frame is of a script, not of a builtin.
func isScript(p syntax.Position) bool { return p.Line > 0 && p.Filename() != "<builtin>" }

// Here is the innermost place in a script.
func Here(th *starlark.Thread) syntax.Position {
	for depth := range th.CallStackDepth() {
		if p := th.CallFrame(depth).Pos; isScript(p) {
			return p
		}
	}
	return syntax.Position{}
}

// Errors are several errors at one place of a script.
type Errors []error

func (e Errors) Error() string   { return errors.Join(e...).Error() }
func (e Errors) Unwrap() []error { return e }

// Each puts a text before an error, or before each of several joined ones.
func Each(before string, err error) (all Errors) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range several.Unwrap() {
			all = append(all, fmt.Errorf("%s%w", before, e))
		}
	} else if err != nil {
		all = Errors{fmt.Errorf("%s%w", before, err)}
	}
	return all
}

// Err is nil if there are none, and the error itself if there is one.
func (e Errors) Err() error {
	switch len(e) {
	case 0:
		return nil
	case 1:
		return e[0]
	}
	return e
}
