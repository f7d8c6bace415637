//go:build unix

package main

import (
	"bytes"
	"io"
)

// fatal passes on what the runtime and libraries of a worker process write to its standard error, and notices whether that says that its
// memory ran out: Go's runtime then ends the process with an exit code that means nothing else.
type fatal struct {
	to       io.Writer
	line     []byte // the beginning of the last one
	starved  bool
	finished bool // the fatal error was seen: stacks follow
}

// Write implements io.Writer.
func (f *fatal) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		if f.finished {
			break
		}
		f.line = append(f.line, line[:min(len(line), mostLine-min(len(f.line), mostLine))]...)
		if line[len(line)-1] != '\n' {
			continue
		}
		if bytes.HasPrefix(f.line, []byte("fatal error: ")) {
			f.finished = true
			f.starved = bytes.Contains(f.line, []byte("out of memory")) || bytes.Contains(f.line, []byte("cannot allocate memory"))
		}
		f.line = f.line[:0]
	}
	return f.to.Write(p)
}

// mostLine is how much of a line is looked at.
const mostLine = 200
