// Package journal is an append-only file of records, each of which is on disk when Append returns. A record is a 4-byte
// length and a 4-byte CRC-32C, both little endian, and then the payload: lines of JSON, so that `strings` shows what a
// journal holds. Only package results uses it; what the lines mean is its business.
//
// Each record is synced before the next is written, therefore a crash can spoil the last record only. Open cuts such a tail
// off and says how long it was; a bad record with a good one behind it is damage, which is reported and never repaired.
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

	"github.com/starsweep/starsweep/results/internal/durable"
)

const (
	headerSize = 8
	maxRecord  = 1 << 28 // bytes; a length above it is damage, not a record
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrCorrupt is in the chain of the error for a journal that is damaged before its end.
var ErrCorrupt = errors.New("journal is corrupt")

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
	end int64      // where the next record goes; all before it is durable
	err error      // the first fault of the disk: after it nothing more is written
}

// Open opens the journal at path for appending, making it if need be, and calls each for every line in order. Dropped is
// the number of bytes of a torn tail that was cut off.
func Open(path string, each func(Line, []byte) error) (j *Journal, dropped int64, err error) {
	_, statErr := os.Stat(path)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, 0, durable.Fault(path, err)
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
	end, size, err := scan(f, path, each)
	if err != nil {
		return nil, 0, err
	}
	if end < size {
		if err := f.Truncate(end); err != nil {
			return nil, 0, durable.Fault(path, err)
		}
		if err := f.Sync(); err != nil {
			return nil, 0, durable.Fault(path, err)
		}
	}
	return &Journal{path: path, f: f, end: end}, size - end, nil
}

// View opens the journal at path for reading only. A writer may be at work: a record that is not whole yet is left out, and
// nothing is cut. Append on a view gives an error.
func View(path string, each func(Line, []byte) error) (*Journal, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, durable.Fault(path, err)
	}
	end, _, err := scan(f, path, each)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Journal{path: path, f: f, end: end, err: fmt.Errorf("%s: opened for reading only", path)}, nil
}

// Append writes lines as one record, all of them or none after a crash, and syncs it. The lines may hold no newline. After an
// error the journal accepts nothing more, since what the disk holds is unknown until the file is opened again.
func (j *Journal) Append(lines ...[]byte) ([]Line, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return nil, j.err
	}
	record := make([]byte, headerSize)
	places := make([]Line, len(lines))
	for i, line := range lines {
		if len(line) == 0 || bytes.IndexByte(line, '\n') >= 0 {
			return nil, fmt.Errorf("%s: a line is empty or holds a newline", j.path)
		}
		places[i] = Line{j.end + int64(len(record)), int32(len(line))}
		record = append(append(record, line...), '\n')
	}
	payload := record[headerSize:]
	if len(payload) == 0 || len(payload) > maxRecord {
		return nil, fmt.Errorf("%s: got a record of %d bytes, want 1 to %d", j.path, len(payload), maxRecord)
	}
	binary.LittleEndian.PutUint32(record, uint32(len(payload)))
	binary.LittleEndian.PutUint32(record[4:], crc32.Checksum(payload, castagnoli))
	if err := j.Check(); err != nil {
		j.err = err
		return nil, err
	}
	if _, err := j.f.WriteAt(record, j.end); err != nil {
		j.err = durable.Fault(j.path, err)
		return nil, j.err
	}
	if err := j.f.Sync(); err != nil {
		j.err = durable.Fault(j.path, err)
		return nil, j.err
	}
	j.end += int64(len(record))
	return places, nil
}

// Check reports whether the file still is what Append left: an error says that it was removed, replaced or cut. Append does so, too;
// it takes microseconds, a sync milliseconds.
func (j *Journal) Check() error {
	if err := durable.StillThere(j.f, "rows that were in it are lost"); err != nil {
		return err
	}
	info, err := j.f.Stat()
	if err != nil {
		return durable.Fault(j.path, err)
	}
	if info.Size() < j.end {
		return durable.Fault(j.path, fmt.Errorf("the file was cut: got %d bytes, want %d", info.Size(), j.end))
	}
	return nil
}

// Read gives a line back.
func (j *Journal) Read(at Line) ([]byte, error) {
	line := make([]byte, at.Length)
	if _, err := j.f.ReadAt(line, at.Offset); err != nil {
		return nil, durable.Fault(j.path, err)
	}
	return line, nil
}

// Close closes the file. Everything appended is durable already.
func (j *Journal) Close() error { return durable.Fault(j.path, j.f.Close()) }

// scan calls each for every line of the good records and returns where they end and how long the file is. It is an error if
// a good record follows a bad one.
func scan(f *os.File, path string, each func(Line, []byte) error) (end, size int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, 0, durable.Fault(path, err)
	}
	size = info.Size()
	for end < size {
		payload, err := readRecord(f, end, size)
		if err != nil {
			return 0, 0, durable.Fault(path, err)
		}
		if payload == nil {
			return end, size, checkTail(f, path, end, size)
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

// readRecord gives the payload of the record at offset, nil if there is none.
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

// checkTail looks for a good record between the bad one at end and the end of the file. A torn write leaves none: then the
// tail may go. One that is there was acknowledged, so the bad one before it was too and has been damaged since.
func checkTail(f io.ReaderAt, path string, end, size int64) error {
	tail := make([]byte, size-end)
	if _, err := f.ReadAt(tail, end); err != nil {
		return durable.Fault(path, err)
	}
	for i := 1; i+headerSize < len(tail); i++ {
		length := int64(binary.LittleEndian.Uint32(tail[i:]))
		rest := tail[i+headerSize:]
		if length == 0 || length > int64(len(rest)) {
			continue
		}
		if whole(rest[:length], binary.LittleEndian.Uint32(tail[i+4:])) {
			return fmt.Errorf("%s: %w: the record at byte %d is damaged, but a good one follows at byte %d: restore the file from a copy",
				path, ErrCorrupt, end, end+int64(i))
		}
	}
	return nil
}
