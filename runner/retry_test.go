package runner_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
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

func TestTheSameCommandTriesFailedTrialsAgain(t *testing.T) {
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
	run("1 trials failed before and are tried again")
	if after := table(t, dir); after != before {
		t.Errorf("got\n%s\nwant\n%s", after, before)
	}
}

// fail records that the first trial of a study failed, as a run does whose machine lacks something.
func fail(t *testing.T, dir string) {
	t.Helper()
	v, err := results.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	first, meta := v.Trials()[0].Trial, v.Meta()
	v.Close()
	s, err := results.Create(dir, meta, nil, results.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{s.Forget(first.ID), s.BeginTrial(first), s.FinishTrial(results.Outcome{Trial: first.ID, Status: results.Failed, Reason: "no power"}), s.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

const pictureStudy = `
load("@std//mlp.star", "image_mlp", "mlp")
load("@std//losses.star", "least_squares")

def trial(p):
    return gan(data = images(path = p.path, size = 4, channels = 1), generator = image_mlp([4], 4), discriminator = mlp([4], 1), latent = normal(2),
               loss = least_squares(), optimizer = sgd(lr = 1e-3), batch = 2, epochs = 1000000)

main = study(trial = trial, settings = {"path": ""})
`

func TestATrialDoesNotGoOnWithOtherImages(t *testing.T) {
	home, dir, pictures := t.TempDir(), t.TempDir(), t.TempDir()
	script := filepath.Join(home, "pictures.star")
	if err := os.WriteFile(script, []byte(pictureStudy), 0o644); err != nil {
		t.Fatal(err)
	}
	draw := func(shade uint8) {
		for i := range 4 {
			g := image.NewGray(image.Rect(0, 0, 4, 4))
			g.Pix[i] = shade
			var b bytes.Buffer
			if err := png.Encode(&b, g); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(pictures, fmt.Sprintf("%d.png", i)), b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	run := func(ctx context.Context) string {
		c := exec.CommandContext(ctx, "starsweep", "run", script, "--backend", "cpu", "--dir", dir, "--set", "path="+pictures)
		c.Env = append(os.Environ(), "STARSWEEP_HOME="+home)
		text, _ := c.CombinedOutput()
		return string(text)
	}
	draw(10)
	ctx, kill := context.WithTimeout(t.Context(), 20*time.Second)
	go func() {
		for ctx.Err() == nil {
			if v, err := results.Open(dir); err == nil {
				begun := len(v.Trials()) == 1 && v.Trials()[0].Epochs > 2
				v.Close()
				if begun {
					kill()
				}
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	run(ctx)
	draw(200)
	if got, want := run(t.Context()), "the images are not those of the first"; !strings.Contains(got, want) {
		t.Errorf("got\n%s\nwant %q in it", got, want)
	}
}
