package runner_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/results"
)

const company = `
load("@std//dcgan.star", "discriminator32", "generator32")
load("@std//losses.star", "non_saturating")

def trial(p):
    return gan(data = mnist(size = 32, subset = True, limit = 64), generator = generator32(channels = 1, width = p.width),
               discriminator = discriminator32(width = p.width), latent = normal(4), loss = non_saturating(),
               optimizer = adam(lr = 1e-3), batch = 32, epochs = 2,
               evaluate = evaluate(every = 1, samples = p.count, metrics = [fid()], features = small()))

main = study(trial = trial, space = {"count": choice(%s), "width": choice(4, 5)})
`

// The rows of a trial have the same bits regardless of the study's other trials, whether these run before, after or at the same time.
func TestATrialHasTheSameNumbersAloneAndInCompany(t *testing.T) {
	alone := epochsOf(t, "50", "1")
	if len(alone) != 4 {
		t.Fatalf("got %d rows, want two epochs of two trials", len(alone))
	}
	for _, c := range []struct{ counts, workers string }{{"7, 50", "1"}, {"50, 300", "1"}, {"7, 50, 300", "2"}} {
		if got := epochsOf(t, c.counts, c.workers); !maps.Equal(got, alone) {
			t.Errorf("samples %s, %s workers:\ngot  %v\nwant %v", c.counts, c.workers, got, alone)
		}
	}
}

// epochsOf runs the study and returns the metrics of the trials of 50 samples, by trial and epoch.
func epochsOf(t *testing.T, counts, workers string) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "study")
	script := filepath.Join(t.TempDir(), "company.star")
	if err := os.WriteFile(script, fmt.Appendf(nil, company, counts), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, text := command(t, t.TempDir(), "run", script, "--backend", "cpu", "--workers", workers, "--dir", dir); code != 0 {
		t.Fatalf("exit code %d\n%s", code, text)
	}
	v, err := results.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	rows := map[string]string{}
	for row, err := range v.Rows(results.Epochs) {
		if err != nil {
			t.Fatal(err)
		}
		if row["count"] != int64(50) {
			continue
		}
		var b strings.Builder
		for _, name := range append(v.Meta().Metrics, "measure", "extractor") {
			fmt.Fprintf(&b, "%s=%v ", name, row[name])
		}
		rows[fmt.Sprint(row["trial"], " ", row["epoch"])] = b.String()
	}
	return rows
}
