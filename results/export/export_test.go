package export_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/export"
)

func TestEqualStudiesMakeEqualExports(t *testing.T) {
	dir := t.TempDir()
	w := train(t, filepath.Join(dir, "study"))
	for _, format := range export.Formats() {
		out := filepath.Join(dir, string(format))
		must(t, write(w.View(), format, out)) // by the writer, and by a reader
		first := files(t, out)
		must(t, write(open(t, filepath.Join(dir, "study")), format, out))
		if !maps.Equal(first, files(t, out)) {
			t.Errorf("%s: the second export differs from the first", format)
		}
	}
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries { // nothing else, whatever the trials are called
		if e.Name() != "study" && !slices.Contains(export.Formats(), export.Format(e.Name())) {
			t.Errorf("got %s beside the exports", e.Name())
		}
	}
}

func TestAnExportReplacesNothingElse(t *testing.T) {
	dir := t.TempDir()
	study := filepath.Join(dir, "study")
	train(t, study)
	v := open(t, study)
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, os.WriteFile(at("file"), []byte("x"), 0o666))
	must(t, os.MkdirAll(at("folder/with"), 0o777))
	must(t, os.WriteFile(at("folder/with/a file"), []byte("x"), 0o666))
	must(t, os.MkdirAll(at("empty"), 0o777))
	must(t, os.MkdirAll(at("damaged"), 0o777))
	must(t, os.WriteFile(at("damaged/starsweep-export.json"), []byte("{"), 0o666))
	must(t, os.Symlink(at("empty"), at("link")))
	must(t, write(v, export.CSV, at("csv")))
	must(t, write(v, export.CSV, at("changed")))
	must(t, os.WriteFile(at("changed/notes.txt"), []byte("mine"), 0o666))
	must(t, write(v, export.CSV, at("other")))
	mark, err := os.ReadFile(at("other/starsweep-export.json"))
	must(t, err)
	other := strings.Replace(string(mark), meta.ID(), "0123456789abcdef", 1)
	must(t, os.WriteFile(at("other/starsweep-export.json"), []byte(other), 0o666))

	for _, c := range []struct{ out, want string }{
		{"file", "got a file"},
		{"link", "got a file"},
		{"folder", "got a folder that is no export"},
		{"damaged", "is damaged"},
		{"changed", "whose files were changed since"},
		{"other", `an export of study "ring ü" for csv`},
		{"study", "got a folder of the study"},
		{"study/new", "got a folder of the study"},
		{"study/trials", "got a folder of the study"},
		{".", "got a folder of the study"},
	} {
		before := files(t, dir)
		err := write(v, export.CSV, at(c.out))
		if !errors.Is(err, export.ErrOptions) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one with %q", c.out, err, c.want)
		}
		if !maps.Equal(before, files(t, dir)) {
			t.Errorf("%s: files changed", c.out)
		}
	}
	if err := write(v, export.Optuna, at("csv")); !errors.Is(err, export.ErrOptions) {
		t.Errorf("another format: got error %v, want %v", err, export.ErrOptions)
	}
	if err := write(v, "excel", at("new")); !errors.Is(err, export.ErrOptions) {
		t.Errorf("an unknown format: got error %v, want %v", err, export.ErrOptions)
	}
	must(t, os.MkdirAll(at("csv/.trash"), 0o777)) // as MLflow makes
	must(t, write(v, export.CSV, at("csv")))
	must(t, write(v, export.CSV, at("empty")))
	must(t, write(v, export.CSV, at("new/parents/csv")))
}

func TestAnInterruptedExportLeavesWhatWasThere(t *testing.T) {
	dir := t.TempDir()
	w := train(t, filepath.Join(dir, "study"))
	for _, format := range export.Formats() {
		out := filepath.Join(dir, string(format))
		must(t, write(w.View(), format, out))
		before := files(t, dir)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := export.Write(ctx, w.View(), export.Options{Format: format, Out: out})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got error %v, want %v", format, err, context.Canceled)
		}
		if !maps.Equal(before, files(t, dir)) {
			t.Errorf("%s: files changed", format)
		}
	}
}

func TestARunningStudyIsExportedAsItWasWhenItWasOpened(t *testing.T) {
	dir := t.TempDir()
	w := train(t, filepath.Join(dir, "study"))
	v := open(t, filepath.Join(dir, "study"))
	for _, format := range export.Formats() {
		must(t, write(v, format, filepath.Join(dir, string(format))))
	}
	before := files(t, dir)
	c, err := w.Claim(id(8))
	must(t, err)
	next := begun(2)
	next.ID, next.Index, next.Seed = id(8), 8, 99
	must(t, c.Begin(next, nil))
	e := measured(2, 1)
	e.Trial = id(8)
	must(t, c.AppendEpoch(e))
	for _, format := range export.Formats() {
		must(t, write(v, format, filepath.Join(dir, string(format))))
		for name, content := range files(t, filepath.Join(dir, string(format))) {
			if before[string(format)+"/"+name] != content {
				t.Errorf("%s/%s has changed", format, name)
			}
		}
	}
}

func TestAConditionChoosesTrials(t *testing.T) {
	dir := t.TempDir()
	w := train(t, filepath.Join(dir, "study"))
	where := func(columns map[string]any) (bool, error) {
		fid, measured := columns["fid"].(float64)
		return columns["status"] == "completed" && measured && fid < 34 && columns["seed"] == int64(0), nil
	}
	for _, format := range export.Formats() {
		out := filepath.Join(dir, string(format))
		counts, err := export.Write(context.Background(), w.View(), export.Options{Format: format, Out: out, Where: where})
		if format == export.Parquet { // which is the study as it is
			if !errors.Is(err, export.ErrOptions) {
				t.Errorf("%s: got error %v, want %v", format, err, export.ErrOptions)
			}
			continue
		}
		must(t, err)
		if want := (export.Counts{Trials: 1}); counts != want {
			t.Errorf("%s: got %+v, want %+v", format, counts, want)
		}
		for name, content := range files(t, out) {
			if strings.Contains(name+content, id(1)) || strings.Contains(name+content, id(3)) {
				t.Errorf("%s: %s names a trial that was not chosen", format, name)
			}
		}
	}
	failing := errors.New("no such column")
	_, err := export.Write(context.Background(), w.View(), export.Options{Format: export.CSV, Out: filepath.Join(dir, "failing"),
		Where: func(map[string]any) (bool, error) { return false, failing }})
	if !errors.Is(err, failing) {
		t.Errorf("got error %v, want %v", err, failing)
	}
}

func TestOptunaWantsObjectives(t *testing.T) {
	dir := t.TempDir()
	bare := meta
	bare.Objectives = nil
	w, err := results.Create(filepath.Join(dir, "study"), bare, script, results.Options{Now: time.Now})
	must(t, err)
	defer w.Close()
	if err := write(w.View(), export.Optuna, filepath.Join(dir, "out")); !errors.Is(err, export.ErrOptions) {
		t.Errorf("got error %v, want %v", err, export.ErrOptions)
	}
	_, err = export.Write(context.Background(), w.View(), export.Options{Format: export.Optuna, Out: filepath.Join(dir, "out"),
		Objectives: meta.Objectives})
	must(t, err)
}

func TestTablesAreFilesWithTheirColumns(t *testing.T) {
	dir := t.TempDir()
	w := train(t, filepath.Join(dir, "study"))
	v := w.View()
	must(t, write(v, export.CSV, filepath.Join(dir, "csv")))
	must(t, write(v, export.JSONLines, filepath.Join(dir, "jsonl")))
	inCSV, inJSON := files(t, filepath.Join(dir, "csv")), files(t, filepath.Join(dir, "jsonl"))
	var schema map[results.Table][]struct {
		Name string
		Type results.Type
	}
	must(t, json.Unmarshal([]byte(inCSV["schema.json"]), &schema))
	for _, table := range results.Tables() {
		rows, err := csv.NewReader(strings.NewReader(inCSV[string(table)+".csv"])).ReadAll()
		must(t, err)
		want := 1
		for _, err := range v.Rows(table) {
			must(t, err)
			want++
		}
		if lines := strings.Count(inJSON[string(table)+".jsonl"], "\n"); len(rows) != want || lines != want-1 {
			t.Errorf("%s: got %d rows of CSV and %d of JSON, want %d", table, len(rows)-1, lines, want-1)
		}
		for i, f := range v.Fields(table) {
			if c := schema[table][i]; rows[0][i] != f.Name || c.Name != f.Name || c.Type != f.Type && f.Type != results.TypeBytes {
				t.Errorf("%s: column %d: got %q and %v, want %s of type %s", table, i, rows[0][i], c, f.Name, f.Type)
			}
		}
	}
	for line := range strings.Lines(inJSON["samples.jsonl"]) {
		var row struct {
			Trial string
			Epoch int
			PNG   string
		}
		must(t, json.Unmarshal([]byte(line), &row))
		index := 0
		for id(index) != row.Trial {
			index++
		}
		if inCSV[row.PNG] != string(picture(t, uint8(40*index+row.Epoch))) || inJSON[row.PNG] != inCSV[row.PNG] {
			t.Errorf("%s: got another picture than that of trial %s, epoch %d", row.PNG, row.Trial, row.Epoch)
		}
	}
}
