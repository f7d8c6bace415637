package report_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/report"
)

// trained is a study of finished trials with these values of the objectives, and as first hyperparameter their names.
func trained(t *testing.T, objectives []results.Objective, trials ...[]float64) *results.Writer {
	t.Helper()
	now := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	m := results.Meta{Study: "fronts", Script: "fronts.star", ScriptHash: "0", Version: "test",
		Columns: []results.Column{{Name: "net", Kind: spec.String}}, Objectives: objectives}
	for _, o := range objectives {
		m.Metrics = append(m.Metrics, o.Metric)
	}
	s, err := results.Create(t.TempDir(), m, nil, results.Options{Now: now})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	for i, values := range trials {
		id := fmt.Sprint("t", i)
		metrics := results.Metrics{}
		for j, v := range values {
			metrics[objectives[j].Metric] = v
		}
		c, err := s.Claim(id)
		must(t, err, c.Begin(results.Trial{ID: id, Index: i, Configuration: fmt.Sprint("c", i/2),
			Point: results.Values{"net": fmt.Sprintf("<%d>", i/2)}, Seed: int64(i % 2), Started: now()}, nil),
			c.AppendEpoch(results.Epoch{Trial: id, Epoch: 1, Metrics: metrics}),
			c.Finish(results.Outcome{Trial: id, Status: results.Completed}))
	}
	return s
}

// pageOf is the page of such a study.
func pageOf(t *testing.T, objectives []results.Objective, trials ...[]float64) string {
	t.Helper()
	var b strings.Builder
	must(t, report.Write(&b, trained(t, objectives, trials...).View(), report.Options{}))
	return b.String()
}

func objectives(first, second pareto.Direction) []results.Objective {
	return []results.Objective{{Metric: "fid", Direction: first}, {Metric: "recall", Direction: second}}
}

var step = regexp.MustCompile(`<path d="(M[^"]*)" fill="none"`)

func TestTheFrontIsAStaircaseAroundWhatItBeats(t *testing.T) {
	// x and y are 0, 0.5 and 1: pixels 89.9, 322 and 554.1 from the left, 335.8, 184 and 32.2 from the top.
	square := [][]float64{{0, 0}, {0.5, 0.5}, {1, 1}, {0, 1}, {1, 0}}
	for _, c := range []struct {
		x, y pareto.Direction
		drop int // the corner that would beat all others
		want string
	}{
		{pareto.Min, pareto.Max, 3, "M89.9 354H89.9V335.8H322.0V184.0H554.1V32.2H582"},
		{pareto.Min, pareto.Min, 0, "M89.9 14H89.9V32.2H322.0V184.0H554.1V335.8H582"},
		{pareto.Max, pareto.Max, 2, "M62 32.2V32.2H89.9V184.0H322.0V335.8H554.1V354"},
		{pareto.Max, pareto.Min, 4, "M62 335.8V335.8H89.9V184.0H322.0V32.2H554.1V14"},
	} {
		var trials [][]float64
		for i, p := range square {
			if i != c.drop {
				trials = append(trials, p)
			}
		}
		page := pageOf(t, objectives(c.x, c.y), trials...)
		m := step.FindStringSubmatch(page)
		if m == nil || m[1] != c.want {
			t.Errorf("%s, %s: got %q, want %s", c.x, c.y, m, c.want)
		}
		if n := strings.Count(page, `r="5.5" stroke`); n != 3 {
			t.Errorf("%s, %s: got %d dark points, want 3", c.x, c.y, n)
		}
	}
}

func TestThePageShowsFrontsOfTrialsAndConfigurations(t *testing.T) {
	page := pageOf(t, objectives(pareto.Min, pareto.Max), []float64{1, 0.25}, []float64{3, 0.5}, []float64{2, 0.5}, []float64{4, 0.125})
	for what, want := range map[string]int{
		"2 of 4 trials are on the front of fid (min), recall (max)": 1,
		"fid, better ←": 1, "recall, better →": 1,
		`<title>fid 1, recall 0.25, net=&lt;0&gt; seed=0</title>`: 1,
		`class="key">&lt;1&gt;</text>`:                            1, // the legend
		"<td>2 ± 1.414</td>":                                      1, // of the configuration <0>, which beats <1>
		"mean ± deviation over seeds":                             1,
		"<td>1</td><td>0.25</td>":                                 1 + 1, // the front's table and the last values
		"<polyline":                                               4 * 2, // each trial's fid and recall
	} {
		if got := strings.Count(page, what); got != want {
			t.Errorf("%q occurs %d times, want %d", what, got, want)
		}
	}
}

func TestOneObjectiveHasATableAndNoneHasNoFront(t *testing.T) {
	one := pageOf(t, objectives(pareto.Min, pareto.Max)[:1], []float64{2}, []float64{1})
	if !strings.Contains(one, "1 of 2 trials are on the front of fid (min)") || strings.Contains(one, "scatter") {
		t.Error("got no table of one objective, or a drawing")
	}
	for name, page := range map[string]string{"no objective": pageOf(t, nil, nil), "no trial": pageOf(t, objectives(pareto.Min, pareto.Max))} {
		if strings.Contains(page, "Pareto") {
			t.Errorf("%s: got a front", name)
		}
	}
}

func TestValuesBeyondThePaletteAreOthers(t *testing.T) {
	var trials [][]float64
	for i := range 22 {
		trials = append(trials, []float64{float64(i), float64(i)})
	}
	page := pageOf(t, objectives(pareto.Min, pareto.Max), trials...)
	if got := strings.Count(page, ">others</text>"); got != 1 {
		t.Errorf("got %d entries for others, want 1", got)
	}
	if got, want := strings.Count(page, `fill="#a8a29e"`), 1+3*2; got != want { // 11 networks, 8 of them with colours
		t.Errorf("got %d marks of others, want %d", got, want)
	}
}

func TestEqualPointsCanBeDrawn(t *testing.T) {
	page := pageOf(t, objectives(pareto.Min, pareto.Max), []float64{0, 5}, []float64{0, 5})
	if strings.Contains(page, "NaN") || strings.Contains(page, "Inf") || strings.Count(page, `r="5.5" stroke`) != 2 {
		t.Error("got no drawing of equal points")
	}
}
