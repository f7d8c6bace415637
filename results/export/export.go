// Package export writes a study for other programs: as a TensorBoard log, an MLflow store, W&B runs, an Optuna journal, or as tables of
// CSV and JSON lines. Each format has one file. It reads a study through package results, as the study is recorded at one moment, and
// runs no script. The command export is its only caller.
package export

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/results"
)

// Format is what an export is written for.
type Format string

const (
	TensorBoard Format = "tensorboard"
	MLflow      Format = "mlflow"
	WandB       Format = "wandb-offline"
	Optuna      Format = "optuna"
	CSV         Format = "csv"
	JSONLines   Format = "jsonl"
	Parquet     Format = "parquet"
)

// formats are all formats, what they are in a line, and what writes them, in the order of the help text.
var formats = [...]struct {
	format Format
	doc    string
	write  func(*study, *folder) error
}{
	{TensorBoard, "event files, one run a trial, with the plugin hparams", writeTensorBoard},
	{MLflow, "a file store with one experiment, one run a trial", writeMLflow},
	{WandB, "offline runs of Weights & Biases, for wandb sync", writeWandB},
	{Optuna, "journal.log, with one study, and its artifacts", writeOptuna},
	{CSV, "all tables, and the sample sheets as PNG files",
		func(s *study, f *folder) error { return writeTables(s, f, CSV, writeCSV) }},
	{JSONLines, "the same with a JSON object a line",
		func(s *study, f *folder) error { return writeTables(s, f, JSONLines, writeJSONLines) }},
	{Parquet, "an extract: one Parquet file for each table", writeExtract},
}

// Formats returns all formats.
func Formats() (list []Format) {
	for _, f := range formats {
		list = append(list, f.format)
	}
	return list
}

// Doc says in a line what a format is.
func (f Format) Doc() string {
	for _, row := range formats {
		if row.format == f {
			return row.doc
		}
	}
	return ""
}

// ErrOptions is in the chain of the errors that other options avoid: a folder that is not an export, a study without objectives, and
// those of Options.Where.
var ErrOptions = errors.New("other options avoid it")

// refusal is an error that is ErrOptions.
type refusal struct{ error }

func refuse(format string, args ...any) error { return refusal{fmt.Errorf(format, args...)} }

func (r refusal) Is(target error) bool { return target == ErrOptions }
func (r refusal) Unwrap() error        { return r.error }

// Options choose what is written, and where.
type Options struct {
	Format Format
	Out    string // a folder: a new one, an empty one, or the unchanged export of the same study and format

	Where      func(columns map[string]any) (bool, error) // which trials; nil for all. The columns are those of frame.Columns
	Objectives []results.Objective                        // any of the metrics; nil for those of the study
	NoSheets   bool                                       // of Parquet: the table of samples has no rows
}

// Counts says what was written.
type Counts struct {
	Trials, Unfinished int
}

// Write writes a study as the view has it: a running study is exported as it was when the view was opened or refreshed. The folder
// appears complete, or stays as it was. Equal studies make equal bytes, except that MLflow's files name the folder.
func Write(ctx context.Context, v *results.View, o Options) (Counts, error) {
	i := slices.Index(Formats(), o.Format)
	if i < 0 {
		return Counts{}, refuse("format: got %q, want %s", o.Format, Join(Formats()))
	}
	if o.Format == Parquet && (o.Where != nil || len(o.Objectives) > 0) {
		return Counts{}, refuse("parquet: the study is written as it is: got a condition or objectives, want none")
	}
	s, err := newStudy(ctx, v, o)
	if err != nil {
		return Counts{}, err
	}
	m := mark{Format: o.Format, Study: s.meta.Study, ID: s.meta.ID()}
	err = replace(o.Out, v.Dir(), m, func(f *folder) error { return formats[i].write(s, f) })
	c := Counts{Trials: len(s.trials)}
	for _, t := range s.trials {
		if t.unfinished() {
			c.Unfinished++
		}
	}
	return c, err
}

// Join lists formats.
func Join(list []Format) string {
	var names []string
	for _, f := range list {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}
