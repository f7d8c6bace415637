package results_test

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/results"
)

// fingerprint is everything about the files of a directory that a process can change.
func fingerprint(t *testing.T, dir string) string {
	t.Helper()
	var lines []string
	check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		check(t, err)
		info, err := d.Info()
		check(t, err)
		sum := [32]byte{}
		if d.Type().IsRegular() {
			sum = sha256.Sum256(readFile(t, "", path))
		}
		lines = append(lines, strings.Join([]string{path, info.Mode().String(), info.ModTime().String(), string(sum[:])}, " "))
		return nil
	}))
	return strings.Join(lines, "\n")
}

// flip flips a bit of a byte of a file.
func flip(path string, at int) error {
	b, err := os.ReadFile(path)
	if err == nil {
		b[at] ^= 4
		err = os.WriteFile(path, b, 0o666)
	}
	return err
}

// A rehearsal says what the repair then says, word for word, and changes no byte of the directory.
func TestARehearsalSaysWhatTheRepairSaysAndChangesNothing(t *testing.T) {
	original, journal, _ := damageable(t)
	s := create(t, original)
	check(t, s.Close())
	weights := checkpoint("a", 3)
	record := recordsOf(journal)[3]
	for what, spoil := range map[string]func(dir string) error{
		"nothing":        func(string) error { return nil },
		"a record":       func(dir string) error { return flip(journals(t, dir)[0], record+20) },
		"the end":        func(dir string) error { return os.Truncate(journals(t, dir)[0], int64(record)) },
		"all journals":   func(dir string) error { return os.RemoveAll(filepath.Join(dir, "journal")) },
		"study.json":     func(dir string) error { return os.WriteFile(filepath.Join(dir, "study.json"), nil, 0o666) },
		"no study.json":  func(dir string) error { return os.Remove(filepath.Join(dir, "study.json")) },
		"a table":        func(dir string) error { return flip(segments(t, dir, results.Epochs)[1], 100) },
		"a stray":        func(dir string) error { return os.WriteFile(filepath.Join(dir, "epochs", "x.parquet"), nil, 0o666) },
		"weights":        func(dir string) error { return flip(filepath.Join(dir, "checkpoints", "a.safetensors"), 300) },
		"emptied weight": func(dir string) error { return os.Truncate(filepath.Join(dir, "checkpoints", "a.safetensors"), 0) },
		"a row for good": func(dir string) error {
			for _, table := range []results.Table{results.Epochs, results.Samples} {
				for _, path := range segments(t, dir, table) {
					check(t, flip(path, 100))
				}
			}
			return flip(journals(t, dir)[0], record+20)
		},
	} {
		t.Run(what, func(t *testing.T) {
			dir := copied(t, original)
			w := create(t, dir)
			check(t, os.MkdirAll(filepath.Join(dir, "checkpoints"), 0o777))
			results.SaveCheckpointOf(t, w.View, weights)
			check(t, w.Close())
			check(t, spoil(dir))
			before := fingerprint(t, dir)
			said, err := results.Rehearse(dir, hourly)
			check(t, err)
			if after := fingerprint(t, dir); after != before {
				t.Errorf("the rehearsal changed the directory:\n%q\n%q", before, after)
			}
			did, err := results.Repair(dir, hourly)
			check(t, err)
			if said.Dropped != did.Dropped || !slices.Equal(said.Notes, did.Notes) {
				t.Errorf("it said\n%d %s\nand did\n%d %s", said.Dropped, strings.Join(said.Notes, "\n"), did.Dropped,
					strings.Join(did.Notes, "\n"))
			}
			if any := len(did.Notes) > 0; any != (what != "nothing") {
				t.Errorf("got the notes %q", did.Notes)
			}
			again, err := results.Rehearse(dir, hourly)
			check(t, err)
			if len(again.Notes) > 0 && what != "a stray" {
				t.Errorf("after the repair there is more to do: %q", again.Notes)
			}
		})
	}
	_, err := results.Rehearse(t.TempDir(), hourly)
	if !errors.Is(err, results.ErrNoStudy) || strings.Contains(err.Error(), "rehearsal") {
		t.Errorf("got error %v, want ErrNoStudy, and no path of the scratch folder", err)
	}
}

// A run removes the damaged weights of finished trials as a repair does, and says so.
func TestARunRemovesDamagedWeightsOfFinishedTrials(t *testing.T) {
	dir, _, _ := damageable(t)
	s := create(t, dir)
	results.SaveCheckpointOf(t, s.View, checkpoint("a", 3))
	results.SaveCheckpointOf(t, s.View, checkpoint("b", 3))
	check(t, s.Close())
	path := filepath.Join(dir, "checkpoints", "a.safetensors")
	whole := readFile(t, "", path)
	flipped := slices.Clone(whole)
	flipped[len(flipped)-1] ^= 1
	for _, bad := range [][]byte{{}, whole[:len(whole)/2], flipped} {
		check(t, os.WriteFile(path, bad, 0o666))
		s := create(t, dir)
		if notes := strings.Join(s.Recovery().Notes, "\n"); !strings.Contains(notes, "removed the weights of trial a, which is finished") ||
			strings.Contains(notes, "trial b") {
			t.Errorf("got the notes %q", notes)
		}
		if s.HasCheckpoint("a") || !s.HasCheckpoint("b") || !s.HasCheckpoint("c") {
			t.Error("want the weights of b and c alone")
		}
		check(t, s.Close())
	}
}

// Of more trials than are claimed at a time, all are forgotten or none.
func TestManyTrialsAreForgottenUnlessOneIsTrained(t *testing.T) {
	dir := t.TempDir()
	s, other := create(t, dir), create(t, dir)
	var ids []string
	for i := range 120 {
		id := "t" + string(rune('a'+i/26)) + string(rune('a'+i%26))
		ids = append(ids, id)
		train(t, s, id, i, 1)
		check(t, s.FinishTrial(outcome(id, results.Completed)))
		check(t, s.claims[id].Release())
		delete(s.claims, id)
	}
	check(t, s.Publish())
	c := claimed(t, other, ids[110])
	if err := s.Writer.Forget(ids...); !errors.Is(err, results.ErrClaimed) {
		t.Errorf("got error %v, want ErrClaimed", err)
	}
	if n := len(s.Trials()); n != 120 {
		t.Errorf("%d trials are left, want all", n)
	}
	check(t, c.Release())
	check(t, s.Writer.Forget(ids...))
	if n, rows := len(s.Trials()), segmentRows(t, dir, results.Epochs, "trial"); n != 0 || len(rows) != 0 {
		t.Errorf("%d trials and %d rows are left, want none", n, len(rows))
	}
}
