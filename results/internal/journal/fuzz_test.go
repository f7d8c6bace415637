package journal

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Any bytes are read as a journal within a bounded time and memory: the lines of sound records, holes between them and a tail make up
// the file, and what Open accepts it can append to.
func FuzzJournal(f *testing.F) {
	var sound bytes.Buffer
	for _, lines := range [][][]byte{{[]byte(`{"study":"f00d"}`)}, {[]byte(`{"epoch":{"trial":"a","epoch":1}}`), []byte(`{"forget":"a"}`)},
		{[]byte(`{"x":1}`)}} {
		if err := Write(&sound, lines...); err != nil {
			f.Fatal(err)
		}
	}
	b := sound.Bytes()
	flipped := bytes.Clone(b)
	flipped[30] ^= 4
	f.Add(b)
	f.Add(flipped)
	f.Add(b[:len(b)-3])
	f.Add(append(make([]byte, 100), b...))
	f.Add(bytes.Repeat([]byte{1, 0, 0, 0, '{', '{', '{', '{', '{'}, 50)) // a would-be record at every byte
	f.Add(binary.LittleEndian.AppendUint32(nil, maxRecord))
	f.Fuzz(func(t *testing.T, file []byte) {
		path := filepath.Join(t.TempDir(), "journal")
		if err := os.WriteFile(path, file, 0o666); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var sum int64
		v, tail, err := View(path, func(at Line, line []byte) error {
			sum += int64(len(line)) + 1
			return nil
		}, func(h Hole) error { sum += h.Length; return nil })
		runtime.ReadMemStats(&after)
		if used, limit := after.TotalAlloc-before.TotalAlloc, uint64(1<<20+32*len(file)); used > limit {
			t.Errorf("%d bytes took %d of memory, want at most %d", len(file), used, limit)
		}
		if err == nil {
			v.Close()
			if sum += tail; sum > int64(len(file)) {
				t.Errorf("lines, holes and tail are %d bytes of a file of %d", sum, len(file))
			}
		}
		j, _, err := Open(path, func(Line, []byte) error { return nil })
		if err != nil {
			return
		}
		if _, err := j.Append([]byte(`{"next":1}`)); err != nil {
			t.Error(err)
		}
		j.Close()
		last := ""
		j, dropped, err := Open(path, func(_ Line, line []byte) error { last = string(line); return nil })
		if err != nil || dropped != 0 || last != `{"next":1}` {
			t.Fatalf("after an append: got %q at the end, %d bytes dropped, %v", last, dropped, err)
		}
		j.Close()
	})
}
