//go:build unix

package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/internal/require"
)

// busy is a study whose trial compiles for a long time, or trains for a long time in one step.
const busy = `
def trial(p):
    def net(x):
        h = nn.dense(x, p.units)
        for _ in range(p.draws):
            h = h + 0.1 * normal_like(h)
        return nn.dense(h, 2)
    return job(data = ring(count = p.batch), latent = normal(2), batch = p.batch, epochs = 1, sample = lambda s, z: s(z),
               players = {"s": player(network = net, loss = lambda s, x: mean(square(s(x))), optimizer = adam(1e-3))})

main = study(trial = trial, settings = {"draws": 1, "units": 8, "batch": 64})
`

// Compilers and kernels return only when they are done, on any backend. An interrupt does not wait for them.
func TestAnInterruptEndsARunThatCompilesOrComputes(t *testing.T) {
	for _, x := range []struct{ name, backend, set string }{
		{"cpu compiles", "cpu", "draws=2000"},
		{"go compiles", "go", "draws=2000"},
		{"cpu computes", "cpu:kernels=go", "units=1000,batch=20000,draws=20"},
		{"xla compiles", "xla", "draws=2000"},
	} {
		t.Run(x.name, func(t *testing.T) {
			if x.backend == "xla" {
				x.backend += ":" + require.Tool(t, "STARSWEEP_PJRT", "pjrt-cpu")
			}
			dir := t.TempDir()
			script := filepath.Join(dir, "busy.star")
			if err := os.WriteFile(script, []byte(busy), 0o644); err != nil {
				t.Fatal(err)
			}
			args := []string{"run", script, "--dir", filepath.Join(dir, "busy"), "--backend", x.backend}
			for _, s := range strings.Split(x.set, ",") {
				args = append(args, "--set", s)
			}
			c := exec.Command("starsweep", args...)
			c.Env = append(os.Environ(), "STARSWEEP_HOME="+dir)
			pipe, err := c.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			defer c.Process.Kill()
			lines, text := bufio.NewScanner(pipe), ""
			next := func(want string) {
				for lines.Scan() {
					text += lines.Text() + "\n"
					if strings.Contains(lines.Text(), want) {
						return
					}
				}
				t.Fatalf("got no line with %q in\n%s", want, text)
			}
			next("begins")
			time.Sleep(300 * time.Millisecond) // in the middle of the work
			start := time.Now()
			if err := c.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			next("interrupted; run the same command again to continue")
			took := time.Since(start)
			for lines.Scan() {
				text += lines.Text() + "\n"
			}
			if err := c.Wait(); c.ProcessState.ExitCode() != 75 {
				t.Errorf("got %v, want exit code 75\n%s", err, text)
			}
			if took > 3*time.Second { // half a second on an idle machine
				t.Errorf("it went on for %v after the interrupt\n%s", took, text)
			}
		})
	}
}
