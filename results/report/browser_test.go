package report_test

import (
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/internal/require"
	"github.com/starsweep/starsweep/results/report"
)

// rendered is the document that Chromium makes of a page, after a script that is put at its end.
func rendered(t *testing.T, page, script string, dark bool) string {
	t.Helper()
	browser := require.Tool(t, "STARSWEEP_CHROMIUM", "chromium")
	path := filepath.Join(t.TempDir(), "page.html")
	must(t, os.WriteFile(path, []byte(strings.Replace(page, "</body>", "<script>"+script+"</script></body>", 1)), 0o666))
	scheme := "1" // light
	if dark {
		scheme = "0"
	}
	// As root, and without a network, Chromium wants these.
	c := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--blink-settings=preferredColorScheme="+scheme, "--virtual-time-budget=60000", "--user-data-dir="+t.TempDir(), "--dump-dom",
		"file://"+path)
	out, err := c.Output()
	must(t, err)
	return string(out)
}

func TestABrowserSortsAndFiltersTheTableOfTrials(t *testing.T) {
	w := trained(t, objectives(pareto.Min, pareto.Max), []float64{3, 0.25}, []float64{10, 0.5}, []float64{2, 0.125})
	got := rendered(t, page(t, w.View(), report.Options{}), `
		const head = name => [...document.querySelectorAll("#table-of-trials th button")].find(b => b.textContent === name);
		head("fid").click();
		head("fid").click(); // descending
		const words = document.querySelector("input[type=search]");
		words.value = "fid>=3 completed";
		words.dispatchEvent(new Event("input"));
		document.title = [...document.querySelectorAll("#table-of-trials tbody tr:not([hidden])")].map(r => r.id).join(" ");`, false)
	for _, want := range []string{"<title>trial-t1 trial-t0</title>", `aria-sort="descending"`, "<output>2 of 3 rows</output>"} {
		if !strings.Contains(got, want) {
			t.Errorf("the document lacks %q", want)
		}
	}
}

// TestNothingSeriousKeepsPeopleFromTheReport asks axe-core, also about contrast, in both themes.
func TestNothingSeriousKeepsPeopleFromTheReport(t *testing.T) {
	axe, err := os.ReadFile(require.Tool(t, "STARSWEEP_AXE", "axe"))
	must(t, err)
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	must(t, large{trials: 40, epochs: 10}.write(a), large{trials: 30, epochs: 10}.write(b))
	both := filepath.Join(dir, "both.html")
	one, two := open(t, a), open(t, b)
	must(t, report.CompareFile(both, one, two))
	compared, err := os.ReadFile(both)
	must(t, err)
	for name, page := range map[string]string{"report": page(t, one, report.Options{}), "comparison": string(compared)} {
		for _, dark := range []bool{false, true} {
			for _, v := range violations(t, page, string(axe), dark) {
				if v.Impact == "serious" || v.Impact == "critical" {
					t.Errorf("%s, dark %v: %s", name, dark, v)
				}
			}
		}
	}
	if found := violations(t, `<html><body><img src="x"><p style="color:#ccc">pale</p></body></html>`, string(axe), false); len(found) < 3 {
		t.Errorf("of a page with errors, axe says %v", found)
	}
}

// violation is a rule that a page breaks.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct{ HTML, FailureSummary string }
}

func (v violation) String() string {
	text := fmt.Sprintf("%s (%s): %s, %d times", v.ID, v.Impact, v.Help, len(v.Nodes))
	for _, n := range v.Nodes[:min(3, len(v.Nodes))] {
		text += "\n  " + n.HTML + "\n  " + n.FailureSummary
	}
	return text
}

// violations is what axe finds.
func violations(t *testing.T, page, axe string, dark bool) (list []violation) {
	t.Helper()
	dom := rendered(t, page, axe+`;
		for (const d of document.querySelectorAll("details")) d.open = true;
		axe.run().then(r => {
			const found = document.createElement("pre");
			found.id = "found";
			found.textContent = JSON.stringify(r.violations);
			document.body.replaceChildren(found);
		});`, dark)
	_, text, begins := strings.Cut(dom, `<pre id="found">`)
	text, _, ends := strings.Cut(text, "</pre>")
	if !begins || !ends {
		t.Fatalf("axe has said nothing: %.1000s", dom)
	}
	must(t, json.Unmarshal([]byte(html.UnescapeString(text)), &list))
	return list
}
