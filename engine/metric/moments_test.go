package metric

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/starsweep/starsweep/engine/metric/linalg"
)

func measured(t *testing.T, f Features) Moments {
	t.Helper()
	m, err := Measure(f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMomentsAgreeWithTheDefinition(t *testing.T) {
	f := gaussian(random(1), 1200, 9, 1000, 1) // far from the origin, where E xx' - mm' would cancel
	m := measured(t, f)
	mean := f.mean()
	c := m.Covariance()
	for i := range f.D {
		if math.Abs(m.Mean[i]-mean[i]) > 1e-10 {
			t.Errorf("mean %d: got %g, want %g", i, m.Mean[i], mean[i])
		}
		for j := range f.D {
			var s float64
			for r := range f.N {
				s += (float64(f.Row(r)[i]) - mean[i]) * (float64(f.Row(r)[j]) - mean[j])
			}
			if want := s / float64(f.N-1); math.Abs(c[i*f.D+j]-want) > 1e-11 {
				t.Errorf("covariance %d, %d: got %g, want %g", i, j, c[i*f.D+j], want)
			}
		}
	}
}

// The set has more samples than are summed at a time.
func TestMomentsOfPartsAreThoseOfTheWhole(t *testing.T) {
	f := gaussian(random(2), 2*chunk+300, 7, 3, 2)
	m, mean := measured(t, f), f.mean()
	want := linalg.New(f.D, f.D)
	want.AddGram(f.centred(mean, 0, f.D))
	if m.N != f.N || !floats.EqualApprox(m.Mean, mean, 1e-12) || !floats.EqualApprox(m.Scatter, want.Data, 1e-8) {
		t.Errorf("got %d samples, mean %v, scatter %v, want %d, %v, %v", m.N, m.Mean, m.Scatter, f.N, mean, want.Data)
	}
}

func TestMomentsRefuseBadFeatures(t *testing.T) {
	for _, c := range []struct {
		f    Features
		want string
	}{
		{Features{2, 2, []float32{1, 2, float32(math.NaN()), 4}}, "sample 1, feature 0: got NaN"},
		{Features{1, 2, []float32{1, float32(math.Inf(1))}}, "sample 0, feature 1: got +Inf"},
		{Features{3, 2, []float32{1, 2, 3}}, "got 3 numbers for 3 samples of 2, want 6"},
		{Features{1, 0, nil}, "got 0 numbers for 1 samples of 0"},
		{Features{0, 3, nil}, "got 0 samples, want 1 or more"},
	} {
		if _, err := Measure(c.f); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

func TestSpreadIsTheRootOfTheTotalVariance(t *testing.T) {
	if s := (Features{2, 2, []float32{0, 0, 3, 4}}).Spread(); math.Abs(s-5/math.Sqrt2) > 1e-12 {
		t.Errorf("got %g, want %g", s, 5/math.Sqrt2)
	}
	if s := (Features{1, 2, []float32{3, 4}}).Spread(); s != 0 {
		t.Errorf("one sample: got %g, want 0", s)
	}
	f := gaussian(random(6), 200, 5, 1, 2)
	var trace float64
	for i, c := 0, measured(t, f).Covariance(); i < 25; i += 6 {
		trace += c[i]
	}
	if s := f.Spread(); math.Abs(s*s-trace) > 1e-9 {
		t.Errorf("got %g squared, want the trace %g", s, trace)
	}
}
