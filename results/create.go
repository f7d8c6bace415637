package results

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/regular"
	"github.com/starsweep/starsweep/results/internal/claim"
)

// Recovery is what Create found damaged and repaired.
type Recovery struct {
	Dropped int64    // bytes at the ends of journals: last records that were not written whole, or were damaged since
	Notes   []string // other damage, and what was done about it
}

func (r *Recovery) note(format string, a ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, a...))
}

// Create creates the study m in dir, or joins it if dir holds it; a study whose tables lack some of m's columns grows. Scripts are the
// script and the files that it loads, by slash-separated path. The caller must Close the writer. Errors: ErrInUse for a study that must
// grow or be upgraded while other processes have it open, ErrStorage, ErrCorrupt, ErrOther for a directory that holds a different study,
// or those of m.Check.
func Create(dir string, m Meta, scripts map[string][]byte, o Options) (*Writer, error) {
	m = m.normal()
	if err := m.Check(); err != nil {
		return nil, err
	}
	if err := durable.MkdirAll(dir); err != nil {
		return nil, err
	}
	old, err := readFile(dir)
	if err != nil && !errors.Is(err, ErrNoStudy) {
		return nil, err
	}
	if err == nil {
		if err := old.writable(dir); err != nil {
			return nil, err
		}
		if _, err := m.grown(old.Meta); err != nil {
			return nil, fmt.Errorf("%s holds %w: choose another directory:\n%w", dir, ErrOther, err)
		}
	}
	w, err := join(dir, o, func(w *Writer) error { return errors.Join(w.settle(dir, m), writeScripts(dir, m.ScriptHash, scripts)) })
	if err != nil {
		return nil, err
	}
	if err := w.checkWeights(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// Continue joins the study in dir as it is. It is for processes that do one thing and leave.
func Continue(dir string, o Options) (*Writer, error) {
	f, err := readFile(dir)
	if err == nil {
		err = f.writable(dir)
	}
	if err != nil {
		return nil, err
	}
	return join(dir, o, func(w *Writer) error { return errors.Join(w.watch(), w.settle(dir, f.Meta)) })
}

// join makes a writer of a study that prepare brings into today's form.
func join(dir string, o Options, prepare func(*Writer) error) (*Writer, error) {
	desk, err := claim.Join(dir, claim.NewWriter(o.Device), o.claims())
	if err != nil {
		return nil, err
	}
	w := &Writer{desk: desk, name: desk.Writer().Name, options: o, publisher: publisher{opened: o.Now(), flushed: o.Now()}}
	if err := errors.Join(prepare(w), w.open(dir)); err != nil {
		errs := []error{err, desk.Close()}
		if w.journal != nil {
			errs = append(errs, w.journal.Close())
		}
		if w.view != nil {
			errs = append(errs, w.view.Close())
		}
		return nil, errors.Join(errs...)
	}
	return w, nil
}

// settle brings study.json into today's form with m's columns: nothing else of the study has been opened yet.
func (w *Writer) settle(dir string, m Meta) error {
	ready := func() (meta Meta, f file, done bool, err error) {
		f, err = readFile(dir)
		if errors.Is(err, ErrNoStudy) {
			return m, file{Created: w.options.Now()}, false, nil
		} else if err != nil {
			return Meta{}, file{}, false, err
		}
		if meta, err = m.grown(f.Meta); err != nil {
			return Meta{}, file{}, false, fmt.Errorf("%s holds %w: choose another directory:\n%w", dir, ErrOther, err)
		}
		return meta, f, f.damage == nil && f.Schema == SchemaVersion && meta.equal(f.Meta) && !upgrading(dir), nil
	}
	if _, _, done, err := ready(); done || err != nil {
		return err
	}
	return w.maintain(func() error {
		meta, f, done, err := ready() // another process may have been faster
		if done || err != nil {
			return err
		}
		switch {
		case f.damage != nil:
			w.recovery.note("%v: made anew from the journals", f.damage)
		case f.ID == "" && exists(filepath.Join(dir, studyFile)):
			w.recovery.note("%s is damaged: made anew, since nothing was recorded yet", filepath.Join(dir, studyFile))
		}
		if f.ID != "" && !meta.equal(f.Meta) || f.Schema == oldSchema || upgrading(dir) {
			if err := w.alone(dir, "its tables must get other columns"); err != nil {
				return err
			}
		}
		if f.Schema == oldSchema || upgrading(dir) {
			if err := w.upgrade(dir, meta, f); err != nil {
				return err
			}
			f, err = readFile(dir)
			if err != nil {
				return err
			}
		}
		return writeFile(dir, f.with(meta))
	})
}

// open opens the journals, and repairs what was damaged or left unfinished by processes that are gone. A process that finds another one
// at that leaves it to it.
func (w *Writer) open(dir string) (err error) {
	if w.view, err = Open(dir); err != nil {
		return err
	}
	w.view.journals.own = w.name
	err = w.exclusively(maintenanceClaim, func(func() error) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		gone, err := w.gone()
		if err != nil {
			return err
		}
		if err := w.repair(gone); err != nil {
			return err
		}
		if err := w.reconcile(gone); err != nil {
			return err
		}
		if err := w.rank(); err != nil {
			return err
		}
		if err := w.strays(); err != nil {
			return err
		}
		if err := w.cleanCheckpoints(); err != nil {
			return err
		}
		return w.sweep()
	})
	if errors.Is(err, ErrClaimed) {
		return nil
	}
	return err
}

// sweep removes what dead processes left and nobody takes over.
func (w *Writer) sweep() error {
	err := w.desk.Sweep(func(trial string) bool {
		s, found := w.view.State(trial)
		return !found || s.Status.Final()
	})
	return errors.Join(err, w.sweepRequests())
}

// gone returns the writers whose files this one may change: those that had left something before it was seen that they have ended, and
// itself. One that joins meanwhile is not among them, although it was not there when this process looked who was. Afterwards the view
// knows all that they have recorded. What crashes left half-written is removed if no other process is there.
func (w *Writer) gone() (map[string]bool, error) {
	known, err := lastPublished(w.view.dir)
	if err != nil {
		return nil, err
	}
	gone := map[string]bool{w.name: true}
	for name := range known {
		gone[name] = true
	}
	for name := range w.view.ends() {
		gone[name] = true
	}
	others, err := w.desk.Others()
	if err != nil {
		return nil, err
	}
	for _, o := range others {
		delete(gone, o.Name)
	}
	if len(others) == 0 {
		if err := w.view.clean(w.desk.Joined()); err != nil {
			return nil, err
		}
	}
	return gone, w.refresh()
}

// reconcile makes the files of the tables agree with the journals of writers that are gone, and of this one: it writes the rows that no
// file has, rewrites files that are damaged or hold rows that do not count, and removes those without rows.
func (w *Writer) reconcile(gone map[string]bool) error {
	for _, t := range recorded() {
		folder := w.view.folder(t)
		if err := durable.MkdirAll(folder); err != nil {
			return err
		}
		covers := w.view.covers(t)
		if rows := w.view.covered(t, covers); !w.view.holds(t, compacted, rows, covers) {
			w.noteDamage(t, compacted)
			if err := w.view.writeSegment(t, compacted, rows, covers); err != nil {
				return err
			}
		}
		segments, _, err := listSegments(folder)
		if err != nil {
			return err
		}
		of := map[string][]segment{}
		for _, g := range segments {
			if g != compacted {
				of[g.writer] = append(of[g.writer], g)
			}
		}
		for _, writer := range w.view.writersOf(of) {
			if !gone[writer] {
				continue
			}
			if err := w.reconcileWriter(t, writer, of[writer], covers); err != nil {
				return err
			}
		}
	}
	return nil
}

// reconcileWriter is reconcile for the segments of one writer, which are in order.
func (w *Writer) reconcileWriter(t Table, writer string, segments []segment, covers map[string]int64) error {
	w.view.mu.Lock()
	all := w.view.fold.journals[writer]
	w.view.mu.Unlock()
	var loose []*row
	rows := w.view.counting(t, all)
	for len(rows) > 0 && rows[0].Offset < covers[writer] {
		rows = rows[1:]
	}
	next := int64(-1)
	for _, g := range segments {
		path := filepath.Join(w.view.folder(t), g.fileName())
		if g.first <= next || g.last < g.first { // a copy under another of our names
			w.recovery.note("%s: removed, since its rows are in other files of the table", path)
			if err := durable.Remove(path); err != nil {
				return err
			}
			continue
		}
		next = g.last
		for len(rows) > 0 && rows[0].Offset < g.first {
			loose, rows = append(loose, rows[0]), rows[1:]
		}
		if err := w.view.writeSegments(t, loose); err != nil {
			return err
		}
		loose = nil
		n := 0
		for n < len(rows) && rows[n].Offset <= g.last {
			n++
		}
		var err error
		switch inside := rows[:n]; {
		case n == 0:
			err = durable.Remove(path)
		case !w.view.holds(t, g, inside, nil):
			w.noteDamage(t, g)
			err = w.view.writeSegment(t, g, inside, nil)
		}
		if err != nil {
			return err
		}
		rows = rows[n:]
	}
	if writer == w.name { // which publishes what is left when it is due
		return nil
	}
	return w.view.writeSegments(t, rows)
}

// strays notes what is in the tables' folders and not ours.
func (w *Writer) strays() error {
	for _, t := range Tables() {
		strays, err := w.view.strays(t)
		if err != nil {
			return err
		}
		for _, name := range strays {
			path := filepath.Join(w.view.folder(t), name)
			w.recovery.note("%s: %s: move it away", path, strayText(path))
		}
	}
	return nil
}

// cleanCheckpoints removes what a crash left behind: checkpoints of forgotten trials.
func (w *Writer) cleanCheckpoints() error {
	dir := filepath.Join(w.view.dir, "checkpoints")
	files, _, err := regular.Names(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return durable.StorageError(dir, err)
	}
	if err := w.refresh(); err != nil { // a trial begins before it has a checkpoint
		return err
	}
	for _, name := range files {
		id, isCheckpoint := strings.CutSuffix(name, checkpointSuffix)
		if !isCheckpoint {
			continue
		}
		if _, found := w.view.State(id); !found {
			if err := durable.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}
