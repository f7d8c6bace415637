//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/starsweep/starsweep/results"
)

// steady is a study of two trials, whose epochs take about a tenth of a second.
const steady = `
load("@std//mlp.star", "mlp")
load("@std//losses.star", "non_saturating")

def trial(p):
    return gan(data = ring(count = 8192), generator = mlp([32], 2), discriminator = mlp([32], 1), latent = normal(2),
               loss = non_saturating(), optimizer = adam(lr = p.lr), batch = 16, epochs = p.epochs)

main = study(trial = trial, space = {"lr": choice(1e-3, 1e-2)}, settings = {"epochs": 12})
`

// running is a command that runs, with its standard error.
type running struct {
	t *testing.T
	*exec.Cmd
	from  *os.File // its standard output and error
	lines *bufio.Scanner
	text  strings.Builder
}

// begin starts the command, with standard output and error in one pipe.
func begin(t *testing.T, home string, args ...string) *running {
	t.Helper()
	r := &running{t: t, Cmd: exec.Command("starsweep", args...)}
	r.Env = append(os.Environ(), "STARSWEEP_HOME="+home)
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Stdout, r.Stderr, r.from, r.lines = to, to, from, bufio.NewScanner(from)
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	to.Close()
	timer := time.AfterFunc(5*time.Minute, func() { r.Process.Kill() })
	t.Cleanup(func() { timer.Stop(); from.Close() })
	return r
}

// until reads lines up to one that contains the text.
func (r *running) until(want string) {
	r.t.Helper()
	for r.lines.Scan() {
		fmt.Fprintln(&r.text, r.lines.Text())
		if strings.Contains(r.lines.Text(), want) {
			return
		}
	}
	r.t.Fatalf("got no line with %q in\n%s", want, &r.text)
}

// end reads the rest and returns the exit code, -1 after a signal. The pipe ends with the last process that has it.
func (r *running) end() int {
	for r.lines.Scan() {
		fmt.Fprintln(&r.text, r.lines.Text())
	}
	_ = r.Wait() // its error repeats the state
	return r.ProcessState.ExitCode()
}

// workers returns the worker processes of a run.
func (r *running) workers() (list []*os.Process) {
	r.t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", r.Process.Pid))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, path := range threads {
		text, _ := os.ReadFile(path) // of a thread that may have ended
		for _, word := range strings.Fields(string(text)) {
			pid, err := strconv.Atoi(word)
			if err != nil {
				r.t.Fatal(err)
			}
			p, err := os.FindProcess(pid)
			if err != nil {
				r.t.Fatal(err)
			}
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		r.t.Fatalf("got no worker processes\n%s", &r.text)
	}
	return list
}

// rows returns the epochs of a study without the columns that depend on time.
func rows(t *testing.T, dir string) string {
	t.Helper()
	v, err := results.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	var lines []string
	for row, err := range v.Rows(results.Epochs) {
		if err != nil {
			t.Fatal(err)
		}
		for column := range row {
			if strings.HasPrefix(column, "seconds") || column == "images_per_second" {
				delete(row, column)
			}
		}
		line, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(line))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func TestAWorkerThatDiesIsReplacedAndTheStudyIsTheSame(t *testing.T) {
	home := t.TempDir()
	script, dir := write(t, steady)
	whole := begin(t, home, "run", script, "--backend", "cpu", "--dir", dir+"-whole")
	if code := whole.end(); code != 0 {
		t.Fatalf("exit code %d\n%s", code, &whole.text)
	}
	r := begin(t, home, "run", script, "--backend", "cpu", "--dir", dir)
	for _, c := range []struct {
		signal syscall.Signal
		want   string
	}{
		{syscall.SIGKILL, "was killed; another one is started"},               // as by the kernel, if memory runs out
		{syscall.SIGSEGV, "crashed with exit code 2; another one is started"}, // a fatal error of Go's runtime
	} {
		r.until("/12  ")
		r.until("/12  ")
		p := r.workers()[0]
		if err := p.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		r.until(fmt.Sprintf("the worker process (pid %d) %s", p.Pid, c.want))
	}
	if code := r.end(); code != 0 || !strings.Contains(r.text.String(), "2 completed of 2 trials") {
		t.Errorf("exit code %d\n%s", code, &r.text)
	}
	if got, want := rows(t, dir), rows(t, dir+"-whole"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAWorkerLeavesWhenItsSupervisorDies(t *testing.T) {
	home := t.TempDir()
	script, dir := write(t, steady)
	args := []string{"run", script, "--backend", "cpu", "--dir", dir}
	r := begin(t, home, append(args, "--set", "epochs=100000")...)
	r.until("/100000  ")
	worker := r.workers()[0]
	if err := r.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	r.end() // of both, since the worker has the pipe too
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("the worker went on for %v", took)
	}
	for ; worker.Signal(syscall.Signal(0)) == nil; time.Sleep(10 * time.Millisecond) { // a child of init now
		if time.Since(start) > 10*time.Second {
			t.Fatalf("the worker is alive\n%s", &r.text)
		}
	}
	r = begin(t, home, args...)
	if code := r.end(); code != 0 {
		t.Errorf("exit code %d\n%s", code, &r.text)
	}
}

func TestARunWhoseReaderIsGoneEnds(t *testing.T) {
	script, dir := write(t, steady)
	r := begin(t, t.TempDir(), "run", script, "--backend", "cpu", "--dir", dir, "--set", "epochs=100000")
	r.until("/100000  ")
	r.from.Close()
	if code := r.end(); code != 75 {
		t.Errorf("got exit code %d, want 75", code)
	}
}
