// Package guard runs functions that may panic, or that do not notice an interrupt: a trial or a command then ends with an error, and
// the process goes on. Package runner guards commands with it, and runner/execute guards trials.
package guard

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// Run runs f, and turns a panic, which is a bug, into an error that names the place: a panic ends one trial, or one command.
func Run(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("internal error: %v, in %s: please report it", r, panicked())
		}
	}()
	return f()
}

// panicked returns the place of the panic that a deferred function recovers from: the innermost function outside Go's runtime.
func panicked() string {
	var callers [64]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers[:])])
	for begun := false; ; {
		frame, more := frames.Next()
		ours := !strings.HasPrefix(frame.Function, "runtime.")
		if begun && ours || !more {
			return fmt.Sprintf("%s (%s:%d)", frame.Function, filepath.Base(frame.File), frame.Line)
		}
		begun = begun || frame.Function == "runtime.gopanic"
	}
}
