package importance_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
)

// framed is a frame of points and values of fid; a NaN is no value. Points with equal levels share a configuration and count their seeds.
func framed(factors []frame.Factor, points [][]any, values []float64) *frame.Frame {
	f := &frame.Frame{Study: "made up", Factors: factors, Metrics: []string{"fid"},
		Objectives: []results.Objective{{Metric: "fid", Direction: pareto.Min}}}
	seeds := map[string]int64{}
	for i, point := range points {
		r := frame.Row{ID: fmt.Sprint("t", i), Index: i, Status: results.Completed, Point: map[string]any{}, Values: map[string]float64{}}
		for j, x := range factors {
			r.Point[x.Name] = point[j]
		}
		r.Configuration = fmt.Sprint(point)
		r.Seed = seeds[r.Configuration]
		seeds[r.Configuration]++
		if !math.IsNaN(values[i]) {
			r.Values["fid"] = values[i]
		}
		f.Rows = append(f.Rows, r)
	}
	return f
}

func factor(name string, kind spec.Kind, log bool, levels ...any) frame.Factor {
	return frame.Factor{Name: name, Kind: kind, Log: log, Levels: levels}
}

// crossed are all combinations of levels, the last factor fastest, each so many times.
func crossed(factors []frame.Factor, times int) (points [][]any) {
	points = [][]any{{}}
	for _, x := range factors {
		var next [][]any
		for _, p := range points {
			for _, level := range x.Levels {
				next = append(next, append(append([]any{}, p...), level))
			}
		}
		points = next
	}
	var all [][]any
	for _, p := range points {
		for range times {
			all = append(all, p)
		}
	}
	return all
}

func wantError(t testing.TB, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %q", err, want)
	}
}

func near(t testing.TB, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance || math.IsNaN(got) != math.IsNaN(want) {
		t.Errorf("%s: got %.10g, want %.10g", what, got, want)
	}
}
