// Package journal is an append-only file of records, each of which is on disk when Append returns. A record is a 4-byte length and a
// 4-byte CRC-32C, both little endian, followed by the payload: lines of JSON, so that `strings` shows what a journal holds. Only
// package results uses it, and alone knows what the lines mean.
//
// A journal has one writer in its life, which creates the file; any number of processes read it meanwhile. Each record is synced before
// the next one is written, so a crash can spoil only the last record, which then stays in the file as a tail that no record follows. A
// bad record before a sound one is damage: a Reader skips the damaged bytes, a Hole, and continues after them, so that damage affects
// only the records it hits. Nobody mends a journal in place.
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

// ErrCorrupt is in the chain of the error for a journal that is damaged beyond what a Reader can skip.
var ErrCorrupt = errors.New("journal is corrupt")

// Line is the place of one line of a payload in the file, without its newline.
type Line struct {
	Offset int64
	Length int32
}

// Journal is the writer's end of a journal. Its methods may be called from several goroutines.
type Journal struct {
	path string
	f    *os.File

	mu  sync.Mutex // guards what follows
	end int64      // position of the next record; everything before it is durable
	err error      // the first disk error, after which nothing more is written
}

// Create creates the journal at path, which must not exist.
func Create(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, durable.StorageError(path, err)
	}
	if err := durable.SyncDir(filepath.Dir(path)); err != nil {
		f.Close()
		return nil, err
	}
	return &Journal{path: path, f: f}, nil
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
// an error the journal accepts nothing more, since what is on the disk is unknown.
func (j *Journal) Append(lines ...[]byte) ([]Line, error) { return j.append(true, lines) }

// AppendLater is Append without the sync: other processes read the lines at once, but a power failure may take them, or damage them and
// the next record, until the next Append.
func (j *Journal) AppendLater(lines ...[]byte) ([]Line, error) { return j.append(false, lines) }

func (j *Journal) append(sync bool, lines [][]byte) ([]Line, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return nil, j.err
	}
	record, places, err := encode(j.end, lines)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.path, err)
	}
	if err := j.check(); err != nil {
		j.err = err
		return nil, err
	}
	if _, err := j.f.WriteAt(record, j.end); err != nil {
		j.err = durable.StorageError(j.path, err)
		return nil, j.err
	}
	if sync {
		if err := j.f.Sync(); err != nil {
			j.err = durable.StorageError(j.path, err)
			return nil, j.err
		}
	}
	j.end += int64(len(record))
	return places, nil
}

// encode returns the record of lines for an offset, and the places of the lines in the file.
func encode(at int64, lines [][]byte) (record []byte, places []Line, err error) {
	size := headerSize
	for _, line := range lines {
		size += len(line) + 1
	}
	record = make([]byte, headerSize, size)
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
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.check()
}

func (j *Journal) check() error {
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

// End is where the next record will begin.
func (j *Journal) End() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.end
}

// Close closes the file. Everything appended is already durable.
func (j *Journal) Close() error { return durable.StorageError(j.path, j.f.Close()) }
