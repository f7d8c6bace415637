package starlib_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/feature"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib"
)

// catalogue is that of the commands.
var catalogue = spec.Catalogue{Extractors: feature.Declarations(), DataSets: data.Declarations()}

const compared = `
load("@std//losses.star", "hinge")
load("@std//dcgan.star", "discriminator32", "generator32")

def trial(p):
    return gan(data = %s, generator = generator32(channels = %d, width = 2), discriminator = discriminator32(norm = False, width = 2),
        latent = normal(2), loss = hinge(), optimizer = adam(1e-3), batch = 4, epochs = 1,
        evaluate = evaluate(metrics = [fid()], features = %s))

main = study(trial = trial)
`

// Every extractor is what its builtin, and its name, mean for images that it takes.
func TestScriptsReachEveryExtractor(t *testing.T) {
	images := map[int]string{1: "mnist(size = 32)", 3: `images("x", 32, 3)`}
	for _, x := range catalogue.Extractors {
		channels := 1
		if x.Channels > 0 {
			channels = x.Channels
		}
		for _, call := range []string{x.Builtin + "()", fmt.Sprintf("extractor(%q)", x.Name)} {
			s, err := starlib.Loader{Catalogue: catalogue}.Load(context.Background(), "s.star",
				fmt.Appendf(nil, compared, images[channels], channels, call))
			if err != nil {
				t.Errorf("%s: %v", call, err)
				continue
			}
			job, err := s.Job(context.Background(), nil)
			if err != nil || job.Evaluation.Features != x.Name {
				t.Errorf("%s of %s: got %v, want the features %s", call, images[channels], err, x.Name)
			}
		}
	}
}

func TestTheDocumentsNameEveryExtractor(t *testing.T) {
	for path, row := range map[string]func(spec.Extractor) string{
		reference:            func(x spec.Extractor) string { return "| `" + x.Builtin + "()` |" },
		"../docs/metrics.md": func(x spec.Extractor) string { return "`" + x.Name + "`" },
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range catalogue.Extractors {
			if want := row(x); !strings.Contains(string(text), want) {
				t.Errorf("%s lacks %s", path, want)
			}
		}
	}
}

func TestDeclarationsOfExtractorsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, x := range catalogue.Extractors {
		if seen[x.Name] || x.Doc == "" || !regexp.MustCompile(`^[a-z][a-z0-9_]*$`).MatchString(x.Builtin) {
			t.Errorf("%s: got the name twice, no description, or the builtin %q", x.Name, x.Builtin)
		}
		seen[x.Name] = true
	}
}

// Every data set is what its builtin means, or the argument subset of another's.
func TestScriptsReachEveryDataSet(t *testing.T) {
	reached := map[string]bool{}
	for _, s := range catalogue.DataSets {
		if s.Builtin == "" {
			continue
		}
		var args []string
		for arg := range strings.FieldsSeq(s.Args) {
			if value, ok := map[string]string{"path": `"x"`, "size": "32", "channels": "1"}[arg]; ok { // without ?: required
				args = append(args, arg+" = "+value)
			}
		}
		for _, name := range []string{s.Name, s.Subset} {
			if name == s.Subset {
				args = append(args, "subset = True")
			}
			if name == "" {
				continue
			}
			call := fmt.Sprintf("%s(%s)", s.Builtin, strings.Join(args, ", "))
			var said string
			l := starlib.Loader{Catalogue: catalogue, Print: func(line string) { said = line }}
			_, err := l.Load(context.Background(), "s.star", []byte("print(str("+call+"))"))
			if !strings.HasPrefix(said, name+"(") {
				t.Errorf("%s: got %q and %v, want the data set %s", call, said, err, name)
			}
			reached[name] = true
		}
	}
	for _, s := range catalogue.DataSets {
		if !reached[s.Name] {
			t.Errorf("no builtin of scripts means the data set %s", s.Name)
		}
	}
}
