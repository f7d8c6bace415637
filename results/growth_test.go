package results_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
)

// Otherwise a process that died elsewhere would keep a study from growing until its heartbeat was removed by hand.
func TestAStudyGrowsBesideAProcessThatDiedElsewhere(t *testing.T) {
	dir := t.TempDir()
	check(t, create(t, dir).Close())
	path := filepath.Join(dir, "writers", "far-1-0")
	check(t, os.WriteFile(path, []byte(`{"writer":"far-1-0","host":"far","boot":"b","pid":1}`), 0o666))
	check(t, longAgo(path))
	wider := meta
	wider.Metrics = append(slices.Clone(meta.Metrics), "recall")
	o := hourly
	o.HeartbeatEvery = 100 * time.Millisecond // a busy machine must not take three of them between joining and looking
	if _, err := createStudy(dir, wider, nil, o); !errors.Is(err, results.ErrInUse) {
		t.Fatalf("without waiting: got %v, want ErrInUse", err)
	}
	var waited []string
	o.Watching = func(list []results.Process) {
		for _, p := range list {
			waited = append(waited, p.String())
		}
	}
	s, err := createStudy(dir, wider, nil, o)
	check(t, err)
	check(t, s.Close())
	wantLines(t, waited, "process 1 on far")
}

func TestAStudyGrowsByColumns(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	train(t, s, "a", 0, 1)
	check(t, s.FinishTrial(outcome("a", results.Completed)))
	wider := meta
	wider.Columns = append(slices.Clone(meta.Columns[:4]), results.Column{Name: "beta", Kind: spec.Float}) // and without penalty
	wider.Metrics = append(slices.Clone(meta.Metrics), "recall")
	wider.Objectives = append(slices.Clone(meta.Objectives), results.Objective{Metric: "recall", Direction: pareto.Max})
	_, err := createStudy(dir, wider, nil, hourly)
	if !errors.Is(err, results.ErrInUse) {
		t.Fatalf("got %v, want ErrInUse", err)
	}
	wantError(t, err, dir+": study is in use by process", "its tables must get other columns")
	v := open(t, dir)
	check(t, s.Close())

	s, err = createStudy(dir, wider, nil, hourly)
	check(t, err)
	more := trial("b", 0)
	more.Point["beta"] = 0.5
	c := claimed(t, s, "b")
	check(t, c.Begin(more, nil))
	row := epoch("b", 1)
	row.Metrics["recall"] = 0.25
	check(t, c.AppendEpoch(row))
	check(t, s.Close())
	wantLines(t, segmentRows(t, dir, results.Epochs, "trial", "penalty", "beta", "recall"), "a <null> <null> <null>", "b <null> 0.5 0.25")
	wantLines(t, segmentRows(t, dir, results.Trials, "trial", "beta", "best_recall"), "a <null> <null>")
	_, err = v.Refresh() // of a reader that knew the narrow study
	check(t, err)
	wantLines(t, columns(t, v, results.Epochs, "trial", "beta", "recall"), "a <nil> <nil>", "b 0.5 0.25")

	part := wider // a script without the column goes on
	part.Columns = slices.Clone(meta.Columns[:4])
	s, err = createStudy(dir, part, nil, hourly)
	check(t, err)
	if got := s.Meta().Columns; len(got) != 6 || got[5].Name != "beta" || !got[5].Optional {
		t.Errorf("got the columns %+v", got)
	}
	check(t, s.Close())
}
