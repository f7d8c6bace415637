package results

import (
	"io"
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
	return writeParquet(w, v.Meta(), t, fileNotes{}, func(yield func(Row, error) bool) {
		for row, err := range v.Rows(t) { // in an order that does not depend on who wrote what
			for _, f := range fields {
				if f.Timing && row[f.Name] != nil {
					row[f.Name] = zeros[f.Type]
				}
			}
			if !yield(row, err) {
				return
			}
		}
	})
}

// zeros are the values of timings in canonical tables.
var zeros = map[Type]any{TypeInt32: int32(0), TypeFloat: 0.0, TypeString: "", TypeTime: time.UnixMilli(0).UTC()}
