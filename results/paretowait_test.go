package results_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/starsweep/starsweep/results"
)

// rivalEpoch records the next epoch of a trial of rivals, which begins with its first one.
func rivalEpoch(t *testing.T, s *study, id string, index, e int) {
	t.Helper()
	if e == 1 {
		check(t, s.BeginTrial(results.Trial{ID: id, Index: index, Configuration: "c" + id, Point: results.Values{"lr": 0.1}, Length: 1000,
			Started: start}))
	}
	check(t, s.AppendEpoch(results.Epoch{Trial: id, Epoch: e, Metrics: results.Metrics{"fid": float64(e), "recall": 0.5}}))
}

// Comparing takes a millisecond, by the clock of the test. Each of the writers therefore waits for a hundred times as many milliseconds as
// there are writers, and its table has all that it knew then.
func TestTheParetoTableOfManyWritersIsNoOlderThanPromised(t *testing.T) {
	const writers, every = 4, 70 * time.Millisecond
	random := rand.New(rand.NewPCG(3, 0))
	dir := t.TempDir()
	now := start
	clock := func() time.Time { now = now.Add(time.Millisecond); return now }
	var studies []*study
	for range writers {
		s, err := createStudy(dir, rivals, nil, results.Options{Now: clock, FlushEvery: time.Hour})
		check(t, err)
		defer s.Close()
		studies = append(studies, s)
	}
	var recorded []time.Time // when each epoch was
	epochs := make([]int, writers)
	points := func() int { return len(segmentRows(t, dir, results.Pareto, "scope")) }
	waited := 0
	for range 60 {
		for i, s := range studies {
			if random.IntN(3) == 0 {
				epochs[i]++
				rivalEpoch(t, s, fmt.Sprint("t", i), i, epochs[i])
				recorded = append(recorded, now)
			}
		}
		now = now.Add(every)
		for _, s := range studies {
			check(t, s.Publish())
		}
		if n := points(); n < len(recorded) {
			waited++
			promised := writers*100*time.Millisecond + every + writers*20*time.Millisecond // with its looks at the clock
			if age := now.Sub(recorded[n]); age > promised {                               // a table has all that was recorded before it
				t.Fatalf("the table lacks points of %v ago, want at most %v", age, promised)
			}
		}
	}
	if waited < 10 {
		t.Errorf("the table was behind %d times of 60, want it to wait", waited)
	}
	for _, i := range random.Perm(writers) {
		epochs[i]++
		rivalEpoch(t, studies[i], fmt.Sprint("t", i), i, epochs[i])
		recorded = append(recorded, now)
		check(t, studies[i].Close())
	}
	if n := points(); n != len(recorded) {
		t.Errorf("got %d points after the last writer has left, want %d", n, len(recorded))
	}
}

// A writer that leaves reads the journals. Before it replaces the table, another one records a row and leaves as well.
func TestTheLastParetoTableHasWhatWasRecordedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	var meanwhile func()
	clock := func() time.Time {
		if f := meanwhile; f != nil {
			meanwhile = nil
			f()
		}
		return start
	}
	a, err := createStudy(dir, rivals, nil, results.Options{Now: clock, FlushEvery: time.Hour})
	check(t, err)
	b, err := createStudy(dir, rivals, nil, hourly)
	check(t, err)
	rivalEpoch(t, a, "a", 0, 1)
	rivalEpoch(t, b, "b", 1, 1)
	left := make(chan error)
	meanwhile = func() {
		rivalEpoch(t, b, "b", 1, 2)
		go func() { left <- b.Close() }()
	}
	check(t, a.Publish())
	check(t, a.Close())
	check(t, <-left)
	if n := len(segmentRows(t, dir, results.Pareto, "scope")); n != 3 {
		t.Errorf("got %d points, want 3", n)
	}
}
