package train

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
)

func TestSamplesDependOnSeedAndPlaceOnly(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *Backend) {
		r := start(t, b, tiny.job(t), blobs(20, 8, 8), 1)
		epoch(t, r)
		sample := func(from, to int) []float32 {
			t.Helper()
			x, err := r.Sample(from, to)
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
		all := sample(0, 20)
		for from := range 20 { // batches have 8
			for to := from; to <= 20; to++ {
				if !slices.Equal(sample(from, to), all[from*64:to*64]) {
					t.Errorf("samples %d to %d depend on what else is asked for", from, to)
				}
			}
		}
		if fmt.Sprint(all[:64]) == fmt.Sprint(all[8*64:9*64]) {
			t.Error("two batches have the same latents")
		}
		before := state(t, r)
		sample(0, 20)
		same(t, "before and after sampling", before, state(t, r))
	})
}

// The latents that a run names are those of its samples: here the samples are the latents.
func TestARunSaysWhatItsSamplesAreGiven(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *Backend) {
		job := tiny.job(t)
		players := []model.Player{{Name: "net", Steps: 1, Optimizer: adam(.1), Loss: func(t *model.Trace) (node, error) {
			return expr.Mean(t.Weight("net/dense1", "kernel", tiny.image.As(tiny.dtype), model.Constant(1)), "hwc"), nil
		}}}
		own := build(t, job.Program.Config, players, func(t *model.Trace) (node, error) { return tiny.z(t), nil })
		r := start(t, b, own, blobs(20, 8, 8), 5)
		const n = 11
		from := own.Program.Config.SampleBatch - 2
		want, err := r.Sample(from, from+n)
		if err != nil {
			t.Fatal(err)
		}
		given, err := r.Given(from, from+n)
		if err != nil || len(given) != 1 || len(given[0]) != n*tiny.latent {
			t.Fatalf("got %d tensors, %v, want one of %d latents", len(given), err, n)
		}
		for i, v := range given[0] {
			if float32(v) != want[i] {
				t.Fatalf("latent %d: got %v, want %v", i, v, want[i])
			}
		}
		shifted := start(t, b, build(t, own.Program.Config, players, func(t *model.Trace) (node, error) {
			return expr.Add(tiny.z(t), t.Given("shift", "", t.Normal("network", expr.Of(tiny.dtype, "")))), nil
		}), blobs(20, 8, 8), 5)
		if _, err := shifted.Given(0, n); err == nil || !strings.Contains(err.Error(), "shift is drawn once for a batch of samples") {
			t.Errorf("got %v", err)
		}
	})
}

func TestASnapshotStaysWhileTheRunGoesOn(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *Backend) {
		r := start(t, b, tiny.job(t), blobs(20, 8, 8), 3)
		epoch(t, r)
		saved := state(t, r)
		snapshot, err := r.Snapshot(saved)
		if err != nil {
			t.Fatal(err)
		}
		defer snapshot.Close()
		want, err := r.Sample(8, 28)
		if err != nil {
			t.Fatal(err)
		}
		trained := make(chan error)
		go func() {
			_, err := r.Epoch(t.Context())
			trained <- err
		}()
		for range 3 {
			if got, err := snapshot.Sample(8, 28); err != nil || !slices.Equal(got, want) {
				t.Errorf("the snapshot changed: %v", err)
			}
		}
		if err := <-trained; err != nil {
			t.Fatal(err)
		}
		same(t, "the snapshot's state", state(t, snapshot), saved)
		if moved, err := r.Sample(8, 28); err != nil || slices.Equal(moved, want) {
			t.Errorf("the run did not move: %v", err)
		}
		if _, err := snapshot.Epoch(t.Context()); err == nil || !strings.Contains(err.Error(), "it is a snapshot") {
			t.Errorf("a snapshot trained: %v", err)
		}
		if _, err := r.Snapshot(saved[1:]); err == nil || !strings.Contains(err.Error(), "lacks "+saved[0].Name) {
			t.Errorf("got %v, want what the state lacks", err)
		}
	})
}

func TestARestoredTrialIsSampledWithoutItsImages(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *Backend) {
		job, images := tiny.job(t), blobs(20, 8, 8)
		r := start(t, b, job, images, 3)
		first := epoch(t, r)
		saved := state(t, r)
		want, err := r.Sample(8, 28)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Compile(b, job.Program)
		if err != nil {
			t.Fatal(err)
		}
		restored, err := c.Restore(b.Device(), job, 3, saved, 1, first.Images)
		if err != nil {
			t.Fatal(err)
		}
		defer restored.Close()
		if got, err := restored.Sample(8, 28); err != nil || !slices.Equal(got, want) {
			t.Errorf("the restored trial draws other samples: %v", err)
		}
		if _, err := restored.Epoch(t.Context()); err == nil || !strings.Contains(err.Error(), "it is a snapshot") {
			t.Errorf("a restored trial trained: %v", err)
		}
		for _, bad := range []struct {
			state  []Tensor
			images int
			want   string
		}{{saved[1:], first.Images, "the state lacks"}, {saved, 0, "epochs of 0 images"}} {
			if _, err := c.Restore(b.Device(), job, 3, bad.state, 1, bad.images); err == nil || !strings.Contains(err.Error(), bad.want) {
				t.Errorf("got %v, want an error with %q", err, bad.want)
			}
		}
	})
}

func TestATestIsTheMeanOverEveryImage(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *Backend) {
		r := start(t, b, classifier(t, 8), ring(100), 1)
		for range 10 {
			epoch(t, r)
		}
		before := state(t, r)
		images := ring(2*model.TestBatch + 3)
		want := map[string]float64{}
		point := make([]float32, 2)
		for i := range images.N {
			images.Batch(point, []int32{int32(i)})
			want["first"] += float64(point[0]) / float64(images.N)
			want["label"] += float64(images.Labels[i]) / float64(images.N)
		}
		for range 2 {
			got, err := r.Test(context.Background(), images)
			if err != nil || len(got) != 3 {
				t.Fatalf("got %v, %v; want 3 tests", got, err)
			}
			for _, v := range got {
				if w, known := want[v.Name]; known && math.Abs(v.V-w) > 1e-5 {
					t.Errorf("%s: got %g, want %g", v.Name, v.V, w)
				}
				if v.Name == "loss" && !(0 < v.V && v.V < .5) {
					t.Errorf("the loss on the test images is %g, want what a trained network has", v.V)
				}
			}
		}
		same(t, "before and after the tests", before, state(t, r))
		images.Labels = nil
		if _, err := r.Test(context.Background(), images); err == nil || !strings.Contains(err.Error(), "got 0 labels") {
			t.Errorf("without labels: got %v, want an error that says so", err)
		}
	})
}
