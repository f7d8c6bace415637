package starsweep

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestEveryDependencyHasItsReason(t *testing.T) {
	var listed, required []string
	for _, row := range tables(t, "Dependencies") {
		listed = append(listed, strings.Split(row[0], ", ")...)
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mod)) {
		if f := strings.Fields(line); len(f) == 2 && strings.HasPrefix(line, "\t") {
			required = append(required, regexp.MustCompile(`/v\d+$`).ReplaceAllString(f[0], ""))
		}
	}
	slices.Sort(listed)
	slices.Sort(required)
	if !slices.Equal(listed, required) {
		t.Errorf("the modules of ARCHITECTURE.md and go.mod differ:\n%v\n%v", listed, required)
	}
}

// The only packages that may import a module, in code and in tests, and why. Others use it through them.
var reserved = []struct {
	prefix string
	pkgs   []string
	reason string
}{
	{"github.com/gomlx", []string{"engine/lower", "engine/cpu"},
		"engine/lower alone knows GoMLX, and engine/cpu is one of its backends"},
	{"github.com/gofrs/flock", []string{"results"}, "a study has one writer"},
	{"github.com/parquet-go", []string{"results", "internal/columns", "engine/data", "runner", "runner/generated", "bench/store"},
		"tables are written in one place, samples in another, users' files read in a third; tests write such files and count their rows"},
	{"github.com/spf13", []string{"runner"}, "commands are the outermost part"},
	{"go.starlark.net", []string{"starlib/..."}, "the language is one part"},
	{"gonum.org/v1/plot", []string{"results/figure"}, "figures are drawn in one place"},
	{"codeberg.org/go-pdf", []string{"results/figure"}, "figures are drawn in one place"},
	{"golang.org/x/term", []string{"runner"}, "only commands have a terminal"},
}

func TestOnlyTheReservedPackagesImportALibrary(t *testing.T) {
	for _, p := range packages(t) {
		for _, r := range reserved {
			if slices.ContainsFunc(r.pkgs, func(pattern string) bool { return within(p.name(), pattern) }) {
				continue
			}
			for _, i := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
				if within(i, r.prefix+"/...") {
					t.Errorf("%s imports %s: %s", p.name(), i, r.reason)
				}
			}
		}
	}
}
