package results

import (
	"errors"
	"io"
	"maps"
	"path/filepath"
	"time"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/regular"
)

// paretoFile is the only file of the pareto table. It is not a segment, since the rank of a point depends on all others.
const paretoFile = "pareto.parquet"

// ranking is what a writer knows about the pareto table: the changes that it includes, and when it may be written again. All points are
// compared each time, which must not take more than a hundredth of a study's time.
type ranking struct {
	changes int
	due     time.Time
}

// rank makes the pareto table that of the rows that the journals have now. It waits for another process that does the same. One that
// does nothing for so long writes the table itself when it goes on, or is dead, and the next process does.
func (w *Writer) rank() error {
	for deadline := time.Now().Add(rankPatience); ; time.Sleep(20 * time.Millisecond) {
		if err := w.tryRank(); !errors.Is(err, ErrClaimed) || time.Now().After(deadline) {
			return notClaimed(err)
		}
	}
}

const rankPatience = 10 * time.Second

// rankWhenDue keeps the table current.
func (w *Writer) rankWhenDue() error {
	if w.ranked() || w.options.Now().Before(w.ranking.due) {
		return nil
	}
	return notClaimed(w.tryRank())
}

// ranked reports whether the table has all that this writer has read.
func (w *Writer) ranked() bool {
	w.view.mu.Lock()
	defer w.view.mu.Unlock()
	return w.ranking.changes == w.view.fold.changes
}

// notClaimed is err, but for one that says that another process writes the table.
func notClaimed(err error) error {
	if errors.Is(err, ErrClaimed) || errors.Is(err, ErrClaimLost) {
		return nil
	}
	return err
}

// tryRank is rank, but returns ErrClaimed if another process is at it. One process at a time reads the journals and replaces the table, so
// a table is never replaced by an older one, and of many processes that leave a study at its end the first one ranks for all. The rename
// ensures that a reader who opens the file sees either the old or the new table in full. A study without objectives has no such table.
func (w *Writer) tryRank() error {
	if len(w.view.Meta().Objectives) == 0 {
		return nil
	}
	return w.exclusively(paretoClaim, func(held func() error) error {
		if err := w.refresh(); err != nil {
			return err
		}
		start := w.options.Now()
		covers := w.view.ends()
		w.view.mu.Lock()
		m, changes := w.view.file.Meta, w.view.fold.changes
		w.view.mu.Unlock()
		if !w.view.holdsPareto(m, covers) {
			if err := w.view.writePareto(m, covers, held); err != nil {
				return err
			}
		}
		now := w.options.Now()
		w.ranking = ranking{changes, now.Add(100 * now.Sub(start) * time.Duration(w.writers()))} // all of them write the same table
		return nil
	})
}

// writePareto writes the table, and calls ready before the file gets its name.
func (v *View) writePareto(m Meta, covers map[string]int64, ready func() error) error {
	v.mu.Lock()
	groups := v.fold.peerGroups(Comparison{})
	v.mu.Unlock()
	path := filepath.Join(v.folder(Pareto), paretoFile)
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	return durable.WriteChecked(path, func(to io.Writer) error {
		return writeParquet(to, m, Pareto, fileNotes{rows: m.sum(), about: about{Covers: covers}}, m.ranked(groups))
	}, ready)
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
