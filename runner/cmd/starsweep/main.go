// Command starsweep runs hyperparameter studies of GANs. Only this package touches the arguments, the environment, the signals, the
// exit code and the child processes of the process; package runner holds the commands.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/starsweep/starsweep/internal/machine"
	"github.com/starsweep/starsweep/runner"
)

var version = "dev" // set by the Makefile

func main() {
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

// limitMemory returns a function that limits the memory of the garbage collector, or nil if the user has set a limit.
func limitMemory() func(bytes int) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	return func(bytes int) { debug.SetMemoryLimit(int64(bytes)) }
}
