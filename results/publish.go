package results

import (
	"errors"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/regular"
)

// publisher is what a writer knows about the tables.
//
// A writer publishes the rows of its own journal. Rows that cease to count, or come to, are mended in whoever's files by the process whose
// entry made it so, and by their own writer as soon as it learns of it. Both look at the journals after they have written and at the files
// after they have recorded, so at least one of them sees what the other does.
type publisher struct {
	opened    time.Time
	published int64     // up to where the rows of this writer's journal are in files
	flushed   time.Time // when rows were last published
	compare   compare
}

// compare is the state of the pareto table: the changes that it includes, and when it may be written again. All points are
// compared each time, which must not take more than a hundredth of a study's time.
type compare struct {
	changes int
	due     time.Time
}

// Publish writes pending rows to Parquet segments. A run with long epochs calls it from a timer.
func (w *Writer) Publish() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var err error
	if w.journal != nil {
		err = w.journal.Check() // if the journal is gone, its rows are at least in the tables
	}
	return errors.Join(err, w.publish())
}

func (w *Writer) publishWhenDue() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, every := w.options.Now(), w.every()
	limit := w.options.FlushRows
	if limit == 0 {
		limit = 10_000
	}
	if len(w.pending()) >= limit || now.Sub(w.flushed) >= every {
		return w.publish()
	}
	return nil
}

// every is how long rows wait for a file. The more writers a study has had, the longer they wait, up to half the time since Create, so
// that two hundred writers do not make two hundred times as many files as one.
func (w *Writer) every() time.Duration {
	least := w.options.FlushEvery
	if least == 0 {
		least = 10 * time.Second
	}
	return max(least, w.options.Now().Sub(w.opened)*time.Duration(min(w.writers(), 50))/100)
}

// writers is how many writers the study has had.
func (w *Writer) writers() int {
	w.view.mu.Lock()
	defer w.view.mu.Unlock()
	return max(1, len(w.view.journals.readers))
}

// pending are the rows of this writer that are in no file yet.
func (w *Writer) pending() []*row {
	w.view.mu.Lock()
	defer w.view.mu.Unlock()
	rows := w.view.fold.journals[w.name]
	i, _ := slices.BinarySearchFunc(rows, w.published, func(r *row, at int64) int { return int(min(max(r.Offset-at, -1), 1)) })
	return rows[i:]
}

func (w *Writer) publish() error {
	if err := w.refresh(); err != nil {
		return err
	}
	pending := w.pending()
	if len(pending) > 0 {
		for _, t := range recorded() {
			if err := w.view.writeSegments(t, w.view.counting(t, pending)); err != nil {
				return err
			}
		}
		w.published = pending[len(pending)-1].Offset + 1
		if err := w.refresh(); err != nil {
			return err
		}
	}
	w.flushed = w.options.Now()
	return w.writeParetoWhenDue()
}

// refresh reads what others have appended, and mends what that changes of this writer's rows.
func (w *Writer) refresh() error {
	return errors.Join(w.view.reread(), w.mend())
}

// counting are those of rows that a table has.
func (v *View) counting(t Table, rows []*row) (list []*row) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, r := range rows {
		if r.counts && r.table == t {
			list = append(list, r)
		}
	}
	return list
}

// mend writes the files anew whose rows have come to count, or ceased to.
func (w *Writer) mend() error {
	w.view.mu.Lock()
	flipped := w.view.fold.flipped
	w.view.fold.flipped = nil
	w.view.mu.Unlock()
	for _, t := range recorded() {
		of := slices.DeleteFunc(slices.Clone(flipped), func(r *row) bool { return r.table != t })
		if len(of) == 0 {
			continue
		}
		if err := w.mendTable(t, of); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) mendTable(t Table, flipped []*row) error {
	covers := w.view.covers(t)
	segments, _, err := listSegments(w.view.folder(t))
	if err != nil {
		return err
	}
	affected, compact := map[segment]bool{}, false
	for _, r := range flipped {
		if r.Offset < covers[r.writer] {
			compact = true
			continue
		}
		i := slices.IndexFunc(segments, func(g segment) bool { return g.includes(r.place) })
		switch {
		case i >= 0:
			affected[segments[i]] = true
		case r.writer == w.name && r.Offset < w.published:
			affected[rangeOf([]*row{r})] = true
		}
	}
	for g := range affected {
		if err := w.view.rewrite(t, g, covers); err != nil {
			return err
		}
	}
	if compact {
		return w.view.writeSegment(t, compacted, w.view.covered(t, covers), covers)
	}
	return nil
}

// rewrite makes the file of a segment agree with the journals. One without rows is removed.
func (v *View) rewrite(t Table, g segment, covers map[string]int64) error {
	rows := v.within(t, g, covers)
	if len(rows) == 0 {
		return durable.Remove(filepath.Join(v.folder(t), g.fileName()))
	}
	return v.writeSegment(t, g, rows, nil)
}

// within are the rows of a segment.
func (v *View) within(t Table, g segment, covers map[string]int64) []*row {
	v.mu.Lock()
	all := v.fold.journals[g.writer]
	v.mu.Unlock()
	return slices.DeleteFunc(v.counting(t, all), func(r *row) bool { return !g.includes(r.place) || r.Offset < covers[r.writer] })
}

// covered are the rows of a compacted file, in an order that does not depend on who wrote what.
func (v *View) covered(t Table, covers map[string]int64) []*row {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.DeleteFunc(v.fold.rows(t), func(r *row) bool { return r.Offset >= covers[r.writer] })
}

// covers is what the compacted file of a table has of each journal. A file that is missing or damaged has nothing.
func (v *View) covers(t Table) map[string]int64 {
	covers, err := readCovers(filepath.Join(v.folder(t), compactedFile))
	if err != nil {
		return nil
	}
	return covers
}

// writeSegments publishes rows of one writer that no segment holds, in one file or, by their size, several.
func (v *View) writeSegments(t Table, rows []*row) error {
	for len(rows) > 0 {
		n, size := 0, 0
		for n < len(rows) && n < segmentRows && (n == 0 || size+int(rows[n].Length) <= segmentBytes) {
			size += int(rows[n].Length)
			n++
		}
		if err := v.writeSegment(t, rangeOf(rows[:n]), rows[:n], nil); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// writersOf are the writers that have rows in the journals or files, sorted.
func (v *View) writersOf(files map[string][]segment) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	writers := maps.Clone(files)
	for name := range v.fold.journals {
		writers[name] = nil
	}
	return slices.Sorted(maps.Keys(writers))
}

// paretoFile is the only file of the pareto table.
const paretoFile = "pareto.parquet"

// writePareto replaces the pareto table by that of the rows that the journals have now, unless it is that already: of many processes
// that leave a study at its end, the first one writes it. The file is not a segment, since the rank of a point depends on all others. The
// rename ensures that a reader who opens it sees either the old or the new table in full. A study without objectives has no such table.
func (w *Writer) writePareto() error {
	covers := w.view.ends()
	w.view.mu.Lock()
	m, changes := w.view.file.Meta, w.view.fold.changes
	w.view.mu.Unlock()
	if len(m.Objectives) == 0 {
		return nil
	}
	start := w.options.Now()
	if !w.view.holdsPareto(m, covers) {
		w.view.mu.Lock()
		groups := w.view.fold.peerGroups(Comparison{})
		w.view.mu.Unlock()
		path := filepath.Join(w.view.folder(Pareto), paretoFile)
		if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
			return err
		}
		err := durable.WriteShared(path, func(to io.Writer) error {
			return writeParquet(to, m, Pareto, fileNotes{rows: m.sum(), about: about{Covers: covers}}, m.ranked(groups))
		})
		if err != nil {
			return err
		}
	}
	now := w.options.Now()
	w.compare = compare{changes, now.Add(100 * now.Sub(start) * time.Duration(w.writers()))} // all of them write the same table
	return nil
}

// holdsPareto reports whether the pareto table is a sound file of the study m, and of the journals up to the places in covers.
func (v *View) holdsPareto(m Meta, covers map[string]int64) bool {
	b, err := regular.ReadFile(filepath.Join(v.folder(Pareto), paretoFile))
	if err != nil {
		return false
	}
	p, err := openParquet(b)
	if err != nil {
		return false
	}
	a, err := aboutOf(p)
	id, _ := p.Lookup(studyKey)
	sum, _ := p.Lookup(rowsKey)
	return err == nil && id == m.ID() && sum == m.sum() && maps.Equal(a.Covers, covers) && hasColumns(p, m.Fields(Pareto))
}

// compared reports whether this writer has compared all that it has read.
func (w *Writer) compared() bool {
	w.view.mu.Lock()
	defer w.view.mu.Unlock()
	return w.compare.changes == w.view.fold.changes || len(w.view.file.Objectives) == 0
}

// writeParetoWhenDue keeps the table current.
func (w *Writer) writeParetoWhenDue() error {
	if w.compared() || w.options.Now().Before(w.compare.due) {
		return nil
	}
	return w.writePareto()
}

// leavePareto adds to the pareto table what others have recorded while this writer compared. One that left meanwhile may have written
// its table before this one replaced it: whoever does so last looks at the journals once more. Those that go on recording write the table
// themselves when they leave, and are not waited for.
func (w *Writer) leavePareto() error {
	deadline := time.Now().Add(patience)
	for again := 0; again < 2 || time.Now().Before(deadline); again++ {
		if err := w.refresh(); err != nil {
			return err
		}
		if w.compared() {
			return nil
		}
		if err := w.writePareto(); err != nil {
			return err
		}
	}
	return nil
}
