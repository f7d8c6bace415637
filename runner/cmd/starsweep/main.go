// Command starsweep runs hyperparameter studies of GANs. It is the only place that touches the operating system's arguments,
// environment, signals and exit code.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/starsweep/starsweep/internal/machine"
	"github.com/starsweep/starsweep/runner"
)

var version = "dev" // set by the Makefile

func main() {
	system, limit := os.DirFS("/"), limitMemory()
	room := machine.Memory(system)
	if room.Bytes > 0 && room.Free() < least {
		fmt.Fprintf(os.Stderr, "starsweep: %s has %d MB of memory left for this process, want %d MB or more\n", room.Whose, room.Free()>>20,
			least>>20)
		os.Exit(1)
	}
	if room.Bytes > 0 && limit != nil {
		limit(room.Bytes - room.Bytes/10) // garbage goes before the machine's memory does
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal asks the command to end, the second ends it
	code := runner.Main(ctx, runner.Env{
		Args:        os.Args[1:],
		Stdout:      os.Stdout,
		Stderr:      os.Stderr,
		Size:        runner.TerminalSize(os.Stderr),
		Home:        home(),
		Getenv:      os.Getenv,
		Now:         time.Now,
		Version:     version,
		System:      system,
		LimitMemory: limit,
	})
	stop()
	os.Exit(code)
}

// least is the memory without which the runtime of Go ends the process sooner or later, wherever it happens to be.
const least = 256 << 20

// home is where data sets, caches and plugins lie: STARSWEEP_HOME, else the user's cache folder, else the working directory.
func home() string {
	if dir := os.Getenv("STARSWEEP_HOME"); dir != "" {
		return dir
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "starsweep")
	}
	return ".starsweep"
}

// limitMemory sets the memory that the garbage collector keeps to, unless the user has.
func limitMemory() func(bytes int) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	return func(bytes int) { debug.SetMemoryLimit(int64(bytes)) }
}
