package results_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
)

// rivals is a study of two objectives.
var rivals = results.Meta{
	Study: "rivals", Script: "rivals.star", ScriptHash: "5c41", Version: "0.1.0",
	Columns:    []results.Column{{Name: "lr", Kind: spec.Float}},
	Metrics:    []string{"fid", "recall", "loss"},
	Objectives: []results.Objective{{Metric: "fid", Direction: pareto.Min}, {Metric: "recall", Direction: pareto.Max}},
}

func createRivals(t testing.TB, dir string) *study {
	t.Helper()
	s, err := createStudy(dir, rivals, nil, hourly)
	check(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// rival trains a trial of three planned epochs, which have the given FID and recall, in turn. NaN is not measured. An empty status leaves
// it open.
func rival(t testing.TB, s *study, id string, lr float64, seed int64, status results.Status, fidRecall ...float64) {
	t.Helper()
	check(t, s.BeginTrial(results.Trial{ID: id, Index: len(s.Trials()), Configuration: fmt.Sprint("lr", lr),
		Point: results.Values{"lr": lr}, Seed: seed, Length: 3, Started: start}))
	for i := 0; i < len(fidRecall); i += 2 {
		m := results.Metrics{"fid": fidRecall[i], "recall": fidRecall[i+1], "loss": float64(-i)}
		for name, v := range m {
			if math.IsNaN(v) {
				delete(m, name)
			}
		}
		check(t, s.AppendEpoch(results.Epoch{Trial: id, Epoch: i/2 + 1, Metrics: m}))
	}
	if status != "" {
		check(t, s.FinishTrial(outcome(id, status)))
	}
}

// scope is the rows of one scope, some columns as text.
func scope(t testing.TB, v *results.View, c results.Comparison, scope results.Scope, names ...string) (lines []string) {
	t.Helper()
	for row, err := range v.Pareto(c) {
		check(t, err)
		if row["scope"] != string(scope) {
			continue
		}
		var cells []string
		for _, name := range names {
			cells = append(cells, fmt.Sprint(row[name]))
		}
		lines = append(lines, strings.Join(cells, " "))
	}
	return lines
}

func TestParetoComparesEpochsTrialsAndConfigurations(t *testing.T) {
	s := createRivals(t, t.TempDir())
	nan := math.NaN()
	rival(t, s, "a", 1, 0, results.Completed, 9, 0, nan, nan, 4, 0.5) // the second epoch is not evaluated
	rival(t, s, "b", 1, 1, results.Pruned, 2, 0.25, 6, 0.25)
	rival(t, s, "c", 2, 0, results.Completed, 5, 0.125, 3, nan)          // no recall at the end
	rival(t, s, "d", 2, 1, results.Diverged, 1, 1)                       // leaves no model
	rival(t, s, "e", 3, 0, "", 8, 0.75, math.Inf(1), 0.75)               // still running
	rival(t, s, "f", 3, 1, results.Failed)                               // has no epoch
	rival(t, s, "g", 4, 0, results.Collapsed, 1, 0.375)                  // the best FID
	rival(t, s, "h", 4, 1, results.Completed, nan, nan, 8, 0, 1, 0.3125) // joins g
	v := s.View
	// The trials' FIDs are from 1 to 6, their recalls from 0.125 to 0.5; the reference is a tenth further.
	wantLines(t, scope(t, v, results.Comparison{}, results.ScopeStudy, "rank", "trial", "epoch", "fid", "recall", "seeds", "reference_fid"),
		"1 g 1 1 0.375 1 6.5", "1 a 3 4 0.5 1 6.5", "2 h 3 1 0.3125 1 6.5", "3 c 1 5 0.125 1 6.5", "3 b 2 6 0.25 1 6.5")
	wantLines(t, scope(t, v, results.Comparison{}, results.ScopeConfiguration, "rank", "trial", "epoch", "lr", "seed", "fid", "std_fid",
		"recall", "seeds"),
		"1 <nil> <nil> 4 <nil> 1 0 0.34375 2", "1 <nil> <nil> 1 <nil> 5 1.4142135623730951 0.375 2", "2 <nil> <nil> 2 <nil> 5 <nil> 0.125 1")
	wantLines(t, scope(t, v, results.Comparison{}, results.ScopeTrial, "trial", "rank", "epoch", "fid", "reference_fid", "reference_recall"),
		"a 1 3 4 9.8 -0.1", "a 2 1 9 9.8 -0.1", "b 1 1 2 9.8 -0.1", "b 2 2 6 9.8 -0.1", "c 1 1 5 9.8 -0.1", "d 1 1 1 9.8 -0.1",
		"e 1 1 8 9.8 -0.1", "g 1 1 1 9.8 -0.1", "h 1 3 1 9.8 -0.1", "h 2 2 8 9.8 -0.1")
}

func TestHypervolumesAreOfTheFrontThatAPointIsOn(t *testing.T) {
	s := createRivals(t, t.TempDir())
	for i, p := range [][2]float64{{1, 0.25}, {2, 0.5}, {4, 0.75}, {3, 0.125}, {2, 0.5}} {
		rival(t, s, fmt.Sprint("t", i), float64(i), 0, results.Completed, p[0], p[1])
	}
	given := results.Comparison{Reference: map[string]float64{"fid": 5, "recall": 0}}
	// Up to (5, 0) the front is three steps: 4 x 0.25, 3 x 0.25 and 1 x 0.25. The equal points lose nothing alone.
	wantLines(t, scope(t, s.View, given, results.ScopeStudy, "trial", "rank", "contribution", "hypervolume"),
		"t0 1 0.25 2", "t1 1 0 2", "t4 1 0 2", "t2 1 0.25 2", "t3 2 0.25 0.25")
	same := createRivals(t, t.TempDir())
	rival(t, same, "a", 1, 0, results.Completed, 5, 0.5)
	wantLines(t, scope(t, same.View, results.Comparison{}, results.ScopeStudy, "reference_fid", "reference_recall"), "5.1 0.4")
}

func TestATrialCanBeComparedAtItsBestEpoch(t *testing.T) {
	s := createRivals(t, t.TempDir())
	rival(t, s, "a", 1, 0, results.Completed, 9, 0, 2, 0.25, 4, 0.5)
	wantLines(t, scope(t, s.View, results.Comparison{}, results.ScopeStudy, "epoch"), "3")
	wantLines(t, scope(t, s.View, results.Comparison{Best: true}, results.ScopeStudy, "epoch"), "2")
}

func TestAViewComparesAnyMetrics(t *testing.T) {
	dir := t.TempDir()
	s := createRivals(t, dir)
	rival(t, s, "a", 1, 0, results.Completed, 9, 0, 4, math.NaN())
	v, err := results.Open(dir, results.Objective{Metric: "loss", Direction: pareto.Max})
	check(t, err)
	defer v.Close()
	wantLines(t, columns(t, v, results.Pareto, "scope", "epoch", "loss", "rank"),
		"study 2 -2 1", "configuration <nil> -2 1", "trial 1 0 1", "trial 2 -2 2")
	wantLines(t, columns(t, v, results.Trials, "best_fid"), "4") // the study's own objectives stay those of its trials
	_, err = results.Open(dir, results.Objective{Metric: "kid", Direction: pareto.Min})
	wantError(t, err, `objective "kid": want one of the metrics fid, recall, loss`)
}

func TestTheParetoTableFollowsTheRows(t *testing.T) {
	dir := t.TempDir()
	s := createRivals(t, dir)
	wantLines(t, segmentRows(t, dir, results.Pareto)) // there is a file from the beginning
	rival(t, s, "a", 1, 0, results.Completed, 4, 0.5)
	rival(t, s, "b", 1, 1, "", 2, 0.25)
	check(t, s.Publish())
	names := []string{"scope", "trial", "seeds", "rank"}
	wantLines(t, segmentRows(t, dir, results.Pareto, names...), "configuration <null> 1 1", "study a 1 1", "trial a 1 1", "trial b 1 1")
	check(t, s.FinishTrial(outcome("b", results.Completed)))
	check(t, s.Publish())
	wantLines(t, segmentRows(t, dir, results.Pareto, names...),
		"configuration <null> 2 1", "study a 1 1", "study b 1 1", "trial a 1 1", "trial b 1 1")
	check(t, s.Forget("a"))
	wantLines(t, segmentRows(t, dir, results.Pareto, names...), "configuration <null> 1 1", "study b 1 1", "trial b 1 1")
	check(t, s.Close())
	for name, spoil := range map[string]func(string) error{
		"deleted": os.Remove,
		"cut":     func(path string) error { return os.Truncate(path, 100) },
		"half-written": func(path string) error {
			return errors.Join(longAgo(path), os.Rename(path, filepath.Join(filepath.Dir(path), ".pareto.parquet.tmp")))
		},
	} {
		check(t, spoil(segments(t, dir, results.Pareto)[0]))
		check(t, createRivals(t, dir).Close())
		if got := segmentRows(t, dir, results.Pareto); len(got) != 3 {
			t.Errorf("%s: got %d rows, want 3", name, len(got))
		}
	}
	hidden, err := filepath.Glob(filepath.Join(dir, "pareto", ".*"))
	check(t, err)
	if len(hidden) > 0 {
		t.Errorf("got files %v left behind", hidden)
	}
}

func TestComparingTakesAHundredthOfTheTime(t *testing.T) {
	dir := t.TempDir()
	now := start
	tick := time.Duration(0)
	clock := func() time.Time { now = now.Add(tick); return now }
	s, err := createStudy(dir, rivals, nil, results.Options{Now: clock, FlushEvery: time.Hour})
	check(t, err)
	defer s.Close()
	rows := func() int { return len(segmentRows(t, dir, results.Pareto)) }
	tick = time.Second // each look at the clock takes a second
	rival(t, s, "a", 1, 0, "", 4, 0.5)
	check(t, s.Publish())
	if rows() != 1 {
		t.Fatalf("got %d rows, want 1", rows())
	}
	rival(t, s, "b", 1, 1, "", 4, 0.5)
	check(t, s.Publish())
	if rows() != 1 {
		t.Errorf("got %d rows, want 1: comparing took a second, so the next is due in 100", rows())
	}
	now = now.Add(101 * time.Second)
	check(t, s.Publish())
	if rows() != 2 {
		t.Errorf("got %d rows, want 2", rows())
	}
	rival(t, s, "c", 1, 2, "", 4, 0.5)
	check(t, s.Close())
	if rows() != 3 {
		t.Errorf("got %d rows, want 3 at the end, due or not", rows())
	}
}

func TestAStudyWithoutObjectivesHasNoParetoTable(t *testing.T) {
	dir := t.TempDir()
	plain := rivals
	plain.Objectives = nil
	s, err := createStudy(dir, plain, nil, hourly)
	check(t, err)
	rival(t, s, "a", 1, 0, results.Completed, 4, 0.5)
	check(t, s.Close())
	wantLines(t, columns(t, s.View, results.Pareto, "scope"))
	if exists(filepath.Join(dir, "pareto")) {
		t.Error("got a folder pareto, want none")
	}
}

func TestReadersNeverSeeHalfAParetoTable(t *testing.T) {
	dir := t.TempDir()
	s := createRivals(t, dir)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	var reads atomic.Int32
	wg.Go(func() {
		for last := 0; ; reads.Add(1) {
			select {
			case <-stop:
				return
			default:
			}
			n := len(segmentRows(t, dir, results.Pareto, "trial"))
			if n < last || n%5 != 0 && n%5 != 3 { // a trial adds its own row and one to the study, every second one a configuration
				t.Errorf("got %d rows after %d", n, last)
				return
			}
			last = n
		}
	})
	for i := range 20 {
		id := fmt.Sprint("t", i)
		rival(t, s, id, float64(i/2), int64(i%2), results.Completed, float64(i), 0.5)
		check(t, s.Publish())
		for before := reads.Load(); reads.Load() == before && !t.Failed(); { // the reader keeps up
			time.Sleep(time.Millisecond)
		}
	}
	close(stop)
	wg.Wait()
	if n := len(segmentRows(t, dir, results.Pareto)); n != 50 {
		t.Errorf("got %d rows, want 50", n)
	}
}

// measured trains a trial of one epoch, whose FID is measured in some way, and finishes it.
func measured(t testing.TB, s *study, x results.Trial, fid float64) {
	t.Helper()
	x.Started = start
	check(t, s.BeginTrial(x))
	check(t, s.AppendEpoch(results.Epoch{Trial: x.ID, Epoch: 1, Evaluated: true, Backend: "cpu go",
		Metrics: results.Metrics{"fid": fid, "recall": 0.5}}))
	check(t, s.FinishTrial(outcome(x.ID, results.Completed)))
}

// Seeds of one configuration have a mean. Equal hyperparameters make no configuration: settings, data and the script may differ.
func TestOnlySeedsOfOneConfigurationAndLengthHaveAMean(t *testing.T) {
	s := createRivals(t, t.TempDir())
	point := results.Values{"lr": 1.0}
	for i, x := range []results.Trial{
		{ID: "a", Configuration: "narrow", Length: 2, Seed: 0}, {ID: "b", Configuration: "narrow", Length: 2, Seed: 1},
		{ID: "c", Configuration: "wide", Length: 2, Seed: 0}, {ID: "d", Configuration: "narrow", Length: 40, Seed: 2},
	} {
		x.Index, x.Point = i, point
		measured(t, s, x, float64(i+1))
	}
	wantLines(t, scope(t, s.View, results.Comparison{}, results.ScopeConfiguration, "configuration", "epochs_planned", "fid", "std_fid",
		"seeds"),
		"narrow 2 1.5 0.7071067811865476 2", "wide 2 3 <nil> 1", "narrow 40 4 <nil> 1")
}

func TestPointsAreComparedWithinOneMeasure(t *testing.T) {
	s := createRivals(t, t.TempDir())
	of := func(samples, subsets int) spec.Measure {
		return spec.Measure{Samples: samples, Real: "test:77", Features: "pixels:f00d",
			Metrics: []spec.Metric{{Name: "fid"}, {Name: "precision_recall", Args: []spec.Arg{{Name: "k", Value: 3}}},
				{Name: "kid", Args: []spec.Arg{{Name: "subsets", Value: float64(subsets)}, {Name: "size", Value: 10}}}}}
	}
	for i, m := range []spec.Measure{of(20, 10), of(1000, 10), of(1000, 50)} { // KID is not an objective
		id := fmt.Sprint("t", i)
		measured(t, s, results.Trial{ID: id, Configuration: id, Point: results.Values{"lr": 1.0}, Measure: m}, float64(i))
	}
	const twenty, thousand = "fid() precision_recall(k=3) samples=20 real=test:77 features=pixels:f00d",
		"fid() precision_recall(k=3) samples=1000 real=test:77 features=pixels:f00d"
	for _, in := range results.Scopes() {
		names := []string{"fid", "rank", "reference_fid", "measure"}
		want := []string{"0 1 0.1 " + twenty, "1 1 2.1 " + thousand, "2 2 2.1 " + thousand}
		if in == results.ScopeTrial {
			want[2] = "2 1 2.1 " + thousand
		}
		wantLines(t, scope(t, s.View, results.Comparison{}, in, names...), want...)
	}
}

// A trial that was trained for longer than the newest plan asks is compared as it was at the end of the plan's budget.
func TestTrialsAreComparedWithinTheBudgetOfTheNewestPlan(t *testing.T) {
	s := createRivals(t, t.TempDir())
	rival(t, s, "a", 1, 0, results.Completed, 9, 0.5, 5, 0.5, 1, 0.5)
	rival(t, s, "b", 1, 1, results.Completed, 7, 0.5, 3, 0.5, math.NaN(), 0.5)
	rival(t, s, "c", 1, 2, results.Completed, 8, 0.5, 6, 0.5, 2, 0.5)
	cells := []string{"trial", "epoch", "fid", "epochs_planned"}
	wantLines(t, scope(t, s.View, results.Comparison{}, results.ScopeStudy, cells...), "a 3 1 3", "c 3 2 3", "b 2 3 3")
	joined := []string{"fid", "seeds", "epochs_planned"}
	wantLines(t, scope(t, s.View, results.Comparison{}, results.ScopeConfiguration, joined...), "1.5 2 3", "3 1 3") // b at another epoch

	check(t, s.BeginPlan(results.Plan{Trials: []string{"a", "b"}, Epochs: []int{2, 2}, Began: start}))
	wantLines(t, scope(t, s.View, results.Comparison{}, results.ScopeStudy, cells...), "c 3 2 3", "b 2 3 2", "a 2 5 2")
	wantLines(t, scope(t, s.View, results.Comparison{}, results.ScopeConfiguration, joined...), "2 1 3", "4 2 2")
	wantLines(t, scope(t, s.View, results.Comparison{}, results.ScopeTrial, "trial", "epoch")[:3], "a 3", "a 2", "a 1")
	for _, state := range s.Trials() {
		if got, want := state.Best["fid"], map[string]results.Best{"a": {5, 2}, "b": {3, 2}, "c": {2, 3}}[state.ID]; got != want {
			t.Errorf("%s: got the best value %v, want %v", state.ID, got, want)
		}
	}
	wantLines(t, columns(t, s.View, results.Trials, "trial", "best_fid"), "a 1", "b 3", "c 2")
}

func TestMeasurementsOfKeptWeightsHaveFrontsOfTheirOwn(t *testing.T) {
	s := createRivals(t, t.TempDir())
	rival(t, s, "a", 1, 0, results.Completed, 4, 0.5)
	rival(t, s, "b", 2, 0, results.Completed, 2, 0.5)
	again := func(id, measure string, fid float64) results.Measurement {
		return results.Measurement{Trial: id, Epoch: 1, Measure: measure, Samples: 9, Extractor: "inception:f00d", Backend: "cpu",
			Metrics: results.Metrics{"fid": fid, "recall": 0.25}}
	}
	check(t, s.AppendMeasurement(again("a", "fid() samples=9", 70), again("b", "fid() samples=9", 80), again("b", "fid() samples=10", 60)))
	measured := results.Comparison{Measured: true}
	wantLines(t, scope(t, s.View, measured, results.ScopeStudy, "measure", "trial", "epoch", "fid", "rank"),
		"fid() samples=9 a 1 70 1", "fid() samples=9 b 1 80 2", "fid() samples=10 b 1 60 1")
	wantLines(t, scope(t, s.View, measured, results.ScopeTrial, "trial", "fid"), "a 70", "b 60", "b 80")
	wantLines(t, scope(t, s.View, results.Comparison{}, results.ScopeStudy, "trial", "fid"), "b 2", "a 4") // as before
	wantLines(t, columns(t, s.View, results.Measurements, "trial", "epoch", "measure", "samples", "extractor", "fid", "recall"),
		"a 1 fid() samples=9 9 inception:f00d 70 0.25", "b 1 fid() samples=10 9 inception:f00d 60 0.25",
		"b 1 fid() samples=9 9 inception:f00d 80 0.25")
}

func TestAParetoTableThatIsCurrentIsNotRankedAgain(t *testing.T) {
	dir := t.TempDir()
	a, b := createRivals(t, dir), createRivals(t, dir)
	file := func() os.FileInfo {
		t.Helper()
		info, err := os.Stat(filepath.Join(dir, "pareto/pareto.parquet"))
		check(t, err)
		return info
	}
	rival(t, a, "a", 1, 0, results.Completed, 3, 1, 2, 1, 1, 1)
	rival(t, b, "b", 2, 0, results.Completed, 3, 2, 2, 2, 1, 2)
	check(t, a.Close())
	first := file()
	check(t, b.Close()) // it has read what a has
	if !os.SameFile(first, file()) {
		t.Error("the second process to leave has written an equal table")
	}
	check(t, createRivals(t, dir).Close())
	if !os.SameFile(first, file()) {
		t.Error("a process that has joined has written an equal table")
	}

	c := createRivals(t, dir)
	rival(t, c, "c", 3, 0, results.Completed, 3, 3, 2, 3, 1, 3)
	check(t, c.Close())
	second := file()
	if os.SameFile(first, second) {
		t.Error("a point more has not changed the table")
	}
	path := filepath.Join(dir, "pareto/pareto.parquet")
	content, err := os.ReadFile(path)
	check(t, err)
	content[len(content)/2] ^= 1
	check(t, os.WriteFile(path, content, 0o666))
	check(t, createRivals(t, dir).Close())
	content[len(content)/2] ^= 1
	mended, err := os.ReadFile(path)
	check(t, err)
	if string(mended) != string(content) {
		t.Error("a damaged table was taken for the current one")
	}
	more := rivals
	more.Metrics = append(slices.Clone(more.Metrics), "precision")
	s, err := createStudy(dir, more, nil, hourly)
	check(t, err)
	check(t, s.Close())
	if mended, err = os.ReadFile(path); err != nil || string(mended) == string(content) {
		t.Errorf("a study that has grown kept the table without the new column: %v", err)
	}
}
