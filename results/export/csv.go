package export

import (
	"encoding/csv"
	"io"
	"iter"
	"strings"

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
				cells[i] = escapeFormula(s)
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

// escapeFormula returns a text that no spreadsheet interprets as a formula, with an apostrophe in front if it begins like one.
func escapeFormula(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
