package runner

import (
	"math"
	"testing"

	"github.com/starsweep/starsweep/results"
)

// Without ties it is 1 - 6 sum(d^2) / (n (n^2 - 1)).
func TestRankCorrelationIsSpearmans(t *testing.T) {
	for _, c := range []struct {
		before, now []float64
		want        float64
	}{
		{[]float64{1, 2, 3}, []float64{10, 20, 300}, 1},
		{[]float64{1, 2, 3}, []float64{3, 2, 1}, -1},
		{[]float64{1, 2, 3, 4, 5}, []float64{2, 1, 4, 3, 5}, .8},
		{[]float64{1, 2, 2, 4}, []float64{1, 3, 2, 4}, 0.9486832980505138},
	} {
		m := &measurer{}
		for i := range c.before {
			m.list = append(m.list, &measured{first: results.Epoch{Metrics: results.Metrics{"fid": c.before[i]}},
				row: results.Measurement{Metrics: results.Metrics{"fid": c.now[i]}}})
		}
		if got, n := m.agreement("fid"); n != len(c.before) || math.Abs(got-c.want) > 1e-15 {
			t.Errorf("%v and %v: got %v of %d, want %v", c.before, c.now, got, n, c.want)
		}
		m.list = append(m.list, &measured{row: results.Measurement{Metrics: results.Metrics{"fid": 1}}})
		if _, n := m.agreement("fid"); n != len(c.before) {
			t.Errorf("a trial without the number in its run counts: %d", n)
		}
	}
}
