package results_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/results"
)

func TestCompactedTablesDoNotDependOnWhoWroteWhat(t *testing.T) {
	var want map[results.Table][]byte
	for _, writers := range []int{1, 2, 3} {
		dir := t.TempDir()
		var all []*study
		for range writers {
			all = append(all, create(t, dir))
		}
		takeTurns(t, all)
		if writers > 1 {
			if _, err := all[0].Compact(); !errors.Is(err, results.ErrInUse) {
				t.Errorf("compacting beside others: got %v, want ErrInUse", err)
			}
		}
		for _, w := range all[1:] {
			check(t, w.Close())
		}
		done, err := all[0].Compact()
		check(t, err)
		if done[results.Epochs].Rows != 18 || done[results.Epochs].Files < 2 {
			t.Errorf("got %+v", done)
		}
		rows := published(t, dir)
		got := map[results.Table][]byte{}
		for _, table := range results.Tables() {
			if n := len(segments(t, dir, table)); n != 1 {
				t.Errorf("%s: got %d files", table, n)
			}
			got[table] = canonical(t, dir, table)
		}
		check(t, all[0].Close())
		if len(rows) != 6+18+18 || len(slices.Compact(rows)) != len(rows) {
			t.Errorf("got the rows\n%s", strings.Join(rows, "\n"))
		}
		if want == nil {
			want = got
		}
		for table := range want {
			if !bytes.Equal(got[table], want[table]) {
				t.Errorf("%s of %d writers differs from that of one", table, writers)
			}
		}
	}
}

// takeTurns trains six trials, each epoch by another writer.
func takeTurns(t *testing.T, writers []*study) {
	t.Helper()
	for i := range 6 {
		id := fmt.Sprint("t", i)
		for e := 1; e <= 3; e++ {
			w := writers[(i+e)%len(writers)]
			_, err := w.Refresh()
			check(t, err)
			c := claimed(t, w, id)
			var from *results.Checkpoint
			if e > 1 {
				from = &results.Checkpoint{Row: epoch(id, e-1)}
			}
			check(t, c.Begin(trial(id, i), from))
			check(t, c.AppendEpoch(epoch(id, e), results.Sample{Trial: id, Epoch: e, Kind: "grid", PNG: picture(t, e)}))
			if e == 3 {
				check(t, c.Finish(outcome(id, results.Completed)))
			}
			check(t, c.Release())
		}
	}
}

// Wherever a crash ends a compaction, readers see no row twice, and the next process makes the tables whole.
func TestACrashInACompactionLosesAndDoublesNothing(t *testing.T) {
	before := filepath.Join(t.TempDir(), "before")
	s := create(t, before)
	for i := range 3 {
		id := fmt.Sprint("t", i)
		train(t, s, id, i, 2)
		check(t, s.FinishTrial(outcome(id, results.Completed)))
		check(t, s.Publish())
	}
	check(t, s.Close())
	want := published(t, before)
	after := copied(t, before)
	s = create(t, after)
	_, err := s.Compact()
	check(t, err)
	check(t, s.Close())

	crashed := func(t *testing.T, dir string) {
		t.Helper()
		rows := published(t, dir)
		if len(slices.Compact(slices.Clone(rows))) != len(rows) {
			t.Errorf("a reader sees rows twice:\n%s", strings.Join(rows, "\n"))
		}
		s := create(t, dir)
		if got := published(t, dir); !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		_, err := s.Compact()
		check(t, err)
		check(t, s.Close())
		for _, table := range results.Tables() {
			if got, want := segments(t, dir, table), segments(t, after, table); len(got) != 1 ||
				!bytes.Equal(readFile(t, "", got[0]), readFile(t, "", want[0])) {
				t.Errorf("%s: got other files, %v", table, got)
			}
		}
	}
	dir := copied(t, before)
	for _, table := range []results.Table{results.Trials, results.Epochs, results.Samples} { // one table after the other
		file := readFile(t, filepath.Join(after, string(table)), "0-compact.parquet")
		hidden := filepath.Join(dir, string(table), ".0-compact.parquet.0123456789abcdef.tmp")
		check(t, os.WriteFile(hidden, file[:len(file)/2], 0o666))
		crashed(t, copied(t, dir)) // while the file is written
		check(t, os.WriteFile(hidden, file, 0o666))
		crashed(t, copied(t, dir))
		for _, path := range segments(t, dir, table) {
			check(t, os.Remove(path))
			crashed(t, copied(t, dir)) // after each removal
		}
		check(t, os.Rename(hidden, filepath.Join(dir, string(table), "0-compact.parquet")))
		crashed(t, copied(t, dir))
	}
}

func TestTheLastWriterOfAFinishedStudyCompactsIt(t *testing.T) {
	dir := t.TempDir()
	a, b := create(t, dir), create(t, dir)
	check(t, a.BeginPlan(results.Plan{Trials: []string{"a", "b"}, Settings: "{}"}))
	train(t, a, "a", 0, 1)
	check(t, a.FinishTrial(outcome("a", results.Completed)))
	check(t, a.Close())
	if n := len(segments(t, dir, results.Epochs)); n != 2 {
		t.Errorf("got %d files while a trial is left", n)
	}
	train(t, b, "b", 1, 1)
	check(t, b.FinishTrial(outcome("b", results.Completed)))
	check(t, b.Close())
	wantLines(t, segments(t, dir, results.Epochs), filepath.Join(dir, "epochs", "0-compact.parquet"))
	wantLines(t, segmentRows(t, dir, results.Epochs, "trial"), "a", "b")
}
