package runner_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/results"
)

// killStudy takes half a second: two programs, trials that collapse, epochs with and without evaluation, a final one.
const killStudy = `
load("@std//mlp.star", "mlp")
load("@std//losses.star", "non_saturating", "wasserstein_gp")

def trial(p):
    return gan(data = ring(count = 512), generator = mlp([32], 2), discriminator = mlp([32], 1), latent = normal(2),
               loss = wasserstein_gp() if p.loss == "gp" else non_saturating(), optimizer = adam(lr = p.lr, ema = 0.9),
               batch = 16, epochs = p.epochs,
               evaluate = evaluate(every = 2, samples = 100, metrics = [fid(), precision_recall(), kid(subsets = 3, size = 40)],
                                   # Any samples count as collapsed, at epoch 4.
                                   collapse = collapse(stop = True, reach = 1, spread = 100) if p.lr > 5e-3 else None,
                                   final = ` + finally + `))

main = study(trial = trial, space = {"loss": choice("gp", "ns"), "lr": choice(1e-3, 1e-2)}, seeds = 2, settings = {"epochs": 6},
             objectives = {"fid": "min"})
`

// finally is the final evaluation of killStudy.
const finally = "final(metrics = [fid()], samples = 150)"

// lab is a folder for runs of one small study, and what an undisturbed run of it ends with.
type lab struct {
	*testing.T
	home, script, whole string
	want                string // the rows of whole
	tables              map[results.Table][]byte
}

func newLab(t *testing.T, study string) *lab {
	t.Helper()
	dir := t.TempDir()
	l := &lab{T: t, home: filepath.Join(dir, "home"), script: filepath.Join(dir, "kill.star"), whole: filepath.Join(dir, "whole")}
	if err := os.WriteFile(l.script, []byte(study), 0o644); err != nil {
		t.Fatal(err)
	}
	l.run(l.whole)
	l.want, l.tables = table(t, l.whole), l.canonical(l.whole)
	return l
}

// run runs the study in dir to its end, within this process.
func (l *lab) run(dir string, flags ...string) (text string) {
	l.Helper()
	code, text := command(l.T, l.home, l.args(dir, flags...)...)
	if code != 0 {
		l.Fatalf("exit code %d\n%s", code, text)
	}
	return text
}

func (l *lab) args(dir string, flags ...string) []string {
	return append([]string{"run", l.script, "--backend", "cpu:threads=1", "--workers", "2", "--dir", dir}, flags...)
}

// canonical are the tables of a study as files, but for timings.
func (l *lab) canonical(dir string) map[results.Table][]byte {
	l.Helper()
	tables := map[results.Table][]byte{}
	for _, name := range results.Tables() {
		var file bytes.Buffer
		if err := results.Canonical(dir, name, &file); err != nil {
			l.Fatal(err)
		}
		tables[name] = file.Bytes()
	}
	return tables
}

// same checks that the study in dir ended with the tables of the undisturbed run: every row once, every number with the same bits, and
// so the same files, byte for byte. It disregards the tables of which the run has said that rows are lost.
func (l *lab) same(dir string, lost ...results.Table) {
	l.Helper()
	rest := func(text string) []string {
		return slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool {
			name, _, _ := strings.Cut(line, " ")
			return slices.Contains(lost, results.Table(name))
		})
	}
	got, want := rest(table(l.T, dir)), rest(l.want)
	if len(got) != len(want) {
		l.Errorf("%s: there are %d rows, want %d", dir, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			l.Fatalf("%s: got\n%.1000s\nwant\n%.1000s", dir, got[i], want[i])
		}
	}
	for name, file := range l.canonical(dir) {
		if !slices.Contains(lost, name) && !bytes.Equal(file, l.tables[name]) {
			l.Errorf("%s: the rows of %s are the same, but not the file of them", dir, name)
		}
	}
}

// table returns all rows of a study's tables without the columns that depend on time.
func table(t *testing.T, dir string) string {
	t.Helper()
	v, err := results.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	var lines []string
	for _, name := range results.Tables() {
		for row, err := range v.Rows(name) {
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range v.Fields(name) {
				if f.Timing {
					delete(row, f.Name)
				}
			}
			line, err := json.Marshal(row)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, fmt.Sprintf("%s %s", name, line))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
