package metric

import (
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
)

// all is a valid evaluation of every metric.
func all() spec.Evaluation {
	rule := spec.StandardCollapse()
	e := spec.Evaluation{Every: 5, Sheet: 64, Samples: 1000, Real: "test", Features: "small-mnist", Collapse: &rule}
	for _, name := range []string{"fid", "precision_recall", "density_coverage", "kid", "inception_score", "prd", "parzen"} {
		row, _ := Lookup(name)
		e.Metrics = append(e.Metrics, row.Standard())
	}
	return e
}

func TestAnEvaluationNamesItsColumns(t *testing.T) {
	const want = "fid precision recall density coverage kid kid_std inception_score inception_score_std prd_f8 prd_f1_8 parzen spread " +
		"variety distinctness " +
		"fid_floor precision_floor recall_floor density_floor coverage_floor kid_floor inception_score_floor prd_f8_floor prd_f1_8_floor " +
		"parzen_floor"
	if got := strings.Join(Columns(all()), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	points := spec.Evaluation{Samples: 10, Features: spec.PointFeatures, Metrics: []spec.Metric{{Name: "fid"}}}
	if got := strings.Join(Columns(points), " "); got != "fid spread fid_floor" {
		t.Errorf("got the columns %s of points, which have no pixels", got)
	}
	dear := all()
	dear.Metrics, dear.Final = dear.Metrics[:1], &points
	if got := strings.Join(Columns(dear), " "); got != "fid spread variety distinctness fid_floor final_fid final_spread final_fid_floor" {
		t.Errorf("got the columns %s with a final evaluation", got)
	}
	if low, high := Bounds("final_recall"); low != 0 || high != 1 {
		t.Errorf("got the bounds %v and %v of a recall", low, high)
	}
	if got := Columns(spec.Evaluation{Sheet: 64}); got != nil {
		t.Errorf("got the columns %v of no metrics", got)
	}
}

func TestImpossibleEvaluationsAreRefused(t *testing.T) {
	if err := Validate(all(), true); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*spec.Evaluation){
		"got 3 samples, want 4 or more: each needs k neighbours":          func(e *spec.Evaluation) { e.Samples = 3 },
		"kid(subsets=100, size=1000): got 999 samples, want 1000 or more": func(e *spec.Evaluation) { e.Samples = 999 },
		"want 20 or more: they are put in 20 clusters":                    func(e *spec.Evaluation) { e.Samples = 19 },
		"inception_score(splits=10): got 9 samples, want 10 or more":      func(e *spec.Evaluation) { e.Samples = 9 },
		"fid(): got 1 samples, want 2 or more":                            func(e *spec.Evaluation) { e.Samples = 1 },
		"got 0 samples, want at least 1":                                  func(e *spec.Evaluation) { e.Samples = 0 },
		`real: got "validation", want "train" or "test"`:                  func(e *spec.Evaluation) { e.Real = "validation" },
		"metrics: got fid twice": func(e *spec.Evaluation) {
			e.Metrics = append(e.Metrics, e.Metrics[0])
		},
		`metric: got "lpips", want one of ["fid" "kid"`: func(e *spec.Evaluation) { e.Metrics[0].Name = "lpips" },
		"collapse: got no metric that detects it, want precision_recall() or density_coverage()": func(e *spec.Evaluation) {
			e.Metrics = e.Metrics[:1]
		},
		"got samples = 1000 and no metrics": func(e *spec.Evaluation) { e.Metrics = nil },
	} {
		e := all()
		change(&e)
		if err := Validate(e, true); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	e := all()
	e.Features = "pixels"
	if err := Validate(e, false); err == nil || !strings.Contains(err.Error(), `inception_score: got the features "pixels", which have no`) {
		t.Errorf("got %v for features without logits", err)
	}
}

// ofManyMetrics is a measure with every part.
func ofManyMetrics() spec.Measure {
	return spec.Measure{Samples: 1000, Real: spec.Images("test", "0f1e2d3c4b5a69788796"), Floor: spec.Images("train", "aa"),
		Features: "small-mnist:1c291ca54e0ba1f7", Tests: "0f1e2d3c4b5a6978",
		Metrics: []spec.Metric{precisionRecall.Standard(), {Name: "fid"}, kid.Standard(), {Name: "parzen"}}}
}

// The measure of a column changes with everything that decides the column, and with nothing else.
func TestValuesWithEqualMeasuresAreComparable(t *testing.T) {
	changes := map[string]func(m *spec.Measure, train *string){
		"samples":    func(m *spec.Measure, _ *string) { m.Samples = 100 },
		"real":       func(m *spec.Measure, _ *string) { m.Real = "train:0f" },
		"features":   func(m *spec.Measure, _ *string) { m.Features = "pixels:00" },
		"floor":      func(m *spec.Measure, _ *string) { m.Floor = "train:bb" },
		"tests":      func(m *spec.Measure, _ *string) { m.Tests = "77" },
		"train":      func(_ *spec.Measure, train *string) { *train = "99" },
		"kid":        func(m *spec.Measure, _ *string) { m.Metrics[2] = m.Metrics[2].With("size", 500) },
		"neighbours": func(m *spec.Measure, _ *string) { m.Metrics[0] = m.Metrics[0].With("k", 5) },
		"sigma":      func(m *spec.Measure, _ *string) { m.Metrics[3] = m.Metrics[3].With("sigma", 0.5) },
		"order":      func(m *spec.Measure, _ *string) { m.Metrics[0], m.Metrics[1] = m.Metrics[1], m.Metrics[0] },
		"a metric":   func(m *spec.Measure, _ *string) { m.Metrics = append(m.Metrics, spec.Metric{Name: "prd"}) },
	}
	images := []string{"samples", "real", "features"}
	for column, want := range map[string][]string{
		"fid": images, "spread": images, "variety": {"samples", "real"}, "distinctness": {"samples", "real"},
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
			m, train := ofManyMetrics(), "88"
			before := Deciding(m, train, column).String()
			change(&m, &train)
			if after := Deciding(m, train, column).String(); (after != before) != decide[name] {
				t.Errorf("%s, another %s: got the measure %q after %q", column, name, after, before)
			}
		}
	}
}

// The columns of final evaluations depend on their own measure alone, and no others depend on it.
func TestFinalValuesHaveAMeasureOfTheirOwn(t *testing.T) {
	m, final := ofManyMetrics(), ofManyMetrics()
	final.Samples, final.Features, m.Final = 5000, "inception:77", &final
	for want, columns := range map[string][]string{
		"fid() samples=1000 real=test:0f1e2d3c4b5a6978 features=small-mnist:1c291ca54e0ba1f7": {"fid"},
		"final(fid() samples=5000 real=test:0f1e2d3c4b5a6978 features=inception:77)":          {"final_fid"},
		"samples=1000 real=test:0f1e2d3c4b5a6978 final(samples=5000 real=test:0f1e2d3c4b5a6978)": {"final_distinctness",
			"variety"},
		"final(precision_recall(k=3) samples=5000 real=test:0f1e2d3c4b5a6978 floor=train:aa features=inception:77)": {"final_recall_floor"},
	} {
		if got := Deciding(m, "88", columns...).String(); got != want {
			t.Errorf("%v: got  %s\nwant %s", columns, got, want)
		}
	}
}

func TestTheMeasureOfSeveralColumnsIsThatOfEach(t *testing.T) {
	got := Deciding(ofManyMetrics(), "88", "recall", "fid", "precision", "loss_net").String()
	want := "fid() precision_recall(k=3) samples=1000 real=test:0f1e2d3c4b5a6978 features=small-mnist:1c291ca54e0ba1f7 train=88"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
