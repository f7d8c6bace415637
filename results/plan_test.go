package results_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
)

func TestTheNewestPlanIsKnownToReaders(t *testing.T) {
	dir := t.TempDir()
	s := createRivals(t, dir)
	if p, found := s.Plan(); found {
		t.Errorf("got the plan %+v of a new study", p)
	}
	first := results.Plan{Trials: []string{"a", "b"}, Settings: `{"width":8}`, Script: "5c41", Began: start}
	check(t, s.BeginPlan(first))
	rival(t, s, "a", 1, 0, results.Completed, 4, 0.5)
	again := first
	again.Began = start.Add(time.Hour)
	check(t, s.BeginPlan(again)) // the same one goes on
	rival(t, s, "b", 1, 1, results.Completed, 2, 0.5)
	second := results.Plan{Trials: []string{"c", "b"}, Profile: "wide", Settings: `{"width":64}`, Script: "77aa", Began: again.Began}
	check(t, s.BeginPlan(second))
	rival(t, s, "c", 2, 0, "", 1, 0.5)
	check(t, s.Close())

	v, err := results.Open(dir)
	check(t, err)
	defer v.Close()
	got, _ := v.Plan()
	if !slices.Equal(got.Trials, second.Trials) || got.Profile != "wide" || got.Settings != second.Settings || got.Script != "77aa" ||
		!got.Began.Equal(second.Began.Truncate(time.Millisecond)) {
		t.Errorf("got the plan %+v, want %+v", got, second)
	}
	var states []string
	for _, x := range v.Trials() {
		states = append(states, fmt.Sprintf("%s %t %s %s %v", x.ID, x.InPlan, x.Settings, x.Script, x.Best["fid"]))
	}
	wantLines(t, states, `a false {"width":16} 5c41 {4 1}`, `b true {"width":16} 5c41 {2 1}`, `c true {"width":64} 77aa {1 1}`)
	wantLines(t, scope(t, v, results.Comparison{}, results.ScopeStudy, "trial", "in_plan"), "b true", "a false")
	wantLines(t, scope(t, v, results.Comparison{}, results.ScopeConfiguration, "configuration", "in_plan", "seeds"), "lr1 true 2")
}

func TestAPlanThatContinuesIsWrittenOnce(t *testing.T) {
	dir := t.TempDir()
	p := results.Plan{Trials: []string{"a"}, Settings: "{}", Script: "5c41", Began: start}
	count := func() (n int) {
		files, err := filepath.Glob(filepath.Join(dir, "journal", "*"))
		check(t, err)
		for _, file := range files {
			n += strings.Count(string(readFile(t, "", file)), `"plan":`)
		}
		return n
	}
	for range 3 {
		s := createRivals(t, dir)
		check(t, s.BeginPlan(p))
		check(t, s.Close())
	}
	if n := count(); n != 1 {
		t.Errorf("got %d plans in the journals after three runs of one, want 1", n)
	}
}

func TestMeasuresOfTheNewestPlanComeFirst(t *testing.T) {
	s := createRivals(t, t.TempDir())
	of := func(samples int) spec.Measure {
		return spec.Measure{Samples: samples, Metrics: []spec.Metric{{Name: "fid"}}, Real: "test:77", Features: "pixels:f00d"}
	}
	begin := func(id string, samples int) {
		t.Helper()
		check(t, s.BeginTrial(results.Trial{ID: id, Configuration: id, Point: results.Values{"lr": 1.0}, Measure: of(samples), Train: "11",
			Started: start}))
	}
	begin("a", 20)
	check(t, s.BeginPlan(results.Plan{Trials: []string{"b"}}))
	begin("b", 1000)
	text := func(samples int) string {
		return fmt.Sprintf("fid() samples=%d real=test:77 features=pixels:f00d train=11", samples)
	}
	newest, others := s.Measures() // recall, an objective, is no metric of theirs: a watch, of the training images
	wantLines(t, newest, text(1000))
	wantLines(t, others, text(20))
	check(t, s.BeginTrial(results.Trial{ID: "c", Configuration: "c", Point: results.Values{"lr": 1.0}, Started: start}))
	check(t, s.FinishTrial(outcome("c", results.Skipped))) // which measures nothing
	newest, others = s.Measures()
	wantLines(t, newest, text(1000))
	wantLines(t, others, text(20))
}

// Only the necessary differences are listed, settings first.
func TestDifferencesAreAsFewAsNecessary(t *testing.T) {
	state := func(settings, script, train string) results.State {
		return results.State{Trial: results.Trial{Train: train, Length: 2}, Settings: settings, Script: script}
	}
	for name, test := range map[string]struct {
		trials []results.State
		labels []string
		want   []string
	}{
		"other labels": {[]results.State{state(`{"width":8}`, "x", "1"), state(`{"width":64}`, "y", "2")}, []string{"lr=1", "lr=2"}, nil},
		"a setting": {[]results.State{state(`{"grid":4,"width":8}`, "x", "1"), state(`{"grid":4,"width":64}`, "y", "2")},
			[]string{"lr=1", "lr=1"}, []string{"width [8 64]"}},
		"a new setting": {[]results.State{state(`{}`, "x", "1"), state(`{"width":64}`, "x", "1"), state("", "x", "1")},
			[]string{"lr=1", "lr=1", "lr=2"},
			[]string{"width [ 64 ]"}},
		"the images": {[]results.State{state(`{}`, "x", "1"), state(`{}`, "y", "2")}, []string{"lr=1", "lr=1"}, []string{"train_digest [1 2]"}},
		"the script": {[]results.State{state(`{}`, "x", "1"), state(`{}`, "y", "1")}, []string{"lr=1", "lr=1"}, []string{"script [x y]"}},
		"both": {[]results.State{state(`{"a":1}`, "x", "1"), state(`{"a":2}`, "x", "1"), state(`{"a":2}`, "x", "2")}, []string{"", "", ""},
			[]string{"a [1 2 2]", "train_digest [1 1 2]"}},
	} {
		var got []string
		for _, d := range results.Differences(test.trials, test.labels) {
			got = append(got, fmt.Sprint(d.Name, " ", d.Values))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

func TestRowsDifferByTheIdentityOfTheirTrials(t *testing.T) {
	s := createRivals(t, t.TempDir())
	for i, width := range []int{8, 64} {
		check(t, s.BeginPlan(results.Plan{Settings: fmt.Sprintf(`{"width":%d}`, width)}))
		for seed := range int64(2) {
			x := results.Trial{ID: fmt.Sprintf("t%d-%d", i, seed), Configuration: fmt.Sprint("c", i), Point: results.Values{"lr": 1.0}, Seed: seed,
				Started: start}
			check(t, s.BeginTrial(x))
			check(t, s.AppendEpoch(results.Epoch{Trial: x.ID, Epoch: 1, Metrics: results.Metrics{"fid": float64(i), "recall": 0.5}}))
			end := outcome(x.ID, results.Completed)
			end.Settings = fmt.Sprintf(`{"width":%d}`, width)
			check(t, s.FinishTrial(end))
		}
	}
	for in, want := range map[results.Scope]string{results.ScopeStudy: "width [8 8 64 64]", results.ScopeConfiguration: "width [8 64]",
		results.ScopeTrial: ""} {
		var rows []results.Row
		for row, err := range s.Pareto(results.Comparison{}) {
			check(t, err)
			if row["scope"] == string(in) {
				rows = append(rows, row)
			}
		}
		got := ""
		for _, d := range s.Apart(rows) {
			got += fmt.Sprint(d.Name, " ", d.Values)
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

func TestThePlanOutlivesADamagedRecord(t *testing.T) {
	dir := t.TempDir()
	s := createRivals(t, dir)
	check(t, s.BeginPlan(results.Plan{Trials: []string{"z"}, Settings: "{}"}))
	check(t, s.BeginPlan(results.Plan{Trials: []string{"a"}, Settings: "{}"}))
	rival(t, s, "a", 1, 0, results.Completed, 4, 0.5)
	rival(t, s, "b", 1, 1, results.Completed, 2, 0.5)
	check(t, s.Close())
	path := journalOf(t, dir)
	file := readFile(t, "", path)
	file[bytes.LastIndex(file, []byte(`"outcome"`))] ^= 1
	check(t, os.WriteFile(path, file, 0o666))
	check(t, createRivals(t, dir).Close())
	v, err := results.Open(dir)
	check(t, err)
	defer v.Close()
	if p, _ := v.Plan(); !slices.Equal(p.Trials, []string{"a"}) {
		t.Errorf("got the plan %+v, want the newest", p)
	}
}
