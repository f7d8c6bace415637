package starlib_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/starlib"
)

// A job may have players of any kind and number, such as one classifier.
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
	for _, r := range job.Program.Recorded {
		names = append(names, r.Name)
	}
	if got := strings.Join(names, " "); got != "loss_classifier grad_norm_classifier accuracy" {
		t.Errorf("got the readings %s", got)
	}
	if job.Program.Sample != nil || job.Program.Turns != nil || job.Program.Parameters("") != 784*8+8+8*10+10 {
		t.Errorf("got %d parameters and the sample %v", job.Program.Parameters(""), job.Program.Sample)
	}
}

// Conditional networks get labels: those of the batch and, while sampling, the classes in turn.
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
	if want := []int{0, 1, 2, 3, 4, 5, 6, 7}; !slices.Equal(job.Program.Turns, want) {
		t.Errorf("the program says that samples have the classes %v in turn, want %v", job.Program.Turns, want)
	}
}

// Otherwise samples of classes without images would be compared with images of other classes.
func TestSamplesTakeTheClassesThatTheDataAreLimitedTo(t *testing.T) {
	s, err := starlib.Loader{Catalogue: catalogue, DType: expr.F64}.Load(context.Background(), "conditional.star", []byte(`
load("@std//losses.star", "hinge")

def G(z, y):
    return reshape(nn.embedding(y, 10, 1), h = 1, w = 1, c = 1)

def D(x, y):
    return nn.dense(concat([flatten(x), one_hot(y, 10)]), 1)

def trial(p):
    return gan(data = mnist(size = 1, classes = [9, 3, 7, 3]), generator = G, discriminator = D, latent = normal(2), loss = hinge(),
        optimizer = sgd(lr = 1), batch = 4, epochs = 1, evaluate = evaluate(sheet = 8))

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
	if want := []int{3, 7, 9}; !slices.Equal(job.Program.Turns, want) {
		t.Errorf("the program says that samples have the classes %v in turn, want %v", job.Program.Turns, want)
	}
}

// What a generator is given elsewhere is named in the order in which it is drawn; what no image depends on is left out.
func TestAProgramSaysWhatItsSamplesAreGiven(t *testing.T) {
	s, err := starlib.Loader{Catalogue: catalogue, DType: expr.F64}.Load(context.Background(), "given.star", []byte(`
load("@std//losses.star", "hinge")

def G(z, y):
    unread = normal(like = z)
    h = z + 0.1 * normal(like = z) * uniform(per_example = True)
    return nn.dense(concat([h, one_hot(y, 8)]), 2)

def D(x, y):
    return nn.dense(concat([x, one_hot(y, 8), normal(like = x)]), 1)

def trial(p):
    return gan(data = ring(), generator = G, discriminator = D, latent = uniform(2), loss = hinge(), optimizer = sgd(lr = 1),
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
	var got []string
	for _, g := range job.Program.Given {
		got = append(got, fmt.Sprint(g.Name, " ", g.What, " ", g.Node.Shape.Without("b")))
	}
	want := []string{"latent uniform on (-1, 1) f64[c2]", "label the class, 0 to 7 i32[]", "noise from N(0, 1) f64[c2]",
		"noise2 uniform on (0, 1) f64[]"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A trial whose context ended, here while its network was traced, can be evaluated again.
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
	points, err := listed(s)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // while it is traced, and before
		if _, err := s.Job(ending, points[0]); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v after the end of the context, want its cause", err)
		}
	}
	if _, err := s.Job(context.Background(), points[0]); err != nil {
		t.Errorf("got %v afterwards, want a job", err)
	}
}

// Values that functions captured do not change between calls, regardless of where the study keeps them.
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
		points, err := listed(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Job(context.Background(), points[0]); err == nil || !strings.Contains(err.Error(), "cannot append to frozen list") {
			t.Errorf("%s: got %v, want an error that the list is frozen", name, err)
		}
	}
}
