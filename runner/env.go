// Package runner is starsweep's commands: it wires scripts, plans, backends, data and tables together. The process around it
// comes in as one Env, so whole commands run in tests; only cmd/starsweep touches the operating system's arguments,
// environment and exit code. Nothing imports it but main.
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
	"github.com/starsweep/starsweep/runner/evaluation"
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

func backendFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "backend", "auto", "one of "+strings.Join(train.Names, ", ")+", or xla:/path/to/plugin.so")
}

// openBackend opens a backend by name; one that is not there is a fault of its own kind.
func (e *Env) openBackend(name string) (*train.Backend, error) {
	b, err := train.Open(name, e.trainOptions())
	return b, asUsageError(err)
}

func (e *Env) trainOptions() train.Options {
	return train.Options{PluginDir: e.plugins(), Plugins: filepath.SplitList(e.Getenv("PJRT_PLUGIN_LIBRARY_PATH")), Now: e.Now}
}

func (e *Env) store() *data.Store {
	return &data.Store{Dir: e.data(), Cache: e.cache(), GoProxy: e.Getenv("GOPROXY"), Memory: int64(machine.Memory(e.System).Free()),
		Warn: e.warn}
}

// evaluation is what a bench of evaluations works with.
func (e *Env) evaluation(b *train.Backend, p *passes, open func(context.Context, spec.Data) (*data.Set, error)) evaluation.Config {
	return evaluation.Config{Device: b.Device(), Numerics: b.Numerics(), Networks: e.networks(), Cache: filepath.Join(e.cache(), "features"),
		Open: open, Warn: e.warn, Progress: p.watch, Now: e.Now}
}

// warn prints a warning in one line.
func (e *Env) warn(err error) { warn(e, []string{err.Error()}) }

// warn prints warnings, each in one line.
func warn(env *Env, warnings []string) {
	for _, warning := range warnings {
		fmt.Fprintf(env.Stderr, "starsweep: warning: %s\n", plain.Line(warning))
	}
}

// counter counts the images of data sets that tell without a file of the user's.
func (e *Env) counter() func(spec.Data) (n int, known bool) {
	size := e.sizes()
	return func(d spec.Data) (int, bool) {
		if d.Path != "" {
			return 0, false
		}
		return size(d)
	}
}

// sizes counts the images of data sets that are at hand, once each.
func (e *Env) sizes() func(spec.Data) (n int, known bool) {
	store := e.store()
	var counts once.Map[string, int] // by the canonical text
	return func(d spec.Data) (int, bool) {
		n, _ := counts.Do(context.Background(), d.String(), func() (int, error) {
			shape, err := store.Shape(d)
			if err != nil {
				return -1, nil // kept like a count: the trial will report the error
			}
			return shape.N, nil
		})
		return n, n >= 0
	}
}
