package effect_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/effect"
	"github.com/starsweep/starsweep/results/frame"
)

// cell is the values of a configuration by seed. A NaN is no value.
type cell struct {
	point  map[string]any
	values []float64
	status []results.Status // empty: completed
}

// framed is a frame of cells, of which fid is to be low.
func framed(factors []frame.Factor, cells ...cell) *frame.Frame {
	f := &frame.Frame{Study: "made up", Factors: factors, Metrics: []string{"fid"},
		Objectives: []results.Objective{{Metric: "fid", Direction: pareto.Min}}}
	for i, c := range cells {
		for seed, y := range c.values {
			r := frame.Row{ID: fmt.Sprintf("t%d.%d", i, seed), Index: i, Seed: int64(seed), Configuration: fmt.Sprint(i),
				Status: results.Completed, Point: map[string]any{}, Values: map[string]float64{}}
			for _, x := range factors {
				r.Point[x.Name] = c.point[x.Name]
			}
			if seed < len(c.status) {
				r.Status = c.status[seed]
			}
			if !math.IsNaN(y) {
				r.Values["fid"] = y
			}
			f.Rows = append(f.Rows, r)
		}
	}
	return f
}

var (
	loss = frame.Factor{Name: "loss", Kind: spec.String, Levels: []any{"ns", "wgan"}}
	lr   = frame.Factor{Name: "lr", Kind: spec.Float, Levels: []any{0.001, 0.01, 0.1}}
)

func at(loss string, lr float64) map[string]any { return map[string]any{"loss": loss, "lr": lr} }

func analysed(t testing.TB, f *frame.Frame, o effect.Options) *effect.Analysis {
	t.Helper()
	o.Metric = "fid"
	a, err := effect.Of(f, o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// value is a statistic by its name.
func value(t testing.TB, list []effect.Estimate, name string) effect.Estimate {
	t.Helper()
	for k, x := range effect.Statistics {
		if x.Name == name {
			return list[k]
		}
	}
	t.Fatalf("no statistic %q", name)
	return effect.Estimate{}
}

func near(t testing.TB, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance*max(1, math.Abs(want)) || math.IsNaN(got) != math.IsNaN(want) {
		t.Errorf("%s: got %.10g, want %.10g", what, got, want)
	}
}

func wantError(t testing.TB, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %q", err, want)
	}
}

func wantNote(t testing.TB, a *effect.Analysis, want string) {
	t.Helper()
	if !strings.Contains(strings.Join(a.Notes, "\n"), want) {
		t.Errorf("got notes %q, want %q", a.Notes, want)
	}
}
