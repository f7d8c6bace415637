package report_test

import (
	"bytes"
	"image"
	"image/png"
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

// study has a trial of two epochs that is not finished, which its writer holds, and one that diverged.
func study(t *testing.T) *results.View { return begun(t).View() }

func begun(t *testing.T) *results.Writer {
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
	return s
}

// A trial that a live process holds is running, as status says of it, and interrupted as soon as none does.
func TestUnfinishedTrialsAreRunningWhileAProcessHoldsThem(t *testing.T) {
	w := begun(t)
	counts(t, page(t, w.View(), report.Options{}), map[string]int{"1 of 2 trials ended (1 diverged, 1 running)": 1,
		`class="status running">running</td>`: 1, `<th scope="col" class="n">running</th>`: 1, "interrupted": 0})
	dir := w.View().Dir()
	must(t, w.Close())
	counts(t, page(t, open(t, dir), report.Options{}), map[string]int{"1 of 2 trials ended (1 diverged, 1 interrupted)": 1,
		`class="status interrupted">interrupted</td>`: 1, "running": 0})
}

// report may run while the page is drawn at the end of a run.
func TestSeveralProcessesMayDrawThePageAtOnce(t *testing.T) {
	s := study(t)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if err := report.File(filepath.Join(s.Dir(), "report.html"), s, report.Options{}); err != nil {
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

// page is the report of a study.
func page(t *testing.T, v *results.View, o report.Options) string {
	t.Helper()
	var b strings.Builder
	must(t, report.Write(&b, v, o))
	return b.String()
}

// counts checks how often texts occur in a page.
func counts(t *testing.T, page string, want map[string]int) {
	t.Helper()
	for text, n := range want {
		if got := strings.Count(page, text); got != n {
			t.Errorf("%q occurs %d times, want %d", text, got, n)
		}
	}
}

func TestThePageShowsEveryTrialWithItsIDAndThePicturesOfSome(t *testing.T) {
	counts(t, page(t, study(t), report.Options{}), map[string]int{
		"<h1>digits</h1>":                       1,
		"<b>hinge":                              0,
		`id="trial-a"`:                          1,
		`id="trial-b"`:                          1,
		`href="#trial-a"`:                       1, // above its pictures
		"samples of trial a at epoch":           2,
		`class="status diverged">diverged</td>`: 1,
		`class="status running">running</td>`:   1,
		`class="long">loss in epoch 1</td>`:     1,
		`<td class="n">1.25</td>`:               2, // and the median of its level
		"http":                                  0, // it needs no network
		" style=":                               0, // which the live page's security policy forbids
		" onclick=":                             0,
	})
}

func TestTrialsReferToTheirPagesWhereThereAreAny(t *testing.T) {
	o := report.Options{Link: func(id string) string { return "/trial/" + id }}
	counts(t, page(t, study(t), o), map[string]int{`href="/trial/a"`: 2, `href="/trial/b"`: 1, `href="#trial-`: 0})
}

func TestSectionsHaveWhatTheStudyHas(t *testing.T) {
	ids := func(v *results.View) (list []string) {
		sections, err := report.Sections(v, report.Options{})
		must(t, err)
		for _, s := range sections {
			if s.Title == "" || s.HTML == "" {
				t.Errorf("section %s: got no title or no content", s.ID)
			}
			list = append(list, s.ID)
		}
		return list
	}
	if got, want := ids(study(t)), []string{"study", "samples", "ends", "trials", "origin"}; !slices.Equal(got, want) {
		t.Errorf("got sections %v, want %v", got, want)
	}
	if got, want := ids(trained(t, nil).View()), []string{"study", "origin"}; !slices.Equal(got, want) {
		t.Errorf("without trials: got sections %v, want %v", got, want)
	}
}

func TestMeasurementsAreListedByMeasure(t *testing.T) {
	w := trained(t, objectives(pareto.Min, pareto.Max), []float64{2, 0.5}, []float64{1, 0.5})
	if strings.Contains(page(t, w.View(), report.Options{}), "Measured again") {
		t.Error("got a list of no measurements")
	}
	must(t, w.AppendMeasurement(results.Measurement{Trial: "t1", Epoch: 1, Measure: "fid() samples=9 features=<x>:0123456789abcdef",
		Metrics: results.Metrics{"fid": 7.25}}))
	counts(t, page(t, w.View(), report.Options{}), map[string]int{
		"Measured by fid, &lt;x&gt;, 9 samples.":                                                     1,
		`<th scope="col" class="n">epoch</th><th scope="col" class="n">fid</th></tr>`:                1,
		`<td>net=&lt;0&gt; seed=1</td><td class="n">1</td><td class="n">7.25</td>`:                   1,
		`href="#trial-t1"><code>t1</code></a></td><td>net=&lt;0&gt; seed=1</td><td class="n">1</td>`: 1,
	})
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
	counts(t, page(t, w.View(), report.Options{}), map[string]int{
		`<td class="long">too &lt;wide&gt;</td>`:                                1,
		`<td class="long">memory: 8 GB</td>`:                                    1,
		`<li>memory: 1, first <a href="#trial-b"><code>b</code></a>: 8 GB</li>`: 1,
		`<td>all</td><td></td><td class="n">2</td><td class="n">1 (50 %)</td>`:  1,
		"2 of 2 trials ended (1 failed, 1 skipped)":                             1,
		"1 trial collapsed, diverged or failed":                                 1,
	})
}

// hostile are texts that would break a page which does not escape them.
var hostile = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202e\x1b[31m"

func TestTextsOfScriptsAreEscaped(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	make := func(settings string) *results.View {
		w, err := results.Create(t.TempDir(), results.Meta{Study: hostile, Script: hostile, ScriptHash: "0", Version: hostile,
			Columns: []results.Column{{Name: "net", Kind: spec.String}}, Metrics: []string{"fid"}, Losses: []string{"fid"},
			Objectives: []results.Objective{{Metric: "fid", Direction: pareto.Min}}}, map[string][]byte{"x.star": []byte(settings + hostile)},
			results.Options{Now: now})
		must(t, err)
		t.Cleanup(func() { w.Close() })
		must(t, w.BeginPlan(results.Plan{Trials: []string{"a", "b", "c"}, Settings: settings, Script: "0", Profile: hostile, Began: now()}))
		for i, id := range []string{"a", "b", "c"} {
			c, err := w.Claim(id)
			must(t, err, c.Begin(results.Trial{ID: id, Index: i, Configuration: id, Point: results.Values{"net": id + hostile}, Started: now(),
				Data: hostile, Train: hostile}, nil),
				c.AppendEpoch(results.Epoch{Trial: id, Epoch: 1, Evaluated: true, Metrics: results.Metrics{"fid": float64(i)}},
					results.Sample{Trial: id, Epoch: 1, Kind: "grid", PNG: picture(t)}),
				c.Finish(results.Outcome{Trial: id, Status: []results.Status{results.Completed, results.Failed, results.Completed}[i],
					Reason: hostile, Device: hostile, Backend: hostile, Version: hostile, Settings: settings}))
		}
		return w.View()
	}
	one, two := make(`{"a": 1}`), make(`{"a": 2, "`+`<img src=x>`+`": "<script>"}`)
	both := filepath.Join(t.TempDir(), "both.html")
	must(t, report.CompareFile(both, one, two))
	compared, err := os.ReadFile(both)
	must(t, err)
	for name, page := range map[string]string{"report": page(t, two, report.Options{}), "comparison": string(compared)} {
		body := page[strings.Index(page, "<body>"):strings.LastIndex(page, "<script>")]
		for _, text := range []string{"<script", "<img src=x", "\u202e", "\x1b", `"'>`} {
			if strings.Contains(body, text) {
				t.Errorf("%s: the page has %q", name, text)
			}
		}
		if n := strings.Count(body, "&lt;script&gt;alert(1)"); n < 3 {
			t.Errorf("%s: got the escaped text %d times, want it shown", name, n)
		}
	}
}
