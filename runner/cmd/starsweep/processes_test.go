//go:build linux

package main

import (
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// many is the study steady with eight trials.
var many = strings.NewReplacer("choice(1e-3, 1e-2)", "choice(1e-3, 2e-3, 3e-3, 4e-3, 5e-3, 6e-3, 7e-3, 8e-3)").Replace(steady)

// undisturbed returns the rows of a study that one process has trained.
func undisturbed(t *testing.T, home, script, dir string) string {
	t.Helper()
	r := begin(t, home, "run", script, "--backend", "cpu", "--dir", dir)
	if code := r.end(); code != 0 {
		t.Fatalf("exit code %d\n%s", code, &r.text)
	}
	return rows(t, dir)
}

// once checks that each of a number of trials was completed by one process, and printed so once.
func once(t *testing.T, trials int, texts ...string) {
	t.Helper()
	all := strings.Join(texts, "")
	done := regexp.MustCompile(`(?m)trial (\d+)/\d+ .* completed$`).FindAllStringSubmatch(all, -1)
	met := map[string]bool{}
	for _, d := range done {
		met[d[1]] = true
	}
	if len(done) != trials || len(met) != trials {
		t.Errorf("%d trials were completed %d times\n%s", len(met), len(done), all)
	}
}

func TestSeveralProcessesTrainOneStudy(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains for seconds")
	}
	home := t.TempDir()
	script, dir := write(t, many)
	want := undisturbed(t, home, script, dir+"-whole")
	r := begin(t, home, "run", script, "--backend", "cpu", "--dir", dir, "--processes", "3")
	r.until("process 2: trial")
	killed := r.workers()[0]
	if err := killed.Kill(); err != nil {
		t.Fatal(err)
	}
	r.until("was killed; another one is started")
	if code := r.end(); code != 0 {
		t.Fatalf("exit code %d\n%s", code, &r.text)
	}
	text := r.text.String()
	if n := strings.Count(text, "8 completed of 8 trials"); n != 1 {
		t.Errorf("the outcome was printed %d times\n%s", n, text)
	}
	if !regexp.MustCompile(`(?m)^starsweep: worker process \d of 3 \(pid \d+\) was killed`).MatchString(text) {
		t.Errorf("the replaced process has no number\n%s", text)
	}
	once(t, 8, text)
	if got := rows(t, dir); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestASecondCommandJoinsTheStudy(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains for seconds")
	}
	home := t.TempDir()
	script, dir := write(t, many)
	want := undisturbed(t, home, script, dir+"-whole")
	args := []string{"run", script, "--backend", "cpu", "--dir", dir}
	first := begin(t, home, args...)
	first.until("/12  ")
	second := begin(t, home, args...)
	second.until("joined: 1 other process trains this study (process ")
	second.until("/12  ")
	for _, r := range []*running{first, second} {
		if code := r.end(); code != 0 || !strings.Contains(r.text.String(), "8 completed of 8 trials") {
			t.Errorf("exit code %d\n%s", code, &r.text)
		}
	}
	once(t, 8, first.text.String(), second.text.String())
	if got := rows(t, dir); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// The second process finds no trial to begin, and waits. It takes over the trial of the first one, which is killed with its supervisor.
func TestAWaitingProcessTakesOverTheTrialOfOneThatDies(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains for seconds")
	}
	home := t.TempDir()
	script, dir := write(t, steady)
	args := []string{"run", script, "--backend", "cpu", "--dir", dir, "--set", "lr=0.001", "--set", "epochs=500"}
	first := begin(t, home, args...)
	first.until("/500  ")
	second := begin(t, home, args...)
	second.until("starsweep: waiting for 1 trial in process ")
	for _, p := range append(first.workers(), first.Process) {
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	first.end()
	if code := second.end(); code != 0 || !strings.Contains(second.text.String(), "epoch 500/500  ") {
		t.Errorf("exit code %d\n%s", code, &second.text)
	}
	if strings.Contains(second.text.String(), "epoch 1/500  ") {
		t.Errorf("the trial began again\n%s", &second.text)
	}
	if n := strings.Count(rows(t, dir), "\n") + 1; n != 500 {
		t.Errorf("got %d rows, want 500", n)
	}
}

// Whoever leaves says who else trains.
func TestAnInterruptEndsAllProcessesOfACommandAndNoOther(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains for seconds")
	}
	home := t.TempDir()
	script, dir := write(t, many)
	args := []string{"run", script, "--backend", "cpu", "--dir", dir, "--set", "epochs=100000"}
	other := begin(t, home, args...)
	other.until("/100000  ")
	r := begin(t, home, append(args, "--processes", "2")...)
	for !strings.Contains(r.text.String(), "process 1: trial") || !strings.Contains(r.text.String(), "process 2: trial") {
		r.until(": trial")
	}
	workers := r.workers()
	if err := r.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := r.end(); code != 75 {
		t.Errorf("exit code %d\n%s", code, &r.text)
	}
	if want := regexp.MustCompile(`(?m)^1 of them in process \d+ on \S+$`); !want.MatchString(r.text.String()) {
		t.Errorf("got no line that matches %v in\n%s", want, &r.text)
	}
	for _, w := range workers {
		if w.Signal(syscall.Signal(0)) == nil {
			t.Errorf("process %d is alive", w.Pid)
		}
	}
	other.until("/100000  ") // it goes on
	if err := other.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := other.end(); code != 75 {
		t.Errorf("exit code %d\n%s", code, &other.text)
	}
}

// A process that is stopped for a while is not replaced, and goes on.
func TestContinueSignalsHaveNoEffect(t *testing.T) {
	script, dir := write(t, steady)
	r := begin(t, t.TempDir(), "run", script, "--backend", "cpu", "--dir", dir)
	r.until("/12  ")
	for _, s := range []syscall.Signal{syscall.SIGCONT, syscall.SIGSTOP, syscall.SIGCONT} {
		if err := r.workers()[0].Signal(s); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if code := r.end(); code != 0 {
		t.Errorf("exit code %d\n%s", code, &r.text)
	}
}
