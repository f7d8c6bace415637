package runner_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	return onTerminalUntil(t, columns, command, interruptAt, func(c *exec.Cmd, _ *os.File, _ string) error {
		return c.Process.Signal(os.Interrupt)
	})
}

// onTerminalUntil is onTerminal, but does something else once a text is shown.
func onTerminalUntil(t *testing.T, columns int, command, text string,
	do func(c *exec.Cmd, master *os.File, shown string) error) (shown string, code int) {
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
	for done := text == ""; ; {
		n, err := master.Read(part)
		b.Write(part[:n])
		if !done && strings.Contains(b.String(), text) {
			done = true
			if err := do(c, master, b.String()); err != nil {
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

// sequences are what moves the cursor, erases or colours.
var sequences = regexp.MustCompile(`\x1b\[[?0-9;]*[a-zA-Z]|\r`)

// checkWidth checks that nothing that a terminal showed is as wide as it: the cursor would be in the next row.
func checkWidth(t *testing.T, shown string, columns int) {
	t.Helper()
	for line := range strings.SplitSeq(sequences.ReplaceAllString(shown, ""), "\n") {
		if n := len([]rune(line)); n >= columns {
			t.Errorf("%d columns: got a line of %d: %q", columns, n, line)
		}
	}
}

func TestARunOnATerminalShowsAPictureAndEnds(t *testing.T) {
	for _, columns := range []int{20, 80} {
		shown, code := onTerminal(t, columns, "exec starsweep run study.star --backend cpu", "")
		if code != 0 || !strings.Contains(shown, "\x1b[J") || !strings.Contains(shown, "2/2") {
			t.Errorf("%d columns: got exit code %d and\n%q", columns, code, shown)
		}
		checkWidth(t, shown, columns)
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
	shown, code := onTerminal(t, 80, "exec starsweep run study.star --backend cpu --set epochs=100000", "1 running")
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
		checkWidth(t, shown, columns)
	}
}

// Plain lines are for terminals that can do nothing else, colours for people who want them.
func TestTheEnvironmentSaysWhatATerminalShows(t *testing.T) {
	for variable, want := range map[string]struct{ redraws, colours bool }{
		"TERM=dumb": {}, "TERM=xterm": {true, true}, "NO_COLOR=1": {true, false}, "NO_COLOR=": {true, true},
	} {
		shown, code := onTerminal(t, 80, variable+" exec starsweep run study.star --backend cpu", "")
		redraws, colours := strings.Contains(shown, "\x1b[J"), strings.Contains(shown, "\x1b[1m")
		if code != 0 || redraws != want.redraws || colours != want.colours {
			t.Errorf("%s: got exit code %d, redrawing %t, colours %t, want %+v", variable, code, redraws, colours, want)
		}
		if !want.redraws && !strings.Contains(shown, "epoch 2/2") {
			t.Errorf("%s: got\n%s", variable, shown)
		}
	}
}

// Once a window has become narrower, no row is as wide as it was.
func TestARunFitsAWindowThatIsResized(t *testing.T) {
	before := 0
	resize := func(_ *exec.Cmd, master *os.File, shown string) error {
		before = len(shown)
		return pty.Setsize(master, &pty.Winsize{Cols: 30, Rows: 24})
	}
	shown, code := onTerminalUntil(t, 200, "exec starsweep run study.star --backend cpu --set epochs=400", "1 running", resize)
	if code != 0 || !strings.Contains(shown[:before], " left\x1b[m  ") {
		t.Fatalf("got exit code %d and\n%q", code, shown)
	}
	frames := strings.SplitAfter(shown[before:], "\x1b[?2026l")
	if len(frames) < 5 {
		t.Fatalf("got %d frames after the resize\n%q", len(frames), shown)
	}
	checkWidth(t, strings.Join(frames[2:], ""), 30) // one may have been drawn at that moment
}
