package results

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/regular"
	"github.com/starsweep/starsweep/results/internal/journal"
)

// loss is a part of a journal that cannot be read, and was not acknowledged by an earlier repair.
type loss struct {
	writer string
	journal.Hole
	what lossKind
}

type lossKind string

const (
	hole lossKind = "hole" // between sound records
	tail lossKind = "tail" // after them: a record that was not written whole, or was damaged since
	cut  lossKind = "cut"  // rows that tables were published from, after the end of the file
)

// losses returns what journals have lost, ordered by writer. Published is where the last row of each begins that the tables have: the
// caller looked it up before it refreshed the view. The tail of a living writer is a record that it is writing.
func (v *View) losses(published map[string]int64, living func(string) bool) (list []loss) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.journals.extract != nil { // which has nothing else than its tables
		return nil
	}
	add := func(l loss) {
		if !v.fold.acknowledged(l.writer, l.Hole) {
			list = append(list, l)
		}
	}
	writers := maps.Clone(published)
	for name := range v.journals.readers {
		if _, any := writers[name]; !any {
			writers[name] = -1
		}
	}
	for _, name := range slices.Sorted(maps.Keys(writers)) {
		r, last := v.journals.readers[name], writers[name]
		if r == nil || v.journals.missing[name] {
			if last >= 0 {
				add(loss{name, journal.Hole{Offset: 0, Length: last + 1}, cut})
			}
			continue
		}
		for _, h := range r.Holes() {
			add(loss{name, h, hole})
		}
		switch {
		case living(name):
		case r.End() <= last:
			add(loss{name, journal.Hole{Offset: r.End(), Length: max(last+1-r.End(), r.Tail())}, cut})
		case r.Tail() > 0:
			add(loss{name, journal.Hole{Offset: r.End(), Length: r.Tail()}, tail})
		}
	}
	return list
}

// Damage describes what the journals have lost, if anything. The view then shows what is sound, and the next run, or Repair, takes back
// from tables and checkpoints what they have of the rest.
func (v *View) Damage() (list []string) {
	published, err := lastPublished(v.dir)
	if err != nil {
		return []string{err.Error()}
	}
	v.mu.Lock()
	err = v.refresh()
	old := v.journals.old != nil
	v.mu.Unlock()
	if err != nil {
		return []string{err.Error()}
	}
	if old {
		published = map[string]int64{} // by lines, not by places
	}
	live, err := v.living()
	if err != nil {
		return []string{err.Error()}
	}
	losses := v.losses(published, func(name string) bool { return live[name] })
	if err := v.damagedFile(); err != nil {
		list = append(list, err.Error())
	}
	for _, l := range losses {
		list = append(list, v.describe(l))
	}
	if n := v.orphans(); len(losses) > 0 && n > 0 {
		list = append(list, fmt.Sprintf("%d rows are left out since those that they depend on are lost", n))
	}
	return list
}

// damagedFile says that study.json was read from the journals, if it was.
func (v *View) damagedFile() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.file.damage == nil {
		return nil
	}
	return fmt.Errorf("%w: read from the journals: starsweep repair %s makes it anew", v.file.damage, v.dir)
}

// describe says what a view leaves out.
func (v *View) describe(l loss) string {
	path := v.journals.path(l.writer)
	switch l.what {
	case hole:
		return fmt.Sprintf("%s: %v are damaged and left out", path, l.Hole)
	case tail:
		return fmt.Sprintf("%s: the last %d bytes are an incomplete record and left out", path, l.Length)
	}
	return fmt.Sprintf("%s: it has %d bytes, but tables were published from later ones: they may have rows that are not shown here",
		path, l.Offset)
}

// orphans counts rows that do not count since what they depend on is lost.
func (v *View) orphans() (n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, t := range v.fold.trials {
		n += t.orphans
	}
	return n
}

// repair takes back what journals of writers that are gone have lost: rows that the tables still have are recorded in this writer's
// journal, under the generations that they had. Finished trials that still lack an epoch are forgotten, so that they run again.
func (w *Writer) repair(gone map[string]bool) error {
	published, err := lastPublished(w.view.dir)
	if err != nil {
		return err
	}
	if err := w.refresh(); err != nil {
		return err
	}
	losses := w.view.losses(published, func(name string) bool { return !gone[name] })
	losses = slices.DeleteFunc(losses, func(l loss) bool { return !gone[l.writer] })
	if len(losses) == 0 {
		return nil
	}
	damaged := false
	for _, l := range losses {
		path := w.view.journals.path(l.writer)
		switch {
		case l.what == tail:
			w.recovery.Dropped += l.Length
		case l.what == hole:
			damaged = true
			w.recovery.note("%s: left out %v, which are damaged", path, l.Hole)
		case l.Offset == 0:
			damaged = true
			w.recovery.note("%s is missing or empty, but tables were published from it", path)
		default:
			damaged = true
			w.recovery.note("%s ends at byte %d, but tables were published from later ones", path, l.Offset)
		}
	}
	if damaged {
		if err := w.takeBack(); err != nil {
			return err
		}
	}
	var entries []any
	for _, l := range losses {
		entries = append(entries, entry{Repaired: &repaired{l.writer, l.Hole}})
	}
	// Also the last record of a journal may be one that later records of others depend on.
	entries = append(entries, w.forgetIncomplete()...)
	return w.append(entries...)
}

// takeBack records the rows that only tables have.
func (w *Writer) takeBack() error {
	for _, t := range recorded() {
		segments, _, err := listSegments(w.view.folder(t))
		if err != nil {
			return err
		}
		for _, g := range segments {
			path := filepath.Join(w.view.folder(t), g.fileName())
			err := w.takeSegment(t, path)
			switch {
			case errors.Is(err, errUnreadable):
				w.recovery.note("%s: no rows were read from it: %v", path, err)
			case err != nil:
				return err
			}
		}
	}
	return nil
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// errUnreadable is in the chain of the error for a file of a table that is damaged, or of another study.
var errUnreadable = errors.New("the file cannot be used")

// takeSegment records the rows of a file that the journals lack.
func (w *Writer) takeSegment(t Table, path string) error {
	b, err := regular.ReadFile(path)
	if err != nil {
		return durable.StorageError(path, err)
	}
	unreadable := func(err error) error { return fmt.Errorf("%w: %w", errUnreadable, err) }
	p, err := openParquet(b)
	if err != nil {
		return unreadable(err)
	}
	if id, _ := p.Lookup(studyKey); id != w.view.file.ID {
		return unreadable(errors.New("it belongs to another study"))
	}
	a, err := aboutOf(p)
	if err != nil || int64(len(a.Generations)) != p.NumRows() {
		return unreadable(fmt.Errorf("its metadata are damaged: %w", err))
	}
	var entries []any
	for _, b := range a.Began {
		if !w.view.hasBegun(b) {
			entries = append(entries, b.entry())
		}
	}
	if err := w.append(entries...); err != nil {
		return err
	}
	taken, of := 0, map[string]bool{}
	defer func() {
		if taken > 0 {
			w.recovery.note("recovered %d rows from the table %s, of %s: %s", taken, t, someTrials(of), path)
		}
	}()
	m := w.view.Meta()
	i := 0
	for row, err := range parquetRows(b, m.Fields(t)) {
		if err != nil {
			return unreadable(err)
		}
		e := entryOf(m, t, row, a.Generations[i])
		i++
		if w.view.has(t, e) {
			continue
		}
		taken, of[ownerOf(e)] = taken+1, true
		if err := w.append(e); err != nil {
			return err
		}
	}
	return nil
}

// someTrials names trials, but not thousands.
func someTrials(ids map[string]bool) string {
	const most = 8
	list := slices.Sorted(maps.Keys(ids))
	text := "trial "
	if len(list) > 1 {
		text = "trials "
	}
	text += strings.Join(list[:min(most, len(list))], ", ")
	if more := len(list) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// entryOf is the entry of a row of a table.
func entryOf(m Meta, t Table, row Row, generation int) any {
	switch t {
	case Trials:
		o, count := m.outcomeOf(row)
		return entry{Outcome: o, Rows: count, Generation: generation}
	case Epochs:
		return entry{Epoch: m.epochOf(row), Generation: generation}
	case Measurements:
		return entry{Measurement: m.measurementOf(row), Generation: generation}
	}
	return sampleEntry{m.sampleOf(row), generation}
}

func ownerOf(e any) string {
	switch e := e.(type) {
	case sampleEntry:
		return e.Sample.Trial
	case entry:
		return e.owner()
	}
	return ""
}

// has reports whether the journals have a row of a table, or forgot its trial.
func (v *View) has(table Table, e any) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	id, generation, epoch, kind := ownerOf(e), 0, 0, ""
	switch e := e.(type) {
	case sampleEntry:
		generation, epoch, kind = e.Generation, e.Sample.Epoch, e.Sample.Kind
	case entry:
		generation = e.Generation
		switch {
		case e.Epoch != nil:
			epoch = e.Epoch.Epoch
		case e.Measurement != nil:
			epoch, kind = e.Measurement.Epoch, e.Measurement.Measure
		}
	}
	t := v.fold.trials[id]
	if t == nil {
		return !fileName(id)
	}
	return generation <= t.forgotten || slices.ContainsFunc(t.generation(generation).rows, func(r *row) bool {
		return r.table == table && r.epoch == epoch && r.kind == kind
	})
}

// hasBegun reports whether the journals have a beginning, or forgot it.
func (v *View) hasBegun(b began) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	t := v.fold.trials[b.Trial.ID]
	return t != nil && (b.Generation <= t.forgotten || t.generation(b.Generation).begin != nil)
}

// forgetIncomplete returns the entries that forget finished trials which have lost epochs. The last epochs of an unfinished trial are
// trained again.
func (w *Writer) forgetIncomplete() (entries []any) {
	w.view.mu.Lock()
	defer w.view.mu.Unlock()
	for _, t := range w.view.fold.ordered() {
		epochs, samples := t.incomplete()
		switch {
		case epochs > 0:
			w.recovery.note("trial %s will run again from its beginning: it has %d epochs, of which %d are left", t.id,
				len(t.epochRows)+epochs, len(t.epochRows))
			entries = append(entries, entry{Forget: t.id, Generation: w.view.fold.known(t.id)})
		case samples > 0:
			w.recovery.note("trial %s: %d of its %d pictures are lost", t.id, samples, len(t.samples)+samples)
		}
	}
	return entries
}

// Repair does what Create does to damage. Both remove the checkpoints of finished trials that are damaged, for which they read them all:
// an unfinished trial finds out by itself, and starts from its beginning.
func Repair(dir string, o Options) (Recovery, error) {
	w, err := Continue(dir, o)
	if err != nil {
		return Recovery{}, err
	}
	err = w.removeDamaged()
	return w.recovery, errors.Join(err, w.Close())
}

// noteDamage notes that a file is about to be written anew, if that is because it is damaged.
func (w *Writer) noteDamage(t Table, g segment) {
	path := filepath.Join(w.view.folder(t), g.fileName())
	err := lookAt(path, func(*parquet.File) error { return nil })
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		w.recovery.note("%s: written anew from the journals: %v", path, err)
	}
}
