package results_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/starsweep/starsweep/results"
)

func claimed(t testing.TB, w *study, id string) *results.Claim {
	t.Helper()
	c, err := w.Claim(id)
	check(t, err)
	return c
}

func TestSeveralWritersShareAStudy(t *testing.T) {
	dir := t.TempDir()
	a, b := create(t, dir), create(t, dir)
	train(t, a, "a", 0, 3)
	_, err := b.Claim("a")
	if !errors.Is(err, results.ErrClaimed) {
		t.Fatalf("got error %v, want ErrClaimed", err)
	}
	wantError(t, err, "trial a", fmt.Sprintf("process %d on ", os.Getpid()))
	_, err = b.Refresh()
	check(t, err)
	if got := epochsOf(b.View, "a"); got != 3 {
		t.Errorf("b knows %d epochs of a, want 3", got)
	}
	train(t, b, "b", 1, 2)
	check(t, b.FinishTrial(outcome("b", results.Completed)))
	changed, err := a.Refresh()
	check(t, err)
	wantLines(t, changed, "a", "b")
	changed, err = a.Refresh()
	check(t, err)
	wantLines(t, changed)
	if got := a.Finished(); got["b"] != results.Completed {
		t.Errorf("a knows the finished trials %v", got)
	}
	claims, err := b.Writer.Claims()
	check(t, err)
	if h := claims["a"]; h.Generation != 1 || !h.Live || h.Mine {
		t.Errorf("b finds the claim %+v of a", h)
	}
	trained, err := open(t, dir).Trained()
	check(t, err)
	if trained["a"] != claims["a"].Writer || trained["c"] != "" {
		t.Errorf("got %v as trained, want a held by %s", trained, claims["a"].Writer)
	}
	check(t, b.Close())
	check(t, a.FinishTrial(outcome("a", results.Completed)))
	check(t, a.Close())
	wantLines(t, segmentRows(t, dir, results.Epochs, "trial", "epoch"), "a 1", "a 2", "a 3", "b 1", "b 2")
	wantLines(t, segmentRows(t, dir, results.Trials, "trial"), "a", "b")
	if n := len(journals(t, dir)); n != 2 {
		t.Errorf("got %d journals, want one for each writer", n)
	}
}

func TestAnUnfinishedTrialStandsAsRunningWhileItIsHeld(t *testing.T) {
	for _, c := range []struct {
		status results.Status
		held   bool
		want   results.Status
	}{
		{results.Interrupted, true, results.Running}, {results.Paused, true, results.Running}, {results.Interrupted, false, results.Interrupted},
		{results.Paused, false, results.Paused}, {results.Completed, true, results.Completed}, {results.Failed, true, results.Failed},
	} {
		if got := c.status.Stands(c.held); got != c.want {
			t.Errorf("%s, held %v: got %s, want %s", c.status, c.held, got, c.want)
		}
	}
}

// A reader with an open view sees rows of writers that begin later.
func TestFollowSeesWhatOthersAppend(t *testing.T) {
	dir := t.TempDir()
	create(t, dir)
	v := open(t, dir)
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	var got []string
	var writing sync.WaitGroup
	defer writing.Wait()
	writing.Go(func() {
		for i := range 2 {
			id := fmt.Sprint("t", i)
			w, err := createStudy(dir, meta, nil, hourly)
			if err != nil {
				t.Error(err)
				return
			}
			train(t, w, id, i, 2)
			if err := errors.Join(w.FinishTrial(outcome(id, results.Completed)), w.Close()); err != nil {
				t.Error(err)
			}
		}
	})
	for e, err := range v.Follow(ctx, time.Millisecond) {
		check(t, err)
		got = append(got, fmt.Sprint(e.Kind, " ", e.Trial, " ", e.Epoch))
		if s, found := v.State(e.Trial); !found || s.Epochs < e.Epoch {
			t.Errorf("the view has %+v, %t at the event %+v", s, found, e)
		}
		if e.Kind == results.Ended && e.Trial == "t1" {
			stop()
		}
	}
	wantLines(t, got, "began t0 0", "epoch t0 1", "epoch t0 2", "ended t0 0", "began t1 0", "epoch t1 1", "epoch t1 2", "ended t1 0")
}

// stoppable returns options with which the heartbeats of a writer stand still once it is named.
func stoppable(name *string) results.Options {
	o := hourly
	o.HeartbeatEvery, o.StaleAfter = 2*time.Millisecond, 20*time.Millisecond
	o.ModTime = func(path string) (time.Time, error) {
		if *name != "" && strings.Contains(path, *name) {
			return start, nil
		}
		info, err := os.Stat(path)
		if err != nil {
			return time.Time{}, err
		}
		return info.ModTime(), nil
	}
	return o
}

// takeOver claims a trial as soon as its owner counts as dead.
func takeOver(t *testing.T, w *study, id string) *results.Claim {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		c, err := w.Claim(id)
		if err == nil {
			return c
		}
		if !errors.Is(err, results.ErrClaimed) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestAWriterThatWasTakenForDeadWritesNoMoreOfTheTrial(t *testing.T) {
	dir := t.TempDir()
	stopped := ""
	a := create(t, dir)
	train(t, a, "a", 0, 2)
	check(t, a.SaveCheckpoint(checkpoint("a", 3))) // and is stopped before it appends the row
	b, err := createStudy(dir, meta, nil, stoppable(&stopped))
	check(t, err)
	defer b.Close()
	stopped = filepath.Base(journalOf(t, dir))
	c := takeOver(t, b, "a")
	if c.Generation != 2 || !c.TookOver {
		t.Errorf("got %+v, want generation 2, taken over", c)
	}
	from, err := c.Checkpoint()
	check(t, err)
	check(t, c.Begin(trial("a", 0), from))
	check(t, c.AppendEpoch(epoch("a", 4)))

	old := a.claims["a"]
	for what, err := range map[string]error{
		"Held":           old.Held(),
		"AppendEpoch":    old.AppendEpoch(epoch("a", 3)),
		"AppendSample":   old.AppendSample(results.Sample{Trial: "a", Epoch: 3, Kind: "grid", PNG: picture(t, 8)}),
		"SaveCheckpoint": old.SaveCheckpoint(checkpoint("a", 3)),
		"Finish":         old.Finish(outcome("a", results.Failed)),
		"Pause":          old.Pause(""),
		"Begin":          old.Begin(trial("a", 0), nil),
	} {
		if !errors.Is(err, results.ErrClaimLost) {
			t.Errorf("%s: got %v, want ErrClaimLost", what, err)
		}
	}
	check(t, old.Release()) // which is not that of b
	check(t, c.Held())
	train(t, a, "b", 1, 1) // the writer goes on with another trial
	check(t, c.AppendEpoch(epoch("a", 5)))
	check(t, c.Finish(outcome("a", results.Completed)))
	check(t, c.Release())
	_, err = a.Writer.View().Refresh()
	check(t, err)
	if err := old.SaveCheckpoint(checkpoint("a", 3)); !errors.Is(err, results.ErrClaimLost) {
		t.Errorf("SaveCheckpoint of a trial that another one has finished: got %v, want ErrClaimLost", err)
	}
	check(t, a.Close())
	check(t, b.Close())
	wantLines(t, segmentRows(t, dir, results.Epochs, "trial", "epoch"), "a 1", "a 2", "a 3", "a 4", "a 5", "b 1")
	wantLines(t, segmentRows(t, dir, results.Trials, "trial", "epochs"), "a 5")
	s, _ := open(t, dir).State("a")
	if s.Generation != 2 || s.From != 3 {
		t.Errorf("got %+v", s)
	}
}

// elsewhere is an epoch as another kind of device computes it.
func elsewhere(id string, e int) results.Epoch {
	row := epoch(id, e)
	row.Metrics["loss_generator"] += 1e-7
	row.Backend = "xla:cuda"
	return row
}

// Rows that another device computes differently replace those of the first from there on, in the files of its writer as well, published
// or compacted.
func TestRowsOfAnotherBackendCountWhole(t *testing.T) {
	for _, compact := range []bool{false, true} {
		t.Run(fmt.Sprint("compacted ", compact), func(t *testing.T) {
			dir := t.TempDir()
			a := create(t, dir)
			train(t, a, "a", 0, 4)
			train(t, a, "b", 1, 1)
			check(t, a.AppendSample(results.Sample{Trial: "a", Epoch: 4, Kind: "grid", PNG: picture(t, 8)}))
			check(t, a.Publish())
			if compact {
				_, err := a.Compact()
				check(t, err)
			}
			check(t, a.claims["a"].Release())
			b := create(t, dir)
			c := claimed(t, b, "a")
			check(t, c.Begin(trial("a", 0), nil))
			check(t, c.AppendEpoch(epoch("a", 1))) // equal: it is the first one's
			wantError(t, c.AppendEpoch(results.Epoch{Trial: "a", Epoch: 2, Backend: "cpu go"}), "already recorded and differs")
			check(t, c.AppendEpoch(elsewhere("a", 2)))
			wantLines(t, segmentRows(t, dir, results.Epochs, "trial", "epoch", "backend"), "a 1 cpu go", "b 1 cpu go")
			wantLines(t, segmentRows(t, dir, results.Samples, "epoch"))
			wantLines(t, columns(t, b.View, results.Epochs, "trial", "epoch", "backend"), "a 1 cpu go", "a 2 xla:cuda", "b 1 cpu go")
			check(t, b.Close())
			check(t, a.Close())
			wantLines(t, segmentRows(t, dir, results.Epochs, "trial", "epoch", "backend"), "a 1 cpu go", "a 2 xla:cuda", "b 1 cpu go")
			check(t, create(t, dir).Close())
			wantLines(t, segmentRows(t, dir, results.Epochs, "trial", "epoch", "backend"), "a 1 cpu go", "a 2 xla:cuda", "b 1 cpu go")
		})
	}
}

func TestAnotherWriterForgetsATrialAndItRunsAgain(t *testing.T) {
	dir := t.TempDir()
	a, b := create(t, dir), create(t, dir)
	train(t, a, "a", 0, 2)
	check(t, a.FinishTrial(outcome("a", results.Failed)))
	check(t, a.Publish())
	if err := b.Writer.Forget("a"); !errors.Is(err, results.ErrClaimed) {
		_, err2 := b.Refresh()
		t.Fatalf("got %v, %v, want ErrClaimed: a holds it", err, err2)
	}
	check(t, a.claims["a"].Release())
	check(t, b.Forget("a"))
	wantLines(t, segmentRows(t, dir, results.Trials, "trial"))
	wantLines(t, segmentRows(t, dir, results.Epochs, "trial"))
	delete(a.claims, "a")
	c := claimed(t, a, "a")
	if s, found := a.State("a"); found || c.Generation != 3 {
		t.Errorf("got %+v and generation %d, want none and 3", s, c.Generation)
	}
	check(t, c.Begin(trial("a", 0), nil))
	check(t, c.AppendEpoch(elsewhere("a", 1)))
	check(t, c.Finish(outcome("a", results.Completed)))
	check(t, a.Close())
	check(t, b.Close())
	wantLines(t, segmentRows(t, dir, results.Epochs, "trial", "epoch", "backend"), "a 1 xla:cuda")
	wantLines(t, segmentRows(t, dir, results.Trials, "trial", "status"), "a completed")
}

func TestTheFirstDecisionIsEverybodys(t *testing.T) {
	dir := t.TempDir()
	a, b := create(t, dir), create(t, dir)
	if s, err := a.View.Decision(results.Suggestions, 0); s != nil || err != nil {
		t.Errorf("got %s, %v", s, err)
	}
	for _, w := range []*study{a, b, a} {
		got, err := w.Decide(results.Suggestions, 0, []byte(fmt.Sprintf(`{"of":"%p"}`, w)))
		check(t, err)
		if want := fmt.Sprintf(`{"of":"%p"}`, a); string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestMeasurementsFollowTheEndOfTheirTrial(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	train(t, s, "a", 0, 3)
	check(t, s.FinishTrial(outcome("a", results.Completed)))
	m := results.Measurement{Trial: "a", Epoch: 3, Metrics: results.Metrics{"fid": 2}, Measure: "fid() samples=50", Samples: 50}
	check(t, s.AppendMeasurement(m))
	slower := m
	slower.SecondsEvaluate = 9
	check(t, s.AppendMeasurement(slower))
	other := m
	other.Metrics = results.Metrics{"fid": 3}
	wantError(t, s.AppendMeasurement(other), "was measured before and differs")
	other.Epoch = 4
	wantError(t, s.AppendMeasurement(other), "want a measure, and an epoch that is recorded")
	check(t, s.Close())
	wantLines(t, segmentRows(t, dir, results.Measurements, "trial", "epoch", "fid", "measure", "seconds_evaluate"), "a 3 2 fid() samples=50 0")
	s = create(t, dir)
	check(t, s.Forget("a"))
	check(t, s.Close())
	wantLines(t, segmentRows(t, dir, results.Measurements, "trial"))
}

func TestAPausedTrialWaitsForItsPromotion(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	train(t, s, "a", 0, 2)
	check(t, s.claims["a"].Pause("rung 0"))
	check(t, s.Close())
	s = create(t, dir)
	if state, _ := s.State("a"); state.Status != results.Paused || state.Reason != "rung 0" || state.Epochs != 2 {
		t.Errorf("got %+v", state)
	}
	check(t, s.BeginTrial(trial("a", 0)))
	if state, _ := s.State("a"); state.Status != results.Interrupted {
		t.Errorf("got %+v", state)
	}
}

// A process that joins just after another one has looked who is there is not taken for one that has ended: its rows are in one file.
func TestAWriterThatJoinsWhileAnotherOneTidiesUpKeepsItsFiles(t *testing.T) {
	for _, publishes := range []bool{false, true} {
		dir := t.TempDir()
		first := create(t, dir)
		train(t, first, "a", 0, 1)
		var second *study
		o := hourly
		o.ModTime = func(path string) (time.Time, error) {
			if second == nil { // the list of writers has been read
				second = create(t, dir)
				train(t, second, "b", 1, 1)
				if publishes {
					check(t, second.Publish())
				}
			}
			return start, nil
		}
		third, err := createStudy(dir, meta, nil, o)
		check(t, err)
		train(t, second, "c", 2, 1)
		for _, s := range []*study{third, second, first} {
			check(t, s.Close())
		}
		wantLines(t, segmentRows(t, dir, results.Epochs, "trial", "epoch"), "a 1", "b 1", "c 1")
	}
}
