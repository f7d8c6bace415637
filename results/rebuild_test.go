package results_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/results"
)

// damageable is a study with two finished trials, published, and one that was interrupted after two epochs, published, and has one
// more. It returns its files and the rows that tables and journal hold.
func damageable(t *testing.T) (dir string, journal []byte, rows []string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "study")
	s := create(t, dir)
	sample := func(id string, e int) {
		check(t, s.AppendSample(results.Sample{Trial: id, Epoch: e, Kind: "grid", PNG: picture(t, 4+e)}))
	}
	for i, id := range []string{"a", "b"} {
		check(t, s.BeginTrial(trial(id, i)))
		for e := 1; e <= 3; e++ {
			sample(id, e)
			check(t, s.AppendEpoch(epoch(id, e)))
		}
		check(t, s.FinishTrial(outcome(id, results.Completed)))
	}
	check(t, s.BeginTrial(trial("c", 2)))
	for e := 1; e <= 2; e++ {
		sample("c", e)
		check(t, s.AppendEpoch(epoch("c", e)))
	}
	check(t, s.Publish())
	check(t, s.SaveCheckpoint(checkpoint("c", 3)))
	sample("c", 3)
	check(t, s.AppendEpoch(epoch("c", 3)))
	rows = allRows(t, s.View)
	check(t, s.Close())
	journal = readFile(t, "", journalOf(t, dir))
	for _, table := range []results.Table{results.Epochs, results.Samples} { // a kill leaves the last rows unpublished
		check(t, os.Remove(segments(t, dir, table)[2]))
	}
	return dir, journal, rows
}

// allRows are the rows of all recorded tables, sorted.
func allRows(t *testing.T, v *results.View) (lines []string) {
	t.Helper()
	for _, table := range []results.Table{results.Trials, results.Epochs, results.Samples} {
		for row, err := range v.Rows(table) {
			check(t, err)
			lines = append(lines, fmt.Sprint(table, " ", row))
		}
	}
	slices.Sort(lines)
	return lines
}

// published are the rows that a glob finds, as text that identifies them.
func published(t *testing.T, dir string) (lines []string) {
	t.Helper()
	for table, names := range map[results.Table][]string{results.Trials: {"trial"}, results.Epochs: {"trial", "epoch"},
		results.Samples: {"trial", "epoch", "kind"}} {
		for _, line := range segmentRows(t, dir, table, names...) {
			lines = append(lines, string(table)+" "+line)
		}
	}
	slices.Sort(lines)
	return lines
}

// copied is a copy of a directory.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	check(t, os.CopyFS(to, os.DirFS(dir)))
	return to
}

// recordsOf are where the records of a journal begin, and its end.
func recordsOf(journal []byte) (offsets []int) {
	for at := 0; at < len(journal); at += 8 + int(binary.LittleEndian.Uint32(journal[at:])) {
		offsets = append(offsets, at)
	}
	return append(offsets, len(journal))
}

// finish trains what is not finished, as a run does.
func finish(t *testing.T, s *study) {
	t.Helper()
	finished := s.Finished()
	for i, id := range []string{"a", "b", "c"} {
		if _, done := finished[id]; done {
			continue
		}
		check(t, s.BeginTrial(trial(id, i)))
		c, _, err := s.Resume(id)
		if !errors.Is(err, results.ErrCheckpoint) {
			check(t, err)
		}
		for e := c.Row.Epoch + 1; e <= 3; e++ {
			check(t, s.AppendSample(results.Sample{Trial: id, Epoch: e, Kind: "grid", PNG: picture(t, 4+e)}))
			check(t, s.AppendEpoch(epoch(id, e)))
		}
		if id != "c" {
			check(t, s.FinishTrial(outcome(id, results.Completed)))
		}
	}
}

// Each record of a journal is damaged in turn, in its header and in its payload. The study continues: no row is doubled, rows
// that tables have come back as they were, and what is lost is trained again.
func TestADamagedRecordCostsOnlyItself(t *testing.T) {
	original, journal, want := damageable(t)
	offsets := recordsOf(journal)
	for i, at := range offsets[:len(offsets)-1] {
		if testing.Short() && i%4 != 0 && i < len(offsets)-8 { // the last are of a trial that goes on
			continue
		}
		for k, byteOf := range []int{0, 5, 20} {
			if testing.Short() && k != i/4%3 {
				continue
			}
			t.Run(fmt.Sprintf("record %d, byte %d", i, byteOf), func(t *testing.T) {
				dir := copied(t, original)
				bad := bytes.Clone(journal)
				bad[at+byteOf] ^= 2
				check(t, os.WriteFile(journalOf(t, dir), bad, 0o666))
				recoversFromDamage(t, dir, want, i == len(offsets)-2)
			})
		}
	}
}

// recoversFromDamage reads and continues a study whose journal has one damaged record, the last or another. Undamaged it had the
// rows want.
func recoversFromDamage(t *testing.T, dir string, want []string, last bool) {
	v, err := results.Open(dir)
	check(t, err)
	seen := allRows(t, v)
	if len(v.Damage()) == 0 || len(seen) < len(want)-8 {
		t.Errorf("the view has %d of %d rows and reports %q", len(seen), len(want), v.Damage())
	}
	check(t, v.Close())

	s := create(t, dir)
	notes := strings.Join(s.Recovery().Notes, "\n")
	if !last && !strings.Contains(notes, "left out") || last && s.Recovery().Dropped == 0 {
		t.Errorf("got the notes %q, %d bytes dropped", notes, s.Recovery().Dropped)
	}
	losesOneRow(t, allRows(t, s.View), want, notes)
	finish(t, s)
	check(t, s.Close())
	if got, want := published(t, dir), 2+9+9; len(slices.Compact(slices.Clone(got))) != len(got) || len(got) < want-1 {
		t.Errorf("%d rows are published, want %d or a picture less, none twice:\n%s\n%s", len(got), want, strings.Join(got, "\n"), notes)
	}
	again := create(t, dir)
	if len(again.Recovery().Notes) > 0 {
		t.Errorf("the next time there are notes: %q", again.Recovery().Notes)
	}
	check(t, again.Close())
}

// losesOneRow checks that got is want, except for at most one row that no table had.
func losesOneRow(t *testing.T, got, want []string, notes string) {
	if len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Fatalf("rows are doubled:\n%s", strings.Join(got, "\n"))
	}
	for _, row := range got {
		if !slices.Contains(want, row) {
			t.Fatalf("got a row that there never was: %s", row)
		}
	}
	lost := 0
	for _, row := range want {
		if !slices.Contains(got, row) {
			lost++
			if !strings.Contains(row, "trial:c") || !strings.Contains(row, "epoch:3") {
				t.Errorf("a row is lost that a table has: %s\n%s", row, notes)
			}
		}
	}
	if lost > 1 {
		t.Errorf("%d rows are lost, want at most the one of the record: %q", lost, notes)
	}
}

func TestAJournalThatIsShorterThanTheTablesComesBack(t *testing.T) {
	original, journal, want := damageable(t)
	for i, at := range recordsOf(journal) {
		if i >= len(recordsOf(journal))-3 { // all that was published is there
			break
		} else if testing.Short() && i%4 != 0 {
			continue
		}
		dir := copied(t, original)
		path := journalOf(t, dir)
		check(t, os.WriteFile(path, journal[:at], 0o666))
		v, err := results.Open(dir)
		check(t, err)
		if d := strings.Join(v.Damage(), "\n"); !strings.Contains(d, "tables were published from later ones") {
			t.Errorf("%d records: the view says %q", i, d)
		}
		check(t, v.Close())
		s := create(t, dir)
		got := allRows(t, s.View)
		for _, row := range want {
			if !slices.Contains(got, row) && !(strings.Contains(row, "trial:c") && strings.Contains(row, "epoch:3")) {
				t.Errorf("%d records: a row is lost that a table has: %s\n%q", i, row, s.Recovery().Notes)
			}
		}
		finish(t, s)
		check(t, s.Close())
		if got := published(t, dir); len(slices.Compact(slices.Clone(got))) != len(got) || len(got) < 18 {
			t.Errorf("%d records: got\n%s", i, strings.Join(got, "\n"))
		}
	}
	dir := copied(t, original)
	check(t, os.RemoveAll(filepath.Join(dir, "journal")))
	s := create(t, dir)
	if notes := strings.Join(s.Recovery().Notes, "\n"); len(s.Finished()) != 2 || !strings.Contains(notes, "missing or empty") ||
		!strings.Contains(notes, "recovered") {
		t.Errorf("without a journal: got %v and %s", s.Finished(), notes)
	}
}

// The next process goes on with a repair that a crash ended after any of its records.
func TestARepairIsFinishedAfterACrash(t *testing.T) {
	original, journal, _ := damageable(t)
	journal[recordsOf(journal)[2]+20] ^= 2
	journal[recordsOf(journal)[9]+20] ^= 2
	check(t, os.WriteFile(journalOf(t, original), journal, 0o666))
	dir := copied(t, original)
	s := create(t, dir)
	want := allRows(t, s.View)
	check(t, s.Close())
	wantFiles := published(t, dir)
	repaired := ""
	for _, path := range journals(t, dir) {
		if filepath.Base(path) != filepath.Base(journalOf(t, original)) {
			repaired = path
		}
	}
	records := readFile(t, "", repaired)
	for _, at := range recordsOf(records) {
		dir := copied(t, original)
		check(t, os.WriteFile(filepath.Join(dir, "journal", filepath.Base(repaired)), records[:at], 0o666))
		s := create(t, dir)
		if got := allRows(t, s.View); !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		check(t, s.Close())
		if got := published(t, dir); !slices.Equal(got, wantFiles) {
			t.Errorf("published: got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wantFiles, "\n"))
		}
	}
}

func TestFilesThatAreNotOursInATablesFolderAreReported(t *testing.T) {
	dir, _, _ := damageable(t)
	check(t, create(t, dir).Close())
	before := published(t, dir)
	b, err := os.ReadFile(segments(t, dir, results.Epochs)[1])
	check(t, err)
	ours := filepath.Base(segments(t, dir, results.Epochs)[1])
	for _, name := range []string{"zzz.parquet", "4-14.parquet", "000000004-000000014x.parquet", "notes.txt", ".hidden",
		ours[:len(ours)-len("000000000000.parquet")] + "999999999999.parquet"} {
		check(t, os.WriteFile(filepath.Join(dir, "epochs", name), b, 0o666))
	}
	check(t, os.WriteFile(filepath.Join(dir, "pareto", "copy.parquet"), b, 0o666))
	s := create(t, dir)
	notes := strings.Join(s.Recovery().Notes, "\n")
	for _, name := range []string{"epochs/zzz.parquet", "epochs/4-14.parquet", "epochs/000000004-000000014x.parquet", "epochs/notes.txt",
		"pareto/copy.parquet"} {
		if !strings.Contains(notes, filepath.Join(dir, name)+": not a file of the study") {
			t.Errorf("no note of %s in\n%s", name, notes)
		}
		check(t, os.Remove(filepath.Join(dir, name)))
	}
	if strings.Contains(notes, "hidden") {
		t.Errorf("a hidden file is noted, which readers skip:\n%s", notes)
	}
	check(t, s.Close())
	if got := published(t, dir); !slices.Equal(got, before) { // a copy under a name of ours is gone
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(before, "\n"))
	}
}

func TestTablesCanBeReadBeforeTheyHaveRows(t *testing.T) {
	dir := t.TempDir()
	create(t, dir)
	for _, table := range results.Tables() {
		if n := len(segments(t, dir, table)); n != 1 {
			t.Errorf("%s: got %d files, want one without rows", table, n)
		}
		if rows := segmentRows(t, dir, table, "study"); len(rows) != 0 {
			t.Errorf("%s: got %v, want no rows", table, rows)
		}
	}
}

func TestAViewOfAStudyWithoutItsJournalSaysSo(t *testing.T) {
	original, _, _ := damageable(t)
	dir := copied(t, original)
	check(t, os.RemoveAll(filepath.Join(dir, "journal")))
	v := open(t, dir)
	if d := strings.Join(v.Damage(), "\n"); !strings.Contains(d, "tables were published from later ones") {
		t.Errorf("got the damage %q", d)
	}
}

// Every journal of several is lost or damaged in turn.
func TestADamagedJournalOfAnyWriterComesBackFromTheTables(t *testing.T) {
	original := filepath.Join(t.TempDir(), "study")
	a, b := create(t, original), create(t, original)
	train(t, a, "a", 0, 3)
	train(t, b, "b", 1, 3)
	check(t, b.FinishTrial(outcome("b", results.Completed)))
	check(t, a.claims["a"].Release())
	c := claimed(t, b, "a")
	check(t, c.Begin(trial("a", 0), &results.Checkpoint{Row: epoch("a", 3)}))
	for e := 4; e <= 5; e++ {
		check(t, c.AppendEpoch(epoch("a", e), results.Sample{Trial: "a", Epoch: e, Kind: "grid", PNG: picture(t, e)}))
	}
	check(t, c.Finish(outcome("a", results.Completed)))
	check(t, a.Close())
	check(t, b.Close())
	want := allRows(t, open(t, original))
	wantFiles := published(t, original)
	for _, compact := range []bool{false, true} {
		if compact {
			w := create(t, original)
			_, err := w.Compact()
			check(t, err)
			check(t, w.Close())
		}
		for i := range journals(t, original) {
			for name, spoil := range map[string]func(path string) error{
				"deleted": os.Remove,
				"emptied": func(path string) error { return os.Truncate(path, 0) },
				"cut":     func(path string) error { return os.Truncate(path, 900) },
				"flipped": func(path string) error {
					file, err := os.ReadFile(path)
					file[recordsOf(file)[2]+30] ^= 4
					return errors.Join(err, os.WriteFile(path, file, 0o666))
				},
			} {
				t.Run(fmt.Sprint("compacted ", compact, ", journal ", i, " ", name), func(t *testing.T) {
					dir := copied(t, original)
					check(t, spoil(journals(t, dir)[i]))
					v := open(t, dir)
					if d := v.Damage(); len(d) == 0 {
						t.Error("a view reports no damage")
					}
					s := create(t, dir)
					if got := allRows(t, s.View); !slices.Equal(got, want) {
						t.Errorf("got\n%s\nwant\n%s\n%+v", strings.Join(got, "\n"), strings.Join(want, "\n"), s.Recovery())
					}
					check(t, s.Close())
					if got := published(t, dir); !slices.Equal(got, wantFiles) {
						t.Errorf("published: got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wantFiles, "\n"))
					}
					again := create(t, dir)
					if r := again.Recovery(); len(r.Notes) > 0 || r.Dropped > 0 || len(again.Damage()) > 0 {
						t.Errorf("the next time: %+v, %q", r, again.Damage())
					}
					check(t, again.Close())
				})
			}
		}
	}
}
