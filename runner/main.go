package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/starlib"
)

// Main runs one command and returns its exit code. Nothing that it prints, such as the name of a file or a string of a script, can
// move the cursor of a terminal: see package plain.
func Main(ctx context.Context, env Env) int {
	env.console = &console{to: env.Stderr, size: env.Size}
	env.Stdout, env.Stderr = plain.NewWriter(env.Stdout), plain.NewWriter(env.console)
	root := rootCommand(&env)
	root.SetArgs(env.Args)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	err := guarded(func() error { return root.ExecuteContext(ctx) })
	if err == nil {
		return exitDone
	}
	code := exitCode(err)
	if ctx.Err() != nil && (code == exitInternal || code == exitUsage) { // the interrupt is the reason
		code = exitInterrupted
	}
	switch {
	case errors.Is(err, errReported):
	case code == exitInterrupted:
		fmt.Fprintln(env.Stderr, "starsweep: interrupted")
	default:
		fmt.Fprintf(env.Stderr, "starsweep: %s\n", detail(err))
	}
	return code
}

// detail returns the text of an error, or of several joined errors, with the calls in the script that led to each.
func detail(err error) string {
	if script, ok := err.(*starlib.Error); ok {
		return script.Detail()
	}
	var plain, all []string
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range several.Unwrap() {
			plain, all = append(plain, e.Error()), append(all, detail(e))
		}
	}
	if strings.Join(plain, "\n") == err.Error() {
		return strings.Join(all, "\n")
	}
	return err.Error()
}

// errReported is the error of a command that has printed its error already.
var errReported = errors.New("reported")
