package starlib_test

import (
	"context"
	"testing"

	"github.com/starsweep/starsweep/starlib"
)

// design is the script that the project set out to run, without the metrics that are to come.
const design = `"""NS-GAN against WGAN-GP on MNIST over learning rate, latent size and batch size (Westberg, ch. 4)."""
load("@std//dcgan.star", "generator32", "discriminator32")
load("@std//losses.star", "non_saturating", "wasserstein_gp")

def trial(p):
    wgan = p.loss == "wgan-gp"
    betas = (0.0, 0.9) if wgan else (0.5, 0.999)
    return gan(
        data          = mnist(size = 32),
        generator     = generator32(channels = 1),
        discriminator = discriminator32(norm = not wgan),
        latent        = normal(p.latent),
        loss          = wasserstein_gp(weight = 10.0) if wgan else non_saturating(),
        noise         = None if wgan else instance_noise(linear(0.5, 0.01, epochs = 10)),
        optimizer     = adam(lr = p.lr, betas = betas),        # or one per player
        batch         = p.batch,
        epochs        = 30,
        d_steps       = 1,
        evaluate      = evaluate(every = 5, samples = 10000),
    )

main = study(
    trial      = trial,
    space      = {
        "loss":   choice("ns-gan", "wgan-gp"),
        "lr":     choice(1e-2, 1e-3, 1e-4, 1e-5),
        "latent": choice(16, 32, 64, 128),
        "batch":  choice(32, 64, 128, 256),
    },
    search     = grid(),
    seeds      = 3,
    objectives = {"fid": "min", "precision": "max", "recall": "max"},
    profiles   = {"smoke": {"seeds": 1}},
)
`

func load(t testing.TB, source string) *starlib.Study {
	t.Helper()
	s, err := starlib.Loader{}.Load(context.Background(), "study.star", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheScriptOfTheDesignBecomesPrograms(t *testing.T) {
	s := load(t, design)
	points, err := s.Points()
	if err != nil || len(points) != 128 {
		t.Fatalf("got %d points, %v; want 128", len(points), err)
	}
	prints := map[string]bool{}
	for _, p := range points {
		job, err := s.Job(context.Background(), p)
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		prints[job.Program.Fingerprint()] = true
	}
	if len(prints) != 32 { // 2 losses, 4 latent sizes, 4 batches; the learning rate is an input
		t.Errorf("got %d programs, want 32", len(prints))
	}
	if w := s.Warnings(); len(w) > 0 {
		t.Errorf("got warnings %q, want none", w)
	}
}
