package warm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/sweep/search"
	"github.com/starsweep/starsweep/runner/warm"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// measure is by how many samples trials are measured.
func measure(samples int) spec.Measure {
	return spec.Measure{Metrics: []spec.Metric{{Name: "fid"}}, Samples: samples, Real: "test:77", Features: "pixels:f00d"}
}

// trial is a trial of another study.
type trial struct {
	point   results.Values
	seed    int64
	status  results.Status // empty for one that goes on
	samples int            // 0: as in the study of the search
	train   string         // likewise
	fid     []float64      // by epoch; a NaN is no value
}

// study is the view of another study, which has the hyperparameters loss, lr, weight (where loss is "wgan"), depth and double, which is
// twice the depth.
func study(t testing.TB, trials ...trial) *results.View {
	t.Helper()
	clock := func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }
	m := results.Meta{Study: "other", Script: "other.star", ScriptHash: "5c41", Version: "0.1.0", Metrics: []string{"fid", "watched"},
		Columns: []results.Column{{Name: "loss", Kind: spec.String}, {Name: "lr", Kind: spec.Float},
			{Name: "weight", Kind: spec.Float, Optional: true}, {Name: "depth", Kind: spec.Int, Optional: true},
			{Name: "double", Kind: spec.Int, Optional: true, Derived: true}}}
	w, err := results.Create(t.TempDir(), m, nil, results.Options{Now: clock, FlushEvery: time.Hour})
	check(t, err)
	t.Cleanup(func() { w.Close() })
	for i, x := range trials {
		id := fmt.Sprintf("%016x", i)
		c, err := w.Claim(id)
		check(t, err)
		if x.samples == 0 {
			x.samples = 64
		}
		if x.train == "" {
			x.train = "7a"
		}
		check(t, c.Begin(results.Trial{ID: id, Index: i, Configuration: fmt.Sprint(i), Point: x.point, Seed: x.seed, Length: 3,
			Measure: measure(x.samples), Train: x.train, Started: clock()}, nil))
		for j, fid := range x.fid {
			metrics := results.Metrics{"watched": 1}
			if !math.IsNaN(fid) {
				metrics["fid"] = fid
			}
			check(t, c.AppendEpoch(results.Epoch{Trial: id, Epoch: j + 1, Metrics: metrics, Evaluated: !math.IsNaN(fid)}))
		}
		if x.status != "" {
			check(t, c.Finish(results.Outcome{Trial: id, Status: x.status}))
		}
	}
	return w.View()
}

// own is a study whose search sees others: of loss, lr from 0.001 to 0.1, weight where loss is "wgan", and twice, derived from lr.
func own(t testing.TB) warm.Study {
	t.Helper()
	loss, err := spec.Choice("loss", spec.StringValue("ns"), spec.StringValue("wgan"))
	check(t, err)
	lr, err := spec.Range("lr", spec.Float, 0.001, 0.1, true)
	check(t, err)
	weight, err := spec.Range("weight", spec.Float, 1, 100, true)
	check(t, err)
	weight.When = []spec.Condition{{Name: "loss", Values: []spec.Value{spec.StringValue("wgan")}}}
	s := warm.Study{Study: search.Study{Space: spec.Space{loss, lr, weight},
		Objectives: []pareto.Objective{{Name: "fid", Direction: pareto.Min}}}, Train: []string{"7a", "7b"}}
	s.Measure = s.Way(measure(64), "7a")
	return s
}

func ns(lr any) results.Values { return results.Values{"loss": "ns", "lr": lr} }

func wgan(lr, weight any) results.Values {
	return results.Values{"loss": "wgan", "lr": lr, "weight": weight}
}

// with is a point with one more value.
func with(point results.Values, name string, value any) results.Values {
	point[name] = value
	return point
}

// seen is what a search sees of a study, and what it does not, as text.
func seen(t testing.TB, s warm.Study, v *results.View) (trials, left []string) {
	t.Helper()
	var r warm.Record
	check(t, r.Add(t.Context(), "runs/other", v, s))
	for _, x := range r.Trials {
		trials = append(trials, fmt.Sprintf("%v seed=%d %s %v at %d", x.Point, x.Seed, x.State, x.Values, x.Epoch))
	}
	for _, o := range r.Studies[0].Left {
		left = append(left, fmt.Sprintf("%d: %v", o.N, o))
	}
	if got := r.Studies[0]; got.Dir != "runs/other" || got.Seen != len(trials) || got.Trials != len(v.Trials()) {
		t.Errorf("got the study %+v", got)
	}
	return trials, left
}

// good are values of an epoch each, the last of which is missing.
var good = []float64{3, 2, math.NaN()}

const done = results.Completed

// comparisons are trials of another study, and which of them are seen, and why not the others, joined by "; ".
var comparisons = map[string]struct {
	change       func(s *warm.Study)
	trials       []trial
	seen, unseen string
}{
	"the last epoch that has the objectives": {nil, []trial{{point: ns(0.01), seed: 3, status: done, fid: good}},
		`loss="ns" lr=0.01 seed=3 completed map[fid:2] at 2`, ""},
	"ends": {nil, []trial{{point: ns(0.01), status: results.Pruned, fid: good}, {point: ns(0.02), status: results.Collapsed, fid: good},
		{point: ns(0.03), status: results.Diverged, fid: good}, {point: ns(0.04), status: results.Failed, fid: good},
		{point: ns(0.05), status: results.Skipped}, {point: ns(0.06), fid: good}, {point: ns(0.07), fid: good}},
		`loss="ns" lr=0.01 seed=0 pruned map[fid:2] at 2; loss="ns" lr=0.02 seed=0 collapsed map[fid:2] at 2; ` +
			`loss="ns" lr=0.03 seed=0 diverged map[] at 0`,
		"1: they are failed; 1: they are skipped; 2: they are not finished"},
	"outside": {nil, []trial{{point: ns(1.0), status: done, fid: good}, {point: ns(0.5), status: done, fid: good},
		{point: results.Values{"loss": "hinge", "lr": 0.01}, status: done, fid: good}},
		"", `2: lr is outside the space (lr = 1.0); 1: loss is outside the space (loss = "hinge")`},
	"conditions": {nil, []trial{{point: wgan(0.01, 10.0), status: done, fid: good}, {point: wgan(0.01, 1000.0), status: done, fid: good},
		{point: wgan(0.01, nil), status: done, fid: good}, {point: with(ns(0.01), "weight", 10.0), status: done, fid: good}},
		`loss="wgan" lr=0.01 weight=10.0 seed=0 completed map[fid:2] at 2`,
		`1: weight is outside the space (weight = 1000.0); 1: they have no weight; 1: weight does not apply here where loss = "ns"`},
	"measures": {nil, []trial{{point: ns(0.01), status: done, fid: good, samples: 128},
		{point: ns(0.01), status: done, fid: good, train: "9c"}, {point: ns(0.02), status: done, fid: good, train: "7b"},
		{point: ns(0.03), status: done, fid: []float64{math.NaN(), math.NaN()}}},
		`loss="ns" lr=0.02 seed=0 completed map[fid:2] at 2`,
		"1: they measure fid otherwise (fid() samples=128 real=test:77 features=pixels:f00d); 1: they were trained on other images; " +
			"1: no epoch of theirs has fid"},
	"what the space lacks is constant": {nil, []trial{{point: with(ns(0.01), "depth", int64(3)), status: done, fid: good},
		{point: with(ns(0.02), "depth", int64(3)), status: done, fid: good}, {point: ns(0.03), status: done, fid: good}},
		`loss="ns" lr=0.01 seed=0 completed map[fid:2] at 2; loss="ns" lr=0.02 seed=0 completed map[fid:2] at 2; ` +
			`loss="ns" lr=0.03 seed=0 completed map[fid:2] at 2`, ""},
	"what the space lacks varies": {nil, []trial{{point: with(ns(0.01), "depth", int64(3)), status: done, fid: good},
		{point: with(ns(0.02), "depth", int64(4)), status: done, fid: good}},
		"", "2: depth varies there, and is neither a hyperparameter nor a setting of that value here (depth = 3)"},
	"what the space lacks is a setting": {
		func(s *warm.Study) { s.Settings = spec.Settings{{Name: "depth", Value: spec.FloatValue(4)}} },
		[]trial{{point: with(ns(0.01), "depth", int64(3)), status: done, fid: good},
			{point: with(with(ns(0.02), "depth", int64(4)), "double", int64(8)), status: done, fid: good}},
		`loss="ns" lr=0.02 seed=0 completed map[fid:2] at 2`,
		"1: depth varies there, and is neither a hyperparameter nor a setting of that value here (depth = 3)"},
	"ints are floats": {func(s *warm.Study) { s.Space[1] = spec.Dim{Name: "depth", Kind: spec.Float, Lo: 1, Hi: 9} },
		[]trial{{point: with(results.Values{"loss": "ns", "lr": 0.01}, "depth", int64(3)), status: done, fid: good}},
		`loss="ns" depth=3.0 seed=0 completed map[fid:2] at 2`, ""},
	"constraints": {func(s *warm.Study) {
		s.Allows = func(_ context.Context, p spec.Point) (bool, error) { return p[1].Value.Any().(float64) < 0.015, nil }
	}, []trial{{point: ns(0.01), status: done, fid: good}, {point: ns(0.02), status: done, fid: good}},
		`loss="ns" lr=0.01 seed=0 completed map[fid:2] at 2`, `1: they do not satisfy the constraint (loss="ns" lr=0.02)`},
	"derived": {func(s *warm.Study) {
		s.Space = append(s.Space, spec.Dim{Name: "depth", Kind: spec.Int, Derived: true})
		s.Derive = func(_ context.Context, p spec.Point) error {
			p[3].Value = spec.IntValue(int64(len(p[0].Value.String()) - 2)) // of the letters in loss
			return nil
		}
	}, []trial{{point: with(ns(0.01), "depth", int64(2)), status: done, fid: good},
		{point: with(ns(0.02), "depth", int64(5)), status: done, fid: good}, {point: ns(0.03), status: done, fid: good}},
		`loss="ns" lr=0.01 depth=2 seed=0 completed map[fid:2] at 2`,
		"1: depth follows from the others in another way here (5 there, 2 here); 1: they have no depth"},
}

func TestComparableTrials(t *testing.T) {
	for name, c := range comparisons {
		s := own(t)
		if c.change != nil {
			c.change(&s)
		}
		trials, left := seen(t, s, study(t, c.trials...))
		if got := strings.Join(trials, "; "); got != c.seen {
			t.Errorf("%s: sees\n  %s\nwant\n  %s", name, got, c.seen)
		}
		if got := strings.Join(left, "; "); got != c.unseen {
			t.Errorf("%s: does not see\n  %s\nwant\n  %s", name, got, c.unseen)
		}
	}
}

// The record holds all that the search sees: what is read of it is what was written. Of two studies that have a trial the first counts.
func TestTheRecordIsWhatTheSearchSees(t *testing.T) {
	v := study(t, trial{point: wgan(0.001, 100.0), seed: 1 << 31, status: results.Completed, fid: []float64{0.1 + 0.2}},
		trial{point: ns(1.0 / 30), status: results.Diverged})
	r := warm.Record{Version: "0.1.0"}
	for range 2 {
		check(t, r.Add(t.Context(), "runs/other", v, own(t)))
	}
	text, err := json.Marshal(r)
	check(t, err)
	var again warm.Record
	check(t, json.Unmarshal(text, &again))
	if !reflect.DeepEqual(again.Seen(), r.Seen()) || len(again.Seen()) != 2 {
		t.Errorf("got %+v, want %+v", again.Seen(), r.Seen())
	}
	first := again.Seen()[0]
	if first.Seed != 1<<31 || first.Epochs[0].Values["fid"] != 0.1+0.2 || first.Last() != 1 || again.Seen()[1].Epochs != nil {
		t.Errorf("got %+v", again.Seen())
	}
	if got := fmt.Sprint(again.Studies[1]); got != "{runs/other 2 0 [a study before it has the same trial]}" {
		t.Errorf("got %s of the second study", got)
	}
}

// An error of the script's functions, such as the constraint, is no reason to leave a trial out.
func TestErrorsOfTheScriptAreErrors(t *testing.T) {
	s, why := own(t), errors.New("s.star:1:2: no such value")
	s.Allows = func(context.Context, spec.Point) (bool, error) { return false, why }
	err := new(warm.Record).Add(t.Context(), "runs/other", study(t, trial{point: ns(0.01), status: results.Completed, fid: []float64{1}}), s)
	if !errors.Is(err, why) {
		t.Errorf("got %v, want %v", err, why)
	}
}
