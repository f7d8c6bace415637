package runner

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/standing"
)

// standingNow is a study of eight trials under two processes, one of them dead.
func standingNow() *standing.Standing {
	s := &standing.Standing{Study: "ring", Planned: 8, Finished: 3, Earlier: 1,
		Counts: map[string]int{"completed": 1, "failed": 2, "running": 2, "interrupted": 1, "waiting": 2}}
	s.Trials = []standing.Trial{
		{ID: "a0", Standing: "completed", Epochs: 10, Budget: 10, Newest: true},
		{ID: "a1", Standing: "failed", Reason: "needs 9 GB\x1b[2J", Failure: "memory", Budget: 10, Newest: true},
		{ID: "a2", Standing: "failed", Reason: "needs 8 GB", Failure: "memory", Budget: 10, Newest: true},
		{ID: "a3", Standing: "running", Epochs: 4, Budget: 10, Newest: true, Label: "lr=0.1 seed=0"},
		{ID: "a4", Standing: "running", Epochs: 0, Budget: 10, Newest: true, Attempts: 3},
		{ID: "a5", Standing: "interrupted", Epochs: 9, Budget: 10, Newest: true},
		{ID: "b0", Standing: "interrupted", Epochs: 9, Budget: 100},
	}
	s.States = make([]results.State, len(s.Trials))
	for i := range s.Trials {
		s.Trials[i].State = &s.States[i]
	}
	s.States[3].Last = results.Metrics{"fid": 3.14159}
	s.Failures = []standing.Failures{{Class: "memory", Trials: []string{"a1", "a2"}, Reason: "needs 9 GB\x1b[2J"}}
	s.Processes = []standing.Process{
		{Name: "p1", Host: "north", PID: 12, Device: "cpu avx512", Seconds: 3, Live: true, Trials: []string{"a3", "a4"}},
		{Name: "p2", Host: "south", PID: 7, Seconds: 95, Silent: true}, {Name: "p3", Host: "south", PID: 8, Seconds: 95},
		{Name: "p4", Seconds: 5, Live: true, Unreadable: "it is damaged"},
	}
	return s
}

func TestAStandingIsSaidInWords(t *testing.T) {
	s := standingNow()
	s.SecondsLeft = new(37.0)
	want := []string{
		`failed (memory): 2 trials, such as a1: needs 9 GB\u001b[2J`,
		"process 12 on north: trains 2 trials, heartbeat 3s ago, cpu avx512",
		"process 7 on south: not heard of for 1m35s (dead or unreachable)",
		"process 8 on south: has ended, last heartbeat 1m35s ago",
		"writers/p4 cannot be read: it is damaged: trains 0 trials, heartbeat 5s ago",
		"newest plan: 3 of 8 trials finished: 1 completed, 2 failed, 2 running, 1 interrupted, 2 waiting; 1 trial of earlier plans",
		"about 37s left",
	}
	if got := standingLines(s); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	done := &standing.Standing{Planned: 2, Finished: 2, Counts: map[string]int{"completed": 2}}
	if got := standingLines(done); !slices.Equal(got, []string{"newest plan: 2 of 2 trials finished"}) || !done.Done() {
		t.Errorf("got %q", got)
	}
	nobody := &standing.Standing{Planned: 2, Counts: map[string]int{"waiting": 2}}
	if got := standingLines(nobody); len(got) != 2 || !strings.HasPrefix(got[1], "nobody is training this study") || nobody.Done() {
		t.Errorf("got %q", got)
	}
}

// shown is what rows are on a terminal of a number of columns.
func shown(rows []row, columns int) string {
	var lines []string
	for _, r := range rows {
		lines = append(lines, r.text(columns))
	}
	return strings.Join(lines, "\n")
}

var byFID = results.Meta{Objectives: []results.Objective{{Metric: "fid", Direction: pareto.Min}}}

// A terminal shows the trials below their processes and the study last, and nothing that moves its cursor.
func TestAScreenFitsItsTerminal(t *testing.T) {
	s := standingNow()
	s.SecondsLeft = new(37.0)
	rows := standingRows(s, byFID)
	text := shown(rows, 200)
	for _, part := range []string{
		"\nprocess 12 on north: trains 2 trials, heartbeat 3s ago  cpu avx512\n  a3  epoch 4/10  fid 3.142  lr=0.1 seed=0\n" +
			"  a4  epoch 0/10  attempt 3\nprocess 7",
		"\nnewest plan: 3 of 8 trials finished: ",
		"\nring  3/8 trials  [===========                   ]  2 running  2 failed  about 37s left",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("got\n%s\nwant %q in it", text, part)
		}
	}
	if strings.ContainsAny(text, "\x1b\r") {
		t.Errorf("got %q", text)
	}
	for _, columns := range []int{1, 20, 60, 200} {
		terminal, c := pinned(columns, 8)
		for range 3 { // redrawing does not scroll
			c.pin(rows)
		}
		n := 0
		for _, line := range terminal.lines {
			n += terminal.rowsOf(line)
		}
		if n > terminal.rows || len(terminal.lines) == 0 {
			t.Errorf("%d columns: got %d rows, want at most %d", columns, n, terminal.rows)
		}
		c.release()
	}
}

// The time that is left, and whether anybody trains, are there however narrow the terminal is.
func TestANarrowScreenSaysHowLongTheStudyTakes(t *testing.T) {
	s := standingNow()
	s.Study = "a_study_of_many_words_日本語"
	s.SecondsLeft = new(37.0)
	nobody := &standing.Standing{Study: s.Study, Planned: 8, Counts: map[string]int{"waiting": 8}}
	for columns, want := range map[int][2]string{
		80: {"a_study_of_many_words_日本語  3/8  [===       ]  2 running  2 failed  ~37s",
			"0/8  nobody is training this study; the command that started it continues it"},
		40: {"3/8 [===       ] 2 running 2 failed ~37s", "0/8 nobody is training this study; the …"},
		20: {"3/8 2 failed ~37s", "0/8 nobody is train…"},
	} {
		for i, s := range []*standing.Standing{s, nobody} {
			last := standingRows(s, byFID)
			if got := last[len(last)-1].text(columns); got != want[i] {
				t.Errorf("%d columns: got %q, want %q", columns, got, want[i])
			}
		}
	}
}

// While a study runs, each trial in training has a row, whatever process trains it; a time that nobody can know is said to be unknown.
func TestARunShowsTheTrialsInTraining(t *testing.T) {
	s := standingNow()
	s.Trials[3].ID, s.Trials[3].Epoch = "0123456789abcdef", results.Epoch{Images: 1000, SecondsTrain: 2, Metrics: results.Metrics{"fid": 3,
		"loss_generator": 0.7, "loss_discriminator": 0.6931}}
	s.States[3].InPlan, s.States[3].Best = true, map[string]results.Best{"fid": {Value: 2.5, Epoch: 3}}
	for columns, want := range map[int]string{
		200: "0123456789abcdef  epoch 4/10  fid 3.142  discriminator 0.693  generator 0.700  500 images/s  lr=0.1 seed=0\n" +
			"a4  epoch 0/10  attempt 3\n" +
			"ring  3/8 trials  [===========                   ]  2 running  2 failed  best fid 2.5  time left unknown  1m01s",
		80: "01234567  4/10  fid 3.142  discriminator 0.693  generator 0.700  500/s  lr=0.1 …\n" +
			"a4  epoch 0/10  attempt 3\n" +
			"ring  3/8  [===       ]  2 running  2 failed  best fid 2.5  left: ?  1m01s",
		40: "01234567 4/10 fid 3.142 500/s lr=0.1 se…\n" +
			"a4 epoch 0/10 attempt 3\n" +
			"ring 3/8 2 failed best fid 2.5 left: ?",
		20: "01234567 4/10 500/s\n" +
			"a4 0/10 attempt 3\n" +
			"3/8 2 failed left: ?",
	} {
		if got := shown(trainingRows(s, byFID, 61*time.Second), columns); got != want {
			t.Errorf("%d columns: got\n%s\nwant\n%s", columns, got, want)
		}
	}
}
