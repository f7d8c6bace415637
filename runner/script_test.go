package runner_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"starsweep": starsweep})
}

// starsweep is the command in a separate process, with the home of its environment.
func starsweep() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	beat, _ := time.ParseDuration(os.Getenv("TEST_HEARTBEAT")) // for tests that wait for a process to be dead
	os.Exit(runner.Main(ctx, runner.Env{Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr, Size: runner.TerminalSize(os.Stderr),
		Screen: runner.TerminalSize(os.Stdout),
		Home:   os.Getenv("STARSWEEP_HOME"), Getenv: os.Getenv, Now: time.Now, Version: "test", System: os.DirFS("/"),
		HeartbeatEvery: beat}))
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("STARSWEEP_HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("GOMAXPROCS", "2")
			testdata, err := filepath.Abs("testdata")
			e.Setenv("TESTDATA", testdata)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "interrupts": interrupts, "keeps": keeps, "rows": rows, "scans": scans, "wait_for": waitFor,
		},
	})
}

// keeps FILE checks that the last output has every line of a file.
func keeps(ts *testscript.TestScript, neg bool, args []string) {
	had, has := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n"), strings.Split(ts.ReadFile("stdout"), "\n")
	if len(had) < 2 {
		ts.Fatalf("keeps: got %d lines in %s, want some", len(had), args[0])
	}
	for _, line := range had {
		if !slices.Contains(has, line) {
			ts.Fatalf("keeps: the output lacks the line %s", line)
		}
	}
}

// exits CODE COMMAND... runs a command and checks its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := err.(*exec.ExitError); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if (got == want) == neg {
		ts.Fatalf("got exit code %d, want %d", got, want)
	}
}

// interrupts CODE PATTERN COMMAND... runs a command, interrupts it once a line of its standard error matches the pattern, and checks
// its exit code.
func interrupts(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	pattern, err := regexp.Compile(args[1])
	ts.Check(err)
	c := exec.Command(args[2], args[3:]...)
	c.Dir, c.Stdout = ts.MkAbs("."), ts.Stdout()
	c.Env = append(os.Environ(), "STARSWEEP_HOME="+ts.Getenv("STARSWEEP_HOME"), "GOMAXPROCS="+ts.Getenv("GOMAXPROCS"))
	pipe, err := c.StderrPipe()
	ts.Check(err)
	ts.Check(c.Start())
	limit := time.AfterFunc(time.Minute, func() { c.Process.Kill() })
	defer limit.Stop()
	matched := false
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		fmt.Fprintln(ts.Stderr(), lines.Text())
		if !matched && pattern.MatchString(lines.Text()) {
			matched = true
			ts.Check(c.Process.Signal(os.Interrupt))
		}
	}
	err = c.Wait()
	if got := c.ProcessState.ExitCode(); !matched || got != want {
		ts.Fatalf("got exit code %d (%v, a matching line: %t), want %d after a line that matches %s", got, err, matched, want, pattern)
	}
}

// rows DIR TABLE COLUMN... writes columns of a study's table to standard output, one line per row.
func rows(ts *testscript.TestScript, _ bool, args []string) {
	v, err := results.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer v.Close()
	var lines []string
	for row, err := range v.Rows(results.Table(args[1])) {
		ts.Check(err)
		var line []string
		for _, column := range args[2:] {
			if !slices.ContainsFunc(v.Fields(results.Table(args[1])), func(f results.Field) bool { return f.Name == column }) {
				ts.Fatalf("no column %s", column)
			}
			line = append(line, fmt.Sprint(row[column]))
		}
		lines = append(lines, strings.Join(line, " "))
	}
	slices.Sort(lines)
	_, err = ts.Stdout().Write([]byte(strings.Join(lines, "\n") + "\n"))
	ts.Check(err)
}

// wait_for FILE waits until a file exists.
func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	for start := time.Now(); time.Since(start) < 30*time.Second; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s did not appear in 30 seconds", args[0])
}
