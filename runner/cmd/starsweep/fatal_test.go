//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/starsweep/starsweep/runner/supervise"
)

func init() { commands["hungry"] = hungry }

// hungry is a command whose worker process needs more memory than there is. It prints how that ended.
func hungry() {
	if w := worker(); w != nil {
		fmt.Fprintln(stderr(w), "begins")
		if err := syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: 2 << 30, Max: 2 << 30}); err != nil {
			panic(err)
		}
		var all [][]byte
		for {
			all = append(all, bytes.Repeat([]byte{1}, 64<<20))
			runtime.KeepAlive(all)
		}
	}
	for _, to := range []*bytes.Buffer{nil, {}} { // on the standard error of the command, and elsewhere
		var p *supervise.Process
		var err error
		if to == nil {
			p, err = start(1, "STARSWEEP_WORKER=1", nil, nil)
		} else {
			p, err = start(1, "STARSWEEP_WORKER=1", nil, to)
		}
		if err != nil {
			panic(err)
		}
		end := p.Wait()
		fmt.Printf("code %d, starved %v\n", end.Code, end.Starved)
		if to != nil {
			fmt.Println("elsewhere:", strings.Contains(to.String(), "begins") && strings.Contains(to.String(), "fatal error: "))
		}
	}
	os.Exit(0)
}

// A fatal error of Go's runtime for lack of memory is told from other crashes, and everything is shown that a process says.
func TestAWorkerThatRunsOutOfMemorySaysSo(t *testing.T) {
	c := exec.Command("hungry")
	var out, errors strings.Builder
	c.Stdout, c.Stderr = &out, &errors
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	if want := "code 2, starved true\ncode 2, starved true\nelsewhere: true\n"; out.String() != want {
		t.Errorf("got %q, want %q", &out, want)
	}
	if got := errors.String(); strings.Count(got, "begins\n") != 1 || strings.Count(got, "fatal error: ") != 1 {
		t.Errorf("got on standard error:\n%s", got)
	}
}

func TestOnlyAFatalErrorOfMemoryIsOne(t *testing.T) {
	for text, want := range map[string]bool{
		"fatal error: runtime: out of memory\n\nruntime stack:\n":        true,
		"fatal error: runtime: cannot allocate memory\n":                 true,
		"runtime: out of memory: x\nfatal error: out of memory\nstack\n": true,
		"fatal error: all goroutines are asleep\nout of memory\n":        false,
		"starsweep: trial 1: out of memory\n":                            false,
		"":                                                               false,
		strings.Repeat("x", 9999) + "\nfatal error: concurrent map writes\nfatal error: out of memory\n": false,
	} {
		var to strings.Builder
		f := &fatal{to: &to}
		for i := range len(text) { // in pieces
			if _, err := f.Write([]byte{text[i]}); err != nil {
				t.Fatal(err)
			}
		}
		if f.starved != want || to.String() != text {
			t.Errorf("%.100q: got %v, want %v", text, f.starved, want)
		}
	}
}
