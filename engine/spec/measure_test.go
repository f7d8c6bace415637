package spec_test

import (
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
)

// ofManyMetrics is the measure of an evaluation with every part.
func ofManyMetrics() spec.Measure {
	return spec.Measure{Samples: 1000, Real: spec.Images("test", "0f1e2d3c4b5a69788796"), Floor: spec.Images("train", "aa"),
		Features: "small-mnist:1c291ca54e0ba1f7", Tests: "0f1e2d3c4b5a6978",
		Metrics: []spec.Metric{{Name: "precision_recall", Args: []spec.Arg{{Name: "k", Value: 3}}}, {Name: "fid"},
			{Name: "kid", Args: []spec.Arg{{Name: "subsets", Value: 100}, {Name: "size", Value: 1000}}}, {Name: "parzen"}}}
}

func TestAMeasureReadsLikeAScript(t *testing.T) {
	want := "fid() kid(subsets=100, size=1000) parzen() precision_recall(k=3) samples=1000 real=test:0f1e2d3c4b5a6978 floor=train:aa " +
		"features=small-mnist:1c291ca54e0ba1f7 tests=0f1e2d3c4b5a6978"
	if got := ofManyMetrics().String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := (spec.Measure{}).String(); got != "" {
		t.Errorf("got %q for nothing measured, want nothing", got)
	}
}
