package runner_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/starsweep/starsweep/results"
)

const replayed = `
load("@std//mlp.star", "mlp")
load("@std//losses.star", "least_squares")

def trial(p):
    return gan(data = %s, generator = mlp([4], 2), discriminator = mlp([4], 1), latent = normal(2), loss = least_squares(),
               optimizer = sgd(lr = 1e-3), batch = 8, epochs = 3, evaluate = evaluate(every = 1, samples = 20, metrics = [fid()]))

main = study(trial = trial, objectives = {"fid": "min"})
`

// A number that the trial does not have, here one that somebody has written, is found, with its epoch and its column.
func TestReplayFindsNumbersThatAreNotTheTrials(t *testing.T) {
	home, dir, forged := t.TempDir(), filepath.Join(t.TempDir(), "study"), filepath.Join(t.TempDir(), "forged")
	script := filepath.Join(t.TempDir(), "replayed.star")
	if err := os.WriteFile(script, fmt.Appendf(nil, replayed, "ring(count = 64)"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, text := command(t, home, "run", script, "--dir", dir, "--backend", "cpu"); code != 0 {
		t.Fatalf("exit code %d\n%s", code, text)
	}
	v, err := results.Open(dir)
	fatal(t, err)
	defer v.Close()
	w, err := results.Create(forged, v.Meta(), nil, results.Options{Now: time.Now})
	fatal(t, err)
	original := v.Trials()[0]
	fatal(t, w.Reuse(v.Donor(), original.ID, original.Trial)) // which copies the script
	fatal(t, w.Forget(original.ID))
	rows, err := v.Epochs(original.ID)
	fatal(t, err)
	c, err := w.Claim(original.ID)
	fatal(t, err)
	fatal(t, w.BeginPlan(results.Plan{Trials: []string{original.ID}, Settings: original.Settings, Script: original.Script}))
	fatal(t, c.Begin(original.Trial, nil))
	for _, row := range rows {
		if row.Epoch == 2 {
			row.Metrics["fid"] *= 1.5
		}
		fatal(t, c.AppendEpoch(row))
	}
	fatal(t, c.Release())
	fatal(t, w.Close())
	scratch := t.TempDir()
	t.Setenv("TMPDIR", scratch)
	for _, x := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 30, `differs first in epoch 2: fid: got [0-9.e+-]+, want [0-9.e+-]+\n$`},
		{[]string{"--epochs", "1"}, 0, `1 epoch, [0-9]+ values with the same bits\n$`},
		{[]string{"--tolerance", "0.6"}, 0, `3 epochs, [0-9]+ values equal up to 0.6 of the larger one`},
	} {
		args := append([]string{"replay", forged, original.ID[:6], "--backend", "cpu"}, x.args...)
		if code, text := command(t, home, args...); code != x.code || !regexp.MustCompile(x.want).MatchString(text) {
			t.Errorf("%q: got exit code %d, want %d and %q\n%s", x.args, code, x.code, x.want, text)
		}
	}
	if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
		t.Errorf("replays have left %v, %v", left, err)
	}
}
