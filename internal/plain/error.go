package plain

import "strings"

// Error returns the text of an error for users, in one or more lines. It keeps line ends where the error itself has several lines:
// between joined errors, next to a wrapped error, and in the result of its method Detail() string, such as the calls that led to an
// error of a script. All others are part of a name or of a text of unknown origin and become escapes, as in Line.
func Error(err error) string {
	if e, ok := err.(interface{ Detail() string }); ok {
		return e.Detail()
	}
	var wrapped []error
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			wrapped = append(wrapped, inner)
		}
	case interface{ Unwrap() []error }:
		wrapped = e.Unwrap()
	}
	var b strings.Builder
	rest, after := err.Error(), false // after: a wrapped error ends before the rest
	for _, inner := range wrapped {
		between, tail, found := strings.Cut(rest, inner.Error())
		if !found {
			continue
		}
		b.WriteString(around(between, after, true))
		b.WriteString(Error(inner))
		rest, after = tail, true
	}
	b.WriteString(around(rest, after, false))
	return b.String()
}

// around returns the text before, between or after wrapped errors. A line end next to one of them is kept.
func around(text string, after, before bool) string {
	start, end := "", ""
	if after && strings.HasPrefix(text, "\n") {
		start, text = "\n", text[1:]
	}
	if before && strings.HasSuffix(text, "\n") {
		end, text = "\n", text[:len(text)-1]
	}
	return start + Line(text) + end
}
