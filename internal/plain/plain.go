// Package plain makes text of unknown origin, such as names of files and strings of scripts, safe to print: it escapes everything
// that could move a cursor, change colours or reorder a line. It also puts counts and lists into words. It imports no package of this
// module; all output of commands and the report pass through it.
package plain

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Line returns s as part of one line or one cell of a table: control characters, including line ends and tabs, marks that change the
// direction of text, and bytes that are not UTF-8 become escapes in Starlark's notation: \n, \u001b, \xff.
func Line(s string) string {
	if !strings.ContainsFunc(s, unsafe) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for s != "" {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		default:
			b.WriteString(escaped(r, s[:n]))
		}
		s = s[n:]
	}
	return b.String()
}

// Value returns a string of a script for a line with other words: the string itself if it is one word, otherwise in quotes.
func Value(s string) string {
	if s != "" && Line(s) == s && !strings.ContainsAny(s, " \"'\\=,") {
		return s
	}
	return `"` + Line(strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)) + `"`
}

// unsafe reports whether a character must be escaped in a line.
func unsafe(r rune) bool {
	return unicode.IsControl(r) || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x061c || r == 0x200e || r == 0x200f
}

// escaped is the escape of the character with the bytes raw. The escapes are also those of JSON, so that JSON keeps its meaning.
func escaped(r rune, raw string) string {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return fmt.Sprintf(`\x%02x`, raw[0])
	case r == '\r':
		return `\r`
	case unsafe(r):
		return fmt.Sprintf(`\u%04x`, r)
	}
	return raw
}

// Writer passes text on to another writer and escapes what Line escapes, except line ends and tabs. It may be used by several
// goroutines.
type Writer struct {
	mu   sync.Mutex
	to   io.Writer
	rest []byte // the beginning of a character that the next write completes
}

// NewWriter returns a Writer. Bytes of a character that is never completed are not written.
func NewWriter(to io.Writer) *Writer { return &Writer{to: to} }

// Write implements io.Writer.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := append(w.rest, p...)
	out := make([]byte, 0, len(text))
	for len(text) > 0 && utf8.FullRune(text) {
		r, n := utf8.DecodeRune(text)
		if r == '\n' || r == '\t' {
			out = append(out, text[0])
		} else {
			out = append(out, escaped(r, string(text[:n]))...)
		}
		text = text[n:]
	}
	w.rest = append([]byte(nil), text...)
	if _, err := w.to.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Cell returns a text for a table that spreadsheets open: one that begins like a formula, with =, +, -, @ or a tab, gets an apostrophe in
// front.
func Cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
