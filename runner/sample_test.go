package runner_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
)

const averaged = `
load("@std//dcgan.star", "discriminator32", "generator32")
load("@std//losses.star", "non_saturating")

def trial(p):
    return gan(data = mnist(size = 32, subset = True, limit = 64), generator = generator32(channels = 1, width = 4),
               discriminator = discriminator32(width = 4), latent = normal(4), loss = non_saturating(),
               optimizer = adam(lr = 1e-3, ema = 0.9), batch = 32, epochs = 3,
               evaluate = evaluate(every = 3, sheet = 100, samples = 60, metrics = [fid()], features = small()))

main = study(trial = trial, seeds = [5])
`

// The first samples are those of the sheet of the last epoch: of the same weights, averages if the script keeps them, and of the same
// latents. The batches of 60 samples are another number than what is drawn at a time.
func TestSamplesAreThoseOfTheLastEvaluation(t *testing.T) {
	dir, script := filepath.Join(t.TempDir(), "study"), filepath.Join(t.TempDir(), "averaged.star")
	if err := os.WriteFile(script, []byte(averaged), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, text := command(t, t.TempDir(), "run", script, "--backend", "cpu", "--dir", dir, "--keep", "all"); code != 0 {
		t.Fatalf("exit code %d\n%s", code, text)
	}
	v, err := results.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	var sheet image.Image
	for row, err := range v.Rows(results.Samples) {
		if err != nil || row["epoch"] != int32(3) {
			t.Fatalf("got a sheet of epoch %v, %v, want only that of epoch 3", row["epoch"], err)
		}
		if sheet, err = png.Decode(bytes.NewReader(row["png"].([]byte))); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(t.TempDir(), "samples.zip")
	if code, text := command(t, t.TempDir(), "sample", dir, v.Trials()[0].ID[:3], "--n", "130", "--out", out, "--backend", "cpu"); code != 0 {
		t.Fatalf("exit code %d\n%s", code, text)
	}
	set, err := (&data.Store{}).Open(t.Context(), spec.Data{Name: "images", Path: out, Split: "train", Files: true})
	if err != nil || set.N != 130 {
		t.Fatalf("got %d samples, %v, want 130", set.N, err)
	}
	x, index := make([]float32, 100*32*32), make([]int32, 100)
	for i := range index {
		index[i] = int32(i)
	}
	set.Batch(x, index)
	want, differ := data.Montage(x, 100, 32, 32, 1, 10), 0
	for y := range sheet.Bounds().Dy() {
		for x := range sheet.Bounds().Dx() {
			r, g, b, a := sheet.At(x, y).RGBA()
			if r1, g1, b1, a1 := want.At(x, y).RGBA(); r != r1 || g != g1 || b != b1 || a != a1 {
				differ++
			}
		}
	}
	if sheet.Bounds() != want.Bounds() || differ > 0 {
		t.Errorf("%d pixels of %v differ from the sheet, %v", differ, want.Bounds(), sheet.Bounds())
	}
}
