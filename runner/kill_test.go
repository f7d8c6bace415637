package runner_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/results"
)

const killStudy = `
load("@std//mlp.star", "mlp")
load("@std//losses.star", "non_saturating", "wasserstein_gp")

def trial(p):
    return gan(data = ring(count = 512), generator = mlp([32], 2), discriminator = mlp([32], 1), latent = normal(2),
               loss = wasserstein_gp() if p.loss == "gp" else non_saturating(), optimizer = adam(lr = p.lr, ema = 0.9),
               batch = 16, epochs = 12,
               evaluate = evaluate(every = 3, samples = 100, metrics = [fid(), precision_recall(), kid(subsets = 3, size = 40)],
                                   # Any samples count as collapsed, at epoch 6.
                                   collapse = collapse(stop = True, reach = 1, spread = 100) if p.lr > 5e-3 else None))

main = study(trial = trial, space = {"loss": choice("gp", "ns"), "lr": choice(1e-3, 1e-2)})
`

// A study that is killed again and again ends with the tables of one that is not: every row once, every loss with the same bits.
// The killed one evaluates epochs while the next one trains, the other one between epochs: see overlapCores.
func TestKilledStudiesEndWithTheSameTables(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "kill.star")
	if err := os.WriteFile(script, []byte(killStudy), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(ctx context.Context, out, cores string) error {
		c := exec.CommandContext(ctx, "starsweep", "run", script, "--backend", "cpu:threads=2", "--workers", "2",
			"--dir", filepath.Join(dir, out))
		c.Env = append(os.Environ(), "STARSWEEP_HOME="+filepath.Join(dir, "home"), "GOMAXPROCS="+cores)
		text, err := c.CombinedOutput()
		if err != nil && ctx.Err() == nil {
			t.Fatalf("%v\n%s", err, text)
		}
		return err
	}
	start := time.Now()
	if err := run(t.Context(), "whole", "2"); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(start)

	// Each run ends with SIGKILL, after a random time. Later runs get more time, in case the machine has become slower. If it has become
	// so fast that the study ends too early, another study begins, with shorter runs.
	kills, out, r := 0, "", rand.New(rand.NewPCG(1, 1))
	for ; kills < 3; whole /= 2 {
		kills, out = 0, fmt.Sprint("killed", whole)
		for round := range 200 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.Float64()*float64(whole)*(0.25+float64(round)/40)))
			err := run(ctx, out, "4")
			cancel()
			if err == nil {
				break
			}
			kills++
		}
	}
	got, want := strings.Split(table(t, filepath.Join(dir, out)), "\n"), strings.Split(table(t, filepath.Join(dir, "whole")), "\n")
	if len(got) != len(want) {
		t.Errorf("after %d kills there are %d rows, want %d", kills, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("after %d kills, got\n%.1000s\nwant\n%.1000s", kills, got[i], want[i])
		}
	}
	t.Logf("killed %d times", kills)
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
			for column := range row {
				if strings.HasPrefix(column, "seconds") || slices.Contains([]string{"started", "images_per_second", "compilations"}, column) {
					delete(row, column)
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
