package runner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/require"
)

// A line end in the name of a file breaks no line of the output, whether the command works or fails.
func TestALineEndInANameBreaksNoLine(t *testing.T) {
	home := filepath.Join(t.TempDir(), "two\nlines")
	pictures := filepath.Join(home, "pictures")
	if err := os.MkdirAll(pictures, 0o777); err != nil {
		require.Unavailable(t, "a line end in a name: %v", err)
	}
	at := func(name string) string { return filepath.Join(home, name) }
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(at(name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("good.star", smallStudy)
	write("syntax.star", "def trial(p)")
	write("inside.star", "def f(x):\n    return choice(x, x)\n\nmain = study(trial = f, space = {\"a\": f(1)})")
	write("shapes.star", strings.Replace(smallStudy, "least_squares()", "loss(generator = lambda D, G, z: z, critic = lambda D, x: x)", 1))
	write("data.star", strings.NewReplacer("ring(count = 64)", `images(path = "absent", size = 2, channels = 1)`).Replace(smallStudy))
	write("other.star", strings.Replace(smallStudy, "epochs = 2", "epochs = p.e", 1))
	write("text.tar", "no archive")
	write("text.npy", "no numbers")
	write("pictures/x.png", "no picture")
	for _, c := range exitsOf(at) {
		code, text := command(t, home, c.args...)
		if code != c.code {
			t.Errorf("%q: got exit code %d, want %d\n%s", c.args, code, c.code, text)
		}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "lines") {
				t.Errorf("%q: a name is broken:\n%s", c.args, text)
				break
			}
		}
	}
}

type exitOf struct {
	code int
	args []string
}

// exitsOf returns commands on the files that at names, and their exit codes.
func exitsOf(at func(name string) string) []exitOf {
	cpu := []string{"--backend", "cpu"}
	return []exitOf{
		{0, []string{"check", at("good.star")}},
		{0, []string{"plan", at("good.star"), "--trials"}},
		{0, []string{"show", at("good.star")}},
		{0, append(cpu, "run", at("good.star"), "--dir", at("study"))},
		{0, []string{"status", at("study")}},
		{0, []string{"report", at("study")}},
		{0, []string{"doctor"}},
		{0, []string{"data", "list"}},
		{0, []string{"features", "list"}},
		{2, []string{"check", at("absent.star")}},
		{2, []string{"check", at("pictures")}},
		{10, []string{"check", at("syntax.star")}},
		{10, []string{"check", at("inside.star")}},
		{11, []string{"check", at("shapes.star")}},
		{11, append(cpu, "run", at("data.star"), "--dir", at("x"))},
		{11, append(cpu, "run", at("other.star"), "--dir", at("x"))},
		{2, append(cpu, "run", at("good.star"), "--dir", at("study"), "--set", "lr=3")},
		{80, append(cpu, "run", at("good.star"), "--dir", at("text.tar"))},
		{2, []string{"status", at("absent")}},
		{80, []string{"report", at("text.tar")}},
		{2, []string{"pareto", at("study")}},
		{2, []string{"export", at("study"), at("trials"), "--csv"}},
		{2, []string{"data", "show", "images", "--path", at("text.tar"), "--size", "2"}},
		{2, []string{"data", "show", "images", "--path", at("pictures"), "--size", "2"}},
		{2, []string{"data", "show", "parquet", "--path", at("pictures"), "--size", "2"}},
		{2, []string{"features", "add", at("text.npy")}},
		{2, append(cpu, "eval", "--real", at("text.npy"), "--fake", at("absent"))},
		{2, append(cpu, "eval", "--real", at("pictures"), "--fake", at("text.tar"), "--features", "pixels")},
		{77, []string{"run", at("good.star"), "--backend", "xla:" + at("plugin.so")}},
		{2, []string{at("good.star")}},
		{2, []string{"status", at("a"), at("b")}},
		{2, []string{"run", "--" + at("flag")}},
	}
}

const smallStudy = `
load("@std//mlp.star", "mlp")
load("@std//losses.star", "least_squares")

def trial(p):
    return gan(data = ring(count = 64), generator = mlp([4], 2), discriminator = mlp([4], 1), latent = normal(2),
               loss = least_squares(), optimizer = sgd(lr = p.lr), batch = 8, epochs = 2)

main = study(trial = trial, space = {"lr": choice(1e-3, 1e-2)})
`
