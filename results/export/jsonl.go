package export

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/starsweep/starsweep/results"
)

// WriteJSONLines writes a table as one JSON object a line. Numbers that JSON lacks are the strings "NaN", "Infinity" and "-Infinity".
func WriteJSONLines(to io.Writer, v *results.View, t results.Table) error {
	return writeJSONLines(to, v.Fields(t), v.Rows(t))
}

func writeJSONLines(to io.Writer, fields []results.Field, rows iter.Seq2[results.Row, error]) error {
	for row, err := range rows {
		if err != nil {
			return err
		}
		line, err := JSONRow(fields, row)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(to, "%s\n", line); err != nil {
			return err
		}
	}
	return nil
}

// JSONRow returns a row as a JSON object with its fields in order.
func JSONRow(fields []results.Field, row results.Row) (string, error) {
	var members []string
	for _, f := range fields {
		name, err := json.Marshal(f.Name)
		if err != nil {
			return "", err
		}
		value, err := json.Marshal(portable(row[f.Name]))
		if err != nil {
			return "", err
		}
		members = append(members, string(name)+":"+string(value))
	}
	return "{" + strings.Join(members, ",") + "}", nil
}
