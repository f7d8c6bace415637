package results_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/starsweep/starsweep/results"
)

// finished is the directory of a study of some trials of three epochs each, with a picture. Change may alter an epoch or end the
// trial before it.
func finished(t *testing.T, ids []string, change func(id string, e *results.Epoch) bool) string {
	t.Helper()
	dir := t.TempDir()
	s := create(t, dir)
	for _, id := range ids {
		check(t, s.BeginTrial(trial(id, int(id[0]-'a'))))
		check(t, s.AppendSample(results.Sample{Trial: id, Epoch: 1, Kind: "grid", PNG: picture(t, 4)}))
		for e := 1; e <= 3; e++ {
			row := epoch(id, e)
			if change != nil && !change(id, &row) {
				break
			}
			check(t, s.AppendEpoch(row))
		}
		check(t, s.FinishTrial(outcome(id, results.Completed)))
	}
	check(t, s.Close())
	return dir
}

func open(t *testing.T, dir string) *results.View {
	t.Helper()
	v, err := results.Open(dir)
	check(t, err)
	t.Cleanup(func() { v.Close() })
	return v
}

func agreement(t *testing.T, a, b string, o results.CompareOptions) results.Agreement {
	t.Helper()
	found, err := results.Compare(open(t, a), open(t, b), o)
	check(t, err)
	return found
}

func TestStudiesThatDifferInTimingsAndOrderAgree(t *testing.T) {
	a := finished(t, []string{"a", "b"}, nil)
	b := finished(t, []string{"b", "a"}, func(_ string, e *results.Epoch) bool {
		e.SecondsTrain, e.SecondsEvaluate, e.Backend = 77, 88, "another"
		return true
	})
	found := agreement(t, a, b, results.CompareOptions{})
	if found.Trials != 2 || found.Rows != 2*(1+3+1) || found.Cells < 80 {
		t.Errorf("got %d trials, %d rows and %d cells, want 2, 10 and more than 80", found.Trials, found.Rows, found.Cells)
	}
	if len(found.Different)+len(found.OnlyA)+len(found.OnlyB) > 0 {
		t.Errorf("got %+v, want agreement", found)
	}
}

func TestAChangedNumberAndALostRowAreFound(t *testing.T) {
	a := finished(t, []string{"a", "b", "c"}, nil)
	b := finished(t, []string{"a", "b", "d"}, func(id string, e *results.Epoch) bool {
		if id == "a" && e.Epoch == 2 {
			e.Metrics["fid"] = math.Nextafter(e.Metrics["fid"], 9)
		}
		return id != "b" || e.Epoch < 3
	})
	found := agreement(t, a, b, results.CompareOptions{})
	var cells []string
	for _, d := range found.Different {
		cells = append(cells, fmt.Sprint(d.Table, " ", d.Trial.ID, " ", d.Epoch, " ", d.Column))
	}
	wantLines(t, cells, "trials a 0 best_fid", "trials a 0 fid", "epochs a 2 fid", "trials b 0 epochs", "trials b 0 steps",
		"trials b 0 images", "trials b 0 loss_generator", "trials b 0 loss_discriminator")
	if d := found.Different[2]; d.A != 2.1 || d.B != math.Nextafter(2.1, 9) {
		t.Errorf("got the values %v and %v", d.A, d.B)
	}
	names := func(rows []results.RowKey) (list []string) {
		for _, r := range rows {
			list = append(list, fmt.Sprint(r.Table, " ", r.Trial.ID, " ", r.Epoch))
		}
		return list
	}
	wantLines(t, names(found.OnlyA), "epochs b 3", "trials c 0")
	wantLines(t, names(found.OnlyB), "trials d 0")

	found = agreement(t, a, b, results.CompareOptions{Trials: []string{"a"}, Tolerance: results.Tolerance{Relative: 1e-12}})
	if found.Trials != 1 || len(found.Different)+len(found.OnlyA)+len(found.OnlyB) > 0 {
		t.Errorf("within a tolerance: got %+v, want agreement of one trial", found)
	}
}

func TestTrialsOfEqualPointsAreComparedOnRequest(t *testing.T) {
	a, b := finished(t, []string{"a"}, nil), t.TempDir()
	s := create(t, b)
	other := trial("x", 0)
	check(t, s.BeginTrial(other))
	check(t, s.Close())
	if found := agreement(t, a, b, results.CompareOptions{}); found.Trials != 0 || len(found.OnlyA) != 1 || len(found.OnlyB) != 1 {
		t.Errorf("by configuration: got %+v, want two different trials", found)
	}
	found := agreement(t, a, b, results.CompareOptions{Same: results.SamePoint(meta)})
	if found.Trials != 1 || found.Rows != 0 || len(found.OnlyA) != 1+3+1 {
		t.Errorf("by point: got %+v, want one trial, whose rows the second study lacks", found)
	}
}

func TestEqualStudiesHaveEqualCanonicalTables(t *testing.T) {
	slower := func(_ string, e *results.Epoch) bool { e.SecondsTrain++; return true }
	a, b := finished(t, []string{"a", "b"}, nil), finished(t, []string{"b", "a"}, slower)
	c := finished(t, []string{"a", "b"}, func(_ string, e *results.Epoch) bool { e.Step++; return true })
	canonical := func(dir string, table results.Table) []byte {
		var file bytes.Buffer
		check(t, results.Canonical(dir, table, &file))
		return file.Bytes()
	}
	for _, table := range []results.Table{results.Trials, results.Epochs, results.Samples} {
		if !bytes.Equal(canonical(a, table), canonical(b, table)) {
			t.Errorf("%s: equal studies have different tables", table)
		}
		if slices.Contains([]results.Table{results.Trials, results.Epochs}, table) && bytes.Equal(canonical(a, table), canonical(c, table)) {
			t.Errorf("%s: different studies have equal tables", table)
		}
	}
}

func TestASkippedTrialHasNoProgramAndAFailedOneAClass(t *testing.T) {
	s := create(t, t.TempDir())
	check(t, s.BeginTrial(trial("a", 0), trial("b", 1)))
	check(t, s.FinishTrial(results.Outcome{Trial: "a", Status: results.Skipped, Reason: "too wide"}))
	failed := outcome("b", results.Failed)
	failed.Failure = results.FailureMemory
	check(t, s.FinishTrial(failed))
	wantLines(t, columns(t, s.View, results.Trials, "status", "reason", "failure", "parameters", "program", "backend", "device", "epochs"),
		"skipped too wide <nil> <nil> <nil> <nil> <nil> 0", "failed  memory 1234 f00d cpu 2 cores 0")
	check(t, s.Publish())
}
