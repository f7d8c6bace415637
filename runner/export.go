package runner

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/export"
)

type exportOptions struct {
	csv, json      bool
	to, out, where string
	trial          string // for onnx
	objectives     []string
	bare           bool
}

func exportCommand(env *Env) *cobra.Command {
	var o exportOptions
	c := &cobra.Command{
		Use:   "export DIR [TABLE]",
		Short: "Write a study for TensorBoard, MLflow, W&B or Optuna, as CSV or JSON lines; a generator as ONNX",
		Long: `Export writes a study for other programs. With --to and --out it writes a
folder:

` + formatsText() + `
An extract is small enough to keep beside a paper, and commands that show
results open it (see docs/directory.md).

With --to onnx and --trial it writes the generator of a trial as an ONNX model,
from latents (and labels, and noise) to images or points, with the weights that
sample uses. TRIAL is an ID, its first digits, or "best". A generator whose
samples depend on each other is refused (see docs/weights.md).

Each folder has hyperparameters, values by epoch, how the trials ended, and the
sample sheets (see docs/exports.md). A running study is exported as it is now.
The folder appears complete. An earlier export of the same study and format is
replaced, unless its files were changed since; any other folder is refused.

With a TABLE (trials, epochs, samples, measurements or pareto), it prints this
table for tools that do not read Parquet.

CSV: null is an empty cell. An apostrophe is put before text that begins with =,
+, -, @ or a tab, so that spreadsheets do not treat it as a formula. Control
characters are escaped, as in \u001b.

JSON lines: numbers that JSON lacks are the strings "NaN", "Infinity" and
"-Infinity". Images are base64 in a printed table.`,
		Example: `  starsweep export runs/quickstart --to tensorboard --out runs/quickstart-tb
  starsweep export runs/quickstart --to optuna --out runs/quickstart-optuna
  starsweep export runs/quickstart --to onnx --trial best --out generator.onnx
  starsweep export runs/quickstart trials --csv > trials.csv
  starsweep export runs/quickstart epochs --jsonl | jq .fid`,
		Args: func(_ *cobra.Command, args []string) error { return o.check(args) },
		RunE: func(c *cobra.Command, args []string) error {
			switch o.to {
			case toONNX:
				return exportONNX(c.Context(), env, args[0], o.trial, o.out)
			case "":
				return printTable(env, args[0], results.Table(args[1]), o.csv)
			}
			return exportStudy(c.Context(), env, args[0], o)
		},
	}
	f := c.Flags()
	f.BoolVar(&o.csv, "csv", false, "print a table as comma-separated values with a header line")
	f.BoolVar(&o.json, "jsonl", false, "print a table as one JSON object per line")
	f.StringVar(&o.to, "to", "", "`FORMAT` of a whole study: "+export.Join(export.Formats())+"; or onnx")
	f.BoolVar(&o.bare, "no-sheets", false, "of --to parquet: leave out the sample sheets, which are most of a study")
	f.StringVar(&o.out, "out", "", "`PATH` that --to writes: a folder, or the file of an ONNX model")
	f.StringVar(&o.trial, "trial", "", "`TRIAL` whose generator --to onnx writes")
	f.StringVar(&o.where, "where", "", whereMeaning+", for --to")
	f.StringArrayVar(&o.objectives, "objective", nil,
		"`METRIC=min` or METRIC=max, instead of the objectives of the script, for --to; may be repeated")
	return exits(c, exitScript, exitStorage)
}

// formatsText lists the formats of a study.
func formatsText() string {
	var b strings.Builder
	for _, f := range export.Formats() {
		fmt.Fprintf(&b, "  %-14s %s\n", f, f.Doc())
	}
	return b.String()
}

// check returns the error of a command line that asks for nothing, or for two things.
func (o *exportOptions) check(args []string) error {
	if o.to == "" {
		if len(args) != 2 {
			return usageErrorf("got %d arguments, want the directory of a study and a table, or --to and --out", len(args))
		}
		if o.csv == o.json {
			return usageErrorf("want either --csv or --jsonl")
		}
		if o.out != "" || o.trial != "" || o.where != "" || len(o.objectives) > 0 || o.bare {
			return usageErrorf("--out, --trial, --where, --objective, --no-sheets: want --to with them")
		}
		if !slices.Contains(results.Tables(), results.Table(args[1])) {
			return usageErrorf("got table %q, want one of %v", args[1], results.Tables())
		}
		return nil
	}
	switch {
	case o.csv || o.json:
		return usageErrorf("--to %s: want neither --csv nor --jsonl with it", plain.Value(o.to))
	case o.to != toONNX && !slices.Contains(export.Formats(), export.Format(o.to)):
		return usageErrorf("--to: got %q, want one of %v, or %s", o.to, export.Formats(), toONNX)
	case o.bare && o.to != string(export.Parquet):
		return usageErrorf("--no-sheets: want --to %s with it", export.Parquet)
	case len(args) != 1:
		return usageErrorf("got %d arguments, want the directory of a study", len(args))
	case o.to == toONNX:
		return o.checkONNX()
	case o.trial != "":
		return usageErrorf("--to %s: want no --trial, which only --to %s has: it writes all trials", o.to, toONNX)
	case o.out == "":
		return usageErrorf("--to %s: want --out, the folder to write", o.to)
	}
	return nil
}

// exportStudy writes a folder.
func exportStudy(ctx context.Context, env *Env, dir string, o exportOptions) error {
	objectives, err := parseObjectives(o.objectives)
	if err != nil {
		return err
	}
	v, err := env.openView(dir, objectives...)
	if err != nil {
		return err
	}
	defer v.Close()
	holds, err := condition(ctx, v, "--where", o.where)
	if err != nil {
		return err
	}
	counts, err := export.Write(ctx, v, export.Options{Format: export.Format(o.to), Out: o.out, Where: holds, Objectives: objectives,
		NoSheets: o.bare})
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, export.ErrOptions) {
		return withCode(exitUsage, err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "%s: %s", plain.Line(o.out), plain.Count(counts.Trials, "trial"))
	if counts.Unfinished > 0 {
		fmt.Fprintf(env.Stdout, ", %d of them unfinished", counts.Unfinished)
	}
	fmt.Fprintln(env.Stdout)
	return nil
}

// printTable prints a table.
func printTable(env *Env, dir string, t results.Table, asCSV bool) error {
	v, err := env.openView(dir)
	if err != nil {
		return err
	}
	defer v.Close()
	var write func(io.Writer, *results.View, results.Table) error = export.WriteJSONLines
	if asCSV {
		write = export.WriteCSV
	}
	out := bufio.NewWriter(env.Stdout)
	if err := write(out, v, t); err != nil {
		return err
	}
	return out.Flush()
}
