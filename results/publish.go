package results

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/starsweep/starsweep/internal/durable"
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
	ranking   ranking
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
	return w.rankWhenDue()
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
