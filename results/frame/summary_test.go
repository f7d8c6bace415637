package frame_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/starsweep/starsweep/results/frame"
)

// The numbers are those of NumPy 2.4 (percentile, mean, std with ddof=1); the whiskers follow from their definition.
func TestSummariesAreThoseOfNumPy(t *testing.T) {
	for _, x := range []struct {
		values []float64
		want   string
	}{
		{[]float64{7}, "n=1 mean=7 sd=NaN q=7 7 7 whiskers=7 7 outliers=[]"},
		{[]float64{3, 1}, "n=2 mean=2 sd=1.41421 q=1.5 2 2.5 whiskers=1 3 outliers=[]"},
		{[]float64{9, 2, 4, 40, 5, 3, 6, -30}, "n=8 mean=4.875 sd=18.8258 q=2.75 4.5 6.75 whiskers=2 9 outliers=[-30 40]"},
		{[]float64{1, 1, 1, 1, 5}, "n=5 mean=1.8 sd=1.78885 q=1 1 1 whiskers=1 1 outliers=[5]"},
		{nil, "n=0 mean=NaN sd=NaN q=NaN NaN NaN whiskers=NaN NaN outliers=[]"},
	} {
		s := frame.Summarize(x.values)
		got := fmt.Sprintf("n=%d mean=%.6g sd=%.6g q=%.6g %.6g %.6g whiskers=%.6g %.6g outliers=%v", s.N, s.Mean, s.SD, s.Q1, s.Median,
			s.Q3, s.Low, s.High, s.Outliers)
		if got != x.want {
			t.Errorf("%v:\ngot  %s\nwant %s", x.values, got, x.want)
		}
	}
	if got := frame.Quantile([]float64{0, 10}, 0.05); math.Abs(got-0.5) > 1e-12 {
		t.Errorf("got quantile %v, want 0.5", got)
	}
}
