package starsweep

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/starsweep/starsweep/"

// Who must not import what, directly or through others, and why. ARCHITECTURE.md has the same table in words.
var forbidden = []struct{ pkg, prefix, reason string }{
	{"engine/expr", module, "the expression graph is the base: it knows nothing of ours"},
	{"engine/expr", "github.com/gomlx", "expressions are data; engine/lower makes GoMLX graphs of them"},
	{"engine/spec", module, "a study's values are the base: they know nothing of ours"},
	{"engine/spec", "github.com/", "plain values need no libraries"},
	{"engine/model", "github.com/gomlx", "a program is data, whatever runs it"},
	{"engine/model", "go.starlark.net", "programs can be made without a script"},
	{"engine/nn", "github.com/gomlx", "layers are expressions"},
	{"engine/nn", "go.starlark.net", "layers can be used without a script"},
	{"engine/cpu", module + "engine/expr", "the backend serves any GoMLX program"},
	{"engine/cpu", module + "engine/model", "the backend serves any GoMLX program"},
	{"engine/lower", module + "engine/model", "lowering knows expressions only"},
	{"engine/lower", "go.starlark.net", "lowering knows expressions only"},
	{"engine/train", "go.starlark.net", "trials run without a script"},
	{"engine/train", "github.com/parquet-go", "training knows no files"},
	{"engine/train", module + "results", "training knows no files"},
	{"engine/data", "github.com/gomlx", "images are plain memory"},
	{"engine/data", "go.starlark.net", "data sets are described by plain values"},
	{"engine/feature", module + "engine/train", "extractors are fixed networks: nothing trains them"},
	{"engine/feature", module + "results", "features are matrices, whoever keeps them"},
	{"engine/feature", "go.starlark.net", "features need no script"},
	{"engine/feature", "github.com/parquet-go", "features are matrices, whoever keeps them"},
	{"engine/pareto", "github.com/", "pure mathematics, for tables that are made where no engine is"},
	{"engine/metric", "go.starlark.net", "metrics are functions of matrices"},
	{"engine/metric", "github.com/gomlx", "products of matrices come from a function, whatever computes them"},
	{"engine/metric", module + "engine/model", "metrics are functions of matrices"},
	{"engine/metric", module + "results", "metrics are functions of matrices"},
	{"engine/pareto", module, "fronts are plain numbers"},
	{"starlib/hint", module, "names and texts, whoever asks"},
	{"starlib/sandbox", module + "engine", "the sandbox knows no value of the study language: values implement its interfaces"},
	{"starlib/kit", module + "engine/model", "builtins are written with it, whatever they make"},
	{"starlib/kit", module + "engine/spec", "builtins are written with it, whatever they make"},
	{"starlib/number", module + "engine/model", "numbers are values and formulas, whatever program they enter"},
	{"starlib", "github.com/gomlx", "scripts are traced without an engine, so that check is fast and workers need no script"},
	{"starlib", "github.com/parquet-go", "scripts know no files"},
	{"starlib", module + "engine/train", "scripts are traced without an engine"},
	{"starlib", module + "results", "scripts know no files"},
	{"results", "github.com/gomlx", "tables are read where no engine is"},
	{"results", "go.starlark.net", "tables are read where no script is"},
	{"results", module + "engine/train", "tables are read where no engine is"},
	{"runner/plan", "github.com/gomlx", "a plan is made without an engine"},
	{"runner/plan", "go.starlark.net", "a plan is made of any study"},
	{"runner/evaluation", "go.starlark.net", "samples are measured without a script"},
	{"runner/evaluation", module + "results", "numbers go out by the names of their columns"},
	{"runner/evaluation", module + "engine/train", "images come from a function, whatever makes them"},
	{"runner/roofline", module + "engine/model", "timings have no programs"},
	{"engine/cpu/vecgen", "github.com/gomlx", "generators need nothing that they generate"},
	{"engine/cpu/kern/gen", module + "engine/cpu/kern", "generators need nothing that they generate"},
	{"engine/cpu/winograd", module, "pure mathematics"},
	{"engine/cpu/winograd", "github.com/", "pure mathematics"},
	{"internal/safetensors", module, "a file format"},
	{"internal/hdf5", module, "a file format"},
	{"internal/npy", module, "a file format"},
	{"internal/torch", module, "a file format"},
	{"internal/durable", module, "files, whatever is in them"},
	{"internal/fetch", module, "published files, whatever is in them"},
	{"internal/plain", module, "plain text"},
	{"internal/machine", module, "a property of the machine"},
	{"internal/once", module, "a map of values, whatever they are"},
	{"internal/pass", module, "a pass over anything"},
	{"internal/columns", module, "a file format"},
	{"internal/dicom", module, "a file format"},
	{"engine/feature/small", module + "engine", "the form of a file"},
	{"engine/feature/small/pack", module + "engine/train", "packing trains nothing"},
	{"engine/feature/small/pack", "go.starlark.net", "packing needs no script"},
	{"runner/cmd/starsweep", "testing", "tests' helpers stay in tests"},
}

func TestPackagesImportOnlyWhatTheArchitectureAllows(t *testing.T) {
	deps := dependencies(t)
	for _, f := range forbidden {
		list, ok := deps[module+f.pkg]
		if !ok {
			t.Errorf("there is no package %s: mend the table", f.pkg)
		}
		for _, d := range list {
			if d == f.prefix || strings.HasPrefix(d, strings.TrimSuffix(f.prefix, "/")+"/") {
				t.Errorf("%s imports %s: %s", f.pkg, d, f.reason)
			}
		}
	}
}

// Who alone may import what, in code and in tests, and why. Others get it through them.
var reserved = []struct {
	prefix string
	pkgs   []string
	reason string
}{
	{"github.com/gomlx", []string{"engine/lower", "engine/cpu", "engine/feature", "internal/torch"},
		"engine/lower alone knows GoMLX, and engine/cpu is one of its backends"},
}

func TestOnlyTheReservedPackagesImportALibrary(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, r := range reserved {
			if slices.Contains(r.pkgs, name) {
				continue
			}
			for _, i := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
				if i == r.prefix || strings.HasPrefix(i, r.prefix+"/") {
					t.Errorf("%s imports %s: %s", name, i, r.reason)
				}
			}
		}
	}
}

func TestEveryDependencyHasItsReason(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	_, rest, _ := strings.Cut(read("ARCHITECTURE.md"), "## Dependencies")
	table, _, _ := strings.Cut(rest, "\n## ")
	var told, required []string
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) > 2 && strings.Contains(cells[1], ".") {
			told = append(told, strings.Split(strings.TrimSpace(cells[1]), ", ")...)
		}
	}
	for line := range strings.Lines(read("go.mod")) {
		if f := strings.Fields(line); len(f) == 2 && strings.HasPrefix(line, "\t") {
			required = append(required, regexp.MustCompile(`/v\d+$`).ReplaceAllString(f[0], ""))
		}
	}
	slices.Sort(told)
	slices.Sort(required)
	if !slices.Equal(told, required) {
		t.Errorf("the modules of ARCHITECTURE.md and go.mod differ:\n%v\n%v", told, required)
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range packages(t) {
		if strings.HasPrefix(p.ImportPath, module) && len(p.GoFiles) > 0 && len(p.Doc) < 40 {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

type goPackage struct {
	ImportPath, Dir, Doc string
	GoFiles, Deps        []string

	Imports, TestImports, XTestImports []string // without what these import in turn
}

func packages(t *testing.T) (ps []goPackage) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Doc,GoFiles,Deps,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return ps
		} else if err != nil {
			t.Fatal(err)
		}
		if _, err := os.ReadDir(p.Dir); err != nil { // a cached result of this test counts for these files only
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
}

func dependencies(t *testing.T) map[string][]string {
	deps := map[string][]string{}
	for _, p := range packages(t) {
		deps[p.ImportPath] = p.Deps
	}
	return deps
}
