package report_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/report"
)

func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// study has a trial of two epochs that is not finished, and one that diverged.
func study(t *testing.T) *results.View {
	t.Helper()
	now := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	s, err := results.Create(t.TempDir(), results.Meta{Study: "digits", Script: "digits.star", ScriptHash: "0", Version: "test",
		Columns: []results.Column{{Name: "loss", Kind: spec.String}}, Metrics: []string{"loss_generator", "loss_shape", "noise"},
		Losses: []string{"loss_generator"}}, nil, results.Options{Now: now})
	must(t, err)
	trial := func(id, loss string) results.Trial {
		return results.Trial{ID: id, Configuration: "c-" + id, Point: results.Values{"loss": loss}, Started: now()}
	}
	epoch := func(id string, n int, loss float64) results.Epoch {
		return results.Epoch{Trial: id, Epoch: n, Metrics: results.Metrics{"loss_generator": loss, "loss_shape": 5}}
	}
	a, err := s.Claim("a")
	must(t, err)
	b, err := s.Claim("b")
	must(t, err, a.Begin(trial("a", "<b>hinge</b>"), nil), b.Begin(trial("b", "ns"), nil),
		a.AppendEpoch(epoch("a", 1, 3)), a.AppendEpoch(epoch("a", 2, 1.25)), b.AppendEpoch(epoch("b", 1, 7)),
		a.AppendSample(results.Sample{Trial: "a", Epoch: 1, Kind: "grid", PNG: picture(t)},
			results.Sample{Trial: "a", Epoch: 2, Kind: "grid", PNG: picture(t)}),
		b.Finish(results.Outcome{Trial: "b", Status: results.Diverged, Reason: "loss in epoch 1"}))
	t.Cleanup(func() { s.Close() })
	return s.View()
}

// report may run while the page is drawn at the end of a run.
func TestSeveralProcessesMayDrawThePageAtOnce(t *testing.T) {
	s := study(t)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if _, err := report.File(s, report.Options{}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	var want bytes.Buffer
	must(t, report.Write(&want, s, report.Options{}))
	got, err := os.ReadFile(filepath.Join(s.Dir(), "report.html"))
	must(t, err)
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("got %d bytes, want the page, %d bytes", len(got), want.Len())
	}
	if left, err := filepath.Glob(filepath.Join(s.Dir(), ".*.tmp")); err != nil || len(left) != 0 {
		t.Errorf("got temporary files %v, %v", left, err)
	}
}

func TestThePageShowsEveryTrialWithItsLastPictureAndCurves(t *testing.T) {
	s := study(t)
	var b strings.Builder
	must(t, report.Write(&b, s, report.Options{}))
	page := b.String()
	for what, want := range map[string]int{
		"<h1>digits</h1>":               1,
		"&lt;b&gt;hinge&lt;/b&gt;":      2, // the card and the table
		"<b>hinge":                      0,
		`alt="samples of epoch 2"`:      1,
		`alt="samples of epoch 1"`:      0,
		"<polyline":                     2, // of loss_generator: loss_shape is a watch of that name
		`class="status diverged"`:       1,
		"after 1 epochs: loss in epoch": 1,
		"<td>1.25</td>":                 1,
		"http":                          0, // it needs no network
	} {
		if got := strings.Count(page, what); got != want {
			t.Errorf("%q occurs %d times, want %d", what, got, want)
		}
	}
}

func TestMeasurementsAreListedByMeasure(t *testing.T) {
	page := pageOf(t, objectives(pareto.Min, pareto.Max), []float64{2, 0.5}, []float64{1, 0.5})
	if strings.Contains(page, "Measured again") {
		t.Error("got a list of no measurements")
	}
	w := trained(t, objectives(pareto.Min, pareto.Max), []float64{2, 0.5}, []float64{1, 0.5})
	must(t, w.AppendMeasurement(results.Measurement{Trial: "t1", Epoch: 1, Measure: "fid() samples=<9>",
		Metrics: results.Metrics{"fid": 7.25}}))
	var b strings.Builder
	must(t, report.Write(&b, w.View(), report.Options{}))
	for _, want := range []string{"Measured again", "by fid() samples=&lt;9&gt;", "<th>trial</th><th>epoch</th><th>fid</th></tr>",
		"<td>net=&lt;0&gt; seed=1</td><td>1</td><td>7.25</td>"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestSkippedAndFailedTrialsHaveTheirReasons(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	w, err := results.Create(t.TempDir(), results.Meta{Study: "digits", Script: "digits.star", ScriptHash: "0", Version: "test",
		Columns: []results.Column{{Name: "width", Kind: spec.Int}}}, nil, results.Options{Now: now})
	must(t, err)
	defer w.Close()
	for _, o := range []results.Outcome{{Trial: "a", Status: results.Skipped, Reason: "too <wide>"},
		{Trial: "b", Status: results.Failed, Failure: results.FailureMemory, Reason: "8 GB"}} {
		c, err := w.Claim(o.Trial)
		must(t, err, c.Begin(results.Trial{ID: o.Trial, Configuration: o.Trial, Point: results.Values{"width": 9}, Started: now()}, nil),
			c.Finish(o))
	}
	var page bytes.Buffer
	must(t, report.Write(&page, w.View(), report.Options{}))
	text := page.String()
	if !strings.Contains(text, ": too &lt;wide&gt;</li>") || strings.Count(text, `class="card"`) != 1 {
		t.Errorf("got no list of skipped trials, or not one card:\n%s", text[strings.Index(text, "<body>"):])
	}
	if !strings.Contains(text, "failed</span> (memory) after 0 epochs: 8 GB") {
		t.Errorf("got no class of a failure:\n%s", text[strings.Index(text, "<body>"):])
	}
}
