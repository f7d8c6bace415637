package export_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/export"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)

// meta is a study with every kind of hyperparameter, and with letters that not all tools expect.
var meta = results.Meta{
	Study: "ring ü", Script: "ring.star", ScriptHash: "5c41", Version: "0.1.0",
	Columns: []results.Column{
		{Name: "loss", Kind: spec.String},
		{Name: "lr", Kind: spec.Float},
		{Name: "batch", Kind: spec.Int},
		{Name: "norm", Kind: spec.Bool},
		{Name: "penalty", Kind: spec.Float, Optional: true},
	},
	Metrics:    []string{"loss_generator", "fid", "precision", "größe"},
	Losses:     []string{"loss_generator"},
	Objectives: []results.Objective{{Metric: "fid", Direction: pareto.Min}, {Metric: "precision", Direction: pareto.Max}},
}

var script = map[string][]byte{"ring.star": []byte("main = 1\n")}

// hostile are texts that a script may give to a hyperparameter.
var hostile = []string{"../../../../tmp/evil", "two\nlines\ttab", "\x1b[2J\x1b[31mRED\u202e\u0085\x7f", `=1+1"'#: {}`,
	"<script>alert(1)</script>", strings.Repeat("long ", 100), "", "."}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// picture is a sample sheet of one colour.
func picture(t testing.TB, shade uint8) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 12, 8))
	for i := range m.Pix {
		m.Pix[i] = shade
	}
	m.SetGray(0, 0, color.Gray{255 - shade})
	var b bytes.Buffer
	must(t, png.Encode(&b, m))
	return b.Bytes()
}

// trials are the trials of the study, by index, with how they end. A running one has no outcome.
var trials = []struct {
	status results.Status
	reason string
	epochs int
}{
	{results.Completed, "", 3}, {results.Completed, "", 3}, {results.Collapsed, "precision fell", 2},
	{results.Diverged, "epoch 2: infinite", 2}, {results.Failed, strings.Repeat("a long error\n", 6000), 0},
	{results.Skipped, "too large", 0}, {results.Interrupted, "", 2}, {results.Pruned, "worse than half", 1},
}

func id(index int) string { return fmt.Sprintf("%016x", 0xa0+index) }

// begun is a trial. The first two differ in the seed only.
func begun(index int) results.Trial {
	point := results.Values{"loss": hostile[index], "lr": math.Pow(10, float64(-1-index)), "batch": int64(8 * (index + 1)),
		"norm": index%2 == 0}
	if index%2 == 0 {
		point["penalty"] = 0.5 * float64(index)
	}
	t := results.Trial{ID: id(index), Index: index, Point: point, Seed: int64(index), Started: start.Add(time.Duration(index) * time.Minute),
		Configuration: fmt.Sprintf("c%d", index), Length: 3, Data: "ring()", Train: "0f1e2d3c4b5a69788796", Test: "77"}
	if index == 1 {
		t.Point, t.Configuration = begun(0).Point, "c0"
	}
	return t
}

// measured is an epoch of a trial.
func measured(index, epoch int) results.Epoch {
	e := results.Epoch{Trial: id(index), Epoch: epoch, Step: int64(100 * epoch), Images: 800, Evaluated: true, Backend: "cpu",
		SecondsTrain: 1.5, SecondsEvaluate: 0.25, Metrics: results.Metrics{"loss_generator": 0.1 * float64(epoch),
			"fid": 100/float64(epoch) + float64(index), "precision": 1 / 3. * float64(epoch), "größe": 1e300}}
	if trials[index].status == results.Diverged && epoch == 2 {
		e.Metrics = results.Metrics{"loss_generator": math.NaN(), "größe": math.Inf(-1)}
	}
	return e
}

// train writes the study to a folder, and returns the writer.
func train(t testing.TB, dir string) *results.Writer {
	t.Helper()
	w, err := results.Create(dir, meta, script, results.Options{Now: time.Now, FlushEvery: time.Hour})
	must(t, err)
	t.Cleanup(func() { w.Close() })
	for index, end := range trials {
		c, err := w.Claim(id(index))
		must(t, err)
		must(t, c.Begin(begun(index), nil))
		for epoch := 1; epoch <= end.epochs; epoch++ {
			must(t, c.AppendEpoch(measured(index, epoch)))
			must(t, c.AppendSample(results.Sample{Trial: id(index), Epoch: epoch, Kind: "grid", PNG: picture(t, uint8(40*index+epoch))}))
		}
		if end.status != results.Interrupted {
			must(t, c.Finish(results.Outcome{Trial: id(index), Status: end.status, Reason: end.reason, Parameters: 7, Program: "p1",
				Settings: `{"width":3}`, Script: "5c41", Version: "0.1.0", Backend: "cpu", Device: "host", SecondsCompile: 1}))
		}
	}
	return w
}

func open(t testing.TB, dir string) *results.View {
	t.Helper()
	v, err := results.Open(dir)
	must(t, err)
	t.Cleanup(func() { v.Close() })
	return v
}

func write(v *results.View, format export.Format, out string) error {
	_, err := export.Write(context.Background(), v, export.Options{Format: format, Out: out})
	return err
}

// files are all files below a folder with their contents.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		all[filepath.ToSlash(rel)] = string(content)
		return err
	}))
	return all
}
