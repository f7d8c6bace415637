package results

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/parallel"
	"github.com/starsweep/starsweep/internal/regular"
	"github.com/starsweep/starsweep/results/internal/journal"
)

// journals reads the journals of a study, on from where it stopped.
type journals struct {
	dir     string
	study   string // the ID that the first line of each must name
	readers map[string]*journal.Reader
	missing map[string]bool // those that have been removed since they were read
	old     *oldJournal     // the only journal of a study of schema 3; nil for others
	extract *extract        // what stands for the journals of an extract; nil for others
	own     string          // the writer of this process, which adds its entries itself; empty if there is none
	ownEnd  int64           // up to which it has

	mu   sync.Mutex // guards open
	open map[string]*os.File
}

func newJournals(dir, study string) *journals {
	return &journals{dir: dir, study: study, readers: map[string]*journal.Reader{}, missing: map[string]bool{}, open: map[string]*os.File{}}
}

// errForeign is in the chain of the error for a journal of another study.
var errForeign = errors.New("the journal belongs to another study")

// names are the journals that were found, sorted.
func (j *journals) names() []string { return slices.Sorted(maps.Keys(j.readers)) }

// path is the file of a writer's journal.
func (j *journals) path(writer string) string {
	if j.old != nil {
		return j.dir
	}
	return filepath.Join(j.dir, writer)
}

// find looks for new journals.
func (j *journals) find() error {
	if j.old != nil {
		if j.readers[oldWriter] == nil {
			j.readers[oldWriter] = journal.NewReader(j.dir)
		}
		return nil
	}
	files, _, err := regular.Names(j.dir)
	if errors.Is(err, fs.ErrNotExist) { // nobody has written yet
		return nil
	} else if err != nil {
		return durable.StorageError(j.dir, err)
	}
	for _, name := range files {
		if j.readers[name] != nil || !fileName(name) || name == j.own && j.ownEnd == 0 {
			continue
		}
		j.readers[name] = journal.NewReader(filepath.Join(j.dir, name))
		if name == j.own {
			j.readers[name].Limit(j.ownEnd)
		}
	}
	return nil
}

// read calls each for every entry that was appended since the last call. The entries of one journal come in their order.
func (j *journals) read(each func(place, *entry) error) error {
	if j.extract != nil {
		return j.extract.each(each)
	}
	if err := j.find(); err != nil {
		return err
	}
	for _, name := range j.names() {
		err := j.readOne(name, each)
		if j.missing[name] = errors.Is(err, fs.ErrNotExist); err != nil && !j.missing[name] {
			return err
		}
	}
	return nil
}

// A batch of lines is parsed on all cores.
const (
	batchLines = 4096
	batchBytes = 4 << 20
)

func (j *journals) readOne(name string, each func(place, *entry) error) error {
	r := j.readers[name]
	first := r.End() == 0
	var lines [][]byte
	var places []place
	size := 0
	flush := func() error {
		entries, err := decode(lines)
		if err != nil {
			return fmt.Errorf("%s: %w: %w", r.Path(), ErrCorrupt, err)
		}
		for i, e := range entries {
			if first {
				if err := j.check(e); err != nil {
					return fmt.Errorf("%s: %w", r.Path(), err)
				}
				first = false
			}
			if j.old != nil && !j.old.translate(e) {
				continue
			}
			if err := each(places[i], e); err != nil {
				return fmt.Errorf("%s: byte %d: %w: %w", r.Path(), places[i].Offset, ErrCorrupt, err)
			}
		}
		lines, places, size = lines[:0], places[:0], 0
		return nil
	}
	err := r.Next(func(at journal.Line, line []byte) error {
		lines, places, size = append(lines, line), append(places, place{name, at}), size+len(line)
		if len(lines) < batchLines && size < batchBytes {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// check checks the first line of a journal. It may be lost, and then another one is the first that is sound.
func (j *journals) check(e *entry) error {
	if e.Study != "" && e.Study != j.study {
		return fmt.Errorf("%w: %w: got id %q, study.json says %q", ErrCorrupt, errForeign, e.Study, j.study)
	}
	return nil
}

// decode parses lines.
func decode(lines [][]byte) ([]*entry, error) {
	entries := make([]*entry, len(lines))
	errs := make([]error, len(lines))
	const chunk = 64
	parallel.Each((len(lines)+chunk-1)/chunk, func(c int) {
		for i := c * chunk; i < min(len(lines), (c+1)*chunk); i++ {
			entries[i] = &entry{}
			errs[i] = jsonv2.Unmarshal(lines[i], entries[i])
		}
	})
	return entries, errors.Join(errs...)
}

// line returns a line that was read before.
func (j *journals) line(at place) ([]byte, error) {
	if j.extract != nil {
		return j.extract.line(at), nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	f := j.open[at.writer]
	if f == nil {
		var err error
		if f, err = regular.Open(j.path(at.writer)); err != nil {
			return nil, durable.StorageError(j.path(at.writer), err)
		}
		const most = 8 // a study may have thousands of journals, and a process a few open files
		if len(j.open) >= most {
			if err := j.closeFiles(); err != nil {
				return nil, err
			}
		}
		j.open[at.writer] = f
	}
	line := make([]byte, at.Length)
	if _, err := f.ReadAt(line, at.Offset); err != nil {
		return nil, durable.StorageError(f.Name(), err)
	}
	return line, nil
}

// advance notes that the writer of this process has added its entries up to an offset.
func (j *journals) advance(end int64) {
	j.ownEnd = end
	if j.readers[j.own] == nil {
		j.readers[j.own] = journal.NewReader(j.path(j.own))
	}
	j.readers[j.own].Limit(end)
	j.readers[j.own].Advance(end)
}

func (j *journals) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.closeFiles()
}

func (j *journals) closeFiles() error {
	var errs []error
	for name, f := range j.open {
		errs = append(errs, durable.StorageError(name, f.Close()))
	}
	clear(j.open)
	return errors.Join(errs...)
}

// fileName reports whether an ID can be the name of a file on every system.
func fileName(id string) bool {
	return id != "" && len(id) <= 128 && !strings.ContainsFunc(id, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	})
}
