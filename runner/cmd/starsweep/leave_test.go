//go:build linux

package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// long is the study steady with epochs of about a second.
var long = strings.NewReplacer("count = 8192", "count = 65536").Replace(steady)

// The first signal lets the epoch in progress end, whichever signal it is. The row of that epoch is the last one.
func TestTheFirstSignalFinishesTheEpochInProgress(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains for seconds")
	}
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR2} {
		script, dir := write(t, long)
		r := begin(t, t.TempDir(), "run", script, "--backend", "cpu", "--dir", dir)
		r.until("epoch 1/12  ")
		time.Sleep(100 * time.Millisecond)
		if err := r.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		code := r.end()
		_, after, said := strings.Cut(r.text.String(), "starsweep: finishing epoch 2 of trial 1, about ")
		if code != 75 || !said || !strings.Contains(after, "epoch 2/12  ") || strings.Contains(after, "epoch 3/12  ") ||
			!strings.Contains(after, "interrupted; run the same command again to continue") {
			t.Errorf("%v: exit code %d\n%s", s, code, &r.text)
		}
		if n := strings.Count(rows(t, dir), "\n") + 1; n != 2 {
			t.Errorf("%v: got %d rows, want 2", s, n)
		}
	}
}

// A terminal sends the signal to all processes of the command.
func TestASignalToAllProcessesIsOneRequest(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains for seconds")
	}
	script, dir := write(t, long)
	r := begin(t, t.TempDir(), "run", script, "--backend", "cpu", "--dir", dir)
	r.until("epoch 1/12  ")
	time.Sleep(100 * time.Millisecond)
	for _, p := range append(r.workers(), r.Process) {
		if err := p.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	if code := r.end(); code != 75 || !strings.Contains(r.text.String(), "epoch 2/12  ") {
		t.Errorf("exit code %d\n%s", code, &r.text)
	}
}

func TestTheSecondSignalLeavesAtOnce(t *testing.T) {
	script, dir := write(t, strings.Replace(long, "count = 65536", "count = 500000", 1))
	r := begin(t, t.TempDir(), "run", script, "--backend", "cpu", "--dir", dir, "--grace", "10m")
	r.until("begins")
	time.Sleep(500 * time.Millisecond)
	for range 2 {
		if err := r.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
	}
	start := time.Now()
	if code := r.end(); code != 75 || strings.Contains(r.text.String(), "epoch 1/12") {
		t.Errorf("exit code %d\n%s", code, &r.text)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("it went on for %v", took)
	}
}

func TestAnEpochThatTakesLongerThanTheGraceIsLeft(t *testing.T) {
	script, dir := write(t, long)
	r := begin(t, t.TempDir(), "run", script, "--backend", "cpu", "--dir", dir, "--grace", "0s")
	r.until("epoch 1/12  ")
	time.Sleep(100 * time.Millisecond)
	if err := r.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	want := "leaving 1 trial after the last finished epoch, since the next may take more than 0s (--grace)"
	if code := r.end(); code != 75 || !strings.Contains(r.text.String(), want) || strings.Contains(r.text.String(), "epoch 2/12") {
		t.Errorf("exit code %d\n%s", code, &r.text)
	}
}

func TestABudgetThatIsTooShortForAnyEpochTrainsNothing(t *testing.T) {
	script, dir := write(t, steady)
	r := begin(t, t.TempDir(), "run", script, "--backend", "cpu", "--dir", dir, "--budget", "1ms")
	if code := r.end(); code != 75 || strings.Contains(r.text.String(), "images/s") {
		t.Errorf("exit code %d\n%s", code, &r.text)
	}
	if want := "remaining 2 trials with 24 epochs to go, of unknown duration"; !strings.Contains(r.text.String(), want) {
		t.Errorf("got no %q in\n%s", want, &r.text)
	}
}
func TestABudgetEndsInTimeAndTheSameCommandGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains for seconds")
	}
	home := t.TempDir()
	script, dir := write(t, long)
	args := []string{"run", script, "--backend", "cpu", "--dir", dir, "--set", "epochs=80"}
	start := time.Now()
	r := begin(t, home, append(args, "--budget", "3s")...)
	code := r.end()
	took := time.Since(start)
	want := "the budget of 3s is used up; run the same command again to continue"
	if code != 75 || took > 4*time.Second || !strings.Contains(r.text.String(), want) {
		t.Errorf("exit code %d after %v\n%s", code, took, &r.text)
	}
	remains := regexp.MustCompile(`(?m)^remaining 2 trials with \d+ epochs to go: about \d`)
	if !remains.MatchString(r.text.String()) {
		t.Errorf("got no line that matches %v in\n%s", remains, &r.text)
	}
	done := strings.Count(rows(t, dir), "\n") + 1
	r = begin(t, home, append(args, "--budget", "1h")...)
	r.until(fmt.Sprintf("trial 1/2 [lr=0.001 seed=0] epoch %d/80 ", done+1))
	if err := r.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := r.end(); code != 75 {
		t.Errorf("exit code %d\n%s", code, &r.text)
	}
}
