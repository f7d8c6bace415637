package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/starsweep/starsweep/internal/durable"
)

// open opens the journal in dir and returns its lines.
func open(t *testing.T, path string) (j *Journal, lines []string, dropped int64) {
	t.Helper()
	j, dropped, err := Open(path, func(_ Line, b []byte) error {
		lines = append(lines, string(b))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j, lines, dropped
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
	j, _, _ := open(t, path)
	for i := range 3 {
		a, b := fmt.Sprintf(`{"epoch":%d}`, i), fmt.Sprintf(`{"sample":%d,"text":"%s"}`, i, strings.Repeat("x", i))
		appendLines(t, j, a, b)
		lines = append(lines, a, b)
		ends = append(ends, int(j.end))
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file, ends, lines
}

func TestLinesComeBackInOrderAndByPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, _, _ := open(t, path)
	places := append(appendLines(t, j, "one", "two"), appendLines(t, j, "three")...)
	j.Close()
	j, lines, dropped := open(t, path)
	if want := []string{"one", "two", "three"}; !slices.Equal(lines, want) || dropped != 0 {
		t.Errorf("got %q and %d bytes dropped, want %q and 0", lines, dropped, want)
	}
	for i, want := range lines {
		if got, err := j.Read(places[i]); err != nil || string(got) != want {
			t.Errorf("line %d: got %q, %v; want %q", i, got, err, want)
		}
	}
}

func TestAFileCutAnywhereKeepsEveryWholeRecordAndLosesNoMore(t *testing.T) {
	file, ends, lines := filled(t)
	path := filepath.Join(t.TempDir(), "journal")
	for size := range len(file) + 1 {
		if err := os.WriteFile(path, file[:size], 0o666); err != nil {
			t.Fatal(err)
		}
		whole := 0
		for whole < len(ends) && ends[whole] <= size {
			whole++
		}
		wantDropped := size
		if whole > 0 {
			wantDropped -= ends[whole-1]
		}
		j, got, dropped := open(t, path)
		if !slices.Equal(got, lines[:2*whole]) || int(dropped) != wantDropped {
			t.Fatalf("cut at %d: got %q and %d dropped, want %q and %d", size, got, dropped, lines[:2*whole], wantDropped)
		}
		appendLines(t, j, "next")
		j.Close()
		j, got, dropped = open(t, path)
		if !slices.Equal(got, append(slices.Clone(lines[:2*whole]), "next")) || dropped != 0 {
			t.Fatalf("cut at %d and appended: got %q, %d dropped", size, got, dropped)
		}
		j.Close()
	}
}

func TestAFlippedBitIsReportedUnlessItIsInTheLastRecord(t *testing.T) {
	file, ends, lines := filled(t)
	path := filepath.Join(t.TempDir(), "journal")
	for i := range file {
		bad := bytes.Clone(file)
		bad[i] ^= 1 << (i % 8)
		if err := os.WriteFile(path, bad, 0o666); err != nil {
			t.Fatal(err)
		}
		j, dropped, err := Open(path, func(Line, []byte) error { return nil })
		if i >= ends[1] {
			if err != nil || int(dropped) != len(file)-ends[1] {
				t.Fatalf("byte %d in the last record: got %d dropped, %v", i, dropped, err)
			}
			j.Close()
			continue
		}
		start := 0
		if i >= ends[0] {
			start = ends[0]
		}
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), fmt.Sprintf("bytes from byte %d on are damaged", start)) {
			t.Fatalf("byte %d: got error %v, want damage at byte %d", i, err, start)
		}
		var got []string
		var holes []Hole
		v, tail, err := View(path, func(_ Line, b []byte) error { got = append(got, string(b)); return nil },
			func(h Hole) error { holes = append(holes, h); return nil })
		if err != nil || tail != 0 {
			t.Fatalf("byte %d: the view has a tail of %d bytes and %v", i, tail, err)
		}
		v.Close()
		record := 0
		if start > 0 {
			record = 1
		}
		want := slices.Delete(slices.Clone(lines), 2*record, 2*record+2)
		if !slices.Equal(got, want) || !slices.Equal(holes, []Hole{{int64(start), int64(ends[record] - start)}}) {
			t.Fatalf("byte %d: the view has %q and holes %v, want %q", i, got, holes, want)
		}
		if kept, _ := os.ReadFile(path); !bytes.Equal(kept, bad) {
			t.Fatalf("byte %d: the damaged file was changed", i)
		}
	}
	if len(lines) != 6 {
		t.Fatalf("got %d lines", len(lines))
	}
}

func TestATailOfZerosIsCut(t *testing.T) {
	file, _, lines := filled(t)
	path := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(path, append(file, make([]byte, 5000)...), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, got, dropped := open(t, path); !slices.Equal(got, lines) || dropped != 5000 {
		t.Errorf("got %q and %d bytes dropped", got, dropped)
	}
}

func TestAViewLeavesATornTailAlone(t *testing.T) {
	file, ends, _ := filled(t)
	path := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(path, file[:len(file)-1], 0o666); err != nil {
		t.Fatal(err)
	}
	count := 0
	j, tail, err := View(path, func(Line, []byte) error { count++; return nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if info, _ := os.Stat(path); count != 4 || int(info.Size()) != len(file)-1 || int(tail) != len(file)-1-ends[1] {
		t.Errorf("got %d lines and a file of %d bytes, want 4 and %d", count, info.Size(), len(file)-1)
	}
	if _, err := j.Append([]byte("x")); err == nil {
		t.Error("appending to a view: got no error")
	}
	if int(j.end) != ends[1] {
		t.Errorf("got end %d, want %d", j.end, ends[1])
	}
}

func TestConcurrentAppendsAreAllKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, _, _ := open(t, path)
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
	j.Close()
	_, lines, _ := open(t, path)
	slices.Sort(lines)
	if got := len(slices.Compact(lines)); got != 40 {
		t.Errorf("got %d lines, want 40", got)
	}
}

func TestAnErrorOfTheDiskIsStickyAndNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, _, _ := open(t, path)
	j.f.Close() // stands in for a device that is gone
	for range 2 {
		if _, err := j.Append([]byte("x")); !errors.Is(err, durable.ErrStorage) || !strings.Contains(err.Error(), path) {
			t.Errorf("got error %v, want ErrStorage with the path", err)
		}
	}
}

func TestLinesMayNotHoldNewlines(t *testing.T) {
	j, _, _ := open(t, filepath.Join(t.TempDir(), "journal"))
	for _, line := range []string{"", "a\nb"} {
		if _, err := j.Append([]byte(line)); err == nil {
			t.Errorf("line %q: got no error", line)
		}
	}
	if _, err := j.Append(); err == nil {
		t.Error("no lines: got no error")
	}
}
