package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/regular"
)

// Hole is a damaged part of a journal, in bytes, which ends where a sound record begins.
type Hole struct {
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
}

func (h Hole) String() string { return fmt.Sprintf("%d bytes from byte %d on", h.Length, h.Offset) }

// Reader reads a journal to which its writer may append at the same time. It holds no open file between calls.
type Reader struct {
	path  string
	end   int64 // after the last sound record
	size  int64 // of the file when it was last read
	limit int64 // nothing is read beyond it; 0 if there is none
	holes []Hole
	asked bool // local was decided
	local bool // the file is on a file system of this machine
}

// NewReader returns a reader that has read nothing yet of the journal at path.
func NewReader(path string) *Reader { return &Reader{path: path} }

// Path is the path of the journal.
func (r *Reader) Path() string { return r.path }

// End is where the last sound record ends, Tail the number of bytes after it: a record that is being written, or what a crash left of
// one.
func (r *Reader) End() int64 { return r.end }

// Tail is the number of bytes after the last sound record, negative if the file has become shorter than what was read of it.
func (r *Reader) Tail() int64 { return r.size - r.end }

// Holes are the damaged parts before the end.
func (r *Reader) Holes() []Hole { return r.holes }

// Limit makes end the end of the journal for the reader.
func (r *Reader) Limit(end int64) { r.limit = end }

// Advance tells the reader that its caller knows the records up to end, since it has appended them itself.
func (r *Reader) Advance(end int64) { r.end, r.size = end, max(end, r.size) }

// Next calls each for every line that was appended since the last call, in order. The bytes of a line are the callee's to keep. After an
// error the next call begins with the same lines. Errors: ErrCorrupt, durable.ErrStorage, or those of each.
func (r *Reader) Next(each func(Line, []byte) error) error {
	if r.local { // a network file system may answer stat from its cache, but looks when a file is opened
		if info, err := os.Stat(r.path); err == nil && info.Mode().IsRegular() && r.read(info) {
			return nil
		}
	}
	f, err := regular.Open(r.path)
	if err != nil {
		return durable.StorageError(r.path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return durable.StorageError(r.path, err)
	}
	if !r.asked {
		r.asked, r.local = true, local(r.path)
	}
	if r.read(info) {
		return nil
	}
	s := scan{f: f, path: r.path, end: r.end, size: r.size, budget: searchBudget * (r.size - r.end)}
	if err := s.run(each); err != nil {
		return err
	}
	r.end, r.holes = s.end, append(r.holes, s.holes...)
	return nil
}

// read notes the size of the file, and reports whether all of it was read.
func (r *Reader) read(info os.FileInfo) bool {
	r.size = info.Size()
	if r.limit > 0 {
		r.size = min(r.size, r.limit)
	}
	return r.size <= r.end
}

// scan reads the records of a file from end to size.
type scan struct {
	f         *os.File
	path      string
	end, size int64
	holes     []Hole
	window    window
	budget    int64 // bytes that a search may still read: in a crafted file, a record could begin at every byte
}

func (s *scan) run(each func(Line, []byte) error) error {
	s.window = window{f: s.f, data: make([]byte, 0, min(windowSize, s.size-s.end))}
	for s.end < s.size {
		payload, err := readRecord(&s.window, s.end, s.size)
		if err != nil {
			return durable.StorageError(s.path, err)
		}
		if payload == nil {
			next, err := s.search(s.end + 1)
			if err != nil || next < 0 {
				return err
			}
			s.holes = append(s.holes, Hole{s.end, next - s.end})
			s.end = next
			continue
		}
		at := s.end + headerSize
		for line := range bytes.Lines(payload) {
			if err := each(Line{at, int32(len(line) - 1)}, line[:len(line)-1:len(line)-1]); err != nil {
				return fmt.Errorf("%s: byte %d: %w", s.path, at, err)
			}
			at += int64(len(line))
		}
		s.end = at
	}
	return nil
}

// searchBudget bounds the work of a search, in sizes of what is read. Text of payloads, read as a length, is too large for a record, so
// that an ordinary journal takes little more than one pass.
const searchBudget = 16

// search returns where the first sound record at or after an offset begins, -1 if there is none: after a torn write there are none.
func (s *scan) search(from int64) (int64, error) {
	window := make([]byte, 1<<16)
	for from+headerSize < s.size {
		n, err := s.f.ReadAt(window[:min(int64(len(window)), s.size-from)], from)
		if err != nil && err != io.EOF {
			return 0, durable.StorageError(s.path, err)
		}
		for i := 0; i+headerSize < n; i++ {
			at := from + int64(i)
			length := int64(binary.LittleEndian.Uint32(window[i:]))
			if length == 0 || length > maxRecord || length > s.size-at-headerSize || window[i+headerSize] != '{' {
				continue
			}
			if s.budget -= length; s.budget < 0 {
				return 0, fmt.Errorf("%s: %w: too much damage after byte %d to search it for sound records", s.path, ErrCorrupt, from)
			}
			if payload, err := readRecord(s.f, at, s.size); err != nil || payload != nil {
				return at, durable.StorageError(s.path, err)
			}
		}
		from += int64(max(1, n-headerSize))
	}
	return -1, nil
}

// readRecord returns the payload of the record at offset, nil if there is none.
func readRecord(f io.ReaderAt, offset, size int64) ([]byte, error) {
	if size-offset < headerSize {
		return nil, nil
	}
	var header [headerSize]byte
	if _, err := f.ReadAt(header[:], offset); err != nil {
		return nil, err
	}
	length := int64(binary.LittleEndian.Uint32(header[:]))
	if length == 0 || length > maxRecord || length > size-offset-headerSize {
		return nil, nil
	}
	payload := make([]byte, length)
	if _, err := f.ReadAt(payload, offset+headerSize); err != nil {
		return nil, err
	}
	if payload[length-1] != '\n' || crc32.Checksum(payload, castagnoli) != binary.LittleEndian.Uint32(header[4:]) {
		return nil, nil
	}
	return payload, nil
}

// window reads small pieces of a file, in order, with few calls of the system.
type window struct {
	f    *os.File
	at   int64
	data []byte // its capacity is what one call reads: no more than there is, for most readings are of a record or two
}

func (w *window) ReadAt(p []byte, off int64) (int, error) {
	if off < w.at || off+int64(len(p)) > w.at+int64(len(w.data)) {
		if len(p) > windowSize/2 || len(p) > cap(w.data) {
			return w.f.ReadAt(p, off)
		}
		n, err := w.f.ReadAt(w.data[:cap(w.data)], off)
		if err != nil && err != io.EOF {
			return 0, err
		}
		w.at, w.data = off, w.data[:n]
	}
	n := copy(p, w.data[off-w.at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

const windowSize = 1 << 16
