package runner_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/starsweep/starsweep/internal/require"
)

const terminalStudy = `
load("@std//mlp.star", "mlp")
load("@std//losses.star", "least_squares")

def trial(p):
    return gan(data = ring(count = 64), generator = mlp([4], 2), discriminator = mlp([4], 1), latent = normal(2),
               loss = least_squares(), optimizer = sgd(lr = p.lr), batch = 8, epochs = p.epochs)

main = study(trial = trial, space = {"lr": choice(1e-3, 1e-2)}, settings = {"epochs": 2})
`

// onTerminal runs a shell command with a terminal of the given number of columns as its standard error, and returns what the
// terminal showed and the exit code. Once interruptAt is shown, unless it is empty, the command is interrupted.
func onTerminal(t *testing.T, columns int, command, interruptAt string) (shown string, code int) {
	t.Helper()
	home := t.TempDir()
	script := filepath.Join(home, "study.star")
	if err := os.WriteFile(script, []byte(terminalStudy), 0o644); err != nil {
		t.Fatal(err)
	}
	master, slave, err := pty.Open()
	if err != nil {
		require.Unavailable(t, "no pseudo-terminals: %v", err)
	}
	defer master.Close()
	if err := pty.Setsize(master, &pty.Winsize{Cols: uint16(columns), Rows: 24}); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("sh", "-c", command)
	c.Dir, c.Stderr = home, slave
	c.Env = append(os.Environ(), "STARSWEEP_HOME="+home)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	timer := time.AfterFunc(60*time.Second, func() { c.Process.Kill() })
	defer timer.Stop()
	var b bytes.Buffer
	part := make([]byte, 4096)
	for interrupted := interruptAt == ""; ; {
		n, err := master.Read(part)
		b.Write(part[:n])
		if !interrupted && strings.Contains(b.String(), interruptAt) {
			interrupted = true
			if err := c.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil { // the other side is closed
			break
		}
	}
	var exit *exec.ExitError
	if err := c.Wait(); errors.As(err, &exit) {
		return b.String(), exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return b.String(), 0
}

func TestARunOnATerminalShowsBarsAndEnds(t *testing.T) {
	for _, columns := range []int{20, 80} {
		shown, code := onTerminal(t, columns, "exec starsweep run study.star --backend cpu", "")
		if code != 0 || !strings.Contains(shown, "\x1b[J") || !strings.Contains(shown, "study 2/2 trials") {
			t.Errorf("%d columns: got exit code %d and\n%q", columns, code, shown)
		}
		for line := range strings.SplitSeq(shown, "\n") {
			if text := line[strings.LastIndex(line, "\x1b[J")+1:]; len([]rune(text)) > columns+3 {
				t.Errorf("%d columns: got a line of %d: %q", columns, len([]rune(text)), text)
			}
		}
	}
}

// A study that stops in the middle of a trial does not wait for that trial's bar.
func TestARunOnATerminalEndsWhenTheDiskIsFull(t *testing.T) {
	shown, code := onTerminal(t, 80, "ulimit -f 60; exec starsweep run study.star --backend cpu --workers 2 --set epochs=100000", "")
	if code != 80 || !strings.Contains(shown, "file too large") {
		t.Errorf("got exit code %d, want 80, and\n%.2000s", code, shown)
	}
}

func TestARunOnATerminalEndsWhenItIsInterrupted(t *testing.T) {
	shown, code := onTerminal(t, 80, "exec starsweep run study.star --backend cpu --set epochs=100000", "images/s")
	if code != 75 || !strings.Contains(shown, "interrupted; run the same command again") {
		t.Errorf("got exit code %d, want 75, and\n%.2000s", code, shown)
	}
}

// Watching draws on standard output, if that is a terminal, and ends with the study.
func TestWatchingAStudyRedrawsATerminal(t *testing.T) {
	command := "starsweep run study.star --backend cpu --dir d --set epochs=60 >run.txt 2>&1 & " +
		"until test -e d/checkpoints; do sleep 0.02; done; starsweep status d --watch --every 100ms 1>&2; code=$?; wait; exit $code"
	for _, columns := range []int{20, 80} {
		shown, code := onTerminal(t, columns, command, "")
		drawn := strings.Count(shown, "\x1b[J")
		if code != 0 || drawn < 2 || !strings.Contains(shown, "process ") || !strings.Contains(shown, "newest plan: 2 of") {
			t.Errorf("%d columns: got exit code %d and\n%q", columns, code, shown)
		}
		for line := range strings.SplitSeq(shown, "\n") {
			if text := line[strings.LastIndex(line, "\x1b[J")+1:]; len([]rune(text)) > columns+3 {
				t.Errorf("%d columns: got a line of %d: %q", columns, len([]rune(text)), text)
			}
		}
	}
}
