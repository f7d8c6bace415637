package runner

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/term"
)

// TerminalSize returns a function for Env.Size that asks f for its size, or nil if f is no terminal. Some terminals, as of script(1)
// in a pipe, have no size: they count as none.
func TerminalSize(f *os.File) func() (columns, rows int) {
	size := func() (int, int) {
		columns, rows, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 0, 0
		}
		return columns, rows
	}
	if columns, _ := size(); columns == 0 {
		return nil
	}
	return size
}

// console is where messages go. On a terminal, lines can be pinned below them: they stay at the bottom while messages scroll. It
// waits for nothing but the terminal, and errors of a terminal that is gone are dropped. It may be used by several goroutines.
type console struct {
	to   io.Writer
	size func() (columns, rows int) // nil: no terminal

	mu      sync.Mutex
	pinned  []string
	drawn   []string // what of the pinned lines is on the screen
	partial []byte   // a message whose line has not ended while lines are pinned
}

// Write implements io.Writer: it shows messages above the pinned lines.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pinned) == 0 {
		return c.to.Write(p)
	}
	c.partial = append(c.partial, p...)
	if end := bytes.LastIndexByte(c.partial, '\n') + 1; end > 0 {
		c.draw(string(c.partial[:end]))
		c.partial = append([]byte(nil), c.partial[end:]...)
	}
	return len(p), nil
}

// pin replaces the pinned lines, which hold no control characters.
func (c *console) pin(lines []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pinned = lines
	c.draw("")
}

// release leaves the pinned lines where they are, as messages.
func (c *console) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draw("")
	c.to.Write(c.partial)
	c.pinned, c.drawn, c.partial = nil, nil, nil
}

// draw writes a message in place of the pinned lines and these below it. A terminal that became narrower has broken the old ones
// into several rows.
func (c *console) draw(message string) {
	columns, rows := c.size()
	columns, rows = max(columns, 2), max(rows, 2)
	var b strings.Builder
	up := 0
	for _, line := range c.drawn {
		up += max(1, (cells(line)+columns-1)/columns)
	}
	if up > 0 {
		fmt.Fprintf(&b, "\r\x1b[%dA", min(up, rows-1))
	}
	b.WriteString("\r\x1b[J" + message)
	c.drawn = c.drawn[:0]
	for i, line := range c.pinned {
		if hidden := len(c.pinned) - (rows - 1); hidden > 0 && i < hidden { // the last lines matter most
			continue
		}
		line = cut(line, columns-1)
		c.drawn = append(c.drawn, line)
		b.WriteString(line + "\r\n")
	}
	io.WriteString(c.to, b.String())
}

// cut is a line in at most so many cells of a terminal.
func cut(line string, columns int) string {
	if cells(line) <= columns {
		return line
	}
	at := 0
	for i, r := range line {
		if at += width(r); at > columns-1 {
			return line[:i] + "…"
		}
	}
	return line
}

// cells is how many cells of a terminal a line takes.
func cells(line string) (n int) {
	for _, r := range line {
		n += width(r)
	}
	return n
}

// width is how many cells a character takes. Where terminals differ, it is the larger number.
func width(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.So), r >= 0x3000 && r < 0x3040,
		r >= 0xff00 && r < 0xff61:
		return 2
	}
	return 1
}
