// Package sandbox evaluates Starlark in bounded memory and time.
//
// # Threat model
//
// A script is written by the person who runs it, by a colleague, or by a program. It is trusted with the purpose of a study: it
// may request large networks and long training, which the runner bounds. It is not trusted to be free of mistakes, and it is
// evaluated in places where a mistake must not cost more than an error message: in an editor's check, on the login node of a
// cluster, in one of many workers that share a machine.
//
// What a script may cost: [Limits].Steps interpreter steps and elements made, for a file with what it loads and for every later
// call of its functions. By default that is at most about 400 MB and a few seconds of one processor, regardless of the script.
// A file has at most MaxSource bytes, which bounds parsing.
//
// What is refused: values of any size made in one step ("x" * 10**10, list(range(10**9)), f(*range(10**9))), repeated growth
// (x += x), integers of millions of digits, texts and comparisons of values that share their parts (2**60 leaves made of 60
// lists), keys of one hash, functions that capture themselves, values nested more than 1000 deep, and chains of more than 1000
// elif. Starlark's own dialect adds that there is no while, no recursion and no input or output, so every script ends.
//
// What is not defended: the process against errors in the interpreter, or against builtins of the host that do not call [Pay]
// for what they make. A script from an unknown source belongs in a container, as any program does.
//
// # Why files are rewritten
//
// The interpreter counts steps, but one step may make a value of any size, and it has no hook where the size could be checked: not
// in operators, not in methods, not in *args. So [Parse] replaces every operation that can make or walk something large by a call
// of a builtin ([Guards]), which pays for the result in steps before it makes it. A bound on steps is then a bound on
// memory; TestBombsEndWithAnError tries every way around it. The alternatives are a fork of the interpreter, or a limit of the whole
// process, which ends the other trials of a study together with the script.
//
// The rewriting changes the language in one place: x op= y is computed as x = x op y, so the target may not contain calls, which
// would run twice. f(i)[0] += 1 is an error that says so. In-place += of lists, evaluation order and positions in errors are as in
// Starlark.
//
// # Values of the host
//
// The package knows no value of the study language. A value takes part by implementing one of three interfaces: [Holder] if it
// contains others, [Unknown] if its elements are not known while the script runs, [Deferred] if it represents a number that
// should be revealed as late as possible. Package starlib and its families import it.
package sandbox

import (
	"context"
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Limits bound what the evaluation of a script may use. The zero value is the default.
type Limits struct {
	// Steps counts interpreter steps and elements made, for a file with what it loads and for every call of its functions.
	Steps uint64 // at most 4,194,304; 0 is 2,000,000
}

// defaultSteps is a hundred times what the largest of our studies needs. A step makes at most about 300 bytes (an empty dict).
const defaultSteps = 2_000_000

// maxSteps bounds Limits.Steps, so that counting what would be printed can stop there.
const maxSteps = 1 << 22

func (l Limits) steps() uint64 {
	if l.Steps == 0 {
		return defaultSteps
	}
	return min(l.Steps, maxSteps)
}

// Error is an error at a place of a script that the interpreter does not report by itself.
type Error struct {
	Pos syntax.Position
	Msg string
}

func (e *Error) Error() string { return e.Pos.String() + ": " + e.Msg }

const limitKey = "limit"

// NewThread is a thread that evaluates under the limits and prints with show.
func NewThread(l Limits, show func(message string)) *starlark.Thread {
	limit := l.steps()
	th := &starlark.Thread{Name: "script", Print: func(_ *starlark.Thread, message string) { show(message) }}
	th.SetLocal(limitKey, limit)
	th.SetMaxExecutionSteps(limit)
	th.OnMaxSteps = func(th *starlark.Thread) { th.Cancel(tooMuch(limit)) }
	return th
}

// Pay charges a thread for n elements that are about to be made. Builtins that make values of any size call it first.
func Pay(th *starlark.Thread, n uint64) error {
	limit, _ := th.Local(limitKey).(uint64)
	if th.Steps += n; n > limit || th.Steps > limit {
		return fmt.Errorf("%s", tooMuch(limit))
	}
	return nil
}

// Exhausted reports whether a thread has used up its limit.
func Exhausted(th *starlark.Thread) bool {
	limit, _ := th.Local(limitKey).(uint64)
	return th.Steps > limit
}

func tooMuch(limit uint64) string {
	return fmt.Sprintf("the script does too much work: got more than %d steps and elements, want fewer", limit)
}

// Run calls f, which uses the thread, until it returns or ctx ends. The interpreter checks for cancellation only between steps, so f
// is abandoned if it is inside a step or waits for a file. If ctx ends, the error is Interrupted.
func Run[T any](ctx context.Context, th *starlark.Thread, f func() (T, error)) (v T, err error) {
	if ctx.Done() == nil {
		return f()
	}
	if ctx.Err() != nil {
		return v, Interrupted{context.Cause(ctx)}
	}
	defer context.AfterFunc(ctx, func() { th.Cancel(context.Cause(ctx).Error()) })()
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		if r.err == nil || ctx.Err() == nil {
			return r.v, r.err
		}
	case <-ctx.Done():
	}
	return v, Interrupted{context.Cause(ctx)}
}

// Interrupted is the end of a context, which is not an error of the script.
type Interrupted struct{ Cause error }

func (e Interrupted) Error() string { return e.Cause.Error() }
func (e Interrupted) Unwrap() error { return e.Cause }
