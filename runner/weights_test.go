package runner_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/starsweep/starsweep/internal/require"
	"github.com/starsweep/starsweep/results"
)

// compared ends a block of docs/weights.md.
const compared = `
import numpy
images = numpy.asarray(images)
if images.shape[1] == 1:
    images = images.transpose(0, 2, 3, 1)  # PyTorch's layout
want = numpy.asarray(samples["images"])
assert images.shape == want.shape and want.std() > 0.01, (images.shape, want.shape, want.std())
assert abs(images - want).max() <= 1e-4, abs(images - want).max()
`

// page runs the block of docs/weights.md that begins with the comment name, beside samples and weights of a generator32, and compares
// its images with the samples.
func page(t *testing.T, python, name string, env ...string) {
	t.Helper()
	text, err := os.ReadFile("../docs/weights.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```python\n# " + name + "\n(.*?)```").FindSubmatch(text)
	if block == nil {
		t.Fatalf("docs/weights.md has no block # %s", name)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "averaged.star"), []byte(averaged), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(folder, "study")
	run := func(args ...string) {
		t.Helper()
		if code, text := command(t, folder, args...); code != 0 {
			t.Fatalf("%v: exit code %d\n%s", args, code, text)
		}
	}
	run("run", filepath.Join(folder, "averaged.star"), "--backend", "cpu", "--dir", dir, "--keep", "all")
	v, err := results.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	trial := v.Trials()[0].ID
	run("sample", dir, trial, "--n", "70", "--out", filepath.Join(folder, "samples.safetensors"), "--backend", "cpu")
	run("export", dir, "--to", "onnx", "--trial", trial, "--out", filepath.Join(folder, "generator.onnx"))
	if err := os.Rename(filepath.Join(dir, "checkpoints", trial+".safetensors"), filepath.Join(folder, "weights.safetensors")); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(python, "-c", string(block[1])+compared)
	c.Dir, c.Env = folder, append(os.Environ(), env...)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestONNXRuntimeRunsTheModelOfThePageOnWeights(t *testing.T) {
	page(t, require.Tool(t, "STARSWEEP_PYTHON_ONNX", "onnx"), "onnx")
}

func TestKerasLoadsKeptWeights(t *testing.T) {
	page(t, require.Tool(t, "STARSWEEP_PYTHON_ONNX", "onnx"), "keras", "KERAS_BACKEND=jax")
}

// PyTorch takes gigabytes, so make agreement has it and make test-all does not.
func TestPyTorchLoadsKeptWeights(t *testing.T) {
	page(t, require.Option(t, "STARSWEEP_PYTHON_TORCH", "make agreement does"), "pytorch")
}
