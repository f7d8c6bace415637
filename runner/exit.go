package runner

import (
	"errors"
	"fmt"

	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/starlib"
)

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

// asUsageError is an error about what the command line or the script names: data, weights, a study's directory. If its kind has no exit code
// of its own, it is that of a mistake in the command line, whichever command it is.
func asUsageError(err error) error {
	if err == nil || exitCode(err) != exitInternal {
		return err
	}
	return withCode(exitUsage, err)
}

// usageErrorf is a mistake in the command line.
func usageErrorf(format string, a ...any) error { return withCode(exitUsage, fmt.Errorf(format, a...)) }

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
