package results_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/require"
	"github.com/starsweep/starsweep/internal/safetensors"
	"github.com/starsweep/starsweep/results"
)

func TestPythonReadsWhatGoWroteAndTheOtherWayRound(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts Python")
	}
	python := require.Tool(t, "STARSWEEP_PYTHON", "python")
	dir := filepath.Join(t.TempDir(), "study")
	s := create(t, dir)
	trainForPython(t, s)
	expected := filepath.Join(t.TempDir(), "expected.json")
	b, err := json.Marshal(expectation(t, s.View))
	check(t, err)
	check(t, os.WriteFile(expected, b, 0o666))
	fromPython := filepath.Join(t.TempDir(), "python.safetensors")

	// The study is still open: the readers run while it is written.
	out, err := exec.Command(python, "testdata/check_tables.py", dir, expected, fromPython).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
	file, err := os.ReadFile(fromPython)
	check(t, err)
	tensors, metadata, err := safetensors.Read(file)
	check(t, err)
	got := map[string]safetensors.Tensor{}
	for _, tensor := range tensors {
		got[tensor.Name] = tensor
	}
	want := map[string]safetensors.Tensor{
		"mask":    safetensors.New("mask", []int{2}, []bool{true, false}),
		"weights": safetensors.New("weights", []int{2, 3}, []float32{0, 1, 2, 3, 4, 5}),
		"moments": safetensors.New("moments", []int{2}, []float64{0.5, math.Inf(-1)}),
		"scalar":  safetensors.New("scalar", []int{}, []int32{7}),
		"empty":   safetensors.New("empty", []int{0, 2}, []float64{}),
	}
	if !reflect.DeepEqual(got, want) || metadata["made by"] != "python" {
		t.Errorf("got %v, %v\nwant %v", got, metadata, want)
	}
}

// Readers see every row once, in whatever files it is.
func TestPythonReadsTheTablesOfSeveralWriters(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts Python")
	}
	python := require.Tool(t, "STARSWEEP_PYTHON", "python")
	dir := t.TempDir()
	read := func(v *results.View, how string) (files string) {
		t.Helper()
		expected := filepath.Join(t.TempDir(), "expected.json")
		b, err := json.Marshal(expectation(t, v))
		check(t, err)
		check(t, os.WriteFile(expected, b, 0o666))
		out, err := exec.Command(python, "testdata/check_rows.py", dir, expected, how).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", how, err, out)
		}
		return string(out)
	}
	a, b := create(t, dir), create(t, dir)
	for i, s := range []*study{a, b} {
		id := fmt.Sprint("t", i)
		train(t, s, id, i, 4)
		check(t, s.AppendSample(results.Sample{Trial: id, Epoch: 4, Kind: "grid", PNG: picture(t, 8)}))
		check(t, s.FinishTrial(outcome(id, results.Completed)))
		check(t, s.AppendMeasurement(measurement(id, 4)))
		check(t, s.Publish())
	}
	_, err := a.Refresh()
	check(t, err)
	check(t, a.Publish()) // the pareto table, with what the other one has
	if files := read(a.View, "glob"); !strings.Contains(files, "epochs 3\n") {
		t.Errorf("got the files\n%swant those of two writers, and one without rows", files)
	}
	check(t, a.Close())
	check(t, b.Close())

	w, err := results.Continue(dir, hourly)
	check(t, err)
	_, err = w.Compact()
	check(t, err)
	if files := read(w.View(), "glob"); !strings.Contains(files, "epochs 1\n") || !strings.Contains(files, "measurements 1\n") {
		t.Errorf("got the files\n%swant one a table", files)
	}
	check(t, w.Close())
	former := readFile(t, dir, "epochs/0-compact.parquet")

	s := grown(t, dir)
	defer s.Close()
	read(s.View, "glob")
	check(t, os.WriteFile(filepath.Join(dir, "epochs", "0-compact.parquet"), former, 0o666)) // as in the middle of the growth
	read(s.View, "union")
}

// grown is a study that has gained a hyperparameter and a metric, and a trial with both.
func grown(t *testing.T, dir string) *study {
	t.Helper()
	wider := meta
	wider.Columns = append(slices.Clone(meta.Columns), results.Column{Name: "width", Kind: spec.Int, Optional: true})
	wider.Metrics = append(slices.Clone(meta.Metrics), "kid")
	s, err := createStudy(dir, wider, nil, hourly)
	check(t, err)
	wide := trial("t2", 2)
	wide.Point["width"] = 64
	check(t, s.BeginTrial(wide))
	row := epoch("t2", 1)
	row.Metrics["kid"] = 0.5
	check(t, s.AppendEpoch(row))
	check(t, s.Publish())
	return s
}

// measurement is one of a trial's weights.
func measurement(id string, epoch int) results.Measurement {
	return results.Measurement{Trial: id, Epoch: epoch, Measure: "fid() samples=9 real=test:77 features=inception:f00d", Samples: 9,
		Extractor: "inception:f00d", Backend: "cpu go", Metrics: results.Metrics{"fid": 7.25}, SecondsEvaluate: 1.5}
}

// trainForPython leaves every type, null, NaN and infinity in several segments, and one checkpoint.
func trainForPython(t *testing.T, s *study) {
	t.Helper()
	for i := range 3 {
		id := fmt.Sprint("t", i)
		train(t, s, id, i, 3)
		check(t, s.AppendSample(results.Sample{Trial: id, Epoch: 3, Kind: "grid", PNG: picture(t, 8+i)}))
		if i == 0 {
			odd := epoch(id, 4)
			odd.Metrics = results.Metrics{"loss_generator": math.NaN(), "loss_discriminator": math.Inf(1)}
			check(t, s.AppendEpoch(odd))
			end := outcome(id, results.Diverged)
			end.Reason = "loss_generator: NaN at „epoch 4“"
			check(t, s.FinishTrial(end))
		} else if i == 1 {
			check(t, s.FinishTrial(outcome(id, results.Completed)))
		} else {
			check(t, s.SaveCheckpoint(checkpoint(id, 3)))
		}
		check(t, s.AppendMeasurement(measurement(id, 3)))
		check(t, s.Publish())
	}
}

type tableExpectation struct {
	Columns [][3]any      `json:"columns"`
	Rows    []results.Row `json:"rows"`
}

// expectation is what check_tables.py compares with, read from the journal.
func expectation(t *testing.T, v *results.View) map[results.Table]tableExpectation {
	t.Helper()
	all := map[results.Table]tableExpectation{}
	for _, table := range results.Tables() {
		var e tableExpectation
		for _, f := range v.Fields(table) {
			e.Columns = append(e.Columns, [3]any{f.Name, f.Type, f.Nullable})
		}
		for row, err := range v.Rows(table) {
			check(t, err)
			out := results.Row{}
			for _, f := range v.Fields(table) {
				out[f.Name] = plain(row[f.Name])
			}
			e.Rows = append(e.Rows, out)
		}
		all[table] = e
	}
	return all
}

// plain is a value as check_tables.py has it.
func plain(value any) any {
	switch v := value.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
	case []byte:
		return hex.EncodeToString(v)
	case time.Time:
		return v.UnixMilli()
	}
	return value
}
