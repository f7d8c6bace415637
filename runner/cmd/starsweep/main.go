// Command starsweep runs hyperparameter studies of GANs. It is the only place that touches the operating system's arguments,
// environment, signals and exit code.
package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/starsweep/starsweep/runner"
)

var version = "dev" // set by the Makefile

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal asks the command to end, the second ends it
	code := runner.Main(ctx, runner.Env{
		Args:    os.Args[1:],
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Size:    runner.TerminalSize(os.Stderr),
		Home:    home(),
		Getenv:  os.Getenv,
		Now:     time.Now,
		Version: version,
	})
	stop()
	os.Exit(code)
}

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
