package runner

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/starlib"
)

const (
	exitDone        = 0
	exitInternal    = 1
	exitUsage       = 2
	exitScript      = 10
	exitSpace       = 11
	exitSomeFailed  = 20
	exitAllFailed   = 21
	exitDifferent   = 30
	exitDamaged     = 31
	exitInterrupted = 75
	exitNoDevice    = 77
	exitStorage     = 80
)

// exitMeanings are all exit codes in order, with their meanings for help texts and docs/commands.md.
var exitMeanings = [...]struct {
	code    int
	meaning string
}{
	{exitDone, "success"},
	{exitInternal, "any other error"},
	{exitUsage, "usage error, or data or weights that are missing or damaged"},
	{exitScript, "the script does not load"},
	{exitSpace, "a configuration is invalid: its hyperparameters, shapes, data or objectives"},
	{exitSomeFailed, "some trials failed; the same command, or retry, runs them again"},
	{exitAllFailed, "all trials failed; the same command, or retry, runs them again"},
	{exitDifferent, "what was compared differs"},
	{exitDamaged, "what was verified is damaged"},
	{exitInterrupted, "interrupted, or out of time, with work left; the same command continues"},
	{exitNoDevice, "the device does not exist or is lost, or its plugin is missing"},
	{exitStorage, "storage error: the disk, a damaged study, or one that processes must leave before it can change"},
}

// exitText lists exit codes and their meanings, one per line.
func exitText(codes []int) string {
	var b strings.Builder
	for _, e := range exitMeanings {
		if slices.Contains(codes, e.code) {
			fmt.Fprintf(&b, "  %2d  %s\n", e.code, e.meaning)
		}
	}
	return b.String()
}

// exitAnnotation is the annotation that lists a command's exit codes, in the form of exitText.
const exitAnnotation = "exit codes"

// exits documents the exit codes of a command: those given, and those that every command has.
func exits(c *cobra.Command, codes ...int) *cobra.Command {
	all := append(codes, exitDone, exitInternal, exitUsage, exitInterrupted)
	c.Annotations = map[string]string{exitAnnotation: exitText(all)}
	return c
}

// codeError is an error with its own exit code.
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

// usageErrorf returns an error in the command line.
func usageErrorf(format string, a ...any) error { return withCode(exitUsage, fmt.Errorf(format, a...)) }

// asUsageError is for errors about what the command line or the script names: data, weights, the directory of a study. It wraps err with
// the exit code of a usage error unless it has a code already, so that the code does not depend on the command.
func asUsageError(err error) error {
	if err == nil || exitCode(err) != exitInternal {
		return err
	}
	return withCode(exitUsage, err)
}

// exitCode returns the exit code of an error that is not nil.
func exitCode(err error) int {
	var (
		coded  *codeError
		script *starlib.Error
		space  *plan.Errors
	)
	switch {
	case errors.As(err, &coded):
		return coded.code
	case errors.Is(err, results.ErrStorage), errors.Is(err, results.ErrCorrupt), errors.Is(err, results.ErrInUse),
		errors.Is(err, results.ErrClaimed):
		return exitStorage
	case errors.Is(err, train.ErrNoDevice):
		return exitNoDevice
	case errors.As(err, &space):
		return exitSpace
	case errors.As(err, &script):
		return exitScript
	}
	return exitInternal
}
