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

// TerminalSize returns a function for Env.Size or Env.Screen that returns the size of f, or nil if f is not a terminal. A terminal
// without a size, such as that of script(1) in a pipe, counts as none.
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

// console shows messages. On a terminal, lines can be pinned: they stay at the bottom while messages scroll above them. Errors of a
// terminal that no longer exists are ignored. It may be used by several goroutines.
type console struct {
	to   io.Writer
	size func() (columns, rows int) // nil: no terminal

	mu      sync.Mutex
	pinned  []string
	drawn   []string // the pinned lines on the screen
	partial []byte   // the unfinished last line of the messages, while lines are pinned
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

// pin replaces the pinned lines, which must not hold control characters.
func (c *console) pin(lines []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pinned = lines
	c.draw("")
}

// release leaves the pinned lines on the screen as messages.
func (c *console) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draw("")
	c.to.Write(c.partial)
	c.pinned, c.drawn, c.partial = nil, nil, nil
}

// draw writes a message over the pinned lines, and the pinned lines below it. If the terminal has become narrower, each old line may
// take several rows.
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
		if hidden := len(c.pinned) - (rows - 1); hidden > 0 && i < hidden { // the last lines are the most important
			continue
		}
		line = cut(line, columns-1)
		c.drawn = append(c.drawn, line)
		b.WriteString(line + "\r\n")
	}
	io.WriteString(c.to, b.String())
}

// cut returns a line that is cut to a number of columns.
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

// cells returns the number of columns that a line takes.
func cells(line string) (n int) {
	for _, r := range line {
		n += width(r)
	}
	return n
}

// width returns the number of columns that a character takes; where terminals differ, the larger number.
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
