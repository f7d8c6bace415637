package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/starsweep/starsweep/internal/durable"
)

func create(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

// next returns the lines that r reads now.
func next(t *testing.T, r *Reader) (lines []string) {
	t.Helper()
	if err := r.Next(func(_ Line, b []byte) error { lines = append(lines, string(b)); return nil }); err != nil {
		t.Fatal(err)
	}
	return lines
}

func appendLines(t *testing.T, j *Journal, lines ...string) []Line {
	t.Helper()
	var b [][]byte
	for _, line := range lines {
		b = append(b, []byte(line))
	}
	places, err := j.Append(b...)
	if err != nil {
		t.Fatal(err)
	}
	return places
}

// filled writes three records of two lines each and returns the file and where each record ends.
func filled(t *testing.T) (file []byte, ends []int, lines []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	j := create(t, path)
	for i := range 3 {
		a, b := fmt.Sprintf(`{"epoch":%d}`, i), fmt.Sprintf(`{"sample":%d,"text":"%s"}`, i, strings.Repeat("x", i))
		appendLines(t, j, a, b)
		lines = append(lines, a, b)
		ends = append(ends, int(j.End()))
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file, ends, lines
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestAReaderFollowsTheWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := create(t, path)
	r := NewReader(path)
	var places []Line
	var all []string
	for _, lines := range [][]string{{"one", "two"}, {"three"}, {strings.Repeat("long ", 50_000)}, {"four"}} {
		places, all = append(places, appendLines(t, j, lines...)...), append(all, lines...)
		if got := next(t, r); !slices.Equal(got, lines) {
			t.Errorf("got %.50q, want %.50q", got, lines)
		}
		if got := next(t, r); got != nil || r.End() != j.End() || r.Tail() != 0 {
			t.Errorf("again: got %q, end %d, tail %d", got, r.End(), r.Tail())
		}
	}
	var at []Line
	if err := NewReader(path).Next(func(place Line, b []byte) error { at = append(at, place); return nil }); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(at, places) {
		t.Errorf("got places %v, want those of Append, %v", at, places)
	}
	file, _ := os.ReadFile(path)
	for i, p := range places {
		if got := string(file[p.Offset : p.Offset+int64(p.Length)]); got != all[i] {
			t.Errorf("line %d: got %.50q", i, got)
		}
	}
}

func TestAJournalHasOneWriterInItsLife(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	create(t, path).Close()
	if _, err := Create(path); !errors.Is(err, os.ErrExist) || !errors.Is(err, durable.ErrStorage) {
		t.Errorf("got error %v", err)
	}
}

func TestAFileCutAnywhereKeepsEveryWholeRecordAndLosesNoMore(t *testing.T) {
	file, ends, lines := filled(t)
	path := filepath.Join(t.TempDir(), "journal")
	for size := range len(file) + 1 {
		write(t, path, file[:size])
		whole, end := 0, 0
		for whole < len(ends) && ends[whole] <= size {
			end = ends[whole]
			whole++
		}
		r := NewReader(path)
		if got := next(t, r); !slices.Equal(got, lines[:2*whole]) || int(r.Tail()) != size-end || len(r.Holes()) > 0 {
			t.Fatalf("cut at %d: got %q and a tail of %d, want %q and %d", size, got, r.Tail(), lines[:2*whole], size-end)
		}
		// The rest arrives, as if the file had been read while the record was written.
		write(t, path, file)
		if got := next(t, r); !slices.Equal(got, lines[2*whole:]) || r.Tail() != 0 || len(r.Holes()) > 0 {
			t.Fatalf("cut at %d and completed: got %q, a tail of %d and holes %v", size, got, r.Tail(), r.Holes())
		}
	}
}

func TestAFlippedBitCostsItsRecordAlone(t *testing.T) {
	file, ends, lines := filled(t)
	path := filepath.Join(t.TempDir(), "journal")
	for i := range file {
		bad := bytes.Clone(file)
		bad[i] ^= 1 << (i % 8)
		write(t, path, bad)
		record := 0
		for i >= ends[record] {
			record++
		}
		r := NewReader(path)
		if got, want := next(t, r), slices.Delete(slices.Clone(lines), 2*record, 2*record+2); !slices.Equal(got, want) {
			t.Fatalf("byte %d: got %q, want %q", i, got, want)
		}
		start := 0
		if record > 0 {
			start = ends[record-1]
		}
		hole := Hole{int64(start), int64(ends[record] - start)}
		switch last := record == len(ends)-1; {
		case last && (len(r.Holes()) > 0 || r.Tail() != hole.Length):
			t.Fatalf("byte %d in the last record: got holes %v and a tail of %d", i, r.Holes(), r.Tail())
		case !last && (!slices.Equal(r.Holes(), []Hole{hole}) || r.Tail() != 0):
			t.Fatalf("byte %d: got holes %v and a tail of %d, want %v", i, r.Holes(), r.Tail(), hole)
		}
		if kept, _ := os.ReadFile(path); !bytes.Equal(kept, bad) {
			t.Fatalf("byte %d: the damaged file was changed", i)
		}
	}
}

func TestATailOfZerosIsATail(t *testing.T) {
	file, _, lines := filled(t)
	path := filepath.Join(t.TempDir(), "journal")
	write(t, path, append(file, make([]byte, 5000)...))
	r := NewReader(path)
	if got := next(t, r); !slices.Equal(got, lines) || r.Tail() != 5000 {
		t.Errorf("got %q and a tail of %d", got, r.Tail())
	}
}

func TestAFileThatWasCutSinceItWasReadHasANegativeTail(t *testing.T) {
	file, ends, _ := filled(t)
	path := filepath.Join(t.TempDir(), "journal")
	write(t, path, file)
	r := NewReader(path)
	next(t, r)
	write(t, path, file[:ends[0]])
	if got := next(t, r); got != nil || int(r.Tail()) != ends[0]-ends[2] {
		t.Errorf("got %q and a tail of %d", got, r.Tail())
	}
}

func TestConcurrentAppendsAreAllKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := create(t, path)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 10 {
				if _, err := j.Append(fmt.Appendf(nil, "%d/%d", worker, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	lines := next(t, NewReader(path))
	slices.Sort(lines)
	if got := len(slices.Compact(lines)); got != 40 {
		t.Errorf("got %d lines, want 40", got)
	}
}

func TestAnErrorOfTheDiskIsStickyAndNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := create(t, path)
	j.f.Close() // stands in for a device that is gone
	for range 2 {
		if _, err := j.Append([]byte("x")); !errors.Is(err, durable.ErrStorage) || !strings.Contains(err.Error(), path) {
			t.Errorf("got error %v, want ErrStorage with the path", err)
		}
	}
}

func TestLinesMayNotHoldNewlines(t *testing.T) {
	j := create(t, filepath.Join(t.TempDir(), "journal"))
	for _, line := range []string{"", "a\nb"} {
		if _, err := j.Append([]byte(line)); err == nil {
			t.Errorf("line %q: got no error", line)
		}
	}
	if _, err := j.Append(); err == nil {
		t.Error("no lines: got no error")
	}
}

// A reader that only asks for the size of a file must notice all that one notices that opens it.
func TestAReaderOnALocalFileSystemNoticesTheSame(t *testing.T) {
	for _, onLocal := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "journal")
		j, err := Create(path)
		if err != nil {
			t.Fatal(err)
		}
		r := &Reader{path: path, asked: true, local: onLocal}
		read := func(want ...string) {
			t.Helper()
			var got []string
			if err := r.Next(func(_ Line, b []byte) error { got = append(got, string(b)); return nil }); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("local %v: got lines %q, want %q", onLocal, got, want)
			}
		}
		for i := range 3 {
			read()
			line := fmt.Sprintf(`{"n":%d}`, i)
			if _, err := j.AppendLater([]byte(line)); err != nil {
				t.Fatal(err)
			}
			read(line)
		}
		if err := os.Truncate(path, 10); err != nil {
			t.Fatal(err)
		}
		if read(); r.Tail() >= 0 {
			t.Errorf("local %v: got tail %d of a file that was cut, want less than 0", onLocal, r.Tail())
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := r.Next(nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("local %v: got error %v of a file that was removed", onLocal, err)
		}
		j.Close()
	}
}

func TestUnknownFileSystemsAreNotLocal(t *testing.T) {
	if local("/proc/self") || local(filepath.Join(t.TempDir(), "missing")) {
		t.Error("got true, want false")
	}
}
