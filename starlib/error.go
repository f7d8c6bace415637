package starlib

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/starlib/hint"
	"github.com/starsweep/starsweep/starlib/sandbox"
	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Error is a mistake in a script: where it is, what was got and what was wanted.
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

// Detail is the error with the calls that led to it, one a line and innermost first, if there was more than one.
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

func isStd(file string) bool { return strings.HasPrefix(file, stdPrefix) }

// located makes *Errors of what the interpreter reports. A mistake that shows inside the standard library is placed at the
// user's line that led there; fallback is the place if no frame is the user's. The end of a context passes as it is.
func located(err error, fallback string) error {
	var end sandbox.Interrupted
	if errors.As(err, &end) {
		return end.Cause
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range several.Unwrap() {
			e = located(e, fallback)
			if !slices.ContainsFunc(all, func(other error) bool { return other.Error() == e.Error() }) { // two losses call one network
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
	var unresolved resolve.ErrorList
	if errors.As(err, &unresolved) {
		var all []error
		for _, e := range unresolved {
			msg, _, _ := strings.Cut(e.Msg, " (did you mean") // the interpreter's, which knows no synonyms
			if name, ok := strings.CutPrefix(msg, "undefined: "); ok && identifier.MatchString(name) {
				if other := hint.Elsewhere(name); other != "" {
					msg += "; " + other
				} else if layer := hint.Meant(name, layers.AttrNames()); layer != "" {
					msg += fmt.Sprintf(" (did you mean nn.%s?)", layer)
				} else {
					msg += hint.DidYouMean(name, Builtins())
				}
			}
			all = append(all, &Error{Pos: e.Pos.String(), Msg: msg + hint.Instead(msg, "")})
		}
		return errors.Join(all...)
	}
	var eval *starlark.EvalError
	if !errors.As(err, &eval) {
		return &Error{Pos: fallback, Msg: message(err)}
	}
	return evaluated(eval, fallback)
}

func evaluated(eval *starlark.EvalError, fallback string) error {
	var several mistakes
	if !errors.As(eval, &several) {
		several = mistakes{eval}
	}
	var all []error
	for _, err := range several {
		all = append(all, placed(eval, message(err), fallback))
	}
	return mistakes(all).err()
}

// placed is a mistake with this text at the place that the interpreter was at.
func placed(eval *starlark.EvalError, text, fallback string) *Error {
	e := &Error{Pos: fallback, Msg: strings.TrimPrefix(text, "Starlark computation cancelled: ")}
	inner, std := "", ""
	for _, f := range eval.CallStack {
		if !isScript(f.Pos) {
			continue
		}
		e.Stack = append(e.Stack, fmt.Sprintf("%s, %s", f.Name, f.Pos))
		if isStd(f.Pos.Filename()) {
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

// message is the text of an error without a place of its own.
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

// isScript says whether a frame's position is in a script, and not in a builtin.
func isScript(p syntax.Position) bool { return p.Line > 0 && p.Filename() != "<builtin>" }

// here is the innermost place in a script.
func here(th *starlark.Thread) syntax.Position {
	for depth := range th.CallStackDepth() {
		if p := th.CallFrame(depth).Pos; isScript(p) {
			return p
		}
	}
	return syntax.Position{}
}
