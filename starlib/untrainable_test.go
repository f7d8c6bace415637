package starlib_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib"
)

// declared is a trial with arguments to fill in.
const declared = `
load("@std//losses.star", "hinge", "wasserstein")
load("@std//mlp.star", "image_mlp", "mlp")

def trial(p):
    return gan(generator = mlp([4], 2), discriminator = mlp([4], 1), latent = normal(2), %s)

main = study(trial = trial)
`

// What a run would refuse, or what would go wrong during training, is refused before; what has no effect is noted.
func TestWhatCannotTrainAsDeclaredIsRefused(t *testing.T) {
	const at = "study.star:6:15: "
	l := starlib.Loader{Catalogue: catalogue, Images: func(d spec.Data) (int, bool) { return 1000, d.Path == "" }}
	for _, c := range []struct{ arguments, want string }{
		{`data = ring(), loss = hinge(), optimizer = adam(1e-3), batch = 1000, epochs = 1`, ""},
		{`data = ring(), loss = hinge(), optimizer = adam(1e-3), batch = 501, d_steps = 2, epochs = 1`,
			"data: got 1000 images, want at least the 1002 of one iteration (2 x 501): lower batch, or take more images"},
		{`data = ring(), loss = hinge(), optimizer = adam(linear(1e-3, -1, epochs = 4)), batch = 8, epochs = 4`,
			"the lr of the discriminator: got linear(0.001, -1.0, 4.0, epochs), which is -0.001 in epoch 1, want a finite number of 0 or more\n" +
				at + "the lr of the generator: got linear(0.001, -1.0, 4.0, epochs), which is -0.001 in epoch 1, want a finite number of 0 or more"},
		{`data = ring(), loss = hinge(), optimizer = adam(1e-3 - 2 * linear(0, 1e-3, steps = 500)), batch = 8, epochs = 4`,
			"the lr of the discriminator: got sum(0.001, product(-1.0, product(linear(0.0, 0.001, 500.0, steps), 2.0))), " +
				"which is -8e-06 in epoch 3, want a finite number of 0 or more"},
		{`data = ring(), loss = hinge(), optimizer = adam(1e-3 - 2 * linear(0, 1e-3, steps = 500)), batch = 8, epochs = 2`, ""},
		{`data = ring(), loss = hinge(), optimizer = {"discriminator": adam(1e-3, betas = (linear(0.5, 1, epochs = 1), 0.9)),
			"generator": adam(1e-3)}, batch = 8, epochs = 2`,
			"the beta1 of the discriminator: got linear(0.5, 1.0, 1.0, epochs), which is 1 in epoch 2, want a number from 0 to below 1"},
		{`data = ring(), loss = wasserstein(clip = linear(0.1, 0, epochs = 1)), optimizer = adam(1e-3), batch = 8, epochs = 2`,
			"the clip of the discriminator: got linear(0.1, 0.0, 1.0, epochs), which is 0 in epoch 2, want a finite number above 0"},
		{`data = ring(), loss = hinge(), optimizer = adam(1e-3), batch = 8, epochs = 2,
			evaluate = evaluate(metrics = [fid()], samples = 1001)`,
			`evaluate: got 1001 samples, and their test split has only 1000 images to compare with: ` +
				`want fewer samples, or another split: real = "train" or "test"`},
		{`data = ring(limit = 100), loss = hinge(), optimizer = adam(1e-3), batch = 8, epochs = 2,
			evaluate = evaluate(metrics = [fid()], samples = 101, real = "train")`,
			`evaluate: got 101 samples, and the trial's data have only 100 images to compare with: ` +
				`want fewer samples, or another split: real = "train" or "test"`},
	} {
		s, err := l.Load(context.Background(), "study.star", fmt.Appendf(nil, declared, c.arguments))
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Job(context.Background(), nil)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), at+c.want)) {
			t.Errorf("%s: got %v\nwant %s", c.arguments, err, c.want)
		}
	}
}

// The network of MNIST takes one channel; that of CIFAR-10 repeats grey.
func TestAnExtractorOfOtherChannelsIsRefused(t *testing.T) {
	s := load(t, `
load("@std//losses.star", "hinge")
load("@std//mlp.star", "image_mlp", "mlp")

def trial(p):
    return gan(data = cifar10(), generator = image_mlp([4], 32, 3), discriminator = lambda x: nn.dense(flatten(x), 1), latent = normal(2),
        loss = hinge(), optimizer = adam(1e-3), batch = 8, epochs = 1,
        evaluate = evaluate(metrics = [fid()], features = extractor("small-mnist")))

main = study(trial = trial)
`)
	want := "study.star:6:15: gan: for parameter evaluate: features: got small-mnist, whose images have 1 channels, for images of 3: " +
		"want small(), which chooses by them, or another extractor"
	if _, err := s.Job(context.Background(), nil); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// The number of images in a folder is not known, but it is at most the limit.
func TestALimitIsKnownBeforeAFolderIsOpened(t *testing.T) {
	s := load(t, `
load("@std//losses.star", "hinge")
load("@std//mlp.star", "image_mlp", "mlp")

def trial(p):
    return gan(data = images("x", size = 4, channels = 1, limit = 10), generator = image_mlp([4], 4),
        discriminator = lambda x: nn.dense(flatten(x), 1), latent = normal(2), loss = hinge(), optimizer = adam(1e-3),
        batch = 16, epochs = 1)

main = study(trial = trial)
`)
	if _, err := s.Job(context.Background(), nil); err == nil || !strings.Contains(err.Error(), "data: got 10 images, want at least the 16") {
		t.Errorf("got %v, want too few images", err)
	}
}

func TestWhatDoesNothingIsNoted(t *testing.T) {
	for _, c := range []struct {
		arguments string
		want      []string
	}{
		{`evaluate = evaluate(every = 3)`, []string{"evaluate: got every = 3 of 2 epochs: only the last is evaluated"}},
		{`evaluate = evaluate(every = 2, samples = 64, metrics = [precision_recall()], collapse = collapse(evaluations = 3))`, []string{
			"collapse: got evaluations = 3 of 1: no trial counts as collapsed"}},
		{`evaluate = evaluate(every = 2, samples = 64, metrics = [precision_recall()])`, nil},
		{`evaluate = evaluate(every = 1, samples = 64, metrics = [precision_recall()], collapse = collapse(few = 0.9))`, nil},
		{`evaluate = evaluate(features = pixels())`, []string{"evaluate: got features or real without metrics: only metrics use them"}},
		{`noise = instance_noise(0.1)`, nil},
		{`watch = {"g": lambda x, z: mean(grad(mean(x), z))}`, []string{
			"grad: y does not depend on x here, or only through stop_gradient and functions without a derivative, so it is 0 everywhere"}},
		{`epochs = 5, optimizer = adam(cosine(1e-3, 0, epochs = 5))`, nil},
		{`optimizer = adam(cosine(1e-3, 0, epochs = 3) * warmup(epochs = 1))`, []string{
			"the lr of the discriminator: cosine(0.001, 0.0, 3.0, epochs) is not complete when training ends, after 2 epochs",
			"the lr of the generator: cosine(0.001, 0.0, 3.0, epochs) is not complete when training ends, after 2 epochs"}},
		{`optimizer = adam(piecewise([1e-3, 1e-4], epochs = [2.5]))`, []string{
			"the lr of the discriminator: piecewise(0.001, 2.5, 0.0001, epochs) is not complete when training ends, after 2 epochs",
			"the lr of the generator: piecewise(0.001, 2.5, 0.0001, epochs) is not complete when training ends, after 2 epochs"}},
	} {
		arguments := c.arguments
		for name, standard := range map[string]string{"epochs": "2", "optimizer": "adam(1e-3)"} {
			if !strings.Contains(arguments, name+" = adam") && !strings.HasPrefix(arguments, name+" = ") {
				arguments += ", " + name + " = " + standard
			}
		}
		s := load(t, fmt.Sprintf(declared, "data = ring(), loss = hinge(), batch = 8, "+arguments))
		jobs(t, s)
		var got []string
		for _, w := range s.Warnings() {
			_, msg, _ := strings.Cut(w, ": ")
			got = append(got, msg)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.arguments, got, c.want)
		}
	}
}
