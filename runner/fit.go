package runner

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// part is a part of a line on a terminal. Where there is no room for all parts of a line, the least important ones are shortened, and
// then left out. Its texts hold no control characters.
type part struct {
	text    string
	short   string // empty: it has no shorter form
	rank    int    // 0: the most important
	elastic bool   // it may be cut
	style   string // an SGR parameter; empty: none
}

// row is a line on a terminal.
type row []part

// plainRow is a line of one part, which is cut where there is no room.
func plainRow(text string) row { return row{{text: text, elastic: true}} }

const (
	wide       = 60 // columns from which parts are two columns apart
	leastShown = 6  // columns of an elastic part below which it says nothing
)

// fit returns the parts of a row for which a number of columns has room, in their order, and the gap between them. Each part has the
// longest form for which the more important parts leave room, but all that fit in their short forms are there.
func (r row) fit(columns int) (shown []part, gap string) {
	gap = "  "
	if columns < wide {
		gap = " "
	}
	byRank := make([]int, len(r))
	for i := range byRank {
		byRank[i] = i
	}
	slices.SortStableFunc(byRank, func(i, j int) int { return cmp.Compare(r[i].rank, r[j].rank) })
	texts, used := make([]string, len(r)), -len(gap)
	for _, i := range byRank {
		least := cmp.Or(r[i].short, r[i].text)
		room := columns - used - len(gap)
		switch {
		case least == "":
		case cells(least) <= room:
			texts[i] = least
		case used < 0, r[i].elastic && room >= leastShown: // the most important part is there in any case
			texts[i] = cut(least, room)
		}
		if texts[i] != "" {
			used += len(gap) + cells(texts[i])
		}
	}
	for _, i := range byRank {
		if longer := cells(r[i].text) - cells(texts[i]); texts[i] != "" && texts[i] == r[i].short && longer <= columns-used {
			texts[i], used = r[i].text, used+longer
		}
	}
	for i, text := range texts {
		if text != "" {
			shown = append(shown, part{text: text, style: r[i].style})
		}
	}
	return shown, gap
}

// text returns what a number of columns shows of a row.
func (r row) text(columns int) string { return r.styled(columns, false) }

// styled is text with the styles of its parts, if there should be any.
func (r row) styled(columns int, styles bool) string {
	shown, gap := r.fit(columns)
	var b strings.Builder
	for i, p := range shown {
		if i > 0 {
			b.WriteString(gap)
		}
		if styles && p.style != "" {
			b.WriteString("\x1b[" + p.style + "m" + p.text + "\x1b[m")
		} else {
			b.WriteString(p.text)
		}
	}
	return b.String()
}

// cut returns a text that is cut to a number of columns.
func cut(text string, columns int) string {
	if cells(text) <= columns {
		return text
	}
	at := 0
	for i, r := range text {
		if at += cellsOf(r); at > columns-1 {
			return text[:i] + "…"
		}
	}
	return text
}

// cells returns the number of columns that a text takes.
func cells(text string) (n int) {
	for _, r := range text {
		n += cellsOf(r)
	}
	return n
}

// cellsOf returns the number of columns that a character takes; where terminals differ, the larger number, except for the letters that
// only terminals of East Asia show wide.
func cellsOf(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	if kind := width.LookupRune(r).Kind(); kind == width.EastAsianWide || kind == width.EastAsianFullwidth || unicode.Is(unicode.So, r) {
		return 2
	}
	return 1
}
