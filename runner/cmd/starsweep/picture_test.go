//go:build linux

package main

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/starsweep/starsweep/internal/require"
)

// Three processes share one terminal: it has one picture, with the trials of all of them.
func TestSeveralProcessesShowOnePicture(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains for seconds")
	}
	home := t.TempDir()
	script, dir := write(t, many)
	master, slave, err := pty.Open()
	if err != nil {
		require.Unavailable(t, "no pseudo-terminals: %v", err)
	}
	defer master.Close()
	if err := pty.Setsize(master, &pty.Winsize{Cols: 80, Rows: 30}); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("starsweep", "run", script, "--backend", "cpu", "--dir", dir, "--processes", "3")
	c.Env = append(os.Environ(), "STARSWEEP_HOME="+home)
	c.Stdout, c.Stderr = slave, slave
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	defer time.AfterFunc(2*time.Minute, func() { c.Process.Kill() }).Stop()
	var b strings.Builder
	for part := make([]byte, 4096); ; {
		n, err := master.Read(part)
		b.Write(part[:n])
		if err != nil { // the other side is closed
			break
		}
	}
	if err := c.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	text := b.String()
	if n := strings.Count(text, "8 completed of 8 trials"); n != 1 {
		t.Errorf("the outcome was printed %d times\n%s", n, text)
	}
	if strings.Contains(text, "begins") || strings.Contains(text, "process 2: trial") {
		t.Errorf("processes write progress beside the picture\n%s", text)
	}
	most := 0
	for frame := range strings.SplitSeq(text, "\x1b[?2026l") {
		most = max(most, len(regexp.MustCompile(`(?m)^[^\n]*\d+/12\x1b`).FindAllString(frame, -1)))
	}
	if most != 3 {
		t.Errorf("got at most %d trials in a picture, want those of 3 processes\n%s", most, text)
	}
}

// Objects of several processes are whole lines. The last one is the summary, which is about all of them.
func TestSeveralProcessesWriteWholeObjects(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains for seconds")
	}
	script, dir := write(t, many)
	c := exec.Command("starsweep", "run", script, "--backend", "cpu", "--dir", dir, "--processes", "3", "--json")
	c.Env = append(os.Environ(), "STARSWEEP_HOME="+t.TempDir())
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	events, processes := map[string]int{}, map[int]bool{}
	last, images, seconds := "", int64(0), 0.0
	for line := range strings.Lines(string(out)) {
		var e struct {
			Event   string
			Process int
			Images  int64
			Seconds float64 `json:"seconds_train"`
			Phases  struct {
				Train  float64
				Images int64
			} `json:"phase_seconds"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		events[e.Event]++
		if last = e.Event; last == "summary" {
			if e.Process != 0 || e.Phases.Images != images || math.Abs(e.Phases.Train-seconds) > 1e-6 {
				t.Errorf("got %+v, want %d images in %v s of training", e, images, seconds)
			}
			continue
		}
		processes[e.Process] = true
		images, seconds = images+e.Images, seconds+e.Seconds
	}
	if events["ended"] != 8 || events["epoch"] != 8*12 || events["summary"] != 1 || last != "summary" || !processes[1] || !processes[3] ||
		processes[0] {
		t.Errorf("got the events %v of the processes %v, the last one %s", events, processes, last)
	}
}
