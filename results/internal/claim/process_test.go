//go:build linux || darwin

package claim

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The tests below run this test binary again as a writer of its own.
func TestMain(m *testing.M) {
	if dir := os.Getenv("STARSWEEP_CLAIM"); dir != "" {
		if err := writerProcess(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// impatient has others believe within an instant that a writer is dead.
var impatient = Options{HeartbeatEvery: 20 * time.Millisecond, StaleAfter: 120 * time.Millisecond}

// writerProcess claims every trial that a line of stdin names, says so, and tells upon an empty line what it still holds.
func writerProcess(dir string) error {
	o := Options{}
	if os.Getenv("STARSWEEP_CLAIM_IMPATIENT") != "" {
		o = impatient
	}
	d, err := Join(dir, NewWriter("cpu"), o)
	if err != nil {
		return err
	}
	var won []*Claim
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var answer []string
		if lines.Text() == "" {
			for _, c := range won {
				if held, err := c.Held(); err != nil {
					return err
				} else if held {
					answer = append(answer, c.Trial)
				}
			}
		}
		for _, trial := range strings.Fields(lines.Text()) {
			c, err := d.Take(trial, 0)
			if errors.Is(err, ErrTaken) {
				continue
			} else if err != nil {
				return err
			}
			won = append(won, c)
			answer = append(answer, trial)
		}
		fmt.Println(strings.Join(answer, " "))
	}
	return d.Close()
}

// process is a running writerProcess.
type process struct {
	*exec.Cmd
	ask func(line string) []string
}

func start(t *testing.T, dir string, env ...string) process {
	t.Helper()
	exe, err := os.Executable()
	check(t, err)
	c := exec.Command(exe)
	c.Env = append(append(os.Environ(), "STARSWEEP_CLAIM="+dir), env...)
	in, err := c.StdinPipe()
	check(t, err)
	out, err := c.StdoutPipe()
	check(t, err)
	check(t, c.Start())
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	answers := bufio.NewReader(out)
	return process{c, func(line string) []string {
		t.Helper()
		_, err := fmt.Fprintln(in, line)
		check(t, err)
		answer, err := answers.ReadString('\n')
		check(t, err)
		return strings.Fields(answer)
	}}
}

func TestOfManyProcessesOneHasATrial(t *testing.T) {
	dir := t.TempDir()
	const processes, trials = 8, 200
	var all []string
	for i := range trials {
		all = append(all, fmt.Sprint("t", i))
	}
	answers := make(chan []string)
	for range processes {
		p := start(t, dir)
		go func() { answers <- p.ask(strings.Join(all, " ")) }()
	}
	owners := map[string]int{}
	for range processes {
		for _, trial := range <-answers {
			owners[trial]++
		}
	}
	for _, trial := range all {
		if owners[trial] != 1 {
			t.Errorf("trial %s has %d owners, want 1", trial, owners[trial])
		}
	}
}

// until calls f until it succeeds.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in 30 s: %s", what)
		}
	}
}

func TestAStoppedProcessLosesItsTrialsAndNoticesIt(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, "STARSWEEP_CLAIM_IMPATIENT=1")
	if got := p.ask("x y"); len(got) != 2 {
		t.Fatalf("got %q, want x and y", got)
	}
	d, err := Join(dir, NewWriter("cpu"), impatient)
	check(t, err)
	defer d.Close()
	taken(t, d, "x")
	check(t, p.Process.Signal(syscall.SIGSTOP))
	var c *Claim
	until(t, "x is taken over", func() bool {
		c, err = d.Take("x", 0)
		return err == nil
	})
	check(t, p.Process.Signal(syscall.SIGCONT))
	if got := p.ask(""); len(got) != 1 || got[0] != "y" {
		t.Errorf("the process that was stopped holds %q, want y", got)
	}
	held(t, c, true)
	check(t, c.Release())
	if got := p.ask(""); len(got) != 1 {
		t.Errorf("after the release it holds %q, want y", got)
	}
}

func TestAKilledProcessLosesItsTrialsAtOnce(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	p.ask("x")
	d, err := Join(dir, NewWriter("cpu"), Options{})
	check(t, err)
	defer d.Close()
	taken(t, d, "x")
	check(t, p.Process.Kill())
	until(t, "x is taken over", func() bool { _, err := d.Take("x", 0); return err == nil }) // while its parent has not waited for it
}

func TestOnlyAProcessOfThisMachineIsKnownToHaveEnded(t *testing.T) {
	me := NewWriter("cpu")
	if me.Boot == "" || me.Start == "" {
		t.Fatalf("got %+v, want a boot and a start", me)
	}
	c := exec.Command("true")
	check(t, c.Run())
	for name, change := range map[string]func(w *Writer){
		"this process":            func(*Writer) {},
		"unknown start":           func(w *Writer) { w.Start = "" },
		"another host":            func(w *Writer) { w.Host, w.PID = "elsewhere", c.Process.Pid },
		"another boot":            func(w *Writer) { w.Boot, w.PID = "elsewhere", c.Process.Pid },
		"unknown boot":            func(w *Writer) { w.Boot, w.PID = "", c.Process.Pid },
		"another container":       func(w *Writer) { w.Namespace, w.PID = "elsewhere", c.Process.Pid },
		"ended: no such process":  func(w *Writer) { w.PID = c.Process.Pid },
		"ended: its PID is again": func(w *Writer) { w.Start = "1" },
	} {
		w := me
		change(&w)
		if got, want := ended(w), strings.HasPrefix(name, "ended"); got != want {
			t.Errorf("%s: ended is %v, want %v", name, got, want)
		}
	}
}
