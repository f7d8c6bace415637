package plain

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Markdown escapes a text for a paragraph or a cell of Markdown. An underscore inside a word means nothing there.
func Markdown(s string) string {
	var b strings.Builder
	word := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	runes := []rune(Line(s))
	for i, r := range runes {
		inside := i > 0 && i+1 < len(runes) && word(runes[i-1]) && word(runes[i+1])
		switch {
		case r == '&':
			b.WriteString("&amp;")
			continue
		case r == '<':
			b.WriteString("&lt;")
			continue
		case strings.ContainsRune("\\`*[]|>~$", r), r == '_' && !inside:
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// MarkdownTable is a table of escaped cells, in columns that are aligned as text too. The first row is the heading.
func MarkdownTable(rows [][]string) string {
	rule := make([]string, len(rows[0]))
	for j := range rule {
		rule[j] = "---"
	}
	lines := append([][]string{rows[0], rule}, rows[1:]...)
	var b strings.Builder
	for i, cells := range lines {
		for j, cell := range cells {
			width := 0
			for _, other := range lines {
				width = max(width, utf8.RuneCountInString(other[j]))
			}
			fill := " "
			if i == 1 {
				fill = "-"
			}
			fmt.Fprintf(&b, "| %s%s ", cell, strings.Repeat(fill, width-utf8.RuneCountInString(cell)))
		}
		b.WriteString("|\n")
	}
	return b.String()
}
