package results

import (
	"io"
	"maps"
	"slices"
)

// JournalFile is what a view has read of a journal. Writers only append, so this part of the file never changes.
type JournalFile struct {
	Name, Path string
	Size       int64 // of the part, which ends with a whole record
}

// Journals returns what the view has read of each journal, by writer. Together with the tables of WriteTable it is a consistent copy of
// the study, whatever writers do meanwhile, until the view is refreshed. A study of the old schema has one, with the name journal; an
// extract has none.
func (v *View) Journals() (list []JournalFile) {
	if v.Extract() {
		return nil
	}
	ends := v.ends()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(ends)) {
		list = append(list, JournalFile{name, v.journals.path(name), ends[name]})
	}
	return list
}

// Outdated reports whether the study has the old schema, with one journal, which the next run upgrades.
func (v *View) Outdated() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.journals.old != nil
}

// WriteTable writes a table as one Parquet file, as Compact does.
func (v *View) WriteTable(t Table, w io.Writer) error {
	if t == Pareto {
		v.mu.Lock()
		m, groups := v.file.Meta, v.fold.peerGroups(Comparison{})
		v.mu.Unlock()
		return writeParquet(w, m, Pareto, fileNotes{}, m.ranked(groups))
	}
	covers := v.ends()
	rows := v.covered(t, covers)
	v.mu.Lock()
	m, n := v.file.Meta, fileNotes{compacted.String(), sumOf(rows), aboutRows(rows)}
	v.mu.Unlock()
	n.Covers = covers
	return writeParquet(w, m, t, n, v.readRows(t, rows))
}

// TableFile is the path of a table's file of all rows, below the directory of a study.
func TableFile(t Table) string {
	if t == Pareto {
		return string(t) + "/" + paretoFile
	}
	return string(t) + "/" + compactedFile
}
