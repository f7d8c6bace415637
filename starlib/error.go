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
	var end ended
	if errors.As(err, &end) {
		return end.error
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
				if hint := elsewhere[name]; hint != "" {
					msg += "; " + hint
				} else if layer := called(name, layers.AttrNames()); layer != "" {
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
	e.Msg += instead(e.Msg, "") + std
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

// didYouMean suggests the one of the names that is meant by got or near to it: "" if none is.
func didYouMean(got string, names []string) string {
	best := called(got, names)
	if best == "" {
		best = nearest(got, names)
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// nearest is the name that differs from got by a slip of the fingers, one in three letters, or by a word in front or behind: d_steps
// for steps. Short names have many neighbours, so theirs begin
// with the same letter, and the shortest are not looked for among many.
func nearest(got string, names []string) string {
	got = strings.ToLower(got)
	best, distance := "", max(1, len(got)/3)+1
	if len(got) < 3 && len(names) > 20 {
		distance = 1
	}
	for _, n := range slices.Sorted(slices.Values(names)) {
		lower := strings.ToLower(n)
		d := editDistance(got, lower)
		if len(got) > 2 && (strings.HasSuffix(lower, "_"+got) || strings.HasPrefix(lower, got+"_") || len(lower) > 2 &&
			strings.HasSuffix(got, "_"+lower)) {
			d = min(d, 1)
		}
		if len(got) < 5 && (got == "" || !strings.HasPrefix(lower, got[:1])) {
			continue
		}
		if d < distance {
			best, distance = n, d
		}
	}
	return best
}

// editDistance counts the letters to insert, leave out or replace, and the neighbours to exchange, that make b of a.
func editDistance(a, b string) int {
	var before []int // the row before the last
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			replace := row[j]
			if a[i] != b[j] {
				replace++
			}
			next[j+1] = min(replace, next[j]+1, row[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
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
