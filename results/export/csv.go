package export

import (
	"encoding/csv"
	"io"
	"iter"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
)

// WriteCSV writes a table with a header line. Null is an empty cell; text that a spreadsheet would evaluate gets an apostrophe in front.
func WriteCSV(to io.Writer, v *results.View, t results.Table) error {
	return writeCSV(to, v.Fields(t), v.Rows(t))
}

func writeCSV(to io.Writer, fields []results.Field, rows iter.Seq2[results.Row, error]) error {
	w := csv.NewWriter(to)
	cells := make([]string, len(fields))
	for i, f := range fields {
		cells[i] = f.Name
	}
	if err := w.Write(cells); err != nil {
		return err
	}
	for row, err := range rows {
		if err != nil {
			return err
		}
		for i, f := range fields {
			cells[i] = ""
			if s, isText := row[f.Name].(string); isText {
				cells[i] = plain.Cell(s)
			} else if row[f.Name] != nil {
				cells[i] = text(row[f.Name])
			}
		}
		if err := w.Write(cells); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}
