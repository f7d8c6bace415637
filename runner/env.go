// Package runner holds starsweep's commands: it connects scripts, plans, backends, data and tables. Everything that a command needs
// from its process is in an Env, so that tests run whole commands; only cmd/starsweep touches the arguments, the environment and the
// exit code of the process. Only main imports this package.
//
// Every command has its own file: check.go, plan.go, run.go and so on; root.go builds the tree of commands and exit.go lists the
// exit codes. The run of a study begins in run.go and continues in package execute.
package runner

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/feature"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/machine"
	"github.com/starsweep/starsweep/internal/once"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/evaluation"
	"github.com/starsweep/starsweep/runner/execute"
	"github.com/starsweep/starsweep/runner/memory"
	"github.com/starsweep/starsweep/runner/supervise"
)

// Env is what a command needs from its process.
type Env struct {
	Args           []string // without the program's name
	Stdout, Stderr io.Writer
	Size           func() (columns, rows int) // of the terminal that Stderr is; nil: it is not a terminal
	Screen         func() (columns, rows int) // of the terminal that Stdout is, likewise
	Home           string
	Getenv         func(string) string
	Now            func() time.Time
	Version        string
	System         fs.FS           // the root file system, which says how much memory there is; nil: unknown
	LimitMemory    func(bytes int) // limits the memory of the garbage collector; nil: there is no limit

	// Run trains in worker processes of this program, which Start starts, with one more variable in their environment; nil: it trains in
	// this process. Worker is this process's side of the pipes to the process that started it as a worker; nil: it is none.
	// Their output goes to the files of this process unless there is a writer for it.
	Start  func(processes int, variable string, stdout, stderr io.Writer) (*supervise.Process, error)
	Worker *supervise.Worker
	AtOnce context.Context // done: a run leaves at once, and not in good order; nil: as soon as the command's context is done

	HeartbeatEvery time.Duration // how often a process gives a sign of life; 0, but in tests: the default of package results

	console *console // underneath Stderr
	screen  *console // underneath Stdout; nil: it is not a terminal
	role    role     // of a worker process

	events io.Writer // standard output of the command, for run --json
	loud   *Env      // with what a muted run says at its end; nil: it is not muted
}

// muted is the environment of a run that says less: nothing before its end with --quiet, only JSON on standard output with --json.
func (e *Env) muted(o runOptions) *Env {
	m := *e
	m.loud = e
	if o.quiet {
		m.Stdout, m.Stderr, m.Size = io.Discard, io.Discard, nil
	}
	if o.inJSON {
		m.Stdout, m.Size = io.Discard, nil
	}
	return &m
}

// aloud is the environment in which a run says what it has to say in any case.
func (e *Env) aloud() *Env {
	if e.loud != nil {
		return e.loud
	}
	return e
}

// options are those with which a study is opened. A process that must know whether others live says so while it waits.
func (e *Env) options() results.Options {
	waits := func(list []results.Process) {
		for _, p := range list {
			fmt.Fprintf(e.Stderr, "starsweep: %s has given no sign of life for over a minute: waiting to see whether it does\n",
				plain.Line(p.String()))
		}
	}
	return results.Options{Now: e.Now, HeartbeatEvery: e.HeartbeatEvery, StaleAfter: 6 * e.HeartbeatEvery, Watching: waits}
}

// data is the folder of downloaded data sets, cache of what can be computed again, networks of added weights, plugins of PJRT plugins.
func (e Env) data() string            { return filepath.Join(e.Home, "data") }
func (e Env) cache() string           { return filepath.Join(e.Home, "cache") }
func (e Env) networks() feature.Store { return feature.Store{Dir: filepath.Join(e.Home, "features")} }
func (e Env) plugins() string         { return filepath.Join(e.Home, "pjrt") }

func backendFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "backend", "auto", "one of "+strings.Join(train.Names, ", ")+", or xla:/path/to/plugin.so")
}

// openBackend opens a backend by name. An unknown name is a usage error, a missing device is not.
func (e *Env) openBackend(name string) (*train.Backend, error) {
	b, err := train.Open(name, e.trainOptions())
	return b, asUsageError(err)
}

func (e *Env) trainOptions() train.Options {
	return train.Options{PluginDir: e.plugins(), Plugins: filepath.SplitList(e.Getenv("PJRT_PLUGIN_LIBRARY_PATH")), Now: e.Now}
}

// memory is the memory of the process.
func (e *Env) memory() *memory.Pool { return memory.NewPool(e.room(), e.LimitMemory) }

// room is the memory that this process may have.
func (e *Env) room() machine.Room {
	return machine.Memory(e.System).Part(e.role.Memory, e.role.Of)
}

func (e *Env) store() *data.Store {
	return &data.Store{Dir: e.data(), Cache: e.cache(), GoProxy: e.Getenv("GOPROXY"), Memory: int64(e.room().Free()),
		Warn: e.warn}
}

// evaluation returns the configuration of evaluations on a backend. open opens data sets.
func (e *Env) evaluation(b *train.Backend, p *passes, open func(context.Context, spec.Data) (*data.Set, error)) evaluation.Config {
	return evaluation.Config{Device: b.Device(), Numerics: b.Numerics(), Networks: e.networks(), Cache: filepath.Join(e.cache(), "features"),
		Open: open, Warn: e.warn, Progress: p.watch, Now: e.Now}
}

// lab is what trials are trained and evaluated with on a backend. Closing it closes the backend.
func (e *Env) lab(b *train.Backend, p *passes) *execute.Lab {
	store := e.store()
	store.Progress = p.watch
	library := execute.NewLibrary(store, e.networks(), e.warn)
	return &execute.Lab{Backend: b, Library: library, Comparer: evaluation.New(e.evaluation(b, p, library.Images)), Memory: e.memory(),
		Now: e.Now, Warn: e.warn}
}

// warn prints a warning in one line.
func (e *Env) warn(err error) { warn(e, []string{err.Error()}) }

// warn prints warnings, each in one line.
func warn(env *Env, warnings []string) {
	for _, warning := range warnings {
		fmt.Fprintf(env.Stderr, "starsweep: warning: %s\n", plain.Line(warning))
	}
}

// counter returns a function that counts the images of data sets that need no files from the user.
func (e *Env) counter() func(spec.Data) (n int, known bool) {
	size := e.sizes()
	return func(d spec.Data) (int, bool) {
		if d.Path != "" {
			return 0, false
		}
		return size(d)
	}
}

// sizes returns a function that counts the images of data sets that are present, each data set once.
func (e *Env) sizes() func(spec.Data) (n int, known bool) {
	store := e.store()
	var counts once.Map[string, int] // by the canonical text
	return func(d spec.Data) (int, bool) {
		n, _ := counts.Do(context.Background(), d.String(), func() (int, error) {
			shape, err := store.Shape(d)
			if err != nil {
				return -1, nil // remembered like a count: the trial will report the error
			}
			return shape.N, nil
		})
		return n, n >= 0
	}
}
