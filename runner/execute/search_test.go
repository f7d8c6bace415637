package execute

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/sweep"
)

// climber is a made-up search: three trials, then three around the best of those, and so on. It needs all results of one round for the
// next.
type climber struct {
	rounds int
	asked  *asked
}

// asked counts what a source was asked for, by suggestion.
type asked struct {
	mu    sync.Mutex
	times map[int]int
}

func (a *asked) count(i int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.times == nil {
		a.times = map[int]int{}
	}
	a.times[i]++
}

func (c climber) Most() int { return 3 * c.rounds }

func (c climber) Next(i int, h sweep.History) (sweep.Suggestion, error) {
	const size = 3
	if i >= c.rounds*size {
		return sweep.Suggestion{}, io.EOF
	}
	best, fid := 1e-2, 0.0
	seen := sweep.Seen{}
	for j := (i/size - 1) * size; j >= 0 && j < i/size*size; j++ {
		t := h.At(j)
		if !t.State.Final() {
			return sweep.Suggestion{}, sweep.ErrWait
		}
		evaluations := t.Evaluations()
		seen[t.ID] = sweep.Sight{State: t.State, Epochs: t.Last()}
		if v := evaluations[len(evaluations)-1].Values["fid"]; len(seen) == 1 || v < fid {
			lr, _ := t.Point.Get("lr")
			best, fid = lr.Any().(float64), v
		}
	}
	c.asked.count(i)
	lr := best * []float64{0.7, 1, 1.3}[i%size]
	return sweep.Suggestion{Index: i, Point: spec.Point{{Name: "lr", Value: spec.FloatValue(lr)}}, Seed: uint32(i / size), Saw: seen}, nil
}

// adaptive is a world with a made-up search.
func adaptive(t *testing.T, rounds int) (*world, *asked) {
	w, a := newWorld(t, rings), &asked{}
	w.source = func(spec.Space) plan.Source { return climber{rounds, a} }
	return w, a
}

// sequence is what the trials of a study are, in their order.
func (w *world) sequence() string {
	var lines []string
	for _, s := range w.states() {
		lines = append(lines, fmt.Sprint(s.Index, " ", s.Seed, " ", s.Point["lr"], " ", s.ID, " ", s.Status))
	}
	return strings.Join(lines, "\n")
}

// Any number of executors makes one sequence of an adaptive search.
func TestAnAdaptiveSearchIsOneSequence(t *testing.T) {
	alone, _ := adaptive(t, 3)
	alone.mustRun(1)
	if got := len(alone.states()); got != 9 {
		t.Fatalf("got %d trials, want 9", got)
	}
	w, _ := adaptive(t, 3)
	d := &diary{}
	var group sync.WaitGroup
	for range 2 {
		x := w.executor()
		group.Go(func() {
			if err := w.run(x, 2, d); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got, want := w.sequence(), alone.sequence(); got != want || d.count("begins") != 9 {
		t.Errorf("got\n%s\nafter %d begins, want\n%s", got, d.count("begins"), want)
	}
	if got, want := w.rows(), alone.rows(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A study that goes on knows its suggestions, and asks for none of them again.
func TestAResumedSearchAsksForNothingTwice(t *testing.T) {
	alone, _ := adaptive(t, 3)
	alone.mustRun(1)
	w, a := adaptive(t, 3)
	for range 20 {
		x := w.executor()
		ctx, cancel := background(t)
		d := &diary{}
		d.epoch = func(_ plan.Trial, row results.Epoch) {
			if row.Epoch == 5 {
				cancel(errors.New("killed"))
			}
		}
		if err := x.Prepare(ctx, func() {}); err != nil {
			t.Fatal(err)
		}
		err := x.Run(ctx, 1, d)
		if closeErr := x.Close(); closeErr != nil {
			t.Fatal(closeErr)
		}
		if err == nil {
			break
		}
	}
	if got, want := w.sequence(), alone.sequence(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for i, n := range a.times {
		if n != 1 {
			t.Errorf("suggestion %d was asked for %d times", i, n)
		}
	}
	if len(a.times) != 9 {
		t.Errorf("got %d suggestions, want 9", len(a.times))
	}
}

// halving is a made-up judge: trials pause after two epochs until all have come so far. Then the better half goes on.
type halving struct{}

func (halving) Judge(t sweep.Trial, h sweep.History) sweep.Verdict {
	const rung = 2
	if t.Last() != rung {
		return sweep.Verdict{}
	}
	better := 0
	for i := range h.Len() {
		other := h.At(i)
		if other.Last() < rung && !other.State.Final() {
			return sweep.Verdict{Action: sweep.Pause, Reason: "epoch 2: others come first"}
		}
		if other.Last() >= rung && other.Epochs[rung-1].Values["fid"] < t.Epochs[rung-1].Values["fid"] {
			better++
		}
	}
	if 2*better < h.Len() {
		return sweep.Verdict{}
	}
	return sweep.Verdict{Action: sweep.Pause, Reason: "epoch 2: in the worse half"}
}

// Paused trials go on from their checkpoints with the same bits, in the same run or a later one, and end if nothing promotes them.
func TestPausedTrialsGoOnBitForBit(t *testing.T) {
	script := strings.Replace(rings, "choice(1e-3, 1e-2)", "choice(1e-3, 3e-3, 1e-2, 3e-2)", 1)
	whole := newWorld(t, script)
	whole.mustRun(1)
	for _, lanes := range []int{1, 3} {
		w := newWorld(t, script)
		w.config = func(c *Config) { c.Judges = halving{} }
		d := &diary{}
		w.mustRun(lanes, d)
		if d.count("paused") != 3 && d.count("paused") != 4 || d.count("begins") < 5 {
			t.Errorf("got the events %v", d.all())
		}
		ended := map[results.Status]int{}
		for _, s := range w.states() {
			ended[s.Status]++
			got, want := w.epochs(s.ID), whole.epochs(s.ID)
			if n := map[results.Status]int{results.Completed: 5, results.Pruned: 2}[s.Status]; len(got) != n {
				t.Errorf("got %d epochs of a trial that is %s: %s", len(got), s.Status, s.Reason)
			}
			if fmt.Sprint(got) != fmt.Sprint(want[:len(got)]) {
				t.Errorf("got\n%v\nwant\n%v", got, want)
			}
			if s.Status == results.Pruned && s.Reason != "epoch 2: in the worse half" && s.Reason != "epoch 2: others come first" {
				t.Errorf("got the reason %q", s.Reason)
			}
		}
		if ended[results.Completed] != 2 || ended[results.Pruned] != 2 {
			t.Errorf("got %v, want two of each", ended)
		}
	}
}

// A point that the script cannot trace stops a study, since others would fail as well.
func TestAnErrorOfTheScriptStopsTheStudy(t *testing.T) {
	w, _ := adaptive(t, 3)
	w.script = strings.Replace(rings, "    return gan(", "    if p.lr == 1e-2:\n        fail(\"no such rate\")\n    return gan(", 1)
	w.script = strings.Replace(w.script, "choice(1e-3, 1e-2)", "log_uniform(1e-5, 1e-3)", 1)
	w.script = strings.Replace(w.script, "settings =", "search = random(4), settings =", 1)
	err := w.run(w.executor(), 1)
	if err == nil || !strings.Contains(err.Error(), "no such rate") {
		t.Errorf("got %v, want the error of the script", err)
	}
}
