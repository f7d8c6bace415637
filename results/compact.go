package results

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/starsweep/starsweep/internal/durable"
)

// Compaction says what Compact did, by table.
type Compaction map[Table]struct{ Files, Rows int } // files that it joined; rows of the one file that there is now

// Compact makes one file of each table, with the rows in an order that does not depend on who wrote what. The error is ErrInUse if other
// processes have the study open: they publish rows at any time.
func (w *Writer) Compact() (Compaction, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	done := Compaction{}
	return done, w.maintain(func() error {
		if err := w.alone(w.view.dir, "tables can be compacted by the only process that writes them"); err != nil {
			return err
		}
		return w.compact(done)
	})
}

func (w *Writer) compact(done Compaction) error {
	if err := w.publish(); err != nil { // so that no row is missing, whatever happens
		return err
	}
	gone, err := w.gone() // a process that joins meanwhile keeps its files
	if err != nil {
		return err
	}
	if err := w.reconcile(gone); err != nil {
		return err
	}
	covers := w.view.ends()
	maps.DeleteFunc(covers, func(name string, _ int64) bool { return !gone[name] })
	for _, t := range recorded() {
		files, rows, err := w.compactTable(t, covers)
		if err != nil {
			return fmt.Errorf("compact %s: %w", t, err)
		}
		done[t] = struct{ Files, Rows int }{files, rows}
	}
	if err := w.rank(); err != nil {
		return err
	}
	return w.sweep() // a process that has just begun cannot know of one on another machine that it has died
}

// compactTable writes the compacted file under a name that readers skip, removes the segments, and gives it its name. A crash in between
// leaves rows without a file, for the next process to publish; a reader never sees a row twice.
func (w *Writer) compactTable(t Table, covers map[string]int64) (files, rows int, err error) {
	segments, _, err := listSegments(w.view.folder(t))
	if err != nil {
		return 0, 0, err
	}
	segments = slices.DeleteFunc(segments, func(g segment) bool {
		_, covered := covers[g.writer]
		return g != compacted && !covered
	})
	all := w.view.covered(t, covers)
	for _, g := range segments {
		if g != compacted {
			files++
		}
	}
	if files == 0 && w.view.holds(t, compacted, all, w.view.covers(t)) {
		return 1, len(all), nil
	}
	err = w.view.replaceSegment(t, compacted, all, covers, func() error {
		for _, g := range segments {
			if g == compacted { // whose rows the new one replaces at once
				continue
			}
			if err := durable.Remove(filepath.Join(w.view.folder(t), g.fileName())); err != nil {
				return err
			}
		}
		return nil
	})
	return files + 1, len(all), err
}

// ends are the places up to which the journals were read.
func (v *View) ends() map[string]int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	ends := map[string]int64{}
	if x := v.journals.extract; x != nil {
		ends[extractWriter] = int64(len(x.lines))
	}
	for name, r := range v.journals.readers {
		ends[name] = r.End()
	}
	return ends
}

// patience is how long the writer that leaves a finished study waits for others to leave as well.
const patience = time.Second

// finishTables compacts the tables if the study is finished and this is the last process to leave it.
func (w *Writer) finishTables() error {
	if loose, err := w.view.loose(); !loose || err != nil || !w.finished() {
		return err
	}
	err := w.exclusively(maintenanceClaim, func(func() error) error {
		for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
			err := w.alone(w.view.dir, "")
			if err == nil {
				return w.compact(Compaction{})
			}
			if !errors.Is(err, ErrInUse) || time.Now().After(deadline) {
				return err
			}
		}
	})
	if errors.Is(err, ErrClaimed) || errors.Is(err, ErrInUse) { // another process does it, now or when it leaves
		return nil
	}
	return err
}

// loose reports whether any table has rows outside of its compacted file.
func (v *View) loose() (bool, error) {
	for _, t := range recorded() {
		segments, _, err := listSegments(v.folder(t))
		if err != nil || slices.ContainsFunc(segments, func(g segment) bool { return g != compacted }) {
			return true, err
		}
	}
	return false, nil
}

// finished reports whether all trials of the newest plan are finished.
func (w *Writer) finished() bool {
	w.view.mu.Lock()
	defer w.view.mu.Unlock()
	f := w.view.fold
	if f.plan == nil || len(f.planned) == 0 {
		return false
	}
	for id := range f.planned {
		if t := f.trial(id); t == nil || t.ended == nil {
			return false
		}
	}
	return true
}
