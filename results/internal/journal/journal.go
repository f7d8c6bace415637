// Package journal is an append-only file of records, each of which is on disk when Append returns. A record is a 4-byte length and a
// 4-byte CRC-32C, both little endian, followed by the payload: lines of JSON, so that `strings` shows what a journal holds. Only
// package results uses it, and alone knows what the lines mean.
//
// Each record is synced before the next one is written, so a crash can spoil only the last record. Open cuts off such a tail and
// reports its length. A bad record before a sound one is damage: Open rejects the file; View skips the damaged bytes and continues
// after them, so that damage affects only the records it hits.
package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/starsweep/starsweep/internal/durable"
)

const (
	headerSize = 8
	maxRecord  = 1 << 28 // bytes; a length above it is damage, not a record
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrCorrupt is in the chain of the error for a journal that is damaged before its end.
var ErrCorrupt = errors.New("journal is corrupt")

// Hole is a damaged part of a journal, in bytes, which ends where a sound record begins.
type Hole struct{ Offset, Length int64 }

func (h Hole) String() string { return fmt.Sprintf("%d bytes from byte %d on", h.Length, h.Offset) }

// Line is the place of one line of a payload in the file, without its newline.
type Line struct {
	Offset int64
	Length int32
}

// Journal is an open journal. Its methods may be called from several goroutines.
type Journal struct {
	path string
	f    *os.File

	mu  sync.Mutex // guards what follows
	end int64      // position of the next record; everything before it is durable
	err error      // the first disk error, after which nothing more is written
}

// Open opens the journal at path for appending, creates it if necessary, and calls each for every line in order. Dropped is the
// number of bytes of a torn tail that was cut off. Errors: ErrCorrupt, durable.ErrStorage, or those of each.
func Open(path string, each func(Line, []byte) error) (j *Journal, dropped int64, err error) {
	_, statErr := os.Stat(path)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, 0, durable.StorageError(path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	if statErr != nil {
		if err := durable.SyncDir(filepath.Dir(path)); err != nil {
			return nil, 0, err
		}
	}
	end, size, err := scan(f, path, each, func(h Hole) error {
		return fmt.Errorf("%s: %w: %v are damaged, but a sound record follows", path, ErrCorrupt, h)
	})
	if err != nil {
		return nil, 0, err
	}
	if end < size {
		if err := f.Truncate(end); err != nil {
			return nil, 0, durable.StorageError(path, err)
		}
		if err := f.Sync(); err != nil {
			return nil, 0, durable.StorageError(path, err)
		}
	}
	return &Journal{path: path, f: f, end: end}, size - end, nil
}

// View opens the journal at path for reading only. It calls hole for each damaged part, in order with the lines. A writer may append at
// the same time: an incomplete record is left out, its size is tail, and nothing is cut. Append on a view returns an error.
func View(path string, each func(Line, []byte) error, hole func(Hole) error) (j *Journal, tail int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, durable.StorageError(path, err)
	}
	end, size, err := scan(f, path, each, hole)
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return &Journal{path: path, f: f, end: end, err: fmt.Errorf("%s: opened for reading only", path)}, size - end, nil
}

// Write writes lines as one record to a file that becomes a journal. Lines must not contain a newline.
func Write(w io.Writer, lines ...[]byte) error {
	record, _, err := encode(0, lines)
	if err != nil {
		return err
	}
	_, err = w.Write(record)
	return err
}

// Append writes lines as one record, which is complete or absent after a crash, and syncs it. Lines must not contain a newline. After
// an error the journal accepts nothing more, since what is on the disk is unknown until the file is opened again.
func (j *Journal) Append(lines ...[]byte) ([]Line, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return nil, j.err
	}
	record, places, err := encode(j.end, lines)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.path, err)
	}
	if err := j.Check(); err != nil {
		j.err = err
		return nil, err
	}
	if _, err := j.f.WriteAt(record, j.end); err != nil {
		j.err = durable.StorageError(j.path, err)
		return nil, j.err
	}
	if err := j.f.Sync(); err != nil {
		j.err = durable.StorageError(j.path, err)
		return nil, j.err
	}
	j.end += int64(len(record))
	return places, nil
}

// encode returns the record of lines for an offset, and the places of the lines in the file.
func encode(at int64, lines [][]byte) (record []byte, places []Line, err error) {
	record = make([]byte, headerSize)
	places = make([]Line, len(lines))
	for i, line := range lines {
		if len(line) == 0 || bytes.IndexByte(line, '\n') >= 0 {
			return nil, nil, errors.New("a line is empty or contains a newline")
		}
		places[i] = Line{at + int64(len(record)), int32(len(line))}
		record = append(append(record, line...), '\n')
	}
	payload := record[headerSize:]
	if len(payload) == 0 || len(payload) > maxRecord {
		return nil, nil, fmt.Errorf("got a record of %d bytes, want 1 to %d", len(payload), maxRecord)
	}
	binary.LittleEndian.PutUint32(record, uint32(len(payload)))
	binary.LittleEndian.PutUint32(record[4:], crc32.Checksum(payload, castagnoli))
	return record, places, nil
}

// Check returns an error if the file was removed, replaced or cut since the last Append. Append calls it as well: it takes
// microseconds, a sync milliseconds.
func (j *Journal) Check() error {
	if err := durable.StillThere(j.path, j.f, "rows that were in it are lost"); err != nil {
		return err
	}
	info, err := j.f.Stat()
	if err != nil {
		return durable.StorageError(j.path, err)
	}
	if info.Size() < j.end {
		return durable.StorageError(j.path, fmt.Errorf("the file was cut: got %d bytes, want %d", info.Size(), j.end))
	}
	return nil
}

// Read returns a line.
func (j *Journal) Read(at Line) ([]byte, error) {
	line := make([]byte, at.Length)
	if _, err := j.f.ReadAt(line, at.Offset); err != nil {
		return nil, durable.StorageError(j.path, err)
	}
	return line, nil
}

// Close closes the file. Everything appended is already durable.
func (j *Journal) Close() error { return durable.StorageError(j.path, j.f.Close()) }

// scan calls each for every line of the sound records, and hole for the bytes between two of them that are damaged. It returns where
// the last sound record ends, and the size of the file.
func scan(f *os.File, path string, each func(Line, []byte) error, hole func(Hole) error) (end, size int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, 0, durable.StorageError(path, err)
	}
	size = info.Size()
	search := finder{f: f, path: path, size: size, budget: searchBudget * size}
	for end < size {
		payload, err := readRecord(f, end, size)
		if err != nil {
			return 0, 0, durable.StorageError(path, err)
		}
		if payload == nil {
			next, err := search.record(end + 1)
			if err != nil {
				return 0, 0, err
			}
			if next < 0 {
				return end, size, nil
			}
			if err := hole(Hole{end, next - end}); err != nil {
				return 0, 0, err
			}
			end = next
			continue
		}
		at := end + headerSize
		for line := range bytes.Lines(payload) {
			place := Line{at, int32(len(line) - 1)}
			if err := each(place, line[:len(line)-1]); err != nil {
				return 0, 0, fmt.Errorf("%s: byte %d: %w", path, at, err)
			}
			at += int64(len(line))
		}
		end = at
	}
	return end, size, nil
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
	if !whole(payload, binary.LittleEndian.Uint32(header[4:])) {
		return nil, nil
	}
	return payload, nil
}

func whole(payload []byte, sum uint32) bool {
	return payload[len(payload)-1] == '\n' && crc32.Checksum(payload, castagnoli) == sum
}

// finder searches for sound records after damaged ones. After a torn write there are none.
type finder struct {
	f      io.ReaderAt
	path   string
	size   int64
	budget int64 // bytes that may still be read: in a crafted file, a record could begin at every byte
}

// searchBudget bounds the work of a finder, in sizes of the file. Text of payloads, read as a length, is too large for a record, so that
// an ordinary journal takes little more than one pass.
const searchBudget = 16

// record returns where the first sound record at or after an offset begins, -1 if there is none.
func (s *finder) record(from int64) (int64, error) {
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
