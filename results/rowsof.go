package results

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	"github.com/starsweep/starsweep/results/internal/journal"
)

// RowsOf returns the rows of one trial in a table that the journal records, by epoch and kind. A trial that is unknown, or not finished
// in the case of the trials table, has none.
func (v *View) RowsOf(t Table, trial string) iter.Seq2[Row, error] {
	v.mu.Lock()
	defer v.mu.Unlock()
	x := v.trials[trial]
	if x == nil {
		return v.read(t, nil)
	}
	var rows []row
	add := func(at journal.Line) { rows = append(rows, row{line: at, trial: x}) }
	switch t {
	case Trials:
		if x.outcome != nil {
			add(journal.Line{})
		}
	case Epochs:
		for _, at := range x.lines {
			add(at)
		}
	case Samples:
		order := func(a, b sampleKey) int { return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Kind, b.Kind)) }
		for _, k := range slices.SortedFunc(maps.Keys(x.samples), order) {
			add(x.samples[k])
		}
	}
	return v.read(t, rows)
}
