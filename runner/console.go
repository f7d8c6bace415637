package runner

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

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

// useTerminal prepares the terminals that the process has, as its environment says what they can show.
func (e *Env) useTerminal() {
	if e.Getenv == nil {
		e.Getenv = func(string) string { return "" }
	}
	if e.Getenv("TERM") == "dumb" {
		e.Size, e.Screen = nil, nil
	}
	colour := e.Getenv("NO_COLOR") == ""
	e.console = &console{to: e.Stderr, size: e.Size, colour: colour}
	if e.Screen != nil {
		e.screen = &console{to: e.Stdout, size: e.Screen, colour: colour}
	}
}

// console shows messages. On a terminal, rows can be pinned: they stay at the bottom while messages scroll above them, and fit whatever
// size the terminal has. Errors of a terminal that no longer exists are ignored. It may be used by several goroutines.
type console struct {
	to     io.Writer
	size   func() (columns, rows int) // nil: no terminal
	colour bool

	mu      sync.Mutex
	pinned  []row
	drawn   []string // the texts of the pinned rows on the screen
	partial []byte   // the unfinished last line of the messages, while rows are pinned
}

// Write implements io.Writer: it shows messages above the pinned rows.
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

// pin replaces the pinned rows.
func (c *console) pin(rows []row) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pinned = rows
	if len(rows) > 0 || len(c.drawn) > 0 {
		c.draw("")
	}
	if len(rows) == 0 {
		c.to.Write(c.partial)
		c.partial = nil
	}
}

// release leaves the pinned rows on the screen as messages.
func (c *console) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pinned) > 0 {
		c.draw("")
	}
	c.to.Write(c.partial)
	c.pinned, c.drawn, c.partial = nil, nil, nil
}

// A terminal that knows synchronized output shows what is between these two at once; others ignore them.
const (
	beginFrame = "\x1b[?2026h"
	endFrame   = "\x1b[?2026l"
)

// draw writes a message over the pinned rows, and the pinned rows below it, in one piece. Rows are written over the old ones, which are
// erased before only if something else comes in their place: a terminal that shows pieces does not flicker. If the terminal has become
// narrower, an old row may take several of its rows.
func (c *console) draw(message string) {
	columns, rows := c.size()
	columns, rows = max(columns, 2), max(rows, 2)
	shown := c.pinned[max(0, len(c.pinned)-(rows-1)):] // the last ones are the most important
	texts := make([]string, len(shown))
	for i, r := range shown {
		texts[i] = r.text(columns - 1)
	}
	up := 0
	for _, text := range c.drawn {
		up += max(1, (cells(text)+columns-1)/columns)
	}
	wrapped := up > len(c.drawn)
	if message == "" && !wrapped && slices.Equal(texts, c.drawn) {
		return
	}
	var b strings.Builder
	b.WriteString(beginFrame + "\r")
	if up > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", min(up, rows-1))
	}
	if message != "" || wrapped {
		b.WriteString("\x1b[J" + message)
	}
	for _, r := range shown {
		b.WriteString(r.styled(columns-1, c.colour) + "\x1b[K\r\n")
	}
	b.WriteString("\x1b[J" + endFrame)
	c.drawn = texts
	io.WriteString(c.to, b.String())
}
