package report_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/report"
)

// compared is the page of two studies.
func compared(t *testing.T, a, b *results.View) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "both.html")
	must(t, report.CompareFile(path, a, b))
	page, err := os.ReadFile(path)
	must(t, err)
	return string(page)
}

func TestAComparisonDrawsPairsOfCommonConfigurations(t *testing.T) {
	goals := objectives(pareto.Min, pareto.Max)
	a := trained(t, goals, []float64{4, 0.25}, []float64{6, 0.5}, []float64{2, 0.5}, []float64{4, 0.125}, []float64{9, 0.5})
	b := trained(t, goals, []float64{1, 0.25}, []float64{3, 0.5}, []float64{5, 0.5}, []float64{7, 0.125})
	counts(t, compared(t, a.View(), b.View()), map[string]int{
		"2 configurations have the same hyperparameters in both studies; 1 are only in A, 0 only in B": 1,
		"B is better (min) in 1 of 2 configurations":                                                   1,
		"<title>fid in A and B</title>":                                                                1,
		"fid in A and B, n = 2 configurations (4 and 4 trials).":                                       1,
		"B is better in 1 of 2 configurations.":                                                        1,
		"<title>fid by study</title>":                                                                  1,
		"fid by study. study A: n 4, median 4. study B: n 4, median 4.":                                1,
		`<td>net &lt;0&gt;</td><td class="n">5 ± 1.414 (2)</td>`:                                       1,
		"B is better (max) in 0 of 2 configurations":                                                   1,
	})
}

func TestAComparisonOfOneConfigurationHasNoPairs(t *testing.T) {
	goals := objectives(pareto.Min, pareto.Max)
	a, b := trained(t, goals, []float64{4, 0.25}), trained(t, goals, []float64{3, 0.25})
	counts(t, compared(t, a.View(), b.View()), map[string]int{"<title>fid by study</title>": 1, "fid in A and B": 0})
}

func TestAComparisonSaysWhatCannotBeCompared(t *testing.T) {
	dir := t.TempDir()
	make := func(name string, l large) *results.View {
		must(t, l.write(filepath.Join(dir, name)))
		return open(t, filepath.Join(dir, name))
	}
	a, b := make("a", large{trials: 4, epochs: 2}), make("b", large{trials: 4, epochs: 2, samples: 50})
	counts(t, compared(t, a, b), map[string]int{
		"The values cannot be compared: A is measured by fid, small-mnist, 1,000 samples against the test split; " +
			"B by fid, small-mnist, 50 samples against the test split.": 1,
		"<title>": 1, // of the page: no figure is drawn
	})
	none := trained(t, objectives(pareto.Min, pareto.Max))
	some := trained(t, objectives(pareto.Min, pareto.Max), []float64{3, 0.25})
	counts(t, compared(t, some.View(), none.View()), map[string]int{"The values cannot be compared: B has none.": 2})
	counts(t, compared(t, none.View(), some.View()), map[string]int{"The values cannot be compared: A has none.": 2})
}

func TestAComparisonWithoutObjectivesShowsMetricsWithADirection(t *testing.T) {
	a := trained(t, objectives("", ""), []float64{4, 0.25}, []float64{6, 0.5})
	counts(t, compared(t, a.View(), a.View()), map[string]int{"<h3>fid</h3>": 1, "<h3>recall</h3>": 1})
}
