package starlib_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
)

// toy is a small study of points in the plane that uses every part of a study.
const toy = `"""A toy."""
load("@std//losses.star", "hinge", "wasserstein_gp")
load("@std//mlp.star", "mlp")

def trial(p):
    return gan(
        data          = ring(),
        generator     = mlp([p.width], 2),
        discriminator = mlp([p.width], 1),
        latent        = normal(2),
        loss          = wasserstein_gp(weight = p.weight) if p.gp else hinge(),
        optimizer     = adam(lr = p.lr),
        batch         = p.batch,
        epochs        = p.epochs,
    )

main = study(
    trial    = trial,
    space    = {
        "gp":     choice(True, False),
        "lr":     log_uniform(1e-4, 1e-1),
        "weight": uniform(1, 10),
        "batch":  integers(4, 8),
    },
    search   = random(trials = 40, seed = 7),
    seeds    = [3, 5],
    settings = {"epochs": 3, "width": 4},
    profiles = {
        "smoke": {"epochs": 1, "seeds": 1, "search": grid(),
                  "space": {"lr": choice(1e-3), "weight": choice(2), "batch": choice(4)}},
    },
)
`

func TestAProfileOverridesSettingsSpaceSeedsAndSearch(t *testing.T) {
	s := load(t, toy)
	smoke, err := s.With("smoke", []string{"width=6", "gp=true", "weight=3"})
	if err != nil {
		t.Fatal(err)
	}
	points, err := listed(smoke)
	if err != nil || len(points) != 1 || points[0].String() != "gp=True lr=0.001 weight=3.0 batch=4" {
		t.Errorf("got the points %v, %v; want one, pinned", points, err)
	}
	if got := smoke.Settings.String(); got != "epochs=1 width=6" {
		t.Errorf("got the settings %s", got)
	}
	if !reflect.DeepEqual(smoke.Seeds, []uint32{0}) || !reflect.DeepEqual(s.Seeds, []uint32{3, 5}) {
		t.Errorf("got the seeds %v and %v", smoke.Seeds, s.Seeds)
	}
	if got := s.Settings.String(); got != "epochs=3 width=4" || s.Search.Kind != spec.Random {
		t.Errorf("the study changed: %s, %s", got, s.Search.Kind)
	}
}

// tricky is a study whose programs depend on p in ways that are easy to miss. %s is the body of a network.
const tricky = `
load("@std//losses.star", "hinge", "least_squares", "wasserstein_gp")
load("@std//mlp.star", "mlp")

def trial(p):
    pick = wasserstein_gp(weight = p.x) if p.flag else least_squares()
    glue = ("-" * p.n).join
    data = images("x", size = 8, channels = 1, labels = p.n)
    widths = {"a": [2, p.n], "b": struct(n = p.n)}
    scale = p.x * 2
    def D(x):
        %s
    return gan(data = ring(), generator = mlp([3], 2), discriminator = D, latent = normal(2), loss = hinge(),
        optimizer = adam(lr = p.lr, betas = (p.x / 10, 0.9), clip_norm = 1.0 if p.flag else None, ema = 0.9 if p.flag else None),
        batch = 4, epochs = p.n)

main = study(trial = trial, space = {"n": choice(1, 2), "x": choice(0.5, 1.5), "lr": choice(0.1, 0.2), "flag": choice(False, True),
    "name": choice("u", "v")})
`

var bodies = map[string]string{
	"plain":           "return nn.dense(x, 1)",
	"captured number": "return scale * nn.dense(x, 1)",
	"captured list":   "return nn.dense(nn.dense(x, widths['a'][1]), 1)",
	"captured struct": "return nn.dense(nn.dense(x, widths['b'].n), 1)",
	"p itself":        "return nn.dense(nn.dense(x, p.n), 1) * p.x",
	"p in a branch":   "return nn.dense(x, 1) * (p.x if p.n == 1 else p.lr)",
	"p as text":       "return nn.dense(x, len(str(p)))",
	"p by name":       "return nn.dense(x, 1) * getattr(p, 'x')",
	"a string":        "return nn.dense(x, 1 if p.name == 'u' else 2)",
	"a loss inside":   "return pick.critic(lambda h: nn.dense(h, 1), lambda z: x, x, x) * nn.dense(x, 1)",
	"a bound method":  "return nn.dense(x, len(glue(['a', 'b', 'c'])))",
	"labels of data":  "return nn.dense(x, data.classes)",
	"a lambda":        "return (lambda h, k = scale: h * k)(nn.dense(x, 1))",
	"a schedule":      "return nn.dense(x, 1) * linear(p.x, 0, epochs = p.n)",
}

// A study that shares traced programs returns the jobs that it would return without sharing.
func TestSharedProgramsAreTheOnesThatEachTrialWouldHave(t *testing.T) {
	sources := map[string]string{"toy": toy}
	for name, body := range bodies {
		sources[name] = fmt.Sprintf(tricky, body)
	}
	for name, source := range sources {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shared := load(t, source)
			points, err := listed(shared)
			if err != nil {
				t.Fatal(err)
			}
			rand.New(rand.NewPCG(1, 2)).Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
			for i, p := range points {
				got, err := shared.Job(context.Background(), p)
				if err != nil {
					t.Fatalf("%s: %v", p, err)
				}
				if testing.Short() && i%4 != 3 {
					continue
				}
				want, err := load(t, source).Job(context.Background(), p)
				if err != nil {
					t.Fatal(err)
				}
				if got.Configuration(got.Unread()) != want.Configuration(want.Unread()) {
					t.Errorf("%s: got another job than without sharing: %s, %v; want %s, %v", p, got.Program.Fingerprint(), got.Reals,
						want.Program.Fingerprint(), want.Reals)
				}
			}
		})
	}
}

func TestJobIsSafeForConcurrentUse(t *testing.T) {
	s := load(t, toy)
	points, err := listed(s)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, len(points))
	var wg sync.WaitGroup
	for i, p := range points {
		wg.Go(func() {
			job, err := s.Job(context.Background(), p)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = job.Configuration(job.Unread())
		})
	}
	wg.Wait()
	alone := load(t, toy)
	for i, p := range points {
		job, err := alone.Job(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		if ids[i] != job.Configuration(job.Unread()) {
			t.Errorf("%s: got another job concurrently than alone", p)
		}
	}
}

// Trials that differ only in real numbers have one program.
func TestRealNumbersDoNotShapePrograms(t *testing.T) {
	s := load(t, toy)
	prints := map[string]bool{}
	points, err := listed(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range points {
		p = append(spec.Point{}, p...)
		p[3].Value = spec.IntValue(4) // batch
		job, err := s.Job(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		prints[job.Program.Fingerprint()] = true
	}
	if len(prints) != 2 {
		t.Errorf("got %d programs of hinge and WGAN-GP, want 2", len(prints))
	}
}
