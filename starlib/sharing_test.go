package starlib_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/starlib"
)

// tanh is a function of tensors and math.tanh one of numbers, and the name of both is tanh.
func TestBuiltinsOfOneNameAreNotOneNetwork(t *testing.T) {
	const script = `
load("@std//losses.star", "hinge")
load("@std//mlp.star", "mlp")

def trial(p):
    f = math.tanh if p.wrong else tanh
    return gan(data = ring(), generator = mlp([4], 2), discriminator = mlp([4], 1, activation = f), latent = normal(2),
        loss = hinge(), optimizer = sgd(lr = 1e-3), batch = 8, epochs = 1)

main = study(trial = trial, space = {"wrong": choice(%s)})
`
	for _, order := range []string{"False, True", "True, False"} {
		s, err := starlib.Loader{Catalogue: catalogue}.Load(context.Background(), "study.star", fmt.Appendf(nil, script, order))
		if err != nil {
			t.Fatal(err)
		}
		points, err := listed(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range points {
			wrong, _ := p.Get("wrong")
			if _, err := s.Job(context.Background(), p); (err != nil) != wrong.Any().(bool) {
				t.Errorf("in the order %s, %v: got the error %v", order, p, err)
			}
		}
	}
}

// All values of a number that decides nothing share one evaluation, one trace and one program, regardless of where it is used.
func TestAPenaltyWeightIsTracedOnce(t *testing.T) {
	const script = `
load("@std//losses.star", "wasserstein_gp")
load("@std//mlp.star", "mlp")

def trial(p):
    return gan(data = ring(), generator = mlp([4], 2), discriminator = mlp([4], 1), latent = normal(2),
        loss = wasserstein_gp(weight = p.weight), optimizer = adam(lr = %s), batch = 8, epochs = 1)

main = study(trial = trial, space = {"weight": %s, "big": choice(False, True)}, search = random(trials = 2000))
`
	for _, c := range []struct {
		lr, weight                 string
		traces, programs, outcomes int
	}{
		{"1e-3", "uniform(0.1, 20)", 1, 1, 1},
		{"1e-3", "integers(1, 1000000)", 1, 1, 1},
		{"p.weight / 1000", "uniform(0.1, 20)", 1, 1, 1},
		{"1e-2 if p.big else 1e-3", "uniform(0.1, 20)", 1, 1, 2},
		{"adam_rate", "uniform(0.1, 20)", 1, 1, 1},
	} {
		lr := strings.ReplaceAll(c.lr, "adam_rate", "linear(p.weight / 1000, 0, epochs = 1)")
		s, err := starlib.Loader{Catalogue: catalogue}.Load(context.Background(), "study.star", fmt.Appendf(nil, script, lr, c.weight))
		if err != nil {
			t.Fatal(err)
		}
		blocks, err := searched(s)
		if err != nil {
			t.Fatal(err)
		}
		points := blocks.Points
		seen := map[string]bool{}
		for i := range points.Len() {
			job, err := s.Job(context.Background(), points.At(i))
			if err != nil {
				t.Fatal(err)
			}
			weight, _ := points.At(i).Get("weight")
			if text := fmt.Sprint(job.Reals); !strings.Contains(text, " "+fmt.Sprint(weight.Any())) && !strings.Contains(text, " "+weight.String()) {
				t.Fatalf("%v: got the numbers %s", points.At(i), text)
			}
			seen[weight.String()] = true
		}
		if traces, programs, outcomes := s.Traces(); traces != c.traces || programs != c.programs || outcomes != c.outcomes || len(seen) < 1900 {
			t.Errorf("%s: got %d traces, %d programs, %d evaluations of %d weights, want %d, %d, %d", lr, traces, programs, outcomes, len(seen),
				c.traces, c.programs, c.outcomes)
		}
	}
}

// Sizes that a loss captures are structure, but equal programs are one.
func TestEqualProgramsAreOne(t *testing.T) {
	const script = `
load("@std//mlp.star", "mlp")

def trial(p):
    k = p.k
    names = {"a": p.name}
    def loss(net, x):
        return mean(square(net(x))) * (1.5 * k) + 0 * len(names)
    return job(data = ring(), players = {"net": player(network = mlp([4], 1), loss = loss, optimizer = sgd(lr = 0.1))},
        batch = 8, epochs = 1)

main = study(trial = trial, space = {"k": choice(1, 2, 3), "name": choice("u", "v")})
`
	s, err := starlib.Loader{Catalogue: catalogue}.Load(context.Background(), "study.star", []byte(script))
	if err != nil {
		t.Fatal(err)
	}
	points, err := listed(s)
	if err != nil {
		t.Fatal(err)
	}
	kept := map[any]bool{}
	for _, p := range points {
		job, err := s.Job(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		kept[job.Program] = true
	}
	if traces, programs, _ := s.Traces(); traces != 6 || programs != 1 || len(kept) != 1 {
		t.Errorf("got %d traces and %d programs, %d in use, want 6 and 1", traces, programs, len(kept))
	}
}

func TestAnEvaluationPrintsOnce(t *testing.T) {
	const script = `
load("@std//losses.star", "hinge")
load("@std//mlp.star", "mlp")

def trial(p):
    print("begins")
    width = int(4 * p.a)
    print("width", width)
    return gan(data = ring(), generator = mlp([width], 2), discriminator = mlp([width], 1), latent = normal(2),
        loss = hinge(), optimizer = adam(lr = p.lr), batch = 8, epochs = 1)

main = study(trial = trial, space = {"a": choice(1.0, 2.0), "lr": choice(0.1, 0.2, 0.3)})
`
	var printed []string
	l := starlib.Loader{Catalogue: catalogue, Print: func(line string) { printed = append(printed, line) }}
	s, err := l.Load(context.Background(), "study.star", []byte(script))
	if err != nil {
		t.Fatal(err)
	}
	points, err := listed(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range points {
		if _, err := s.Job(context.Background(), p); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := strings.Join(printed, "; "), "begins; width 4; begins; width 8"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
