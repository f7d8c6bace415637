package starlib_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib"
)

// toy is a study of points in the plane: small, and with all that a study can have.
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
	points, err := listed(smoke.Points())
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

// tricky are trials whose programs depend on p in ways that are easy to miss. %s is the body.
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

// A study that shares traced programs gives the jobs that it would give without sharing.
func TestSharedProgramsAreTheOnesThatEachTrialWouldHave(t *testing.T) {
	sources := map[string]string{"toy": toy}
	for name, body := range bodies {
		sources[name] = fmt.Sprintf(tricky, body)
	}
	for name, source := range sources {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shared := load(t, source)
			points, err := listed(shared.Points())
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
	points, err := listed(s.Points())
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
			t.Errorf("%s: got another job side by side than alone", p)
		}
	}
}

// A trial that changes in real numbers only keeps its program.
func TestRealNumbersDoNotShapePrograms(t *testing.T) {
	s := load(t, toy)
	prints := map[string]bool{}
	points, err := listed(s.Points())
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

// Players of other kinds: a classifier is one, and three may play.
func TestAJobHasAnyNumberOfPlayers(t *testing.T) {
	s := load(t, `
def C(x):
    return nn.dense(relu(nn.dense(flatten(x), 8)), 10)

def trial(p):
    return job(
        data    = mnist(subset = True),
        players = {"classifier": player(
            network   = C,
            loss      = lambda classifier, x, y: mean(softmax_cross_entropy(classifier(x), y)),
            optimizer = sgd(lr = 0.1, momentum = 0.9),
        )},
        batch   = 16,
        epochs  = 1,
        watch   = {"accuracy": lambda classifier, x, y: accuracy(classifier(x), y)},
    )

main = study(trial = trial)
`)
	job, err := s.Job(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range job.Program.Readings {
		names = append(names, r.Name)
	}
	if got := strings.Join(names, " "); got != "loss_classifier grad_norm_classifier accuracy" {
		t.Errorf("got the readings %s", got)
	}
	if job.Program.Sample != nil || job.Program.Parameters("") != 784*8+8+8*10+10 {
		t.Errorf("got %d parameters and the sample %v", job.Program.Parameters(""), job.Program.Sample)
	}
}

// Conditional networks get labels: those of the batch, and while sampling the classes in turn.
func TestNetworksOfTwoParametersGetLabels(t *testing.T) {
	s, err := starlib.Loader{Catalogue: catalogue, DType: expr.F64}.Load(context.Background(), "conditional.star", []byte(`
load("@std//losses.star", "hinge")

def G(z, y):
    return nn.embedding(y, 8, 2)

def D(x, y):
    return nn.dense(concat([x, one_hot(y, 8)]), 1)

def trial(p):
    return gan(data = ring(), generator = G, discriminator = D, latent = normal(2), loss = hinge(), optimizer = sgd(lr = 1),
        batch = 4, epochs = 1, evaluate = evaluate(sheet = 19))

main = study(trial = trial)
`))
	if err != nil {
		t.Fatal(err)
	}
	job, err := s.Job(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	table := make(vec, 16)
	for i := range table {
		table[i] = float64(i)
	}
	images := run(t, map[string]vec{"generator/embedding1/table": table}, job.Program.Sample)[0]
	for i := range 19 {
		if want := float64(2 * (i % 8)); images[2*i] != want || images[2*i+1] != want+1 {
			t.Errorf("image %d: got %v, want that of class %d", i, images[2*i:2*i+2], i%8)
		}
	}
}

// Samples of classes that no image has would be compared with images of others.
func TestSamplesTakeTheClassesThatTheDataAreLimitedTo(t *testing.T) {
	s, err := starlib.Loader{Catalogue: catalogue, DType: expr.F64}.Load(context.Background(), "conditional.star", []byte(`
load("@std//losses.star", "hinge")

def G(z, y):
    return reshape(nn.embedding(y, 10, 1), h = 1, w = 1, c = 1)

def D(x, y):
    return nn.dense(concat([flatten(x), one_hot(y, 10)]), 1)

def trial(p):
    return gan(data = mnist(size = 1, classes = [9, 3, 7, 3]), generator = G, discriminator = D, latent = normal(2), loss = hinge(), optimizer = sgd(lr = 1),
        batch = 4, epochs = 1, evaluate = evaluate(sheet = 8))

main = study(trial = trial)
`))
	if err != nil {
		t.Fatal(err)
	}
	job, err := s.Job(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	table := vec{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	images := run(t, map[string]vec{"generator/embedding1/table": table}, job.Program.Sample)[0]
	if want := slices.Repeat(vec{3, 7, 9}, len(images)/3); len(images) < 8 || !slices.Equal(images, want) {
		t.Errorf("got samples of the classes %v, want %v", images, want)
	}
}

// A trial that ran out of time, here while its network was traced, may be tried again.
func TestTheEndOfAContextIsNotRemembered(t *testing.T) {
	ending, cancel := context.WithCancel(context.Background())
	l := starlib.Loader{Catalogue: catalogue, Print: func(string) {
		cancel()
		time.Sleep(10 * time.Millisecond) // so that the end comes first
	}}
	source := strings.NewReplacer("mlp([p.width], 2)", "slow", "def trial(p):", `def slow(z):
    print("go")
    for i in range(1000):
        pass
    return nn.dense(z, 2)

def trial(p):`).Replace(toy)
	s, err := l.Load(context.Background(), "study.star", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	points, err := listed(s.Points())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // while it is traced, and before
		if _, err := s.Job(ending, points[0]); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v from an ended context, want its end", err)
		}
	}
	if _, err := s.Job(context.Background(), points[0]); err != nil {
		t.Errorf("got %v afterwards, want a job", err)
	}
}

// What functions captured does not change from call to call, wherever the study keeps them.
func TestCapturedValuesAreFrozen(t *testing.T) {
	for name, source := range map[string]string{
		"the trial": strings.Replace(toy, "main = study(\n    trial    = trial,", `def make():
    calls = []
    def counting(p):
        calls.append(p.lr)
        return trial(p)
    return counting

main = study(
    trial    = make(),`, 1),
		"a loss in a dict": strings.NewReplacer("wasserstein_gp(weight = p.weight) if p.gp else hinge()", "own", "    return gan(",
			`    calls = []
    def critic(D, G, x, z):
        calls.append(1)
        return mean(D(x))
    losses = {"own": loss(critic = critic, generator = hinge().generator)}
    def outer(D, G, x, z):
        return losses["own"].critic(D, G, x, z)
    own = loss(critic = outer, generator = hinge().generator)
    return gan(`).Replace(toy),
	} {
		s := load(t, source)
		points, err := listed(s.Points())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Job(context.Background(), points[0]); err == nil || !strings.Contains(err.Error(), "cannot append to frozen list") {
			t.Errorf("%s: got %v, want an error that the list is frozen", name, err)
		}
	}
}

// Too few real images are seen before any data are opened, where their number is known.
func TestMetricsWantAsManyRealImages(t *testing.T) {
	const script = `
load("@std//losses.star", "hinge")
load("@std//mlp.star", "mlp")

def trial(p):
    return gan(data = ring(count = 100, limit = 50), generator = mlp([4], 2), discriminator = mlp([4], 1), latent = normal(2), loss = hinge(),
        optimizer = adam(lr = 1e-3), batch = 4, epochs = 1, evaluate = evaluate(metrics = [fid()], samples = p.samples, real = p.real))

main = study(trial = trial, settings = {"samples": 100, "real": "test"})
`
	l := starlib.Loader{Catalogue: catalogue, Images: func(d spec.Data) (int, bool) {
		if d.Limit > 0 {
			return d.Limit, true
		}
		return d.Count, d.Count > 0
	}}
	s, err := l.Load(context.Background(), "study.star", []byte(script))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		set  []string
		want string // in the error, "" for none
	}{
		{nil, ""},
		{[]string{"samples=101"}, "study.star:6:15: evaluate: got 101 samples, and their test split has only 100 images"},
		{[]string{"real=train", "samples=50"}, ""},
		{[]string{"real=train"}, "study.star:6:15: evaluate: got 100 samples, and the trial's data have only 50 images"},
	} {
		with, err := s.With("", c.set)
		if err != nil {
			t.Fatal(err)
		}
		_, err = with.Job(context.Background(), nil)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%q: got %v, want %q", c.set, err, c.want)
		}
	}
}

func TestEvaluationsSuitTheData(t *testing.T) {
	const script = `
load("@std//losses.star", "hinge")
load("@std//mlp.star", "image_mlp", "mlp")

def trial(p):
    d = %s
    return gan(data = d, generator = image_mlp([4], d.size, d.channels) if d.size else mlp([4], 2), discriminator = mlp([4], 1), latent = normal(2),
        loss = hinge(), optimizer = adam(lr = 1e-3), batch = 4, epochs = 1, evaluate = evaluate(metrics = [%s], features = %s))

main = study(trial = trial)
`
	for _, c := range []struct{ data, metric, features, want string }{
		{"ring()", "fid()", "None", "metrics=[fid()] samples=10000 real=test features=points"},
		{"ring()", "fid()", "pixels()", "metrics=[fid()] samples=10000 real=test features=points"},
		{"mnist()", "kid()", "None", "metrics=[kid(subsets=100, size=1000)] samples=10000 real=test features=inception"},
		{"mnist(channels = 3)", "prd()", "small()", "metrics=[prd()] samples=10000 real=test features=small-cifar10"},
		{"cifar10(channels = 1)", "parzen()", "small()", "metrics=[parzen()] samples=10000 real=test features=small-cifar10"},
		{"ellipses()", "fid()", "small()", "metrics=[fid()] samples=10000 real=test features=small-mnist"},
		{`images("x", size = 8, channels = 3)`, "fid()", "small()", "metrics=[fid()] samples=10000 real=train features=small-cifar10"},
		{`cifar10(path = "x")`, "fid()", "inception_keras()", "metrics=[fid()] samples=10000 real=test features=inception-keras"},
		{`mnist()`, "fid()", `extractor("small-cifar10")`, "metrics=[fid()] samples=10000 real=test features=small-cifar10"},
		{`mnist()`, "fid()", `extractor("small")`, "metrics=[fid()] samples=10000 real=test features=small-mnist"},
		{"ring()", "precision_recall()", "None", "metrics=[precision_recall(k=3)] samples=10000 real=test features=points " +
			"collapse=(stop=false, evaluations=2, reach=0.05, spread=0.25, fidelity=0.7, modes=0.3)"},
	} {
		job, err := load(t, fmt.Sprintf(script, c.data, c.metric, c.features)).Job(context.Background(), nil)
		if err != nil {
			t.Errorf("%s: %v", c.data, err)
		} else if got := job.Evaluate.String(); got != "every=0 sheet=64 "+c.want {
			t.Errorf("%s: got  %s\nwant every=0 sheet=64 %s", c.data, got, c.want)
		}
	}
}
