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

	"github.com/parquet-go/parquet-go"

	"github.com/starsweep/starsweep/results"
)

// segmentRows reads the Parquet files of a table, as a user's glob finds them: some columns, as sorted lines of text.
func segmentRows(t testing.TB, dir string, table results.Table, names ...string) []string {
	t.Helper()
	var lines []string
	for _, path := range segments(t, dir, table) {
		b, err := os.ReadFile(path)
		check(t, err)
		f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		lines = append(lines, rowsOf(t, f, names)...)
	}
	slices.Sort(lines)
	return lines
}

func segments(t testing.TB, dir string, table results.Table) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, string(table), "*.parquet"))
	check(t, err)
	return paths
}

func rowsOf(t testing.TB, f *parquet.File, names []string) []string {
	t.Helper()
	var lines []string
	for _, group := range f.RowGroups() {
		rows := group.Rows()
		defer rows.Close()
		buf := make([]parquet.Row, 16)
		for {
			n, err := rows.ReadRows(buf)
			for _, row := range buf[:n] {
				var cells []string
				for _, name := range names {
					leaf, ok := f.Schema().Lookup(name)
					if !ok {
						t.Fatalf("no column %s", name)
					}
					cells = append(cells, row[leaf.ColumnIndex].String())
				}
				lines = append(lines, strings.Join(cells, " "))
			}
			if err != nil {
				break // io.EOF; the number of rows is checked below
			}
		}
	}
	if int64(len(lines)) != f.NumRows() {
		t.Fatalf("got %d rows, want %d", len(lines), f.NumRows())
	}
	return lines
}

// flipped flips a bit of a file, counted in bytes from its end.
func flipped(offset int) func(string) error {
	return func(path string) error {
		b, err := os.ReadFile(path)
		b[max(0, len(b)-offset)] ^= 1
		return errors.Join(err, os.WriteFile(path, b, 0o666))
	}
}

// damages are the ways in which a segment may be damaged.
var damages = map[string]func(path string) error{
	"flipped in its last byte":  flipped(1),
	"flipped in its length":     flipped(8),
	"flipped in its footer":     flipped(40),
	"flipped in its columns":    flipped(700),
	"flipped in its statistics": flipped(900),
	"deleted":                   os.Remove,
	"cut":                       func(path string) error { return os.Truncate(path, 100) },
	"of no rows":                func(path string) error { return os.WriteFile(path, nil, 0o666) },
	"overwritten": func(path string) error {
		b, err := os.ReadFile(path)
		copy(b[200:], "damaged")
		return errors.Join(err, os.WriteFile(path, b, 0o666))
	},
	"half-written": func(path string) error {
		return errors.Join(longAgo(path), os.Rename(path, filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp")))
	},
}

func TestSegmentsAreRebuiltFromTheJournalByteForByte(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	for i := range 4 {
		id := fmt.Sprint("t", i)
		train(t, s, id, i, 3)
		check(t, s.AppendSample(results.Sample{Trial: id, Epoch: 3, Kind: "grid", PNG: picture(t, 8)}))
		check(t, s.FinishTrial(outcome(id, results.Completed)))
		check(t, s.Publish())
	}
	check(t, s.Close())
	files := map[string][]byte{}
	for _, table := range results.Tables() {
		want := 5 // and the one without rows
		if table == results.Pareto || table == results.Measurements {
			want = 1
		}
		if n := len(segments(t, dir, table)); n != want {
			t.Errorf("%s: got %d segments, want %d", table, n, want)
		}
		for _, path := range segments(t, dir, table) {
			b, err := os.ReadFile(path)
			check(t, err)
			files[path] = b
		}
	}
	for name, spoil := range damages {
		t.Run(name, func(t *testing.T) {
			for path := range files {
				check(t, spoil(path))
				check(t, create(t, dir).Close())
				if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, files[path]) {
					t.Errorf("%s: not the file it was: %v", path, err)
				}
			}
			names, err := filepath.Glob(filepath.Join(dir, "*", "*"))
			check(t, err)
			hidden, err := filepath.Glob(filepath.Join(dir, "*", ".*"))
			check(t, err)
			if len(names) != len(files)+2 || len(hidden) != 0 { // and the script's folder and the journal
				t.Errorf("got files %v and %v, want %d", names, hidden, len(files)+2)
			}
		})
	}
	for _, table := range results.Tables() {
		check(t, os.RemoveAll(filepath.Join(dir, string(table))))
	}
	check(t, create(t, dir).Close())
	if got := segmentRows(t, dir, results.Epochs, "trial", "epoch"); len(got) != 12 || len(slices.Compact(got)) != 12 {
		t.Errorf("got rows %v, want 12", got)
	}
}

func TestPicturesAreStoredOnce(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	check(t, s.BeginTrial(trial("a", 0)))
	noise := noisePicture(t, 200)
	for e := 1; e <= 4; e++ {
		check(t, s.AppendSample(results.Sample{Trial: "a", Epoch: e, Kind: "grid", PNG: noise}))
	}
	check(t, s.Close())
	info, err := os.Stat(segments(t, dir, results.Samples)[0])
	check(t, err)
	if limit := int64(4*len(noise) + 8<<10); info.Size() > limit {
		t.Errorf("got a file of %d bytes for 4 pictures of %d, want at most %d", info.Size(), len(noise), limit)
	}
}
