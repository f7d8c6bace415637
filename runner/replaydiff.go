package runner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
)

// differences describes how the numbers of a replay differ from the record, in the order of epochs.
func (r *replaying) differences(found results.Agreement) (list []string) {
	slices.SortStableFunc(found.Different, func(a, b results.CellDifference) int {
		return cmp.Or(cmp.Compare(lastIfNone(a.Epoch), lastIfNone(b.Epoch)))
	})
	for _, d := range found.Different {
		if !r.counts(d.RowKey) || r.extra(d) {
			continue
		}
		place := string(d.Table)
		if d.Epoch > 0 {
			place = fmt.Sprintf("epoch %d", d.Epoch)
		}
		if _, picture := d.A.([]byte); picture {
			list = append(list, fmt.Sprintf("%s: the sample sheet %s", place, plain.Line(d.Kind)))
			continue
		}
		list = append(list, fmt.Sprintf("%s: %s: got %s, want %s", place, d.Column, exact(d.B), exact(d.A)))
	}
	for _, row := range found.OnlyA {
		if r.counts(row) {
			list = append(list, fmt.Sprintf("epoch %d: the replay has no row in the table %s", row.Epoch, row.Table))
		}
	}
	for _, row := range found.OnlyB {
		if r.counts(row) && row.Table == results.Epochs {
			list = append(list, fmt.Sprintf("epoch %d: the record has no such epoch", row.Epoch))
		}
	}
	return list
}

// counts reports whether a replay should have a row as it is recorded. Other devices draw other pictures.
func (r *replaying) counts(row results.RowKey) bool {
	switch row.Table {
	case results.Trials:
		return r.whole
	case results.Epochs:
		return row.Epoch <= r.epochs
	case results.Samples:
		return row.Epoch <= r.epochs && r.Relative == 0
	}
	return false
}

// extra reports whether a value is there only because the replay ends, and is evaluated, after an epoch at which the trial went on.
func (r *replaying) extra(d results.CellDifference) bool {
	return d.A == nil && d.Epoch == r.epochs && d.Epoch < r.Length &&
		(!r.Job.Evaluation.Due(d.Epoch, r.Length) || strings.HasPrefix(d.Column, spec.FinalPrefix))
}

// lastIfNone puts rows without an epoch behind those of epochs.
func lastIfNone(epoch int) int {
	if epoch == 0 {
		return int(^uint(0) >> 1)
	}
	return epoch
}

// exact is the text of a value, with all digits of a number.
func exact(x any) string {
	switch x := x.(type) {
	case nil:
		return "none"
	case float64:
		return fmt.Sprintf("%.17g", x)
	}
	return plain.Line(fmt.Sprint(x))
}
