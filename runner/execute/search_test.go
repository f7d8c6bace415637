package execute

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/sweep"
	"github.com/starsweep/starsweep/runner/sweep/prune"
	"github.com/starsweep/starsweep/runner/sweep/search"
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

func (c climber) Least() int { return 0 }
func (c climber) Most() int  { return 3 * c.rounds }

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
		lines = append(lines, fmt.Sprint(s.Index, " ", s.Seed, " ", s.Point, " ", s.ID, " ", s.Status))
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

// Where no epoch ends before the deadline, a source that waits for results is left to a later run.
func TestASearchThatWaitsForResultsIsLeftAtTheDeadline(t *testing.T) {
	w, a := adaptive(t, 2)
	if err := w.runUntilLate(); !errors.Is(err, ErrStopped) || len(a.times) != 3 {
		t.Errorf("got %v after %d suggestions, want ErrStopped after the first three", err, len(a.times))
	}
}

// gains is a study of points that are far apart, and two that are not.
var gains = strings.NewReplacer("generator = mlp([4], 2)", "generator = lambda z: p.gain * mlp([4], 2)(z)",
	"sgd(lr = p.lr)", "sgd(lr = 1e-3)", `"lr": choice(1e-3, 1e-2)`, `"gain": choice(1, 1000, 1e6, 1.1)`).Replace(rings)

// seeded is a world with adaptive seeds.
func seeded(t *testing.T) *world {
	w := newWorld(t, gains)
	w.source = func(space spec.Space) plan.Source {
		a, err := search.NewAdaptive(t.Context(), search.Study{Space: space, Search: spec.Search{Kind: spec.Grid}, Seeds: []uint32{0, 1, 2, 3},
			Adaptive: &spec.Adaptive{Start: 2, Error: 0.05}, Objectives: []pareto.Objective{{Name: "fid", Direction: pareto.Min}}})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	return w
}

// Any number of executors and lanes gives the same points the same seeds.
func TestAdaptiveSeedsAreOneSequence(t *testing.T) {
	alone := seeded(t)
	alone.mustRun(1)
	if got := len(alone.states()); got != 12 {
		t.Errorf("got %d trials, want two seeds of two points and four of the others:\n%s", got, alone.rows())
	}
	w := seeded(t)
	var group sync.WaitGroup
	for range 2 {
		x := w.executor()
		group.Go(func() {
			if err := w.run(x, 3); err != nil {
				t.Error(err)
			}
			if err := x.History(func(h sweep.History) error {
				decided, err := x.Plan.Source().(*search.Adaptive).Decided(h)
				if len(decided.Undecided) != 2 || len(decided.Out) != 2 {
					t.Errorf("got %+v, %v, want two points undecided and two out", decided, err)
				}
				return err
			}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got, want := w.sequence(), alone.sequence(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
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

// Paused trials go on from their checkpoints with the same bits, in the same run or a later one, and end if nothing promotes them.
func TestPausedTrialsGoOnBitForBit(t *testing.T) {
	script := strings.Replace(rings, "choice(1e-3, 1e-2)", "choice(1e-3, 3e-3, 1e-2, 3e-2)", 1)
	whole := newWorld(t, script)
	whole.mustRun(1)
	for _, lanes := range []int{1, 3} {
		for _, stopped := range []bool{false, true} {
			w := newWorld(t, script)
			w.config = func(c *Config) { c.Judges.Contests = []sweep.Contest{halving} }
			d := &diary{}
			if stopped {
				w.interrupted(lanes, 3, d)
			}
			w.mustRun(lanes, d)
			if d.count("paused") < 2 {
				t.Errorf("got the events %v", d.all())
			}
			w.halved(whole)
		}
	}
}

// Trials that have paused go on once the script has no rule any more that compares them.
func TestPausedTrialsGoOnWithoutTheRule(t *testing.T) {
	w := newWorld(t, rings)
	w.config = func(c *Config) { c.Judges.Contests = []sweep.Contest{halving} }
	w.interrupted(1, 3, &diary{})
	if got := w.states()[0]; got.Status != results.Paused || got.Epochs != 2 {
		t.Fatalf("got %s after %d epochs, want a paused trial", got.Status, got.Epochs)
	}
	w.config = nil
	w.mustRun(1)
	for _, s := range w.states() {
		if s.Status != results.Completed || s.Epochs != 5 {
			t.Errorf("got %s after %d epochs: %s", s.Status, s.Epochs, s.Reason)
		}
	}
}

// halving compares trials after epochs 2 and 4.
var halving = prune.Halving{Reduction: 2, Least: 2, Objectives: []pareto.Objective{{Name: "fid", Direction: pareto.Min}}}

// interrupted runs an executor until so many epochs have ended.
func (w *world) interrupted(lanes, epochs int, d *diary) {
	w.Helper()
	x := w.executor()
	ctx, cancel := background(w.T)
	stop := &diary{epoch: stopAfter(epochs, cancel)}
	if err := x.Prepare(ctx, func() {}); err != nil {
		w.Fatal(err)
	}
	if err := x.Run(ctx, lanes, d, stop); err == nil {
		w.Error("got no error of an interrupted run")
	}
	if err := x.Close(); err != nil {
		w.Fatal(err)
	}
}

// halved checks that of four trials at most three have all epochs, with the numbers of an undisturbed study, that the others have ended at
// a rung, and that the best one at the last rung is not among those.
func (w *world) halved(whole *world) {
	w.Helper()
	ended, best, winner := map[results.Status]int{}, math.Inf(1), math.Inf(1)
	for _, s := range w.states() {
		ended[s.Status]++
		got, want := w.epochs(s.ID), whole.epochs(s.ID)
		if fmt.Sprint(got) != fmt.Sprint(want[:len(got)]) {
			w.Errorf("got\n%v\nwant\n%v", got, want)
		}
		if len(got) >= 4 {
			best = min(best, got[3]["fid"])
		}
		switch s.Status {
		case results.Completed:
			winner = min(winner, got[3]["fid"])
		case results.Pruned:
			if n := len(got); n != 2 && n != 4 || !strings.HasPrefix(s.Reason, fmt.Sprintf("epoch %d: place ", n)) {
				w.Errorf("a trial was pruned after %d epochs: %s", n, s.Reason)
			}
		}
	}
	if ended[results.Pruned] == 0 || ended[results.Completed]+ended[results.Pruned] != 4 || winner != best {
		w.Errorf("got %v, the best with %g, want some pruned, and the best with %g completed", ended, winner, best)
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
