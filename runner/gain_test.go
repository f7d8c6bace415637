package runner_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/results"
)

// gainStudy has no final evaluation: where a trial has become longer, its record keeps that of its former end, which a new study has not.
var gainStudy = strings.Replace(killStudy, finally, "None", 1)

// A script that was changed runs again only what the change concerns, and ends with the numbers of a study that was never run before.
func TestWhatAChangedScriptRunsAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("trains two studies for each change")
	}
	whole := newLab(t, gainStudy)
	all := []string{`loss="gp" lr=0.001`, `loss="gp" lr=0.01`, `loss="ns" lr=0.001`, `loss="ns" lr=0.01`}
	completed := []string{all[0], all[2]} // the others collapse at epoch 4
	both := func(points []string, seeds ...string) (trials []string) {
		for _, p := range points {
			for _, s := range seeds {
				trials = append(trials, p+" seed="+s)
			}
		}
		slices.Sort(trials)
		return trials
	}
	for name, c := range map[string]struct {
		changes []string // old and new text
		want    []string // trials that train
		shorter bool     // the trials that stay are longer than new ones would be
	}{
		"nothing":      {},
		"a comment":    {changes: []string{"def trial(p):", "# as before\ndef trial(p):"}},
		"a value":      {changes: []string{"1e-2)}", "1e-2, 2e-3)}"}, want: both([]string{`loss="gp" lr=0.002`, `loss="ns" lr=0.002`}, "0", "1")},
		"a value less": {changes: []string{"choice(1e-3, 1e-2)", "choice(1e-3)"}},
		"a seed":       {changes: []string{"seeds = 2", "seeds = 3"}, want: both(all, "2")},
		"a seed less":  {changes: []string{"seeds = 2", "seeds = 1"}},
		"epochs":       {changes: []string{`"epochs": 6`, `"epochs": 8`}, want: both(completed, "0", "1")},
		"epochs less":  {changes: []string{`"epochs": 6`, `"epochs": 4`}, shorter: true},
		"a metric":     {changes: []string{"[fid(), ", "[fid(), density_coverage(), "}, want: both(all, "0", "1")},
		"a hyperparameter, of which one value is as before": {
			changes: []string{"generator = mlp([32], 2)", "generator = mlp([p.width], 2)",
				"choice(1e-3, 1e-2)}", `choice(1e-3, 1e-2), "width": choice(32, 16)}`},
			want: both([]string{all[0] + " width=16", all[1] + " width=16", all[2] + " width=16", all[3] + " width=16"}, "0", "1")},
	} {
		t.Run(name, func(t *testing.T) {
			l := lab{T: t, home: whole.home, script: filepath.Join(t.TempDir(), "kill.star")}
			for change := range slices.Chunk(c.changes, 2) {
				if !strings.Contains(gainStudy, change[0]) {
					t.Fatalf("the study does not contain %q", change[0])
				}
			}
			if err := os.WriteFile(l.script, []byte(strings.NewReplacer(c.changes...).Replace(gainStudy)), 0o644); err != nil {
				t.Fatal(err)
			}
			dir := l.copyOf(whole.whole)
			text := l.run(dir)
			trained := map[string]bool{}
			for _, line := range regexp.MustCompile(`\[(.*)\] epoch `).FindAllStringSubmatch(text, -1) {
				trained[line[1]] = true
			}
			if got := slices.Sorted(maps.Keys(trained)); !slices.Equal(got, c.want) {
				t.Errorf("it trains\n%q, want\n%q", got, c.want)
			}
			fresh := filepath.Join(t.TempDir(), "fresh")
			l.run(fresh)
			hasRowsOf(t, dir, fresh, c.shorter)
		})
	}
}

// hasRowsOf checks that dir has all rows of a study that was run anew; of trials that may be longer, those of their epochs.
func hasRowsOf(t *testing.T, dir, fresh string, longer bool) {
	t.Helper()
	agreement, err := results.Compare(open(t, dir), open(t, fresh), results.CompareOptions{})
	if err != nil {
		t.Fatal(err)
	}
	different := slices.DeleteFunc(agreement.Different, func(d results.CellDifference) bool { return longer && d.Table == results.Trials })
	if len(different) > 0 || len(agreement.OnlyB) > 0 || agreement.Cells == 0 {
		t.Errorf("it differs from a study that was run anew: %d of %d cells, %d rows are missing: %+v", len(different),
			agreement.Cells, len(agreement.OnlyB), different)
	}
}

func open(t *testing.T, dir string) *results.View {
	t.Helper()
	v, err := results.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}
