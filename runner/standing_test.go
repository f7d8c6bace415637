package runner

import (
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/results"
)

// standingNow is a study of eight trials under two processes, one of them dead.
func standingNow() *standing {
	s := &standing{Study: "ring", Planned: 8, Finished: 3, Counts: map[string]int{"completed": 1, "failed": 2, "running": 2, "interrupted": 1,
		"waiting": 2}, Earlier: 1}
	s.Trials = []standingTrial{
		{ID: "a0", Standing: "completed", Epochs: 10, Budget: 10, Newest: true},
		{ID: "a1", Standing: "failed", Reason: "needs 9 GB\x1b[2J", Failure: "memory", Budget: 10, Newest: true},
		{ID: "a2", Standing: "failed", Reason: "needs 8 GB", Failure: "memory", Budget: 10, Newest: true},
		{ID: "a3", Standing: "running", Epochs: 4, Budget: 10, Newest: true, Label: "lr=0.1 seed=0", Last: map[string]float64{"fid": 3.14159}},
		{ID: "a4", Standing: "running", Epochs: 0, Budget: 10, Newest: true, Attempts: 3},
		{ID: "a5", Standing: "interrupted", Epochs: 9, Budget: 10, Newest: true},
		{ID: "b0", Standing: "interrupted", Epochs: 9, Budget: 100},
	}
	s.Failures = []standingFailures{{"memory", []string{"a1", "a2"}, "needs 9 GB\x1b[2J"}}
	s.Processes = []standingProcess{
		{Name: "p1", Host: "north", PID: 12, Device: "cpu avx512", Seconds: 3, Live: true, Trials: []string{"a3", "a4"}},
		{Name: "p2", Host: "south", PID: 7, Seconds: 95, Silent: true}, {Name: "p3", Host: "south", PID: 8, Seconds: 95},
		{Name: "p4", Seconds: 5, Live: true, Unreadable: "it is damaged"},
	}
	return s
}

func TestTheTimeLeftFollowsFromTheEpochsLeft(t *testing.T) {
	for _, c := range []struct {
		paces  map[string]pace
		counts map[string]int
		want   float64 // -1: none
	}{
		// a3 has 6 epochs of 2 s left, a4 10 and a5 1 of the mean 4 s; the two that wait have 10 of 4 s each; two train at a time.
		{map[string]pace{"a3": {4, 8}, "a0": {4, 24}}, nil, (6*2 + 10*4 + 1*4 + 2*10*4) / 2},
		// Each epoch takes 2 s, and the last trial to end is a4.
		{map[string]pace{"a3": {4, 8}}, map[string]int{"running": 8}, 10 * 2},
		{map[string]pace{}, nil, -1},
		{map[string]pace{"a3": {4, 8}}, map[string]int{"interrupted": 3}, -1},
	} {
		s := standingNow()
		if c.counts != nil {
			s.Counts = c.counts
		}
		s.estimate(c.paces)
		switch {
		case s.SecondsLeft == nil && c.want >= 0:
			t.Errorf("%v: got none, want %v", c.paces, c.want)
		case s.SecondsLeft != nil && *s.SecondsLeft != c.want:
			t.Errorf("%v: got %v, want %v", c.paces, *s.SecondsLeft, c.want)
		}
	}
}

func TestAStandingIsSaidInWords(t *testing.T) {
	s := standingNow()
	s.estimate(map[string]pace{"a3": {4, 8}})
	want := []string{
		`failed (memory): 2 trials, such as a1: needs 9 GB\u001b[2J`,
		"process 12 on north: trains 2 trials, heartbeat 3s ago, cpu avx512",
		"process 7 on south: not heard of for 1m35s (dead or unreachable)",
		"process 8 on south: has ended, last heartbeat 1m35s ago",
		"writers/p4 cannot be read: it is damaged: trains 0 trials, heartbeat 5s ago",
		"newest plan: 3 of 8 trials finished: 1 completed, 2 failed, 2 running, 1 interrupted, 2 waiting; 1 trial of earlier plans",
		"about 37s left",
	}
	if got := s.lines(); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	done := &standing{Planned: 2, Finished: 2, Counts: map[string]int{"completed": 2}}
	if got := done.lines(); !slices.Equal(got, []string{"newest plan: 2 of 2 trials finished"}) || !done.done() {
		t.Errorf("got %q", got)
	}
	nobody := &standing{Planned: 2, Counts: map[string]int{"waiting": 2}}
	if got := nobody.lines(); len(got) != 2 || !strings.HasPrefix(got[1], "nobody is training this study") || nobody.done() {
		t.Errorf("got %q", got)
	}
	for seconds, want := range map[float64]string{0.4: "0s", 59: "59s", 61: "1m01s", 3660: "1h01m", 300000: "3 days"} {
		if got := rounded(seconds); got != want {
			t.Errorf("%v seconds: got %s, want %s", seconds, got, want)
		}
	}
}

// A terminal shows the trials below their processes and the summary last, and nothing that moves its cursor.
func TestAScreenFitsItsTerminal(t *testing.T) {
	s := standingNow()
	m := results.Meta{Objectives: []results.Objective{{Metric: "fid", Direction: pareto.Min}}}
	lines := s.screen(m)
	text := strings.Join(lines, "\n")
	for _, part := range []string{
		"process 12 on north: trains 2 trials, heartbeat 3s ago, cpu avx512\n  a3  running  epoch 4/10  fid 3.14  lr=0.1 seed=0\n" +
			"  a4  running  epoch 0/10  attempt 3\nprocess 7",
		"\nring [===========                   ]",
	} {
		if !strings.Contains(strings.ReplaceAll(text, "  \n", "\n"), part) {
			t.Errorf("got\n%s\nwant %q in it", text, part)
		}
	}
	if strings.ContainsAny(text, "\x1b\r") {
		t.Errorf("got %q", text)
	}
	for _, columns := range []int{1, 20, 60, 200} {
		terminal := &screen{columns: columns, rows: 8}
		c := &console{to: terminal, size: func() (int, int) { return columns, terminal.rows }}
		for range 3 { // redrawing does not scroll
			c.pin(lines)
		}
		rows := 0
		for _, line := range terminal.lines {
			rows += terminal.rowsOf(line)
		}
		if rows > terminal.rows || len(terminal.lines) == 0 {
			t.Errorf("%d columns: got %d rows, want at most %d", columns, rows, terminal.rows)
		}
		c.release()
	}
}
