package runner

import (
	"context"
	"errors"
	"fmt"

	"github.com/starsweep/starsweep/internal/guard"
	"github.com/starsweep/starsweep/internal/plain"
)

// Main runs one command and returns its exit code. Nothing that it prints, such as the name of a file or a string of a script, can
// move the cursor of a terminal: see package plain.
func Main(ctx context.Context, env Env) int {
	env.events = plain.NewWriter(env.Stdout)
	wrong := env.takeRole()
	env.useTerminal()
	env.Stdout, env.Stderr = plain.NewWriter(env.Stdout), plain.NewWriter(env.console)
	root := rootCommand(&env)
	checkHelpTopics(root)
	root.SetArgs(env.Args)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	err := guard.Run(func() error {
		if wrong != nil {
			return wrong
		}
		return root.ExecuteContext(ctx)
	})
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
		fmt.Fprintf(env.Stderr, "starsweep: %s\n", plain.Error(err))
	}
	return code
}

// errReported is the error of a command that has printed its error already.
var errReported = errors.New("reported")
