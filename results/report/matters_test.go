package report_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/results/report"
)

// made writes a made-up search and returns its report.
func made(t *testing.T, l large) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "d")
	must(t, l.write(dir))
	return page(t, open(t, dir), report.Options{})
}

func TestASearchHasItsHistoryAndWhatMattered(t *testing.T) {
	got := made(t, large{trials: 60, epochs: 10})
	for _, want := range []string{"<strong>What mattered</strong>: lr ", "of what sets the best trials apart by fid", "PED-ANOVA",
		"<title>Importance of hyperparameters for fid</title>", "<title>Mean fid by loss, lr, layers", "from 500 resamplings",
		"<summary>Shares of fid in numbers</summary>", "<title>fid of the trials as they started", "the line is the best value so far",
		"<summary>Trials that were better than all before them", "stopped before the end of the budget, which saved "} {
		if !strings.Contains(got, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if strings.Contains(got, "Not drawn") {
		t.Error("a figure was not drawn")
	}
}

func TestALargeStudyHasASmallReportThatSaysWhatItLeavesOut(t *testing.T) {
	if testing.Short() {
		t.Skip("writing the study takes seconds")
	}
	const trials = 1200
	got := made(t, large{trials: trials, epochs: 2})
	rows := strings.Count(got, `<tr id="trial-`)
	if rows < 500 || rows > 510 {
		t.Errorf("got %d rows, want 500 and a few that the page names", rows)
	}
	for _, want := range []string{
		fmt.Sprintf("This table has %d of %d trials, the best by rank, then fid, and those named above.", rows, trials),
		fmt.Sprintf("The other %d are in the trials table", trials-rows), "200 trials between those shown, which are evenly spaced"} {
		if !strings.Contains(got, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if len(got) > 2<<20 {
		t.Errorf("got %d bytes, want at most 2 MiB", len(got))
	}
	for _, part := range strings.Split(got, `href="#trial-`)[1:] {
		id, _, _ := strings.Cut(part, `"`)
		if !strings.Contains(got, `<tr id="trial-`+id) {
			t.Errorf("the report refers to trial %s, which the table lacks", id)
		}
	}
}
