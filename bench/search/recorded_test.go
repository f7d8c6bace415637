package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner"
	"github.com/starsweep/starsweep/runner/sweep"
	"github.com/starsweep/starsweep/runner/sweep/prune"
)

const ring = `
load("@std//mlp.star", "mlp")
load("@std//losses.star", "non_saturating")

def trial(p):
    return gan(data = ring(count = 128), generator = mlp([4], 2), discriminator = mlp([4], 1), latent = normal(2),
               loss = non_saturating(), optimizer = adam(lr = p.lr, betas = (p.beta, 0.9)), batch = 32, epochs = 9,
               evaluate = evaluate(every = 1, samples = 64, metrics = [fid(), precision_recall(k = 3)], collapse = None))

main = study(trial = trial, space = {"lr": choice(1e-5, 1e-3, 1e-2, 1e-1), "beta": choice(0.0, 0.5, 0.9)},
             objectives = {"fid": "min", "recall": "max"}, prune = [])
`

// train runs a script, and returns the epochs of each trial, by ID.
func train(t *testing.T, dir, script string) map[string]int {
	t.Helper()
	path, study := filepath.Join(dir, "ring.star"), filepath.Join(dir, "study")
	if err := os.WriteFile(path, []byte(script), 0o666); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	args := []string{"run", path, "--dir", study, "--backend", "cpu:threads=1", "--workers", "1"}
	code := runner.Main(context.Background(), runner.Env{Args: args, Stdout: &text, Stderr: &text, Home: t.TempDir(),
		Getenv: func(string) string { return "" }, Now: time.Now, Version: "test", System: os.DirFS("/")})
	if code != 0 {
		t.Fatalf("exit code %d\n%s", code, &text)
	}
	v, err := results.Open(study)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	epochs := map[string]int{}
	for _, s := range v.Trials() {
		epochs[s.ID] = s.Epochs
	}
	return epochs
}

// A study that is made from the record of the whole grid has the epochs of one that a run with one lane trains.
func TestARecordHasTheStudiesOfOtherRules(t *testing.T) {
	objectives := []pareto.Objective{{Name: "fid", Direction: pareto.Min}, {Name: "recall", Direction: pareto.Max}}
	whole := t.TempDir()
	train(t, whole, ring)
	r, err := read(filepath.Join(whole, "study"), "", "")
	if err != nil {
		t.Fatal(err)
	}
	for rule, h := range map[string]prune.Halving{
		"asha(reduction = 2, least = 2)": {Reduction: 2, Least: 2, Objectives: objectives},
		"hyperband()":                    {Reduction: 3, Least: 1, Brackets: true, Objectives: objectives},
	} {
		want := train(t, t.TempDir(), strings.Replace(ring, "prune = []", "prune = "+rule, 1))
		got, grid, err := r.pruned(0, sweep.Judges{Contests: []sweep.Contest{h}})
		if err != nil {
			t.Fatal(err)
		}
		epochs := 0
		for _, x := range got.trials {
			if x.Last() != want[x.ID] {
				t.Errorf("%s: %s has %d epochs, want %d", rule, x.ID, x.Last(), want[x.ID])
			}
			epochs += x.Last()
		}
		if len(want) != 12 || len(got.trials) != 12 || got.epochs != epochs || epochs >= grid.epochs || grid.epochs != 12*9 {
			t.Errorf("%s: got %d trials and %d epochs of %d", rule, len(got.trials), got.epochs, grid.epochs)
		}
	}
}

// The tables of docs/search.md about recorded studies are those that the programs print.
func TestTheTablesOfRecordedStudies(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs some thousand searches")
	}
	const document = "../../docs/search.md"
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	for name, table := range map[string]func(io.Writer, string) error{"rules": rules, "tenth": tenth} {
		var lines bytes.Buffer
		if err := table(&lines, "../../docs/studies/mnist_grid"); err != nil {
			t.Fatal(err)
		}
		begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
		before, rest, _ := strings.Cut(want, begin)
		_, after, found := strings.Cut(rest, end)
		if !found {
			t.Fatalf("%s has no table %s", document, name)
		}
		want = before + begin + lines.String() + end + after
	}
	if want == string(text) {
		return
	}
	if os.Getenv("UPDATE") == "" {
		t.Fatalf("%s has other tables: UPDATE=1 go test ./bench/search, then read the diff", document)
	}
	if err := os.WriteFile(document, []byte(want), 0o666); err != nil {
		t.Fatal(err)
	}
}
