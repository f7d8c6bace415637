package spec_test

import (
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
)

// measured is an evaluation of many metrics.
func measured() spec.Measure {
	return spec.Measure{Samples: 1000, Real: spec.Images("test", "0f1e2d3c4b5a69788796"), Floor: spec.Images("train", "aa"),
		Features: "small-mnist:1c291ca54e0ba1f7", Tests: "0f1e2d3c4b5a6978",
		Metrics: []spec.Metric{{Name: spec.PrecisionRecall, K: 3}, {Name: spec.FID}, {Name: spec.KID, Subsets: 100, Size: 1000},
			{Name: spec.Parzen}}}
}

func TestAMeasureReadsLikeAScript(t *testing.T) {
	want := "fid() kid(subsets=100, size=1000) parzen() precision_recall(k=3) samples=1000 real=test:0f1e2d3c4b5a6978 floor=train:aa " +
		"features=small-mnist:1c291ca54e0ba1f7 tests=0f1e2d3c4b5a6978"
	if got := measured().String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := (spec.Measure{}).String(); got != "" {
		t.Errorf("got %q for nothing measured, want nothing", got)
	}
}

// Every column depends on what decides it, and on nothing else.
func TestValuesAreComparableIfWhatDecidesThemIsEqual(t *testing.T) {
	changes := map[string]func(m *spec.Measure, train *string){
		"samples":    func(m *spec.Measure, _ *string) { m.Samples = 100 },
		"real":       func(m *spec.Measure, _ *string) { m.Real = "train:0f" },
		"features":   func(m *spec.Measure, _ *string) { m.Features = "pixels:00" },
		"floor":      func(m *spec.Measure, _ *string) { m.Floor = "train:bb" },
		"tests":      func(m *spec.Measure, _ *string) { m.Tests = "77" },
		"train":      func(_ *spec.Measure, train *string) { *train = "99" },
		"kid":        func(m *spec.Measure, _ *string) { m.Metrics[2].Size = 500 },
		"neighbours": func(m *spec.Measure, _ *string) { m.Metrics[0].K = 5 },
		"sigma":      func(m *spec.Measure, _ *string) { m.Metrics[3].Sigma = 0.5 },
		"order":      func(m *spec.Measure, _ *string) { m.Metrics[0], m.Metrics[1] = m.Metrics[1], m.Metrics[0] },
		"a metric":   func(m *spec.Measure, _ *string) { m.Metrics = append(m.Metrics, spec.Metric{Name: spec.PRD}) },
	}
	images := []string{"samples", "real", "features"}
	for column, want := range map[string][]string{
		"fid": images, "spread": images,
		"kid": append(images, "kid"), "kid_std": append(images, "kid"),
		"fid_floor": append(images, "floor"), "precision": append(images, "neighbours"),
		"recall_floor": append(images, "neighbours", "floor"), "parzen": append(images, "sigma", "floor"),
		"test_accuracy": {"tests"}, "loss_generator": {"train"}, "a_watch": {"train"},
	} {
		decide := map[string]bool{}
		for _, name := range want {
			decide[name] = true
		}
		for name, change := range changes {
			m, train := measured(), "88"
			before := m.Of(train, column).String()
			change(&m, &train)
			if after := m.Of(train, column).String(); (after != before) != decide[name] {
				t.Errorf("%s, another %s: got the measure %q after %q", column, name, after, before)
			}
		}
	}
}

func TestTheMeasureOfSeveralColumnsIsThatOfEach(t *testing.T) {
	got := measured().Of("88", "recall", "fid", "precision", "loss_net").String()
	want := "fid() precision_recall(k=3) samples=1000 real=test:0f1e2d3c4b5a6978 features=small-mnist:1c291ca54e0ba1f7 train=88"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
