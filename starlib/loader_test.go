package starlib_test

import (
	"context"
	"errors"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/starlib"
)

// design is the script that the project was designed to run, with a subset of its metrics.
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
        evaluate      = evaluate(every = 5, samples = 10000, metrics = [fid(), precision_recall(k = 3)]),
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
	s, err := starlib.Loader{Catalogue: catalogue}.Load(context.Background(), "study.star", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// jobs traces every point of a study.
func jobs(tb testing.TB, s *starlib.Study) (all []*model.Job) {
	tb.Helper()
	points, err := listed(s)
	if err != nil {
		tb.Fatal(err)
	}
	for _, p := range points {
		job, err := s.Job(context.Background(), p)
		if err != nil {
			tb.Fatalf("%s: %v", p, err)
		}
		all = append(all, job)
	}
	return all
}

// programs counts the programs of jobs.
func programs(jobs []*model.Job) int {
	prints := map[string]bool{}
	for _, job := range jobs {
		prints[job.Program.Fingerprint()] = true
	}
	return len(prints)
}

func TestTheScriptOfTheDesignBecomesPrograms(t *testing.T) {
	s := load(t, design)
	all := jobs(t, s)
	if len(all) != 128 {
		t.Fatalf("got %d points, want 128", len(all))
	}
	if n := programs(all); n != 32 { // 2 losses, 4 latent sizes, 4 batches; the learning rate is an input
		t.Errorf("got %d programs, want 32", n)
	}
	if w := s.Warnings(); len(w) > 0 {
		t.Errorf("got warnings %q, want none", w)
	}
}

// load reads files next to the script, each once, and the study holds its sources.
func TestLoadReadsFilesBesideTheScript(t *testing.T) {
	var read []string
	files := map[string]string{
		"a.star": "load('b.star', 'y')\nload('c.star', 'x')\ntotal = x + y\n",
		"b.star": "load('c.star', 'x')\nload('@std//losses.star', 'hinge')\ny = x\n",
		"c.star": "x = 1\n",
	}
	l := starlib.Loader{Catalogue: catalogue, Read: func(name string) ([]byte, error) {
		read = append(read, name)
		return []byte(files[name]), nil
	}}
	script := `"""Doc."""
load("a.star", "total")
def trial(p):
    return None
main = study(trial = trial, seeds = total)
`
	s, err := l.Load(context.Background(), "some/where/my.star", []byte(script))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(read, " "); got != "a.star b.star c.star" {
		t.Errorf("read %s, want each file once", got)
	}
	if s.Name != "my" || len(s.Seeds) != 2 {
		t.Errorf("got the study %q with seeds %v", s.Name, s.Seeds)
	}
	if len(s.Files) != 4 || string(s.Files["my.star"]) != script || string(s.Files["c.star"]) != files["c.star"] {
		t.Errorf("got the files %v, want the script and the three that it loads", slices.Sorted(maps.Keys(s.Files)))
	}
}

func TestFilesOfWindowsLoad(t *testing.T) {
	s := load(t, "\ufeff"+strings.ReplaceAll(design, "\n", "\r\n"))
	if points, err := listed(s); err != nil || len(points) != 128 {
		t.Errorf("got %d points, %v; want 128", len(points), err)
	}
}

func TestPrintGoesToTheLoader(t *testing.T) {
	var said []string
	l := starlib.Loader{Catalogue: catalogue, Print: func(message string) { said = append(said, message) }}
	if _, err := l.Load(context.Background(), "x.star", []byte("print('hello', 3)\n")); err == nil {
		t.Error("got no error, want one: there is no main")
	}
	if len(said) != 1 || said[0] != "hello 3" {
		t.Errorf("got %q", said)
	}
}

// An error inside the standard library is placed at the user's line that led there, with the calls in between.
func TestErrorsShowTheCalls(t *testing.T) {
	s := load(t, strings.Replace(design, "mnist(size = 32)", "ring()", 1))
	points, err := listed(s)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Job(context.Background(), points[0])
	var e *starlib.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a *starlib.Error", err)
	}
	want := "study.star:8:15: nn.conv: x: got f32[b32 c2], want floats of axes [b h w c] (in D, @std//dcgan.star:28:31)"
	if e.Error() != want {
		t.Errorf("got  %s\nwant %s", e, want)
	}
	if got := e.Detail(); got != want+"\n  in D, @std//dcgan.star:28:31\n  from critic, @std//losses.star:14:32" {
		t.Errorf("got the calls\n%s", got)
	}
}

// The loader reads files only through Read, and scripts see neither the time nor random numbers of the machine.
func TestScriptsAreHermetic(t *testing.T) {
	for _, name := range []string{"open", "time", "os", "random_number", "input", "import_module", "json"} {
		if slices.Contains(starlib.Builtins(catalogue), name) {
			t.Errorf("scripts see %s", name)
		}
	}
	deps, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, forbidden := range []string{"gomlx", "parquet", "net/http", "os/exec"} {
		if strings.Contains(string(deps), forbidden) {
			t.Errorf("starlib depends on %s", forbidden)
		}
	}
}
