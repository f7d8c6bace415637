package runner_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/results"
)

const retryStudy = `
load("@std//mlp.star", "mlp")
load("@std//losses.star", "least_squares")

def trial(p):
    return gan(data = ring(count = 64), generator = mlp([4], 2), discriminator = mlp([4], 1), latent = normal(2),
               loss = least_squares(), optimizer = sgd(lr = p.lr), batch = p.batch, epochs = 1)

main = study(trial = trial, space = {"lr": choice(1e-3, 1e-2)}, settings = {"batch": 8})
`

func TestTheSameCommandRunsFailedTrialsAgain(t *testing.T) {
	home, dir := t.TempDir(), t.TempDir()
	script := filepath.Join(home, "retry.star")
	if err := os.WriteFile(script, []byte(retryStudy), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(want string) {
		t.Helper()
		code, text := command(t, home, "run", script, "--backend", "cpu", "--dir", dir)
		if code != 0 || !strings.Contains(text, want) {
			t.Fatalf("exit code %d, want 0 and %q in\n%s", code, want, text)
		}
	}
	run("2 completed of 2 trials")
	before := table(t, dir)
	if !strings.Contains(before, `"settings":"{\"batch\":8}"`) {
		t.Errorf("the trials do not say their settings:\n%s", before)
	}

	fail(t, dir)
	run("1 trial failed before: running again")
	if after := table(t, dir); after != before {
		t.Errorf("got\n%s\nwant\n%s", after, before)
	}
}

// fail records that the first trial of a study failed.
func fail(t *testing.T, dir string) {
	t.Helper()
	s, claim, first := begunAnew(t, dir)
	failed := results.Outcome{Trial: first, Status: results.Failed, Reason: "no power"}
	if err := errors.Join(claim.Finish(failed), s.Close()); err != nil {
		t.Fatal(err)
	}
}

// begunAnew opens a study and begins its first trial again, without rows.
func begunAnew(t *testing.T, dir string) (s *results.Writer, c *results.Claim, first string) {
	t.Helper()
	v, err := results.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	trial, meta := v.Trials()[0].Trial, v.Meta()
	v.Close()
	if s, err = results.Create(dir, meta, nil, results.Options{Now: time.Now}); err == nil {
		err = s.Forget(trial.ID)
	}
	if err == nil {
		c, err = s.Claim(trial.ID)
	}
	if err == nil {
		err = c.Begin(trial, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s, c, trial.ID
}
