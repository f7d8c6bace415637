package runner_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/require"
	"github.com/starsweep/starsweep/results"
)

// generators is a study of one trial for each kind of generator: those of @std, and two that use everything else that layers and
// functions make, conditional and with noise, schedules and averages.
const generators = `
load("@std//dcgan.star", "dcgan", "generator32", "generator_ct")
load("@std//mlp.star", "image_mlp", "mlp")
load("@std//losses.star", "least_squares")

def block(h, filters, y):
    skip = nn.conv(nn.resize(h, size = 2 * h.h), filters, kernel = 1, bias = False)
    h = nn.conv(nn.resize(relu(nn.batch_norm(h)), size = 2 * h.h, method = "bilinear"), filters, kernel = 3, spectral_norm = True)
    gain = nn.dense(one_hot(y, 10), filters + 1)
    return skip + (1 + slice(flip(gain, "c"), "c", 0, filters)) * nn.group_norm(h, groups = 2)

def resnet(z, y):
    h = reshape(nn.dense(concat([z, nn.embedding(y, 10, 3)]), 64, spectral_norm = True), h = 4, w = 4, c = 4)
    h = block(block(h, 6, y), 4, y)
    h = nn.layer_norm(nn.avg_pool(nn.max_pool(nn.prelu(h), 2, stride = 1, padding = "same"), 3, stride = 1, padding = "same"))
    h = leaky_relu(h + 0.1 * normal(like = h), real(linear(0.1, 0.3, epochs = 4), name = "slope"))
    return tanh(nn.conv(h, 1, kernel = 3) + uniform(per_example = True))

def odds(z):
    h = nn.instance_norm(reshape(nn.dense(z, 4 * 8 * 8), h = 8, w = 8, c = 4))
    h = where(less(h, 0.2), softplus(h), log1p(square(h))) + minimum(sin(h), cos(h)) * sign(h) - floor(h) / sqrt(1 + square(h))
    h = clamp(maximum(h, power(1 + square(h), 0.5) * rsqrt(2 + square(h))), -2.0, 2.0) + elu(h) * swish(h) * gelu(h) + selu(sigmoid(h))
    h = nn.conv_transpose(h, 3, kernel = 3, stride = 2, padding = 1, output_padding = 1) + log_sigmoid(mean(h, "hwc"))
    h = h * (equal(floor(h), 0) + exp(-square(h))) + nn.global_avg_pool(h)
    return tanh(nn.conv(h, 1, kernel = (2, 3), padding = "same"))

NETS = {
    "generator32": (generator32(width = 2), 32), "generator_ct": (generator_ct(size = 16, width = 2), 16),
    "dcgan": (dcgan(16, channels = 1, width = 2).generator, 16), "image_mlp": (image_mlp([8], 16), 16),
    "resnet": (resnet, 16), "odds": (odds, 16),
}

def trial(p):
    net, size = NETS[p.net]
    return gan(data = mnist(size = size, subset = True, limit = 64), generator = net, discriminator = mlp([4], 1),
               latent = uniform(5) if p.net == "odds" else normal(5), loss = least_squares(),
               optimizer = adam(lr = 1e-2, ema = 0.9 if p.net == "dcgan" else None), batch = 16, epochs = 2,
               evaluate = evaluate(every = 2, samples = 60, metrics = [fid()], features = pixels()))

main = study(trial = trial, space = {"net": choice(*NETS.keys())}, seeds = [3])
`

// TestONNXRuntimeDrawsTheSamplesOfSample exports generators and gives ONNX Runtime the latents of the command sample: examples and
// networks of @std, for more samples than the program makes at a time. The checker of ONNX accepts the files.
func TestONNXRuntimeDrawsTheSamplesOfSample(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: trains generators")
	}
	python := require.Tool(t, "STARSWEEP_PYTHON_ONNX", "onnx")
	folder, script := t.TempDir(), filepath.Join(t.TempDir(), "generators.star")
	if err := os.WriteFile(script, []byte(generators), 0o644); err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, path := range []string{script, "../examples/quickstart.star", "../examples/mnist_grid.star", "../examples/ring.star",
		"../examples/straight_critic.star"} {
		dir, args := filepath.Join(t.TempDir(), "study"), []string{"run", path, "--backend", "cpu", "--keep", "all"}
		if path != script {
			args = append(args, "--profile", "smoke")
		}
		if code, text := command(t, t.TempDir(), append(args, "--dir", dir)...); code != 0 {
			t.Fatalf("%s: exit code %d\n%s", path, code, text)
		}
		want += exportAll(t, dir, folder)
	}
	out, err := exec.Command(python, "../engine/onnx/testdata/run.py", folder).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range bytes.Lines(out) {
		var r struct {
			Name, Error string
			Difference  float64
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if want--; r.Error != "" || !(r.Difference <= 1e-4) {
			t.Errorf("%s: off by %g %s", r.Name, r.Difference, r.Error)
		}
	}
	if want != 0 {
		t.Errorf("%d models were not run", want)
	}
}

// exportAll writes samples and models of the trials of a study, and returns their number.
func exportAll(t *testing.T, dir, folder string) (n int) {
	t.Helper()
	v, err := results.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for _, trial := range v.Trials() {
		to := filepath.Join(folder, v.Meta().Study+"-"+strings.ReplaceAll(v.Meta().Label(trial.Point, trial.Seed), "/", "-"))
		for _, args := range [][]string{{"sample", dir, trial.ID, "--n", "70", "--out", to + ".safetensors", "--backend", "cpu"},
			{"export", dir, "--to", "onnx", "--trial", trial.ID, "--out", to + ".onnx"}} {
			if code, text := command(t, t.TempDir(), args...); code != 0 {
				t.Fatalf("%v: exit code %d\n%s", args, code, text)
			}
		}
		n++
	}
	return n
}
