package export

import (
	"encoding/json"
	"io"
	"iter"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
)

// writeTables writes every table as a file, the sample sheets as PNG files, which the samples table names, and the columns of all
// tables as schema.json.
func writeTables(s *study, f *folder, format Format, write func(io.Writer, []results.Field, iter.Seq2[results.Row, error]) error) error {
	type column struct {
		Name     string       `json:"name"`
		Type     results.Type `json:"type"`
		Nullable bool         `json:"nullable"`
		Timing   bool         `json:"timing"` // it may differ between equal runs
		Doc      string       `json:"doc,omitempty"`
	}
	schema := map[results.Table][]column{}
	for _, t := range results.Tables() {
		fields := s.view.Fields(t)
		for i := range fields {
			if fields[i].Type == results.TypeBytes {
				fields[i].Type, fields[i].Doc = results.TypeString, "path of the picture from this folder"
			}
			schema[t] = append(schema[t], column{fields[i].Name, fields[i].Type, fields[i].Nullable, fields[i].Timing, fields[i].Doc})
		}
		name := string(t) + "." + string(format)
		if err := f.create(name, func(w io.Writer) error { return write(plain.NewWriter(w), fields, s.table(t, f)) }); err != nil {
			return err
		}
	}
	content, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return err
	}
	return f.write("schema.json", append(content, '\n'))
}

// writeExtract writes the study as an extract.
func writeExtract(s *study, f *folder) error {
	return s.view.WriteExtract(!s.bare, func(name string, write func(io.Writer) error) error {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		return f.create(name, write)
	})
}

// table yields the rows of the chosen trials. Those of sample sheets write the picture, and have its path in its place.
func (s *study) table(t results.Table, f *folder) iter.Seq2[results.Row, error] {
	return func(yield func(results.Row, error) bool) {
		for row, err := range s.view.Rows(t) {
			if err == nil {
				err = s.ctx.Err()
			}
			if err == nil && !s.chosen(row) {
				continue
			}
			if err == nil && t == results.Samples {
				p := sheetOf(row)
				path := "samples/" + safe(row["trial"].(string)) + "/" + p.file()
				row["png"], err = path, f.write(path, p.png)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// chosen reports whether a row is of a chosen trial or, in the pareto table, of a configuration with one.
func (s *study) chosen(row results.Row) bool {
	id, ofTrial := row["trial"].(string)
	if !ofTrial {
		id, _ = row["configuration"].(string)
	}
	return s.kept[id]
}
