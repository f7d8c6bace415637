package runner_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/require"
)

// analysed has the columns that docs/analysis.md uses, two seeds, and trials that end early.
const analysed = `
load("@std//mlp.star", "mlp")
load("@std//losses.star", "least_squares", "non_saturating")

def trial(p):
    return gan(data = ring(count = 800, limit = 256), generator = mlp([8], 2), discriminator = mlp([8], 1), latent = normal(2),
               loss = non_saturating() if p.loss == "ns-gan" else least_squares(), optimizer = sgd(lr = p.lr), batch = 32, epochs = 3,
               evaluate = evaluate(every = 1, samples = 100, metrics = [fid(), precision_recall()]))

main = study(trial = trial, space = {"loss": choice("ns-gan", "lsgan"), "lr": choice(1e20, 1e-1, 1e-2, 1e-3)}, seeds = 2,
             objectives = {"fid": "min", "precision": "max", "recall": "max"})
`

// Every block of docs/analysis.md runs on a real study, and all tools give equal answers.
func TestFourToolsGiveEqualAnswers(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts Python and R")
	}
	args := []string{require.Tool(t, "STARSWEEP_PYTHON", "python"), "", "", require.Tool(t, "STARSWEEP_R", "r")}
	dir := t.TempDir()
	script := filepath.Join(dir, "mnist_grid.star")
	if err := os.WriteFile(script, []byte(analysed), 0o666); err != nil {
		t.Fatal(err)
	}
	study := filepath.Join(dir, "runs", "mnist_grid")
	if code, text := command(t, dir, "run", script, "--backend", "cpu", "--dir", study); code != 0 {
		t.Fatalf("run: exit code %d\n%s", code, text)
	}
	if code, text := command(t, dir, "export", study, "--to", "csv", "--out", study+"-csv"); code != 0 {
		t.Fatalf("export: exit code %d\n%s", code, text)
	}
	for i, name := range []string{"testdata/analysis/run.py", "../docs/analysis.md"} {
		path, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		args[i+1] = path
	}
	c := exec.Command(args[0], args[1:]...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "10 questions, 4 tools") {
		t.Errorf("%v\n%s", err, out)
	}
}
