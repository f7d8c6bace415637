//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// trains is a study of one trial of a multilayer perceptron.
const trains = `
load("@std//losses.star", "non_saturating")
load("@std//mlp.star", "mlp")
def trial(p):
    return gan(data = ring(count = 640), generator = mlp([p.units], 2), discriminator = mlp([8], 1), latent = normal(2),
        loss = non_saturating(), optimizer = adam(lr = 1e-3), batch = p.batch, epochs = 2,
        evaluate = evaluate(metrics = [fid()], samples = 100))
main = study(trial = trial, space = {"units": choice(200000)}, settings = {"batch": 256})
`

// pictures is one of a small network for pictures, whose pixels are compared.
const pictures = `
load("@std//losses.star", "non_saturating")
load("@std//dcgan.star", "dcgan")
def trial(p):
    net = dcgan(64, channels = 1, width = 8)
    return gan(data = ellipses(size = 64, count = 1024), generator = net.generator, discriminator = net.discriminator, latent = normal(16),
        loss = non_saturating(), optimizer = adam(lr = 1e-3), batch = 256, epochs = 1,
        evaluate = evaluate(metrics = [fid()], samples = 1000, features = pixels()))
main = study(trial = trial, space = {"lr": choice(1e-3)})
`

// starsweep runs the command in a shell with the limit of the address space given, in kB, "" for none.
func starsweep(t *testing.T, limit string, args ...string) (out string, state *os.ProcessState) {
	t.Helper()
	script := `exec starsweep "$@"`
	if limit != "" {
		script = "ulimit -v " + limit + "; " + script
	}
	c := exec.Command("sh", append([]string{"-c", script, "sh"}, args...)...)
	c.Env = append(os.Environ(), "STARSWEEP_HOME="+t.TempDir())
	text, err := c.CombinedOutput()
	if c.ProcessState == nil {
		t.Fatal(err)
	}
	return string(text), c.ProcessState
}

func write(t *testing.T, text string) (script, dir string) {
	dir = t.TempDir()
	script = filepath.Join(dir, "s.star")
	if err := os.WriteFile(script, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return script, filepath.Join(dir, "study")
}

func TestAPlanShowsThePeakMemoryOfARun(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains")
	}
	for name, text := range map[string]string{"a wide perceptron": trains, "pixels as features": pictures} {
		script, dir := write(t, text)
		out, _ := starsweep(t, "", "plan", script, "--backend", "cpu:threads=2")
		row := regexp.MustCompile(`(?m)^ *[0-9a-f]{16} .* (\d+) *$`).FindStringSubmatch(out)
		if row == nil {
			t.Fatalf("%s: got no row of a program in\n%s", name, out)
		}
		planned, _ := strconv.ParseFloat(row[1], 64)
		out, state := starsweep(t, "", "run", script, "--dir", dir, "--backend", "cpu:threads=2")
		if state.ExitCode() != 0 {
			t.Fatalf("%s: exit code %d\n%s", name, state.ExitCode(), out)
		}
		took := float64(state.SysUsage().(*syscall.Rusage).Maxrss) * 1024 / 1e6
		t.Logf("%s: planned %.0f MB, took %.0f MB", name, planned, took)
		if planned < 0.75*took || planned > 1.25*took {
			t.Errorf("%s: planned %.0f MB, took %.0f MB, want them within a quarter", name, planned, took)
		}
	}
}

func TestATrialThatDoesNotFitFailsAndTheStudyGoesOn(t *testing.T) {
	script, dir := write(t, strings.Replace(trains, "choice(200000)", "choice(2000000000, 8)", 1))
	out, _ := starsweep(t, "8000000", "check", script)
	if want := "1 of 2 trials will fail, first with units=2000000000: needs at least "; !strings.Contains(out, want) {
		t.Errorf("check: got no %q in\n%s", want, out)
	}
	out, state := starsweep(t, "8000000", "run", script, "--dir", dir)
	if state.ExitCode() != 20 {
		t.Errorf("got exit code %d, want 20\n%s", state.ExitCode(), out)
	}
	for _, want := range []string{
		`units=2000000000 seed=0\] failed: needs at least \d+ GB of memory, the address space \(ulimit -v\) has \d\.\d GB`,
		`units=8 seed=0\] completed`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("got no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "goroutine") {
		t.Errorf("got a stack\n%s", out)
	}
}

func TestASheetThatDoesNotFitFailsTheTrial(t *testing.T) {
	script, dir := write(t, strings.Replace(pictures, "samples = 1000", "samples = 1000, sheet = 60000", 1))
	out, state := starsweep(t, "7000000", "run", script, "--dir", dir)
	if state.ExitCode() != 21 ||
		!regexp.MustCompile(`failed: needs at least \d\.\d GB of memory, the address space \(ulimit -v\) has`).MatchString(out) {
		t.Errorf("got exit code %d, want 21 and both numbers\n%s", state.ExitCode(), out)
	}
}

// How much address space the runtime reserves before anything of ours runs depends on the machine.
func TestTooLittleMemoryToStartIsAnError(t *testing.T) {
	var all string
	for kb := 800_000; kb < 2_000_000; kb += 50_000 {
		out, state := starsweep(t, strconv.Itoa(kb), "version")
		if state.ExitCode() == 1 && strings.Contains(out, "of memory left for this process, want 256 MB or more") {
			return
		}
		all += out
	}
	t.Errorf("no limit of the address space was said to be too low:\n%.2000s", all)
}
