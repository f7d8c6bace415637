package results_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
)

// start is the clock of the tests; it does not move.
var start = time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)

func stopped() time.Time { return start }

var meta = results.Meta{
	Study: "ring", Script: "ring.star", ScriptHash: "5c41", Version: "0.1.0",
	Columns: []results.Column{
		{Name: "loss", Kind: spec.String},
		{Name: "lr", Kind: spec.Float},
		{Name: "batch", Kind: spec.Int},
		{Name: "norm", Kind: spec.Bool},
		{Name: "penalty", Kind: spec.Float, Optional: true}, // only with loss = wgan-gp
	},
	Metrics:    []string{"loss_generator", "loss_discriminator", "fid"},
	Objectives: []results.Objective{{Metric: "fid", Direction: pareto.Min}},
}

// hourly publishes on request only.
var hourly = results.Options{Now: stopped, FlushEvery: time.Hour}

// study is a writer that claims the trials which it is asked to write, so that tests read as lists of rows.
type study struct {
	*results.Writer
	*results.View
	mu     sync.Mutex // guards claims in methods
	claims map[string]*results.Claim
}

func createStudy(dir string, m results.Meta, scripts map[string][]byte, o results.Options) (*study, error) {
	w, err := results.Create(dir, m, scripts, o)
	if err != nil {
		return nil, err
	}
	return &study{Writer: w, View: w.View(), claims: map[string]*results.Claim{}}, nil
}

func (s *study) Close() error                           { return s.Writer.Close() }
func (s *study) Refresh() (changed []string, err error) { return s.Writer.Refresh() }

// claim is the claim of a trial, a new one if there is none or it is of a generation that was forgotten.
func (s *study) claim(id string) (*results.Claim, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.claims[id]; c != nil && c.Held() == nil {
		return c, nil
	}
	c, err := s.Claim(id)
	if err == nil {
		s.claims[id] = c
	}
	return c, err
}

func (s *study) BeginTrial(trials ...results.Trial) error {
	for _, t := range trials {
		c, err := s.claim(t.ID)
		if err != nil {
			return err
		}
		if err := c.Begin(t, nil); err != nil {
			return err
		}
	}
	return nil
}

// Forget gives up the claims of trials and forgets them.
func (s *study) Forget(ids ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if c := s.claims[id]; c != nil {
			if err := c.Release(); err != nil {
				return err
			}
			delete(s.claims, id)
		}
	}
	return s.Writer.Forget(ids...)
}

func (s *study) AppendEpoch(rows ...results.Epoch) error {
	for _, e := range rows {
		c, err := s.claim(e.Trial)
		if err != nil {
			return err
		}
		if err := c.AppendEpoch(e); err != nil {
			return err
		}
	}
	return nil
}

func (s *study) AppendSample(samples ...results.Sample) error {
	for _, x := range samples {
		c, err := s.claim(x.Trial)
		if err != nil {
			return err
		}
		if err := c.AppendSample(x); err != nil {
			return err
		}
	}
	return nil
}

func (s *study) FinishTrial(outcomes ...results.Outcome) error {
	for _, o := range outcomes {
		c, err := s.claim(o.Trial)
		if err != nil {
			return err
		}
		if err := c.Finish(o); err != nil {
			return err
		}
	}
	return nil
}

func (s *study) SaveCheckpoint(p results.Checkpoint) error {
	c, err := s.claim(p.Row.Trial)
	if err != nil {
		return err
	}
	return c.SaveCheckpoint(p)
}

// Resume begins a trial once more, after its checkpoint if there is one.
func (s *study) Resume(id string) (p results.Checkpoint, found bool, err error) {
	c, err := s.claim(id)
	if err != nil {
		return p, false, err
	}
	from, err := c.Checkpoint()
	if err != nil || from == nil {
		return p, false, err
	}
	state, _ := s.State(id)
	return *from, true, c.Begin(state.Trial, from)
}

func create(t testing.TB, dir string) *study {
	t.Helper()
	s, err := createStudy(dir, meta, map[string][]byte{"ring.star": []byte("main = 1\n")}, hourly)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) // again, maybe, which is harmless
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("got no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("got error %q, want %q in it", err, part)
		}
	}
}

func trial(id string, index int) results.Trial {
	point := results.Values{"loss": "ns-gan", "lr": 1e-4 * float64(index+1), "batch": 32, "norm": index%2 == 0}
	if index%2 == 1 {
		point["loss"], point["penalty"] = "wgan-gp", 10
	}
	return results.Trial{ID: id, Index: index, Point: point, Seed: int64(index) + 1<<60, Started: start,
		Configuration: "c-" + id, Length: 5, Data: "ring()", Train: "0f1e2d3c4b5a69788796", Test: "77", Measure: ofPixels}
}

// ofPixels is how the trials of the tests are measured.
var ofPixels = spec.Measure{Metrics: []spec.Metric{{Name: "fid"}}, Samples: 1000, Real: "test:77", Features: "pixels:f00d"}

// epoch is row e of a trial; every second one measures the FID, which falls until epoch 4.
func epoch(id string, e int) results.Epoch {
	row := results.Epoch{Trial: id, Epoch: e, Step: int64(100 * e), Images: 3200, SecondsTrain: 2, SecondsEvaluate: 0.5, Backend: "cpu go",
		Metrics: results.Metrics{"loss_generator": 1 / float64(e), "loss_discriminator": -float64(e)}}
	if e%2 == 0 {
		row.Metrics["fid"], row.Evaluated = math.Abs(float64(e-4))+0.1, true
	}
	return row
}

func outcome(id string, status results.Status) results.Outcome {
	return results.Outcome{Trial: id, Status: status, Parameters: 1234, Program: "f00d", Settings: `{"width":16}`, Script: "5c41",
		Version: "0.1.0",
		Backend: "cpu", Device: "2 cores", SecondsCompile: 0.25, Compilations: 1}
}

func picture(t testing.TB, width int) []byte {
	t.Helper()
	var buf bytes.Buffer
	check(t, png.Encode(&buf, image.NewGray(image.Rect(0, 0, width, 4))))
	return buf.Bytes()
}

func train(t testing.TB, s *study, id string, index, epochs int) {
	t.Helper()
	check(t, s.BeginTrial(trial(id, index)))
	for e := 1; e <= epochs; e++ {
		check(t, s.AppendEpoch(epoch(id, e)))
	}
}

// columns reads a table from the journal, some columns of it, as text.
func columns(t testing.TB, v *results.View, table results.Table, names ...string) []string {
	t.Helper()
	var lines []string
	for row, err := range v.Rows(table) {
		check(t, err)
		var cells []string
		for _, name := range names {
			cells = append(cells, fmt.Sprint(row[name]))
		}
		lines = append(lines, strings.Join(cells, " "))
	}
	return lines
}

// epochsOf is how many epochs of a trial the journal has, 0 for a trial that was never begun.
func epochsOf(v *results.View, id string) int {
	for _, s := range v.Trials() {
		if s.ID == id {
			return s.Epochs
		}
	}
	return 0
}

func wantLines(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// noisePicture cannot be compressed.
func noisePicture(t testing.TB, width int) []byte {
	t.Helper()
	img, x := image.NewGray(image.Rect(0, 0, width, width)), uint32(1)
	for i := range img.Pix {
		x = x*1664525 + 1013904223 // Numerical Recipes' generator
		img.Pix[i] = byte(x >> 24)
	}
	var buf bytes.Buffer
	check(t, png.Encode(&buf, img))
	return buf.Bytes()
}

// journalOf is the only journal of a study, or the last one by its name.
func journalOf(t testing.TB, dir string) string {
	t.Helper()
	files := journals(t, dir)
	if len(files) == 0 {
		t.Fatalf("%s has no journal", dir)
	}
	return files[len(files)-1]
}

func journals(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "journal", "*"))
	check(t, err)
	return files
}

// readFile is a file of a study's directory.
func readFile(t testing.TB, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	check(t, err)
	return b
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }
