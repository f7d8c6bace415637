// Command starsweep runs hyperparameter studies of GANs. Only this package touches the arguments, the environment, the signals, the
// exit code and the child processes of the process; package runner holds the commands.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/starsweep/starsweep/internal/machine"
	"github.com/starsweep/starsweep/runner"
)

var version = "dev" // set by the Makefile

func main() {
	os.Setenv("XLA_FLAGS", deterministic(os.Getenv("XLA_FLAGS"))) // before a plugin reads them
	w := worker()
	asked := listen(w) // before all else: a signal that nobody receives kills the process
	system, limit := os.DirFS("/"), limitMemory()
	room := machine.Memory(system)
	if room.Bytes > 0 && room.Free() < minMemory {
		fmt.Fprintf(os.Stderr, "starsweep: %s has %d MB of memory left for this process, want %d MB or more\n", room.Whose, room.Free()>>20,
			minMemory>>20)
		os.Exit(1)
	}
	if room.Bytes > 0 && limit != nil {
		limit(room.Bytes - room.Bytes/10) // collect garbage before the memory runs out
	}
	said := stderr(w)
	code := runner.Main(asked.leave, runner.Env{
		Args:        os.Args[1:],
		Stdout:      os.Stdout,
		Stderr:      spoken{said},
		Size:        runner.TerminalSize(said),
		Screen:      runner.TerminalSize(os.Stdout),
		Home:        home(),
		Getenv:      os.Getenv,
		Now:         time.Now,
		Version:     version,
		System:      system,
		LimitMemory: limit,
		AtOnce:      asked.atOnce,
		Start:       start,
		Worker:      w,
	})
	asked.end()
	w.End()
	os.Exit(code)
}

// minMemory is the memory below which Go's runtime would sooner or later end the process at some random place.
const minMemory = 256 << 20

// home returns the folder of data sets, caches and plugins: STARSWEEP_HOME, or a folder in the user's cache folder, or in the working
// directory.
func home() string {
	if dir := os.Getenv("STARSWEEP_HOME"); dir != "" {
		return dir
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "starsweep")
	}
	return ".starsweep"
}

// deterministic adds to XLA's options that results have the same bits each time. Without it, XLA on CUDA times algorithms and takes
// the fastest, which may be another one when a trial is resumed, and some algorithms sum in any order. The option stays as it is if
// flags name it or a file of options.
func deterministic(flags string) string {
	const option = "xla_gpu_deterministic_ops"
	flags = strings.TrimSpace(flags)
	file := flags != "" && !strings.HasPrefix(flags, "--")
	if file || strings.Contains(flags, option) {
		return flags
	}
	return strings.TrimSpace(flags + " --" + option + "=true")
}

// limitMemory returns a function that limits the memory of the garbage collector, or nil if the user has set a limit.
func limitMemory() func(bytes int) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	return func(bytes int) { debug.SetMemoryLimit(int64(bytes)) }
}
