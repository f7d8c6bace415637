package starlib

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/expr"
	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Error is a mistake in a script: where it is, what was got and what was wanted.
type Error struct {
	Pos   string   // file:line:col
	Msg   string   // lower case, without the place
	Stack []string // the calls that led there, outermost first: "file:line:col: in name"
}

func (e *Error) Error() string {
	if e.Pos == "" {
		return e.Msg
	}
	return e.Pos + ": " + e.Msg
}

// Backtrace is the calls that led to the mistake, one a line; "" if there was none.
func (e *Error) Backtrace() string { return strings.Join(e.Stack, "\n") }

func isStd(file string) bool { return strings.HasPrefix(file, stdPrefix) }

// located makes *Errors of what the interpreter reports. A mistake that shows inside the standard library is placed at the
// user's line that led there; fallback is the place if no frame is the user's. The end of a context passes as it is.
func located(err error, fallback string) error {
	var end ended
	if errors.As(err, &end) {
		return end.error
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range several.Unwrap() {
			all = append(all, located(e, fallback))
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
	var parse syntax.Error
	if errors.As(err, &parse) {
		return &Error{Pos: parse.Pos.String(), Msg: parse.Msg}
	}
	var unresolved resolve.ErrorList
	if errors.As(err, &unresolved) {
		var all []error
		for _, e := range unresolved {
			msg := e.Msg
			if name, ok := strings.CutPrefix(msg, "undefined: "); ok && identifier.MatchString(name) {
				if layer := called(name, layers.AttrNames()); layer != "" {
					msg += fmt.Sprintf(" (did you mean nn.%s?)", layer)
				} else {
					msg += didYouMean(name, Builtins())
				}
			}
			all = append(all, &Error{Pos: e.Pos.String(), Msg: msg + instead(msg, "")})
		}
		return errors.Join(all...)
	}
	var eval *starlark.EvalError
	if !errors.As(err, &eval) {
		return &Error{Pos: fallback, Msg: message(err)}
	}
	return evaluated(eval, fallback)
}

func evaluated(eval *starlark.EvalError, fallback string) *Error {
	e := &Error{Pos: fallback, Msg: strings.TrimPrefix(message(eval), "Starlark computation cancelled: ")}
	inner, std := "", ""
	for _, f := range eval.CallStack {
		if !isScript(f.Pos) {
			continue
		}
		e.Stack = append(e.Stack, fmt.Sprintf("%s: in %s", f.Pos, f.Name))
		if isStd(f.Pos.Filename()) {
			std = fmt.Sprintf(" (in %s, %s)", f.Name, f.Pos)
		} else {
			inner, std = f.Pos.String(), ""
		}
	}
	if inner != "" {
		e.Pos = inner
	}
	e.Msg += std
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

// didYouMean suggests the one of the names that is nearest: "" if none is near.
func didYouMean(got string, names []string) string {
	best, distance := called(got, names), len(got)/2+1
	if best != "" {
		distance = 0
	}
	for _, n := range slices.Sorted(slices.Values(names)) {
		if d := editDistance(strings.ToLower(got), strings.ToLower(n)); d < distance {
			best, distance = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// suggestion is what follows the complaint that got is not one of the names.
func suggestion(got string, names []string) string {
	if len(names) == 0 {
		return "; there are none"
	}
	if near := didYouMean(got, names); near != "" {
		return near
	}
	return "; want one of " + strings.Join(names, ", ")
}

// unknown is the error about a name that is not one of the names.
func unknown(what, got string, names []string) error {
	return fmt.Errorf("there is no %s %q%s", what, got, suggestion(got, names))
}
