package results

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// pictures are rows of the samples table of n pictures that cannot be compressed.
func pictures(m Meta, n, size int) func(func(Row, error) bool) {
	return func(yield func(Row, error) bool) {
		noise := rand.NewChaCha8([32]byte{1})
		for i := range n {
			png := make([]byte, size)
			_, _ = noise.Read(png)
			trial := Trial{ID: "t", Index: i, Point: Values{"lr": 0.5}}
			row := m.layout(Samples).row(&record{Study: m.Study, Trial: trial, Sample: Sample{Trial: "t", Epoch: i + 1, PNG: png}})
			if !yield(row, nil) {
				return
			}
		}
	}
}

// counter counts bytes and, after every so many, how much memory is in use.
type counter struct {
	written, measured int
	peak              uint64
}

func (c *counter) Write(b []byte) (int, error) {
	if c.written += len(b); c.written-c.measured > 4<<20 {
		c.measured = c.written
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		c.peak = max(c.peak, m.HeapAlloc)
	}
	return len(b), nil
}

// The memory that a file takes is that of a few row groups, however many it has.
func TestAFileIsWrittenRowGroupByRowGroup(t *testing.T) {
	const size = 1 << 20
	var c counter
	ok(t, writeParquet(&c, oldMeta, Samples, fileNotes{}, pictures(oldMeta, 12*groupBytes/size, size)))
	if c.written < 10*groupBytes || c.measured == 0 || c.peak > 8*groupBytes {
		t.Errorf("%d MB were written with up to %d MB in memory, want at most %d", c.written>>20, c.peak>>20, 8*groupBytes>>20)
	}
}

func TestAFileOfSeveralRowGroupsIsReadAndSealed(t *testing.T) {
	const size = 1 << 20
	n := 5 * groupBytes / 2 / size
	var b, again bytes.Buffer
	ok(t, writeParquet(&b, oldMeta, Samples, fileNotes{}, pictures(oldMeta, n, size)))
	ok(t, writeParquet(&again, oldMeta, Samples, fileNotes{}, pictures(oldMeta, n, size)))
	if !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("equal rows have different files")
	}
	i := 0
	for row, err := range parquetRows(b.Bytes(), oldMeta.Fields(Samples)) {
		ok(t, err)
		if i++; row["epoch"] != int32(i) {
			t.Fatalf("row %d is that of epoch %v", i, row["epoch"])
		}
	}
	path := filepath.Join(t.TempDir(), "file")
	groups := func() (n int, err error) {
		ok(t, os.WriteFile(path, b.Bytes(), 0o666))
		err = lookAt(path, func(p *parquet.File) error { n = len(p.RowGroups()); return nil })
		return n, err
	}
	if got, err := groups(); got != 3 || err != nil || i != n {
		t.Errorf("got %d row groups and %d rows, %v; want 3 and %d", got, i, err, n)
	}
	file := b.Bytes()
	end := len(file)
	for _, at := range []int{0, 100, end / 3, end / 2, end - 3000, end - 40, end - 8, end - 5, end - 1} {
		bit := at % 8
		file[at] ^= 1 << bit
		if _, err := groups(); err == nil {
			t.Errorf("bit %d of byte %d of %d is flipped, and nobody notices", bit, at, end)
		}
		if _, err := openParquet(file); err == nil {
			t.Errorf("in memory: bit %d of byte %d of %d is flipped, and nobody notices", bit, at, end)
		}
		file[at] ^= 1 << bit
	}
	for _, size := range []int{end - 1, 100, 9, 8, 7, 1, 0} {
		b.Truncate(size)
		if _, err := groups(); err == nil {
			t.Errorf("the file is cut to %d bytes, and nobody notices", size)
		}
	}
}
