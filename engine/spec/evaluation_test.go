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
			if (Evaluation{Every: c.every}).Due(epoch, 10) {
				got = append(got, epoch)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("every %d: got the epochs %v, want %v", c.every, got, c.want)
		}
	}
}

// measured is an evaluation with every part.
func measured() Evaluation {
	rule := StandardCollapse()
	return Evaluation{Every: 5, Sheet: 64, Samples: 1000, Real: "test", Features: "small-mnist", Collapse: &rule, Metrics: []Metric{
		{Name: "fid"}, {Name: "kid", Args: []Arg{{"subsets", 100}, {"size", 1000}}}, {Name: "parzen", Args: []Arg{{"sigma", 0.2}}},
	}}
}

func TestAnEvaluationsTextHasAllThatItDecides(t *testing.T) {
	const want = "every=5 sheet=64 metrics=[fid() kid(subsets=100, size=1000) parzen(sigma=0.2)] samples=1000 real=test " +
		"features=small-mnist " +
		"collapse=(stop=false, evaluations=2, reach=0.05, spread=0.25, variety=0.4, fidelity=0.7, modes=0.3, few=0.8, " +
		"distinctness=0.017)"
	if got := measured().String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	seen := map[string]bool{measured().String(): true}
	for what, change := range map[string]func(*Evaluation){
		"every": func(e *Evaluation) { e.Every = 4 }, "sheet": func(e *Evaluation) { e.Sheet = 4 },
		"samples": func(e *Evaluation) { e.Samples = 4 },
		"real":    func(e *Evaluation) { e.Real = "train" }, "features": func(e *Evaluation) { e.Features = "pixels" },
		"metrics": func(e *Evaluation) { e.Metrics = e.Metrics[1:] }, "subsets": func(e *Evaluation) { e.Metrics[1].Args[0].Value = 4 },
		"size": func(e *Evaluation) { e.Metrics[1].Args[1].Value = 4 }, "no sigma": func(e *Evaluation) { e.Metrics[2].Args = nil },
		"no collapse": func(e *Evaluation) { e.Collapse = nil }, "stop": func(e *Evaluation) { e.Collapse.Stop = true },
		"evaluations": func(e *Evaluation) { e.Collapse.Evaluations = 4 }, "reach": func(e *Evaluation) { e.Collapse.Reach = 0.4 },
		"spread": func(e *Evaluation) { e.Collapse.Spread = 0.4 }, "fidelity": func(e *Evaluation) { e.Collapse.Fidelity = 0.4 },
		"modes": func(e *Evaluation) { e.Collapse.Modes = 0.4 }, "variety": func(e *Evaluation) { e.Collapse.Variety = 0.3 },
		"few": func(e *Evaluation) { e.Collapse.Few = 0.9 }, "distinctness": func(e *Evaluation) { e.Collapse.Distinctness = 0.3 },
	} {
		e := measured()
		if change(&e); seen[e.String()] {
			t.Errorf("%s changes nothing, or nothing of its own: %s", what, e)
		}
		seen[e.String()] = true
	}
}

// The bounds of variety and distinctness came later than directories that are still read. A rule that ends no trial changes no number of
// theirs.
func TestTheStandardRuleKeepsTheNamesOfTrials(t *testing.T) {
	const before = "(stop=false, evaluations=2, reach=0.05, spread=0.25, fidelity=0.7, modes=0.3)"
	const varied = "(stop=false, evaluations=2, reach=0.05, spread=0.25, variety=0.3, fidelity=0.7, modes=0.3, few=0.8)"
	standard, other, stopping, apart := StandardCollapse(), StandardCollapse(), StandardCollapse(), StandardCollapse()
	other.Variety, stopping.Stop, apart.Distinctness = 0.3, true, 0.2
	few := StandardCollapse()
	few.Few = 0.9
	fewer := strings.NewReplacer("variety=0.3", "variety=0.4", "few=0.8", "few=0.9").Replace(varied)
	for _, c := range []struct {
		rule *Collapse
		want string
	}{{nil, "<nil>"}, {&standard, before}, {&other, varied}, {&few, fewer}, {&stopping, stopping.String()}, {&apart, apart.String()}} {
		if got := c.rule.Identity(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}
