package feature

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/safetensors"

	"github.com/starsweep/starsweep/engine/metric"
)

func TestInceptionHasThePublishedNumberOfParameters(t *testing.T) {
	layers, shapes := inceptionKernels()
	// Keras's summary of InceptionV3(include_top=False): 21,768,352 trainable parameters, kernels and one beta a filter; as
	// many remain when batch norms are folded.
	n := 0
	for _, s := range shapes {
		n += product(s) + s[3]
	}
	if len(layers) != 94 || n != 21_768_352 {
		t.Errorf("got %d layers with %d parameters, want 94 with 21768352", len(layers), n)
	}
}

func TestInceptionHasTheStoredNumbersOfPytorchFIDTorchFidelityAndKeras(t *testing.T) {
	if testing.Short() {
		t.Skip("24 million weights, three networks")
	}
	file, err := os.ReadFile("testdata/inception.safetensors") // bench/features/stored.py makes it
	if err != nil {
		t.Fatal(err)
	}
	stored, _, err := safetensors.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	st := Store{t.TempDir()}
	fid, keras := filepath.Join(st.Dir, "fid.safetensors"), filepath.Join(st.Dir, "keras.safetensors")
	writeWeights(t, fid, plantedFID())
	writeWeights(t, keras, plantedKeras())
	for _, path := range []string{fid, keras} {
		if _, err := st.Add(path); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]metric.Features{}
	for _, name := range []string{"inception", "inception-ttur", "inception-keras"} {
		e := opened(t, name, st)
		e.batch = 2
		f, l, err := e.Extract(context.Background(), plantedImages(), 2, 32, 32, 3)
		if err != nil {
			t.Fatal(err)
		}
		if f.D != inceptionFeatures || l.D != e.Logits {
			t.Errorf("%s: got %d features and %d logits", name, f.D, l.D)
		}
		got[name+"/planted/features"], got[name+"/planted/logits"] = f, l
	}
	if len(stored) != len(got) {
		t.Errorf("got %d matrices, want %d", len(got), len(stored))
	}
	for _, s := range stored {
		want, err := safetensors.Values[float32](s)
		if err != nil {
			t.Fatal(err)
		}
		n, first := s.Shape[1], []float32{}
		for i := range s.Shape[0] {
			first = append(first, got[s.Name].X[i*got[s.Name].D:][:n]...)
		}
		if d := difference(first, want); d > 1e-4 {
			t.Errorf("%s: relative difference %.2g, want at most 1e-4", s.Name, d)
		}
	}
}

func TestErrorsOfFilesOfInceptionNameTheTensors(t *testing.T) {
	if testing.Short() {
		t.Skip("24 million weights, six times")
	}
	fid, keras := plantedFID(), plantedKeras()
	kernel := "Mixed_6c.branch7x7_2.conv.weight" // [160 160 1 7]
	for _, c := range []struct {
		what    string
		weights weights
		want    string
	}{
		{"a kernel is missing", without(fid, kernel), kernel + " is missing"},
		{"a kernel of another shape", with(fid, kernel, planted(kernel, 160, 160, 7, 1)),
			"Mixed_6c.branch7x7_2/kernel: got [7 1 160 160], want [1 7 160 160]"},
		{"a statistic is missing", without(fid, "Mixed_7c.branch_pool.bn.running_var"),
			"Mixed_7c.branch_pool.bn.running_var is missing: want [192]"},
		{"a statistic of another shape", with(fid, "Conv2d_1a_3x3.bn.bias", planted("", 31)), "Conv2d_1a_3x3.bn.bias: got [31], want [32]"},
		{"torchvision's weights", with(fid, "fc.weight", planted("fc.weight", 1000, 2048)), "torchvision's network with ImageNet's weights"},
		{"Keras: a layer is missing", without(keras, "conv2d_7/conv2d_7/kernel:0"), "got 93 convolutions and 94 batch norms, want 94 of each"},
		{"Keras: a statistic is missing", without(keras, "batch_normalization_94/batch_normalization_94/moving_mean:0"),
			"Mixed_7c.branch_pool: batch_normalization_94/moving_mean is missing: want [192]"},
		{"Keras: another network", with(keras, "conv2d_5/conv2d_5/kernel:0", planted("", 1, 1, 64, 80)), "Conv2d_4a_3x3"},
	} {
		_, _, err := c.weights.recognize()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.what, err, c.want)
		}
	}
	if _, err := convertKeras(without(without(keras, "predictions/predictions/kernel:0"), "predictions/predictions/bias:0")); err != nil {
		t.Errorf("Keras's file without the top: %v", err)
	}
}

// difference is the largest difference of an element, relative to the larger of it and the mean magnitude.
func difference(got, want []float32) (worst float64) {
	if len(got) != len(want) || len(want) == 0 {
		return math.Inf(1)
	}
	mean := 0.
	for _, w := range want {
		mean += math.Abs(float64(w)) / float64(len(want))
	}
	for i, w := range want {
		d := math.Abs(float64(got[i])-float64(w)) / max(mean, math.Abs(float64(w)))
		if !(d <= worst) { // a NaN too
			worst = d
		}
	}
	return worst
}

func writeWeights(t *testing.T, path string, w weights) {
	t.Helper()
	var tensors []safetensors.Tensor
	for name, x := range w {
		tensors = append(tensors, safetensors.New(name, x.shape, x.data))
	}
	slices.SortFunc(tensors, func(a, b safetensors.Tensor) int { return strings.Compare(a.Name, b.Name) })
	writeTensors(t, path, tensors)
}

func writeTensors(t *testing.T, path string, tensors []safetensors.Tensor) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := safetensors.Write(f, tensors, nil); err != nil {
		t.Fatal(err)
	}
}
