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
// After an error of the disk the study accepts no more rows: those acknowledged are safe, and Create continues from them once
// the cause is removed.
type study struct {
	*View    // its mutex also guards published and flushed
	Recovery Recovery
	options  Options
	lock     *lock
	opened   time.Time

	published map[Table]int // number of rows in segments
	flushed   time.Time     // when rows were last published
	compare   compare
}

// Options are choices of the writing process; they may differ from one run to the next.
type Options struct {
	Now func() time.Time // the clock; required

	// AppendEpoch and FinishTrial publish pending rows once there are FlushRows of them (default 10,000), or once both
	// FlushEvery (default 10 s) and a hundredth of the time since Create have passed: the hundredth keeps a long study from
	// writing thousands of files. Publish and Close publish at once.
	FlushRows  int
	FlushEvery time.Duration

	KeepCheckpoints bool // of finished trials
}

// Recovery is what Create found damaged and repaired.
type Recovery struct {
	Dropped int64    // bytes cut from the journal's end: a last record that was not written whole, or was damaged since
	Notes   []string // other damage, and what was done about it
}

func (r *Recovery) note(format string, a ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, a...))
}

// Create creates the study m in dir, or continues it if dir holds it. Scripts are the script and the files that it loads, by
// slash-separated path. The caller must Close the study. Errors: ErrInUse, ErrStorage, ErrCorrupt, ErrOther for a directory
// that holds a different study, or those of m.Check.
func createStudy(dir string, m Meta, scripts map[string][]byte, o Options) (*study, error) {
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
	s := &study{options: o, lock: held, published: map[Table]int{}, opened: o.Now(), flushed: o.Now()}
	if err := s.open(dir, m, scripts); err != nil {
		if s.View != nil && s.journal != nil {
			s.journal.Close()
		}
		held.Close()
		return nil, err
	}
	return s, nil
}

func (s *study) open(dir string, m Meta, scripts map[string][]byte) error {
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

// openJournal opens the journal. It first rebuilds a journal that is damaged, or shorter than the tables published from it.
func (s *study) openJournal(dir string, m Meta) (err error) {
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
	case err == nil && (s.rebuilt || published < s.lines): // the segments of a rebuilt journal may be those of the old one
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

// writeScripts keeps copies in script/HASH. It leaves existing files alone.
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

// Close publishes pending rows and releases the study.
func (s *study) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.compare.due = time.Time{}
	return errors.Join(s.publish(), s.journal.Close(), s.lock.Close())
}
