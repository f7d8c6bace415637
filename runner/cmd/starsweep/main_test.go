//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"starsweep": main})
}

// A command that does not come to look whether it should end, such as one that waits for a script from a pipe, is ended by a
// second signal.
func TestASecondInterruptEndsWhatTheFirstDoesNot(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe.star")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("starsweep", "check", pipe)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	writer, err := os.OpenFile(pipe, os.O_WRONLY, 0) // opens when the command does
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	for start := time.Now(); time.Since(start) < 10*time.Second; time.Sleep(100 * time.Millisecond) {
		select {
		case err := <-ended:
			if state, ok := c.ProcessState.Sys().(syscall.WaitStatus); !ok || state.Signal() != syscall.SIGINT {
				t.Errorf("got %v, want an end by the signal", err)
			}
			return
		default:
			c.Process.Signal(os.Interrupt) // fails only if it has ended meanwhile
		}
	}
	c.Process.Kill()
	t.Fatal("it goes on after many signals")
}
