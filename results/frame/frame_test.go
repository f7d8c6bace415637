package frame_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
)

// meta is a study of two objectives.
var meta = results.Meta{
	Study: "ring", Script: "ring.star", ScriptHash: "5c41", Version: "0.1.0",
	Columns: []results.Column{{Name: "batch", Kind: spec.Int}, {Name: "loss", Kind: spec.String}, {Name: "lr", Kind: spec.Float},
		{Name: "penalty", Kind: spec.Float, Optional: true}},
	Metrics:    []string{"loss_critic", "fid", "recall", "watched"},
	Objectives: []results.Objective{{Metric: "fid", Direction: pareto.Min}, {Metric: "recall", Direction: pareto.Max}},
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// trial is a trial of the study under test.
type trial struct {
	id      string
	point   results.Values
	seed    int64
	measure spec.Measure
	status  results.Status // empty for one that goes on
	epochs  []results.Metrics
}

func study(t testing.TB, m results.Meta, trials ...trial) *results.Writer {
	t.Helper()
	clock := func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }
	w, err := results.Create(t.TempDir(), m, nil, results.Options{Now: clock, FlushEvery: time.Hour})
	check(t, err)
	t.Cleanup(func() { w.Close() })
	for i, x := range trials {
		c, err := w.Claim(x.id)
		check(t, err)
		point := results.Values{"batch": int64(64)}
		for name, value := range x.point {
			point[name] = value
		}
		check(t, c.Begin(results.Trial{ID: x.id, Index: i, Configuration: fmt.Sprint(point), Point: point, Seed: x.seed, Length: 3,
			Measure: x.measure, Train: "77", Started: clock()}, nil))
		for j, metrics := range x.epochs {
			check(t, c.AppendEpoch(results.Epoch{Trial: x.id, Epoch: j + 1, Metrics: metrics, Evaluated: metrics["fid"] > 0,
				SecondsTrain: 2, SecondsEvaluate: 0.5}))
		}
		if x.status != "" {
			check(t, c.Finish(results.Outcome{Trial: x.id, Status: x.status}))
		}
	}
	return w
}

func of(samples int) spec.Measure {
	return spec.Measure{Samples: samples, Real: "test:77", Features: "pixels:f00d",
		Metrics: []spec.Metric{{Name: "fid"}, {Name: "precision_recall", Args: []spec.Arg{{Name: "k", Value: 3}}}}}
}

// measured is an evaluated epoch.
func measured(fid, recall float64) results.Metrics {
	return results.Metrics{"loss_critic": 1, "fid": fid, "recall": recall}
}

// What is derived is a column like others, and no factor that varies.
func TestDerivedHyperparametersAreNoFactors(t *testing.T) {
	m := meta
	m.Columns = append(slices.Clone(m.Columns[:1]), results.Column{Name: "twice", Kind: spec.Int, Derived: true},
		results.Column{Name: "lr", Kind: spec.Float})
	w := study(t, m,
		trial{id: "a", point: results.Values{"batch": int64(32), "twice": int64(64), "lr": 1.0}, measure: of(2), status: results.Completed,
			epochs: []results.Metrics{measured(1, 2)}},
		trial{id: "b", point: results.Values{"batch": int64(64), "twice": int64(128), "lr": 1.0}, measure: of(2), status: results.Completed,
			epochs: []results.Metrics{measured(2, 2)}})
	f, err := frame.Of(w.View(), frame.Options{AllPlans: true})
	check(t, err)
	var factors []string
	for _, x := range f.Factors {
		factors = append(factors, x.Name)
	}
	if len(f.Varied()) != 1 || !slices.Equal(factors, []string{"batch", "lr", "twice"}) || !slices.Equal(f.Derived(), []string{"twice"}) {
		t.Errorf("got the factors %v, %d of them varied, and %v derived", factors, len(f.Varied()), f.Derived())
	}
	if f.Rows[1].Cell("twice") != int64(128) {
		t.Errorf("got the row %v", f.Rows[1])
	}
}

// lines are the rows of a frame, as text.
func lines(f *frame.Frame) (list []string) {
	for _, r := range f.Rows {
		list = append(list, fmt.Sprint(r.ID, " ", r.Status, " ", r.Epoch, " ", r.Values["fid"], " ", len(r.Values)))
	}
	return list
}

func want[T comparable](t testing.TB, what string, got []T, want ...T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestRowsAreTheTrialsWithValuesOfOneMeasure(t *testing.T) {
	trained := results.Metrics{"loss_critic": 2}
	w := study(t, meta,
		trial{"a", results.Values{"loss": "wgan", "lr": 0.01, "penalty": 10.0}, 0, of(100), results.Completed,
			[]results.Metrics{measured(5, 0.5), measured(7, 0.5), trained}},
		trial{"b", results.Values{"loss": "ns", "lr": 0.0001}, 1, of(100), results.Diverged, []results.Metrics{measured(1, 1)}},
		trial{"c", results.Values{"loss": "ns", "lr": 0.0001}, 0, of(9), results.Completed, []results.Metrics{measured(2, 1)}},
		trial{"d", results.Values{"loss": "ns", "lr": 0.001}, 0, of(100), "", []results.Metrics{measured(3, 1)}},
		trial{"e", results.Values{"loss": "ns", "lr": 0.001}, 1, of(100), results.Pruned,
			[]results.Metrics{measured(4, 0.5), {"fid": math.Inf(1), "recall": 0.25}}})
	f, err := frame.Of(w.View(), frame.Options{})
	check(t, err)
	want(t, "rows", lines(f), "a completed 2 7 3", "b diverged 0 0 0", "d running 0 0 0", "e pruned 1 4 3")
	want(t, "left", f.Left, frame.Omission{"trials of other measures", 1}, frame.Omission{"diverged trials, without values", 1},
		frame.Omission{"unfinished trials, without values", 1})
	want(t, "metrics", f.Metrics, "loss_critic", "fid", "recall")
	if got, wanted := f.Measures["fid"], "fid() samples=100 real=test:77 features=pixels:f00d"; got != wanted {
		t.Errorf("got measure %q, want %q", got, wanted)
	}
	var factors []string
	for _, x := range f.Factors {
		factors = append(factors, fmt.Sprint(x.Name, x.Levels, x.Log))
	}
	want(t, "factors", factors, "loss[wgan ns] false", "lr[0.0001 0.001 0.01] true", "batch[64] false", "penalty[10] false")
	if got := f.Rows[0].Seconds; got != 7.5 {
		t.Errorf("got %v seconds, want 7.5", got)
	}
	if got, wanted := f.Label(&f.Rows[1]), "batch=64 loss=ns lr=0.0001 seed=1"; got != wanted {
		t.Errorf("got label %q, want %q", got, wanted)
	}
}

func TestOptionsChooseEpochsMeasuresAndRows(t *testing.T) {
	lr := results.Values{"loss": "ns", "lr": 0.1}
	w := study(t, meta,
		trial{"a", lr, 0, of(100), results.Completed, []results.Metrics{measured(5, 0.5), measured(7, 0.5)}},
		trial{"b", lr, 1, of(100), results.Completed, []results.Metrics{measured(9, 0.5), measured(8, 0.5)}},
		trial{"c", lr, 2, of(9), results.Completed, []results.Metrics{measured(2, 1)}})
	for epoch, fid := range map[int]float64{1: 60, 2: 70} {
		check(t, w.AppendMeasurement(results.Measurement{Trial: "a", Epoch: epoch, Measure: "fid() samples=9",
			Metrics: results.Metrics{"fid": fid, "recall": 0.5}}))
	}
	for name, x := range map[string]struct {
		o    frame.Options
		want []string
		fail string
	}{
		"best":     {frame.Options{Best: true}, []string{"a completed 1 5 3", "b completed 2 8 3"}, ""},
		"measure":  {frame.Options{Measure: "samples=9"}, []string{"c completed 1 2 3"}, ""},
		"measured": {frame.Options{Measured: true}, []string{"a completed 2 70 2", "b completed 0 0 0", "c completed 0 0 0"}, ""},
		"measured at its best": {frame.Options{Measured: true, Best: true},
			[]string{"a completed 1 60 2", "b completed 0 0 0", "c completed 0 0 0"}, ""},
		"where": {frame.Options{Where: func(c map[string]any) (bool, error) {
			return c["fid"].(float64) < 8 && c["seed"] == int64(0) && c["watched"] == nil && c["loss"] == "ns", nil
		}}, []string{"a completed 2 7 3"}, ""},
		"no such measure": {frame.Options{Measure: "inception"}, nil, `got "inception", want part of one of the measures "fid()`},
		"any measure":     {frame.Options{Measure: "fid"}, nil, `got "fid", which is part of 2 measures`},
		"where that fails": {frame.Options{Where: func(map[string]any) (bool, error) { return false, fmt.Errorf("no") }}, nil,
			"trial a: no"},
	} {
		f, err := frame.Of(w.View(), x.o)
		if x.fail != "" {
			if err == nil || !strings.Contains(err.Error(), x.fail) {
				t.Errorf("%s: got error %v, want %q", name, err, x.fail)
			}
			continue
		}
		check(t, err)
		want(t, name, lines(f), x.want...)
	}
}

func TestTrialsOfEarlierPlansAreLeftOutUnlessAskedFor(t *testing.T) {
	w := study(t, meta,
		trial{"a", results.Values{"loss": "ns", "lr": 0.1}, 0, of(100), results.Completed,
			[]results.Metrics{measured(5, 0.5), measured(7, 0.5)}},
		trial{"b", results.Values{"loss": "ns", "lr": 0.2}, 0, of(100), results.Completed, []results.Metrics{measured(9, 0.5)}})
	check(t, w.BeginPlan(results.Plan{Trials: []string{"a"}, Epochs: []int{1}}))
	f, err := frame.Of(w.View(), frame.Options{})
	check(t, err)
	want(t, "rows", lines(f), "a completed 1 5 3") // within the budget of the plan
	want(t, "left", f.Left, frame.Omission{"trials of earlier plans", 1})
	course, err := f.Course(w.View(), "a")
	check(t, err)
	if len(course) != 1 || course[0].Values["fid"] != 5 {
		t.Errorf("got course %v, want one epoch", course)
	}
	if at, values, err := f.CourseOf(w.View(), "a", "fid"); err != nil || len(at) != 1 || at[0] != 1 || values[0] != 5 {
		t.Errorf("got course %v %v, %v of fid, want one epoch", at, values, err)
	}
	if _, err := f.Course(w.View(), "z"); err == nil {
		t.Error("got no error for a trial that was never begun")
	}
	f, err = frame.Of(w.View(), frame.Options{AllPlans: true})
	check(t, err)
	want(t, "rows of all plans", lines(f), "a completed 1 5 3", "b completed 1 9 3")
}

func TestValuesOfAMetricThatFewMeasureOtherwiseAreLeftOut(t *testing.T) {
	other := of(100)
	other.Metrics[1].Args[0].Value = 5 // of recall
	m := meta
	m.Objectives = m.Objectives[:1]
	lr := results.Values{"loss": "ns", "lr": 0.1}
	w := study(t, m, trial{"a", lr, 0, of(100), results.Completed, []results.Metrics{measured(5, 0.5)}},
		trial{"b", lr, 1, of(100), results.Completed, []results.Metrics{measured(6, 0.5)}},
		trial{"c", lr, 2, other, results.Completed, []results.Metrics{measured(7, 0.5)}})
	f, err := frame.Of(w.View(), frame.Options{})
	check(t, err)
	want(t, "rows", lines(f), "a completed 1 5 3", "b completed 1 6 3", "c completed 1 7 2")
	want(t, "left", f.Left, frame.Omission{"values of recall of other measures", 1})
	course, err := f.Course(w.View(), "c")
	check(t, err)
	if _, has := course[0].Values["recall"]; has || len(course[0].Values) != 2 {
		t.Errorf("got course %v, want it without recall", course)
	}
	if at, _, err := f.CourseOf(w.View(), "c", "recall"); err != nil || len(at) > 0 {
		t.Errorf("got %d epochs, %v of recall, want none", len(at), err)
	}
	if _, values, err := f.CourseOf(w.View(), "c", "fid"); err != nil || len(values) != 1 || values[0] != 7 {
		t.Errorf("got %v, %v of fid, want 7", values, err)
	}
}

func TestGroupsAreInTheOrderOfTheLevels(t *testing.T) {
	var trials []trial
	for i, x := range []struct {
		loss string
		lr   float64
	}{{"wgan", 10}, {"ns", 2}, {"wgan", 2}, {"ns", 10}, {"wgan", 10}} {
		point := results.Values{"loss": x.loss, "lr": x.lr}
		if x.loss == "wgan" {
			point["penalty"] = x.lr
		}
		trials = append(trials, trial{fmt.Sprint("t", i), point, []int64{0, 1, 0, 1, 1}[i], of(9), results.Completed,
			[]results.Metrics{measured(float64(i+1), 0)}})
	}
	f, err := frame.Of(study(t, meta, trials...).View(), frame.Options{})
	check(t, err)
	texts := func(by ...string) (list []string) {
		for _, g := range f.Groups(by...) {
			var cells []string
			for _, level := range g.Levels {
				cells = append(cells, frame.Text(level))
			}
			list = append(list, fmt.Sprint(strings.Join(cells, " "), g.Values("fid")))
		}
		return list
	}
	want(t, "by loss and lr", texts("loss", "lr"), "wgan 2.0[3]", "wgan 10.0[1 5]", "ns 2.0[2]", "ns 10.0[4]")
	want(t, "by penalty", texts("penalty"), "2.0[3]", "10.0[1 5]", "None[2 4]")
	want(t, "by seed", texts("seed"), "0[1 3]", "1[2 4 5]")
	want(t, "by nothing", texts(), "[1 2 3 4 5]")
	if s := f.Groups("loss")[0].Summary("fid"); s.N != 3 || s.Seeds != 2 || s.Mean != 3 || s.SD != 2 {
		t.Errorf("got summary %+v", s)
	}
}

func TestOmissionsAreInTheSingularForOne(t *testing.T) {
	var got []string
	for _, o := range []frame.Omission{{"unfinished trials, without values", 1}, {"trials outside the condition", 1},
		{"values of fid of other measures", 1}, {"trials outside the condition", 2}} {
		got = append(got, o.String())
	}
	want(t, "omissions", got, "1 unfinished trial, without values", "1 trial outside the condition", "1 value of fid of other measures",
		"2 trials outside the condition")
}
