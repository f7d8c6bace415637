package results

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/results/internal/journal"
)

// Study is a study that this process writes. Its methods may be called from several goroutines.
//
// Once the disk has refused a row the study takes no more: what is acknowledged is safe, and Create goes on from there when
// the cause is gone.
type Study struct {
	*View    // its mutex guards published and flushed, too
	Recovery Recovery
	options  Options
	lock     *lock
	opened   time.Time

	published map[Table]int // so many of the rows stand in segments
	flushed   time.Time     // the last time that rows were published
	compare   compare
}

// Options are choices of the process that writes; they may differ from one run to the next.
type Options struct {
	Now func() time.Time // the clock; required

	// AppendEpoch and FinishTrial publish what waits when FlushRows rows wait (default 10,000), or FlushEvery (default 10 s)
	// and a hundredth of the time since Create have passed: the hundredth keeps a long study from leaving thousands of
	// files. Publish and Close publish at once.
	FlushRows  int
	FlushEvery time.Duration

	KeepCheckpoints bool // of finished trials
}

// Recovery says what Create found.
type Recovery struct {
	Dropped int64    // bytes of the journal's end that were cut: a record that was not written whole, or was damaged since
	Notes   []string // what else was wrong, and what was done about it
}

func (f *Recovery) note(format string, a ...any) {
	f.Notes = append(f.Notes, fmt.Sprintf(format, a...))
}

// Create makes the study m in dir, or continues it if dir holds it. Scripts are the script and the files it loaded, by
// slash-separated path. The caller must Close the study. Errors: ErrLocked, ErrStorage, ErrCorrupt, a fault in m, or a
// directory that holds a different study.
func Create(dir string, m Meta, scripts map[string][]byte, o Options) (*Study, error) {
	m = m.normal()
	if err := m.Check(); err != nil {
		return nil, err
	}
	if err := durable.MkdirAll(dir); err != nil {
		return nil, err
	}
	held, err := newLock(dir)
	if err != nil {
		return nil, err
	}
	s := &Study{options: o, lock: held, published: map[Table]int{}, opened: o.Now(), flushed: o.Now()}
	if err := s.open(dir, m, scripts); err != nil {
		if s.View != nil && s.journal != nil {
			s.journal.Close()
		}
		held.Close()
		return nil, err
	}
	return s, nil
}

func (s *Study) open(dir string, m Meta, scripts map[string][]byte) error {
	old, err := readMeta(dir)
	switch {
	case err == nil:
		if err := m.differences(old); err != nil {
			return fmt.Errorf("%s holds %w: choose another directory:\n%w", dir, ErrOther, err)
		}
	case errors.Is(err, ErrNoStudy):
		old = m
		if err := writeMeta(dir, m, s.opened); err != nil {
			return err
		}
	default:
		return err
	}
	if err := writeScripts(dir, m.ScriptHash, scripts); err != nil {
		return err
	}
	if err := s.openJournal(dir, old); err != nil {
		return err
	}
	if s.lines == 0 {
		if err := s.append(entry{Study: old.ID()}); err != nil {
			return err
		}
	}
	if s.rebuilt {
		if err := s.settle(); err != nil {
			return err
		}
	}
	for _, t := range recorded() {
		if err := s.reconcile(t); err != nil {
			return err
		}
	}
	if err := s.writePareto(); err != nil {
		return err
	}
	if err := s.strays(); err != nil {
		return err
	}
	return s.cleanCheckpoints()
}

// openJournal opens the journal, which is first made anew where it is damaged or shorter than the tables that were published of it.
func (s *Study) openJournal(dir string, m Meta) (err error) {
	path := filepath.Join(dir, "journal")
	open := func() error {
		s.View = newView(dir, m)
		var dropped int64
		s.journal, dropped, err = journal.Open(path, s.fold)
		s.Recovery.Dropped += dropped
		return err
	}
	published, err := lastPublished(dir)
	if err != nil {
		return err
	}
	err = open()
	switch {
	case err == nil && (s.rebuilt || published < s.lines): // the segments of a journal that was made anew may be of the old one
		return nil
	case err == nil:
		s.Recovery.note("%s ends at line %d, but tables were published up to line %d", path, s.lines, published)
		s.journal.Close()
	case !errors.Is(err, ErrCorrupt) || errors.Is(err, errForeign):
		return err
	}
	if err := s.rebuild(dir); err != nil {
		return err
	}
	return open()
}

// writeScripts keeps copies in script/HASH. Files that are there already are left alone.
func writeScripts(dir, hash string, scripts map[string][]byte) error {
	if len(scripts) > 0 && !fileName(hash) {
		return fmt.Errorf("got script hash %q, want letters and digits", hash)
	}
	dir = filepath.Join(dir, "script", hash)
	for name, source := range scripts {
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return fmt.Errorf("script file %q: want a path inside the script's folder", name)
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, source) {
			continue
		}
		if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
			return err
		}
		err := durable.WriteFile(path, func(w io.Writer) error { _, err := w.Write(source); return err })
		if err != nil {
			return err
		}
	}
	return nil
}

// Close publishes what waits and lets the study go.
func (s *Study) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.compare.due = time.Time{}
	return errors.Join(s.publish(), s.journal.Close(), s.lock.Close())
}
