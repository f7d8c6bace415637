package results

import (
	"cmp"
	"io"
	"slices"
	"time"
)

// Canonical writes a table of a study as one Parquet file which depends on what was trained only: its rows are in an order that does not
// depend on who wrote what, and timings are zero. Equal studies have equal files, byte for byte. The errors are those of Open.
func Canonical(dir string, t Table, w io.Writer) error {
	v, err := Open(dir)
	if err != nil {
		return err
	}
	defer v.Close()
	fields := v.Fields(t)
	var rows []Row
	for row, err := range v.Rows(t) {
		if err != nil {
			return err
		}
		for _, f := range fields {
			if f.Timing && row[f.Name] != nil {
				row[f.Name] = zeros[f.Type]
			}
		}
		rows = append(rows, row)
	}
	if t != Pareto { // whose order is that of its ranks
		slices.SortStableFunc(rows, compareRows)
	}
	return writeParquet(w, v.Meta(), t, fileNotes{}, func(yield func(Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	})
}

// zeros are the values of timings in canonical tables.
var zeros = map[Type]any{TypeInt32: int32(0), TypeFloat: 0.0, TypeString: "", TypeTime: time.UnixMilli(0).UTC()}

// compareRows orders the rows of a table: by the trial's index, seed and ID, then by what distinguishes rows of one trial.
func compareRows(a, b Row) int {
	return cmp.Or(compareCells[int32](a, b, "index"), compareCells[int64](a, b, "seed"), compareCells[string](a, b, "trial"),
		compareCells[int32](a, b, "epoch"), compareCells[string](a, b, "kind"), compareCells[string](a, b, "measure"))
}

func compareCells[T cmp.Ordered](a, b Row, name string) int {
	x, _ := a[name].(T)
	y, _ := b[name].(T)
	return cmp.Compare(x, y)
}
