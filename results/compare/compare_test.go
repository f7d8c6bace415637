package compare

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
)

// made is a trial for tests.
type made struct {
	lr     float64
	seed   int64
	config string
	fids   []float64 // by epoch; NaN is measured as well
	sheet  bool      // the last epoch has a sample sheet
	failed string    // the reason, if it failed
}

// study writes a study and opens it.
func study(t *testing.T, settings, script string, trials ...made) *results.View {
	t.Helper()
	dir := t.TempDir()
	m := results.Meta{Study: "ring", Script: "ring.star", ScriptHash: "h" + settings[6:7], Version: "v1",
		Columns: []results.Column{{Name: "lr", Kind: spec.Float}}, Metrics: []string{"fid"},
		Objectives: []results.Objective{{Metric: "fid", Direction: pareto.Min}}}
	clock := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	w, err := results.Create(dir, m, map[string][]byte{"ring.star": []byte(script)}, results.Options{Now: func() time.Time { return clock }})
	check(t, err)
	p := results.Plan{Settings: settings, Script: m.ScriptHash, Began: clock}
	for _, x := range trials {
		p.Trials = append(p.Trials, spec.TrialID(x.config, uint32(x.seed)))
	}
	check(t, w.BeginPlan(p))
	for i, x := range trials {
		id := spec.TrialID(x.config, uint32(x.seed))
		c, err := w.Claim(id)
		check(t, err)
		check(t, c.Begin(results.Trial{ID: id, Index: i, Point: results.Values{"lr": x.lr}, Seed: x.seed, Started: clock, Configuration: x.config,
			Length: len(x.fids), Data: "ring()", Train: "ab"}, nil))
		for e, fid := range x.fids {
			if x.sheet && e == len(x.fids)-1 {
				var picture bytes.Buffer
				check(t, png.Encode(&picture, image.NewGray(image.Rect(0, 0, 1+int(x.fids[0]), 1))))
				check(t, c.AppendSample(results.Sample{Trial: id, Epoch: e + 1, Kind: "grid", PNG: picture.Bytes()}))
			}
			check(t, c.AppendEpoch(results.Epoch{Trial: id, Epoch: e + 1, Step: int64(e + 1), Images: 10, Metrics: results.Metrics{"fid": fid},
				Evaluated: true, Backend: "cpu", SecondsTrain: float64(i + 1)}))
		}
		o := results.Outcome{Trial: id, Status: results.Completed, Settings: settings, Script: m.ScriptHash, Version: "v1", Backend: "cpu"}
		if x.failed != "" {
			o.Status, o.Reason = results.Failed, x.failed
		}
		check(t, c.Finish(o))
		check(t, c.Release())
	}
	check(t, w.Close())
	v, err := results.Open(dir)
	check(t, err)
	t.Cleanup(func() { v.Close() })
	return v
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const settings1 = `{"n": 1}`

func compared(t *testing.T, a, b *results.View, o Options) *Result {
	t.Helper()
	r, err := Studies(a, b, o)
	check(t, err)
	return r
}

func TestStudiesWithOtherTimesAreEqual(t *testing.T) {
	one := made{lr: 1, config: "c", fids: []float64{3, math.NaN(), math.Inf(1)}, sheet: true}
	two := made{lr: 2, config: "d", fids: []float64{4}, failed: "why"}
	a, b := study(t, settings1, "x", one, two), study(t, settings1, "x", two, one)
	if r := compared(t, a, b, Options{}); r.Differ() || r.Trials != 2 {
		t.Errorf("got %+v", r)
	}
}

func TestTheFirstDifferenceOfATrialIsNamed(t *testing.T) {
	want := made{lr: 1, config: "c", fids: []float64{4, 4, 2, 1}, sheet: true}
	for name, x := range map[string]struct {
		change                  func(*made)
		table                   results.Table
		epoch                   int
		column, gotText, wanted string
	}{
		"number":  {func(m *made) { m.fids = []float64{4, 4, 3, 1} }, results.Epochs, 3, "fid", "3", "2"},
		"NaN":     {func(m *made) { m.fids = []float64{4, math.NaN(), 3, 1} }, results.Epochs, 2, "fid", "NaN", "4"},
		"shorter": {func(m *made) { m.fids, m.sheet = []float64{4, 4, 2}, false }, results.Epochs, 4, "", "no row", "a row"},
		"status":  {func(m *made) { m.failed = "why" }, results.Trials, 0, "status", "failed", "completed"},
		"picture": {func(m *made) { m.sheet = false }, results.Samples, 4, "", "no row", "a row"},
	} {
		got := want
		x.change(&got)
		r := compared(t, study(t, settings1, "x", want), study(t, settings1, "x", got), Options{})
		if len(r.Numbers) != 1 || r.Trials != 1 || !r.Differ() {
			t.Errorf("%s: got %+v", name, r)
			continue
		}
		n := r.Numbers[0]
		if n.Table != x.table || n.Epoch != x.epoch || n.Column != x.column || n.Got != x.gotText || n.Want != x.wanted {
			t.Errorf("%s: got %+v", name, n)
		}
		if n.Trial.Label != "lr=1.0 seed=0" {
			t.Errorf("%s: got the label %s", name, n.Trial.Label)
		}
	}
}

func TestTheLargestDifferenceOfAColumnIsFound(t *testing.T) {
	a := study(t, settings1, "x", made{lr: 1, config: "c", fids: []float64{4, 4}}, made{lr: 2, config: "d", fids: []float64{4, 4}})
	b := study(t, settings1, "x", made{lr: 1, config: "c", fids: []float64{4, 5}}, made{lr: 2, config: "d", fids: []float64{8, 8}})
	r := compared(t, a, b, Options{})
	c := r.Columns[0]
	if c.Column != "fid" || r.Cells < 8 || c.Differ != 3 || c.Largest != 0.5 || c.Epoch != 1 || c.Trial != spec.TrialID("d", 0) {
		t.Errorf("got %+v", r.Columns)
	}
	if r := compared(t, a, b, Options{Tolerance: 0.2}); len(r.Numbers) != 1 {
		t.Errorf("with a tolerance: got %+v", r.Numbers)
	}
	if r := compared(t, a, b, Options{Tolerance: 0.5}); r.Differ() {
		t.Errorf("with a wide tolerance: got %+v", r)
	}
}

func TestTrialsArePairedByConfigurationOrPoint(t *testing.T) {
	a := study(t, settings1, "x", made{lr: 1, config: "c", fids: []float64{4}}, made{lr: 2, config: "d", fids: []float64{4}},
		made{lr: 3, config: "f", fids: []float64{4}}, made{lr: 3, config: "g", fids: []float64{4}})
	b := study(t, settings1, "x", made{lr: 1, config: "c", fids: []float64{4}}, made{lr: 2, config: "e", fids: []float64{5}},
		made{lr: 3, config: "h", fids: []float64{4}})
	if r := compared(t, a, b, Options{}); r.Trials != 1 || len(r.OnlyA) != 3 || len(r.OnlyB) != 2 || len(r.Numbers) != 0 {
		t.Errorf("by configuration: got %+v", r)
	}
	r := compared(t, a, b, Options{ByPoint: true})
	if r.Trials != 3 || len(r.OnlyA)+len(r.OnlyB) != 0 || len(r.Numbers) != 1 {
		t.Errorf("by point: got %+v", r)
	}
}

func TestScriptsAndPropertiesAreCompared(t *testing.T) {
	x := made{lr: 1, config: "c", fids: []float64{4}}
	a, b := study(t, settings1, "same\nold\n", x), study(t, `{"n": 2, "more": "y"}`, "same\nnew\n", x)
	r := compared(t, a, b, Options{})
	if len(r.Scripts) != 1 || r.Scripts[0].File != "ring.star" || !strings.Contains(r.Scripts[0].Diff, "\n same\n-old\n+new\n") {
		t.Errorf("got %+v", r.Scripts)
	}
	if want := []Property{{"setting", "more", "", `"y"`}, {"setting", "n", "1", "2"}}; len(r.Properties) != 2 || r.Properties[0] != want[0] ||
		r.Properties[1] != want[1] {
		t.Errorf("got %+v, want %+v", r.Properties, want)
	}
	if len(r.Numbers) > 0 || !r.Differ() {
		t.Errorf("got %+v", r)
	}
}

func TestDifferencesOfCells(t *testing.T) {
	inf := Ratio(math.Inf(1))
	for _, c := range []struct {
		a, b any
		want Ratio
	}{
		{1.0, 2.0, 0.5}, {-1.0, 1.0, 2}, {0.0, math.Copysign(0, -1), 0}, {0.0, 1e-300, 1}, {math.NaN(), 1.0, inf}, {math.Inf(1), 1.0, inf},
		{math.Inf(1), math.Inf(-1), inf}, {nil, 1.0, inf}, {"a", "b", inf}, {int32(2), int32(4), 0.5}, {[]byte("x"), []byte("y"), inf},
	} {
		if got := difference(c.a, c.b); got != c.want {
			t.Errorf("%v, %v: got %v, want %v", c.a, c.b, got, c.want)
		}
		if got := difference(c.b, c.a); got != c.want {
			t.Errorf("%v, %v: got %v, want %v", c.b, c.a, got, c.want)
		}
	}
	if text, err := json.Marshal([]Ratio{inf, 0.5}); err != nil || string(text) != `["Infinity",0.5]` {
		t.Errorf("got %s, %v", text, err)
	}
}
