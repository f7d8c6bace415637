package report_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/internal/chromium"
	"github.com/starsweep/starsweep/results/report"
)

// opened opens a page from disk in a browser.
func opened(t *testing.T, b *chromium.Browser, page string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	must(t, os.WriteFile(path, []byte(page), 0o666))
	b.Open("file://" + path)
}

func TestABrowserSortsAndFiltersTheTableOfTrials(t *testing.T) {
	b := chromium.New(t)
	w := trained(t, objectives(pareto.Min, pareto.Max), []float64{3, 0.25}, []float64{10, 0.5}, []float64{2, 0.125})
	opened(t, b, page(t, w.View(), report.Options{}))
	b.Eval(`
		const head = name => [...document.querySelectorAll("#table-of-trials th button")].find(b => b.textContent === name);
		head("fid").click();
		head("fid").click(); // descending
		const words = document.querySelector("input[type=search]");
		words.value = "fid>=3 completed";
		words.dispatchEvent(new Event("input"));`)
	for expression, want := range map[string]any{
		`[...document.querySelectorAll("#table-of-trials tbody tr:not([hidden])")].map(r => r.id).join(" ")`: "trial-t1 trial-t0",
		`[...document.querySelectorAll("[aria-sort=descending]")].map(c => c.textContent).join()`:            "fid",
		`document.querySelector("output").textContent`:                                                       "2 of 3 rows",
	} {
		if got := b.Eval(expression); got != want {
			t.Errorf("%s: got %v, want %v", expression, got, want)
		}
	}
}

// The table of trials has more columns than a page of paper is wide.
func TestThePrintedTableOfTrialsLiesAcrossItsPages(t *testing.T) {
	b := chromium.New(t)
	w := trained(t, objectives(pareto.Min, pareto.Max), []float64{3, 0.25}, []float64{10, 0.5}, []float64{2, 0.125})
	opened(t, b, page(t, w.View(), report.Options{}))
	document := b.PDF()
	upright, across := bytes.Count(document, []byte("/MediaBox [0 0 612 792]")), bytes.Count(document, []byte("/MediaBox [0 0 792 612]"))
	if upright < 1 || across != 1 {
		t.Errorf("got %d pages upright and %d across, want some and 1", upright, across)
	}
}

// TestNothingSeriousKeepsPeopleFromTheReport asks axe-core, also about contrast, in both themes.
func TestNothingSeriousKeepsPeopleFromTheReport(t *testing.T) {
	axe, b := chromium.Axe(t), chromium.New(t)
	dir := t.TempDir()
	x, y := filepath.Join(dir, "x"), filepath.Join(dir, "y")
	must(t, large{trials: 40, epochs: 10}.write(x), large{trials: 30, epochs: 10}.write(y))
	both := filepath.Join(dir, "both.html")
	one, two := open(t, x), open(t, y)
	must(t, report.CompareFile(both, one, two))
	compared, err := os.ReadFile(both)
	must(t, err)
	for name, page := range map[string]string{"report": page(t, one, report.Options{}), "comparison": string(compared)} {
		opened(t, b, page)
		for _, theme := range []string{"light", "dark"} {
			for _, v := range b.Violations(axe, theme) {
				if v.Serious() {
					t.Errorf("%s, %s: %s", name, theme, v)
				}
			}
		}
	}
	opened(t, b, `<html><body><img src="x"><p style="color:#ccc">pale</p></body></html>`)
	if found := b.Violations(axe, "light"); len(found) < 3 {
		t.Errorf("of a page with errors, axe says %v", found)
	}
}
