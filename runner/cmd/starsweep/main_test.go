//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// commands are the programs that tests run.
var commands = map[string]func(){"starsweep": main}

func TestMain(m *testing.M) {
	testscript.Main(m, commands)
}

func TestXLAIsDeterministicUnlessToldOtherwise(t *testing.T) {
	const on = "--xla_gpu_deterministic_ops=true"
	for flags, want := range map[string]string{
		"":                                  on,
		" ":                                 on,
		"--xla_gpu_autotune_level=0 ":       "--xla_gpu_autotune_level=0 " + on,
		"--xla_gpu_deterministic_ops=false": "--xla_gpu_deterministic_ops=false",
		"flags.txt":                         "flags.txt",
	} {
		if got := deterministic(flags); got != want {
			t.Errorf("%q: got %q, want %q", flags, got, want)
		}
	}
}

const wide = `
load("@std//mlp.star", "mlp")
load("@std//losses.star", "least_squares")

def trial(p):
    return gan(data = ring(), generator = mlp([4], 2), discriminator = mlp([4], 1), latent = normal(2),
               loss = least_squares(), optimizer = sgd(lr = p.lr), batch = 8, epochs = 1)

main = study(trial = trial, space = {"lr": choice(1e-3)}, seeds = 5000)
`

// A command that cannot check whether it should end, such as one whose output nobody reads, is ended by the first signal.
func TestAnInterruptEndsACommandThatWaitsForAReader(t *testing.T) {
	script := filepath.Join(t.TempDir(), "wide.star")
	if err := os.WriteFile(script, []byte(wide), 0o666); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("starsweep", "plan", "--trials", script)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(20*time.Second, func() { c.Process.Kill() })
	defer timer.Stop()
	if _, err := out.Read(make([]byte, 1)); err != nil { // it has begun to print more than a pipe holds
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	state, err := c.Process.Wait() // and not c.Wait, which closes the pipe
	if err != nil {
		t.Fatal(err)
	}
	if got := state.ExitCode(); got != 75 {
		t.Errorf("got exit code %d (%v), want 75", got, state)
	}
}
