// Package runner is starsweep's commands: it wires scripts, plans, backends, data and tables together. The process around it
// comes in as one Env, so whole commands run in tests; only cmd/starsweep touches the operating system's arguments,
// environment and exit code. Nothing imports it but main.
package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/engine/feature"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/starlib"
)

// Env is the edge of the process.
type Env struct {
	Args           []string // without the program's name
	Stdout, Stderr io.Writer
	Size           func() (columns, rows int) // of the terminal that Stderr is, for progress bars instead of lines; nil: it is none
	Home           string
	Getenv         func(string) string
	Now            func() time.Time
	Version        string
	System         fs.FS           // the machine's files, from / on: who has how much memory; nil: nobody knows
	LimitMemory    func(bytes int) // tells the garbage collector; nil: it is not told

	console *console // below Stderr
}

// data is where downloaded data sets lie, cache what can be made again, networks the weights that the user added.
func (e Env) data() string            { return filepath.Join(e.Home, "data") }
func (e Env) cache() string           { return filepath.Join(e.Home, "cache") }
func (e Env) networks() feature.Store { return feature.Store{Dir: filepath.Join(e.Home, "features")} }
func (e Env) plugins() string         { return filepath.Join(e.Home, "pjrt") }

// Exit codes.
const (
	exitDone        = 0
	exitInternal    = 1
	exitUsage       = 2
	exitScript      = 10 // the script does not load
	exitSpace       = 11 // some configurations are wrong: hyperparameters, shapes
	exitSomeFailed  = 20
	exitAllFailed   = 21
	exitInterrupted = 75 // run the same command again to continue
	exitNoDevice    = 77
	exitStorage     = 80
)

// codeError is an error with an exit code of its own.
type codeError struct {
	code int
	err  error
}

func (e *codeError) Error() string { return e.err.Error() }
func (e *codeError) Unwrap() error { return e.err }

func withCode(code int, err error) error {
	if err == nil {
		return nil
	}
	return &codeError{code, err}
}

// mistake is an error about what the command line or the script names: data, weights, a study's directory. If its kind has no exit code
// of its own, it is that of a mistake in the command line, whichever command it is.
func mistake(err error) error {
	if err == nil || exitCode(err) != exitInternal {
		return err
	}
	return withCode(exitUsage, err)
}

// usage is a mistake in the command line.
func usage(format string, a ...any) error { return withCode(exitUsage, fmt.Errorf(format, a...)) }

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

// exitCode is where the kinds of errors get their exit codes.
func exitCode(err error) int {
	var (
		coded  *codeError
		script *starlib.Error
		faults *plan.Faults
	)
	switch {
	case errors.As(err, &coded):
		return coded.code
	case errors.Is(err, results.ErrStorage), errors.Is(err, results.ErrCorrupt), errors.Is(err, results.ErrLocked):
		return exitStorage
	case errors.Is(err, train.ErrNoDevice):
		return exitNoDevice
	case errors.As(err, &faults):
		return exitSpace
	case errors.As(err, &script):
		return exitScript
	}
	return exitInternal
}

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
		return usage("%s has no command %q; did you mean %s?", c.CommandPath(), args[0], near[0])
	}
	return usage("%s has no command %q; see %s --help", c.CommandPath(), args[0], c.CommandPath())
}

func versionCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print the version", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			fmt.Fprintf(env.Stdout, "starsweep %s\n", env.Version)
			return nil
		},
	}
}

func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("got %q, want no arguments", args)
	}
	return nil
}
