package runner

import (
	"bufio"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/results"
)

func exportCommand(env *Env) *cobra.Command {
	var asCSV, asJSON bool
	c := &cobra.Command{
		Use:   "export DIR TABLE",
		Short: "Print a table of a study as CSV or JSON lines",
		Long: `Export prints a table of a study (trials, epochs, samples or pareto) for tools
that do not read Parquet.

CSV: null is an empty cell. An apostrophe is put before text that begins with =,
+, -, @ or a tab, so that spreadsheets do not treat it as a formula. Control
characters are escaped, as in \u001b.

JSON lines: numbers that JSON lacks are the strings "NaN", "Infinity" and
"-Infinity". Images are base64 in both formats.`,
		Example: `  starsweep export runs/quickstart trials --csv > trials.csv
  starsweep export runs/quickstart epochs --jsonl | jq .fid`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageErrorf("got %d arguments, want the directory of a study and a table", len(args))
			}
			if asCSV == asJSON {
				return usageErrorf("want either --csv or --jsonl")
			}
			if !slices.Contains(results.Tables(), results.Table(args[1])) {
				return usageErrorf("got table %q, want one of %v", args[1], results.Tables())
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			v, err := env.openView(args[0])
			if err != nil {
				return err
			}
			defer v.Close()
			out := bufio.NewWriter(env.Stdout)
			write := exportJSON
			if asCSV {
				write = exportCSV
			}
			if err := write(out, v, results.Table(args[1])); err != nil {
				return err
			}
			return out.Flush()
		},
	}
	c.Flags().BoolVar(&asCSV, "csv", false, "print comma-separated values with a header line")
	c.Flags().BoolVar(&asJSON, "jsonl", false, "print one JSON object per line")
	return exits(c, exitStorage)
}

func exportJSON(to io.Writer, v *results.View, t results.Table) error {
	fields := v.Fields(t)
	for row, err := range v.Rows(t) {
		if err != nil {
			return err
		}
		line, err := jsonRow(fields, row)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(to, "%s\n", line); err != nil {
			return err
		}
	}
	return nil
}

func exportCSV(to io.Writer, v *results.View, t results.Table) error {
	fields := v.Fields(t)
	w := csv.NewWriter(to)
	cells := make([]string, len(fields))
	for i, f := range fields {
		cells[i] = f.Name
	}
	if err := w.Write(cells); err != nil {
		return err
	}
	for row, err := range v.Rows(t) {
		if err != nil {
			return err
		}
		for i, f := range fields {
			cells[i] = ""
			if text, isText := row[f.Name].(string); isText {
				cells[i] = escapeFormula(text)
			} else if row[f.Name] != nil {
				cells[i] = fmt.Sprint(portable(row[f.Name]))
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

// jsonRow returns a row as a JSON object with its fields in order.
func jsonRow(fields []results.Field, row results.Row) (string, error) {
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

// portable returns a value that JSON and CSV can represent. Numbers have the fewest digits that identify them.
func portable(value any) any {
	switch v := value.(type) {
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN"
		case math.IsInf(v, 1):
			return "Infinity"
		case math.IsInf(v, -1):
			return "-Infinity"
		}
		return json.Number(strconv.FormatFloat(v, 'g', -1, 64))
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	}
	return value
}
