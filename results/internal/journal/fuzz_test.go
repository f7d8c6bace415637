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
// the file, and a record that is appended is read.
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
		r := NewReader(path)
		err := r.Next(func(_ Line, line []byte) error { sum += int64(len(line)) + 1; return nil })
		runtime.ReadMemStats(&after)
		if used, limit := after.TotalAlloc-before.TotalAlloc, uint64(1<<20+32*len(file)); used > limit {
			t.Errorf("%d bytes took %d of memory, want at most %d", len(file), used, limit)
		}
		if err != nil {
			return
		}
		for _, h := range r.Holes() {
			sum += h.Length
		}
		if sum += r.Tail(); sum > int64(len(file)) {
			t.Errorf("lines, holes and tail are %d bytes of a file of %d", sum, len(file))
		}
		// What follows a journal whose tail is whole is read on its own.
		var record bytes.Buffer
		if err := Write(&record, []byte(`{"next":1}`)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(file[:r.End():r.End()], record.Bytes()...), 0o666); err != nil {
			t.Fatal(err)
		}
		last := ""
		if err := r.Next(func(_ Line, line []byte) error { last = string(line); return nil }); err != nil || last != `{"next":1}` {
			t.Fatalf("after an append: got %q, %v", last, err)
		}
	})
}
