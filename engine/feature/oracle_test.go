package feature

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/require"
	"github.com/starsweep/starsweep/internal/safetensors"
)

// TestInceptionAgreesWithPytorchFIDTorchFidelityAndKeras compares features of real images for the same random weights, in every form
// of file.
func TestInceptionAgreesWithPytorchFIDTorchFidelityAndKeras(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: three networks of 24 million weights")
	}
	python := require.Option(t, "STARSWEEP_PYTHON_FEATURES", "make agreement sets it")
	dir, images := t.TempDir(), realImages(t)
	var tensors []safetensors.Tensor
	for name, x := range images {
		tensors = append(tensors, safetensors.New(name, []int{x.N, x.H, x.W, x.C}, x.U8))
	}
	writeTensors(t, filepath.Join(dir, "images.safetensors"), tensors)
	if out, err := exec.Command(python, "../../bench/features/oracle.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := readTensors(t, filepath.Join(dir, "expected.safetensors"))

	digests := map[string]string{}
	for _, file := range []string{"fid.pth", "fid-old.pth", "fid.safetensors", "keras.h5", "keras-model.h5"} {
		st := Store{Dir: t.TempDir()}
		origin, err := st.Add(filepath.Join(dir, file))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		names := []string{origin.Network}
		if origin.Network == "inception" {
			names = append(names, "inception-ttur")
		}
		for _, name := range names {
			e := opened(t, name, st)
			if d, ok := digests[name]; ok {
				if d != e.Digest {
					t.Errorf("%s: the digest of %s differs from that of the same weights in another form", file, name)
				}
				continue
			}
			digests[name] = e.Digest
			e.batch = 5 // less than 7, so that one batch is not full
			for set, x := range images {
				f, l, err := e.Extract(context.Background(), x.signed(), x.N, x.H, x.W, x.C)
				if err != nil {
					t.Fatal(err)
				}
				for what, got := range map[string]metric.Features{"features": f, "logits": l} {
					key := name + "/" + set + "/" + what
					if d := difference(got.X, want[key]); d > 1e-4 {
						t.Errorf("%s: relative difference %.2g, want at most 1e-4", key, d)
					} else {
						t.Logf("%s: relative difference %.2g", key, d)
					}
				}
			}
		}
	}
	_, err := Store{Dir: t.TempDir()}.Add(filepath.Join(dir, "keras3.weights.h5"))
	if err == nil || !strings.Contains(err.Error(), "have lost their names") {
		t.Errorf("keras3.weights.h5: got %v", err)
	}
}

type images struct {
	N, H, W, C int
	U8         []uint8
}

// signed returns the images in [-1, 1], as in training.
func (x images) signed() []float32 {
	v := make([]float32, len(x.U8))
	for i, u := range x.U8 {
		v[i] = float32(u)/127.5 - 1
	}
	return v
}

// realImages returns 7 images of CIFAR-10 and 7 of MNIST.
func realImages(t *testing.T) map[string]images {
	sets := map[string]images{}
	st := &data.Store{Dir: filepath.Join(require.Shared(t), "data")}
	for _, name := range []string{"cifar10", "mnist12k"} {
		set, err := st.Open(context.Background(), spec.Data{Name: name, Split: "test"})
		if err != nil {
			t.Fatal(err)
		}
		const n = 7
		sets[name] = images{n, set.H, set.W, set.C, set.U8[:n*set.H*set.W*set.C]}
	}
	return sets
}

func readTensors(t *testing.T, path string) map[string][]float32 {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tensors, _, err := safetensors.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]float32{}
	for _, x := range tensors {
		if values[x.Name], err = safetensors.Values[float32](x); err != nil {
			t.Fatal(err)
		}
	}
	return values
}
