package spec

import (
	"slices"
	"strings"
	"testing"
)

func TestTheLastEpochIsAlwaysEvaluated(t *testing.T) {
	for _, c := range []struct {
		every int
		want  []int
	}{{0, []int{10}}, {3, []int{3, 6, 9, 10}}, {5, []int{5, 10}}, {20, []int{10}}} {
		var got []int
		for epoch := 1; epoch <= 10; epoch++ {
			if (Evaluate{Every: c.every}).Due(epoch, 10) {
				got = append(got, epoch)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("every %d: got the epochs %v, want %v", c.every, got, c.want)
		}
	}
}

// measured is an evaluation with nothing wrong.
func measured() Evaluate {
	rule := StandardCollapse()
	return Evaluate{Every: 5, Grid: 64, Samples: 1000, Real: "test", Features: "small-mnist", Collapse: &rule, Metrics: []Metric{
		{Name: FID}, {Name: PrecisionRecall, K: 3}, {Name: DensityCoverage, K: 5}, {Name: KID, Subsets: 100, Size: 1000},
		{Name: InceptionScore, Splits: 10}, {Name: PRD}, {Name: Parzen, Sigma: 0.2},
	}}
}

func TestAnEvaluationsTextHasAllThatItDecides(t *testing.T) {
	if err := measured().Validate(); err != nil {
		t.Fatal(err)
	}
	const want = "every=5 grid=64 metrics=[fid() precision_recall(k=3) density_coverage(k=5) kid(subsets=100, size=1000) inception_score(splits=10) " +
		"prd() parzen(sigma=0.2)] samples=1000 real=test features=small-mnist " +
		"collapse=(stop=false, evaluations=2, reach=0.05, spread=0.25, fidelity=0.7, modes=0.3)"
	if got := measured().String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	seen := map[string]bool{measured().String(): true}
	for what, change := range map[string]func(*Evaluate){
		"every": func(e *Evaluate) { e.Every = 4 }, "grid": func(e *Evaluate) { e.Grid = 4 }, "samples": func(e *Evaluate) { e.Samples = 4 },
		"real": func(e *Evaluate) { e.Real = "train" }, "features": func(e *Evaluate) { e.Features = "pixels" },
		"metrics": func(e *Evaluate) { e.Metrics = e.Metrics[1:] }, "k": func(e *Evaluate) { e.Metrics[1].K = 4 },
		"subsets": func(e *Evaluate) { e.Metrics[3].Subsets = 4 }, "size": func(e *Evaluate) { e.Metrics[3].Size = 4 },
		"splits": func(e *Evaluate) { e.Metrics[4].Splits = 4 }, "sigma": func(e *Evaluate) { e.Metrics[6].Sigma = 0 },
		"no collapse": func(e *Evaluate) { e.Collapse = nil }, "stop": func(e *Evaluate) { e.Collapse.Stop = true },
		"evaluations": func(e *Evaluate) { e.Collapse.Evaluations = 4 }, "reach": func(e *Evaluate) { e.Collapse.Reach = 0.4 },
		"spread": func(e *Evaluate) { e.Collapse.Spread = 0.4 }, "fidelity": func(e *Evaluate) { e.Collapse.Fidelity = 0.4 },
		"modes": func(e *Evaluate) { e.Collapse.Modes = 0.4 },
	} {
		e := measured()
		if change(&e); seen[e.String()] {
			t.Errorf("%s changes nothing, or nothing of its own: %s", what, e)
		}
		seen[e.String()] = true
	}
}

func TestAnEvaluationNamesItsColumns(t *testing.T) {
	e := measured()
	const want = "fid precision recall density coverage kid kid_std inception_score inception_score_std prd_f8 prd_f1_8 parzen spread " +
		"fid_floor precision_floor recall_floor density_floor coverage_floor kid_floor inception_score_floor prd_f8_floor prd_f1_8_floor parzen_floor"
	if got := strings.Join(e.Columns(), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := (Evaluate{Grid: 64}).Columns(); got != nil {
		t.Errorf("got the columns %v of no metrics", got)
	}
}

func TestEvaluationsThatCannotBeAreRefused(t *testing.T) {
	for want, change := range map[string]func(*Evaluate){
		"got 3 samples, want 4 or more: each needs k neighbours":          func(e *Evaluate) { e.Samples = 3 },
		"kid(subsets=100, size=1000): got 999 samples, want 1000 or more": func(e *Evaluate) { e.Samples = 999 },
		"want 20 or more: they are put in 20 clusters":                    func(e *Evaluate) { e.Samples = 19 },
		"inception_score(splits=10): got 9 samples, want 10 or more":      func(e *Evaluate) { e.Samples = 9 },
		"fid(): got 1 samples, want 2 or more":                            func(e *Evaluate) { e.Samples = 1 },
		"got 0 samples, want at least 1":                                  func(e *Evaluate) { e.Samples = 0 },
		`real: got "validation", want "train" or "test"`:                  func(e *Evaluate) { e.Real = "validation" },
		"metrics: got fid twice":                                          func(e *Evaluate) { e.Metrics = append(e.Metrics, Metric{Name: FID}) },
		`inception_score: got the features "pixels", which have no`:       func(e *Evaluate) { e.Features = PixelFeatures },
		"collapse: got no metric that tells of it":                        func(e *Evaluate) { e.Metrics = e.Metrics[:1] },
		"got samples = 1000 and no metrics":                               func(e *Evaluate) { e.Metrics = nil },
	} {
		e := measured()
		change(&e)
		if err := e.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
