package frame_test

import (
	"testing"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results/frame"
)

func TestBriefSaysHowAMetricWasMeasuredWithoutDigests(t *testing.T) {
	images := spec.Measure{Samples: 2000, Real: "test:0f1e2d3c4b5a6978", Features: "inception:1c291ca54e0ba1f7"}
	with := func(m ...spec.Metric) spec.Measure { x := images; x.Metrics = m; return x }
	fid := spec.Metric{Name: "fid"}
	precision := spec.Metric{Name: "precision_recall", Args: []spec.Arg{{Name: "k", Value: 3}}}
	kid := spec.Metric{Name: "kid", Args: []spec.Arg{{Name: "subsets", Value: 100}, {Name: "size", Value: 1000}}}
	floor := with(fid)
	floor.Floor = "train:77"
	cheap := spec.Measure{Metrics: []spec.Metric{fid}, Samples: 500, Features: "small-mnist:c6"}
	finals, both := spec.Measure{}, cheap
	final := with(fid, precision)
	finals.Final, both.Final = &final, &final
	for _, c := range []struct {
		measure string
		metrics []string
		want    string
	}{
		{finals.String(), []string{"final_fid"}, "precision_recall(k=3), inception, 2,000 samples against the test split, after the last epoch"},
		{both.String(), nil, "fid, small-mnist, 500 samples, and after the last epoch fid, precision_recall(k=3), inception, 2,000 samples " +
			"against the test split"},
		{with(fid).String(), []string{"fid"}, "inception, 2,000 samples against the test split"},
		{with(fid).String(), nil, "fid, inception, 2,000 samples against the test split"},
		{with(precision).String(), []string{"precision", "recall"}, "precision_recall(k=3), inception, 2,000 samples against the test split"},
		{with(fid, precision).String(), nil, "fid, precision_recall(k=3), inception, 2,000 samples against the test split"},
		{with(kid).String(), []string{"kid"}, kid.String() + ", inception, 2,000 samples against the test split"},
		{floor.String(), []string{"fid"}, "floors of the train split, inception, 2,000 samples against the test split"},
		{spec.Measure{Samples: 1234567, Metrics: []spec.Metric{fid}}.String(), []string{"fid"}, "1,234,567 samples"},
		{spec.Measure{Train: "0f1e2d3c4b5a6978"}.String(), []string{"loss"}, ""},
		{spec.Measure{Tests: "0f1e2d3c4b5a6978"}.String(), []string{"test_loss"}, ""},
		{"", nil, ""},
		{"words of another program) samples=few features=<x>:0123", nil, "words, of, another, program), <x>, few samples"},
	} {
		if got := frame.Brief(c.measure, c.metrics...); got != c.want {
			t.Errorf("%q of %v: got %q, want %q", c.measure, c.metrics, got, c.want)
		}
	}
}

func TestAPartOfAMeasureIsThatOfTheMeasureBeforeItWasText(t *testing.T) {
	whole := spec.Measure{Samples: 2000, Real: "test:0f1e2d3c4b5a6978", Features: "inception:1c291ca54e0ba1f7", Floor: "train:77"}
	for _, m := range metric.All {
		whole.Metrics = append(whole.Metrics, m.Standard())
	}
	columns := []string{metric.Spread, metric.Variety, metric.Distinctness}
	for _, m := range metric.All {
		for _, c := range m.Columns {
			columns = append(columns, c.Name, c.Name+metric.Floor)
		}
	}
	for _, column := range columns {
		if got, want := frame.Part(whole.String(), column), metric.Deciding(whole, "", column).String(); got != want {
			t.Errorf("%s: got %q, want %q", column, got, want)
		}
	}
	if got := frame.Part("words of another program) features=<x>", "fid"); got != "words of another program) features=<x>" {
		t.Errorf("got %q", got)
	}
}
