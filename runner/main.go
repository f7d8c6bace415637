package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/starlib"
)

// Main runs one command and gives its exit code. What it prints, names of files and strings of scripts above all, cannot move the
// cursor of a terminal: see package plain.
func Main(ctx context.Context, env Env) int {
	env.console = &console{to: env.Stderr, size: env.Size}
	env.Stdout, env.Stderr = plain.NewWriter(env.Stdout), plain.NewWriter(env.console)
	root := command(&env)
	root.SetArgs(env.Args)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	err := guarded(func() error { return root.ExecuteContext(ctx) })
	if err == nil {
		return exitDone
	}
	code := exitCode(err)
	if ctx.Err() != nil && (code == exitInternal || code == exitUsage) { // whatever failed, it was for the interrupt
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

// detail is the text of an error, or of several joined ones, with the calls of the script that led to each.
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

// errReported marks what the command has said already.
var errReported = errors.New("reported")

// command is the tree of commands.
func command(env *Env) *cobra.Command {
	root := &cobra.Command{
		Use:   "starsweep",
		Short: "hyperparameter studies of GANs, from a Starlark script to Parquet tables",
		Long: `starsweep runs hyperparameter studies of generative adversarial networks. A Starlark script declares data,
networks, losses as equations, schedules and a search space; starsweep trains every trial on the accelerator,
or on the CPU in pure Go, and leaves Parquet tables.

Exit codes: 0 done, 2 usage, or data and weights that are missing or damaged, 10 script error, 11 invalid space or
shapes, 20 some trials failed, 21 all failed, 75 interrupted (the same command continues), 77 no device, 80 storage:
the disk, a damaged study, or one that another process writes, 1 anything else.`,
		Args:          cobra.ArbitraryArgs,
		RunE:          unknownCommand,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return withCode(exitUsage, err) })
	for _, c := range []*cobra.Command{checkCommand(env), planCommand(env), showCommand(env), statusCommand(env), reportCommand(env),
		paretoCommand(env), exportCommand(env), evalCommand(env),
		dataCommand(env), featuresCommand(env), doctorCommand(env), benchCommand(env), versionCommand(env)} {
		root.AddCommand(abandonable(c))
	}
	root.AddCommand(runCommand(env))
	return root
}

// unknownCommand is what a command does that only holds others.
func unknownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		return usageErrorf("%s has no command %q; did you mean %s?", c.CommandPath(), args[0], near[0])
	}
	return usageErrorf("%s has no command %q; see %s --help", c.CommandPath(), args[0], c.CommandPath())
}
