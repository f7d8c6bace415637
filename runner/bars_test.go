package runner

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/sweep"
)

// screen is a terminal for tests. It understands line ends, cursor up and erase below, and it scrolls. Lines that are too long continue
// in the next row; when the screen becomes narrower, its lines are wrapped again, as on most terminals.
type screen struct {
	columns, rows int
	lines         []string // of text, each of one row or several
	row           int      // of the cursor, counted from the end: 0 is below the last line
}

func (s *screen) Write(p []byte) (int, error) {
	text := string(p)
	for text != "" {
		switch {
		case strings.HasPrefix(text, "\x1b["):
			var n int
			end := strings.IndexAny(text, "AJ")
			if text[end] == 'A' {
				fmt.Sscanf(text, "\x1b[%dA", &n)
				s.row += n
			} else {
				s.erase()
			}
			text = text[end+1:]
		case text[0] == '\r' && !strings.HasPrefix(text, "\r\n"):
			text = text[1:]
		default:
			line, rest, ended := strings.Cut(text, "\n")
			if !ended || s.row != 0 {
				panic(fmt.Sprintf("a line without end, or over others: %q", text))
			}
			s.lines = append(s.lines, strings.TrimSuffix(line, "\r"))
			text = rest
		}
	}
	return len(p), nil
}

func (s *screen) rowsOf(line string) int {
	return max(1, (len([]rune(line))+s.columns-1)/s.columns)
}

// erase removes everything below the cursor, which is at the beginning of a row.
func (s *screen) erase() {
	for s.row > 0 {
		last := s.lines[len(s.lines)-1]
		if n := s.rowsOf(last); n <= s.row {
			s.lines, s.row = s.lines[:len(s.lines)-1], s.row-n
		} else { // within a line: its beginning stays
			s.lines[len(s.lines)-1] = string([]rune(last)[:(n-s.row)*s.columns])
			s.row = 0
		}
	}
}

func (s *screen) show() string { return strings.Join(s.lines, "\n") }

func watched(t *testing.T, columns, rows int) (*screen, *bars) {
	t.Helper()
	s := &screen{columns: columns, rows: rows}
	c := &console{to: s, size: func() (int, int) { return s.columns, s.rows }}
	start := time.Unix(0, 0)
	env := &Env{Stderr: c, console: c, Now: func() time.Time { return start }}
	b := newBars(env, 12, 3, newPasses(env))
	b.stop() // the tests draw
	t.Cleanup(b.close)
	return s, b
}

func runningTrials(n int) (trials []plan.Trial) {
	for i := range n {
		trials = append(trials, plan.Trial{ID: fmt.Sprint("t", i), Place: i + 1, Suggestion: sweep.Suggestion{Seed: 7}, Job: &model.Job{
			Epochs: 1000, Program: &model.Program{Recorded: []model.Recorded{{Name: "loss_generator", Loss: "generator"},
				{Name: "loss_discriminator", Loss: "discriminator"}}}}})
	}
	return trials
}

func row(epoch int) results.Epoch {
	return results.Epoch{Epoch: epoch, Images: 1000, SecondsTrain: 2, Metrics: results.Metrics{"loss_discriminator": 0.693,
		"loss_generator": 0.7, "fid": 12.5}}
}

func TestBarsShowTheRunningTrialsAtAnyWidth(t *testing.T) {
	for columns, want := range map[int]string{
		200: "1/12  epoch 1000/1000  discriminator 0.693  generator 0.700  fid 12.5  500 images/s  seed=7\n" +
			"2/12  epoch 0/1000  seed=7\n" +
			"study 3/12 trials  [=======                       ]  0s",
		80: "1/12  epoch 1000/1000  discriminator 0.693  generator 0.700  fid 12.5  500 ima…\n" +
			"2/12  epoch 0/1000  seed=7\n" +
			"study 3/12 trials  [=======                       ]  0s",
		20: "1/12  epoch 1000/1…\n" +
			"2/12  epoch 0/1000…\n" +
			"study 3/12 trials …",
	} {
		s, b := watched(t, columns, 24)
		trials := runningTrials(2)
		b.Began(trials[0])
		b.Began(trials[1])
		for epoch := 1; epoch <= 1000; epoch *= 10 {
			b.Epoch(trials[0], row(epoch))
			b.console.pin(b.render())
		}
		if got := s.show(); got != want {
			t.Errorf("%d columns: got\n%s\nwant\n%s", columns, got, want)
		}
	}
}

// What follows the journals sees the trials of this process as well.
func TestTheBarCountsEachTrialThatEndsOnce(t *testing.T) {
	s, b := watched(t, 80, 24)
	trials := runningTrials(3)
	for i, status := range []results.Status{results.Completed, results.Paused, results.Interrupted} {
		b.Began(trials[i])
		b.Ended(trials[i], results.Outcome{Status: status})
	}
	b.count(trials[0].ID)
	b.count("elsewhere")
	b.console.pin(b.render())
	if want := "study 5/12 trials  [============                  ]  0s"; !strings.HasSuffix(s.show(), want) {
		t.Errorf("got\n%s\nwant %s", s.show(), want)
	}
}

func TestMessagesScrollAboveTheBars(t *testing.T) {
	s, b := watched(t, 80, 24)
	trials := runningTrials(2)
	b.Began(trials[0])
	fmt.Fprint(b.console, "a warn")
	fmt.Fprint(b.console, "ing\nand more\n")
	b.Began(trials[1])
	b.Ended(trials[0], results.Outcome{Status: results.Failed, Reason: "no power"})
	b.console.pin(b.render())
	b.close()
	b.close() // may be called again
	fmt.Fprint(b.console, "bye\n")
	want := "a warning\nand more\ntrial 1/12 [seed=7] failed: no power\nstudy 4/12 trials  [==========                    ]  0s\nbye"
	if got := s.show(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestBarsSurviveAResize(t *testing.T) {
	s, b := watched(t, 80, 24)
	trials := runningTrials(3)
	fmt.Fprint(b.console, "before\n")
	for _, p := range trials {
		b.Began(p)
		b.Epoch(p, row(5))
	}
	for _, columns := range []int{80, 40, 17, 33, 120, 80} {
		s.columns = columns
		b.console.pin(b.render())
	}
	if got := strings.Split(s.show(), "\n"); len(got) != 5 || got[0] != "before" || !strings.HasPrefix(got[4], "study 3/12") {
		t.Errorf("got\n%s", s.show())
	}
	for _, columns := range []int{2, 1, 0, 80} { // too narrow for anything
		s.columns = max(columns, 1)
		b.console.pin(b.render())
	}
	s.rows = 3 // only what fits: the study's bar and one trial
	b.console.pin(b.render())
	if n := len(b.console.drawn); n != 2 || !strings.HasPrefix(b.console.drawn[1], "study") {
		t.Errorf("got %q on 3 rows", b.console.drawn)
	}
}

func TestWideCharactersCountTwice(t *testing.T) {
	if got := cut("日本語のラベル", 7); got != "日本語…" {
		t.Errorf("got %q", got)
	}
	if got := cut("é́x", 2); got != "é́x" {
		t.Errorf("combining marks: got %q", got)
	}
	if !slices.Equal([]int{cells("ab"), cells("日"), cells("")}, []int{2, 2, 0}) {
		t.Error("wrong numbers of cells")
	}
}
