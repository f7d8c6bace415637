package starsweep

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/starsweep/starsweep/"

type rule struct{ pkg, prefix, reason string }

// Who must not import what, directly or through others, and why. "engine/data/..." includes the packages below it. ARCHITECTURE.md
// has the same table in words.
var forbidden = []rule{
	{"engine/expr", module, "the expression graph is the base: it knows nothing of ours"},
	{"engine/expr", "github.com/gomlx", "expressions are data; engine/lower makes GoMLX graphs of them"},
	{"engine/spec", module, "a study's values are the base: they know nothing of ours"},
	{"engine/spec", "github.com/", "plain values need no libraries"},
	{"engine/model", "github.com/gomlx", "a program is data, whatever runs it"},
	{"engine/model", "go.starlark.net", "programs can be made without a script"},
	{"engine/nn", "github.com/gomlx", "layers are expressions"},
	{"engine/nn", "go.starlark.net", "layers can be used without a script"},
	{"engine/onnx", module + "engine/model", "translation knows expressions only"},
	{"engine/onnx", "go.starlark.net", "translation knows expressions only"},
	{"engine/onnx", "github.com/gomlx", "a model runs without an engine"},
	{"engine/cpu/...", module + "engine/expr", "the backend serves any GoMLX program"},
	{"engine/cpu/...", module + "engine/model", "the backend serves any GoMLX program"},
	{"engine/lower", module + "engine/model", "lowering knows expressions only"},
	{"engine/lower", "go.starlark.net", "lowering knows expressions only"},
	{"engine/train", "go.starlark.net", "trials run without a script"},
	{"engine/train", "github.com/parquet-go", "training knows no files"},
	{"engine/train", module + "results", "training knows no files"},
	{"engine/data/...", "github.com/gomlx", "images are plain memory"},
	{"engine/data/...", "go.starlark.net", "data sets are described by plain values"},
	{"engine/feature", module + "engine/train", "extractors are fixed networks: nothing trains them"},
	{"engine/feature", module + "results", "features are matrices, whoever keeps them"},
	{"engine/feature", "go.starlark.net", "features need no script"},
	{"engine/feature", "github.com/parquet-go", "features are matrices, whoever keeps them"},
	{"engine/pareto", "github.com/", "pure mathematics, for tables that are made where no engine is"},
	{"engine/metric/...", "go.starlark.net", "metrics are functions of matrices"},
	{"engine/metric/...", "github.com/gomlx", "products of matrices come from a function, whatever computes them"},
	{"engine/metric/...", module + "engine/model", "metrics are functions of matrices"},
	{"engine/metric/...", module + "results", "metrics are functions of matrices"},
	{"engine/metric/...", "github.com/parquet-go", "metrics are functions of matrices"},
	{"engine/pareto", module, "fronts are plain numbers"},
	{"starlib/hint", module, "names and texts, whoever asks"},
	{"starlib/sandbox", module + "engine", "the sandbox knows no value of the study language: values implement its interfaces"},
	{"starlib/kit", module + "engine/model", "builtins are written with it, whatever they make"},
	{"starlib/kit", module + "engine/spec", "builtins are written with it, whatever they make"},
	{"starlib/number", module + "engine/model", "numbers are values and formulas, whatever program they enter"},
	{"starlib/space", module + "engine/model", "a space is plain values"},
	{"starlib/optimizer", module + "starlib/tensor", "the numbers of optimizers are known without a trace"},
	{"starlib/tensor", module + "engine/nn", "tensors and traces, whatever computes with them"},
	{"starlib/tensor", module + "starlib/space", "tensors and traces, whatever computes with them"},
	{"starlib/where", module + "engine/model", "a condition is on rows, whatever made them"},
	{"starlib/trial", module + "engine/nn", "a declaration holds functions of the script, and calls none"},
	{"starlib/trial", module + "starlib/trace", "a declaration holds functions of the script, and calls none"},
	{"starlib/...", "github.com/gomlx", "scripts are traced without an engine, so that check is fast and workers need no script"},
	{"starlib/...", "github.com/parquet-go", "scripts know no files"},
	{"starlib/...", module + "engine/train", "scripts are traced without an engine"},
	{"starlib/...", module + "results", "scripts know no files"},
	{"results/...", "github.com/gomlx", "tables are read where no engine is"},
	{"results/...", "go.starlark.net", "tables are read where no script is"},
	{"results/...", module + "engine/train", "tables are read where no engine is"},
	{"runner/plan", "github.com/gomlx", "a plan is made without an engine"},
	{"runner/plan", "go.starlark.net", "a plan is made of any study"},
	{"runner/warm", "github.com/gomlx", "trials are compared by what their studies record"},
	{"runner/warm", "go.starlark.net", "trials are compared by what their studies record"},
	{"runner/sweep", "github.com/gomlx", "what runs next is decided without an engine"},
	{"runner/sweep", "go.starlark.net", "what runs next is decided of any study"},
	{"runner/sweep", module + "engine/model", "what runs next is decided by points and numbers"},
	{"runner/sweep", module + "results", "what runs next is decided by a history, wherever it is kept"},
	{"runner/sweep", "github.com/parquet-go", "what runs next is decided by a history, wherever it is kept"},
	{"runner/sweep/search", "github.com/gomlx", "points are chosen without an engine"},
	{"runner/sweep/search", "go.starlark.net", "points are chosen in the space of any study"},
	{"runner/sweep/search", module + "results", "points are chosen by a history, wherever it is kept"},
	{"runner/sweep/search", "github.com/parquet-go", "points are chosen by a history, wherever it is kept"},
	{"runner/sweep/race", module, "statistics of plain numbers"},
	{"runner/sweep/prune", "github.com/gomlx", "trials are judged by their numbers"},
	{"runner/sweep/prune", "go.starlark.net", "trials are judged by their numbers"},
	{"runner/sweep/prune", module + "results", "trials are judged by their numbers, wherever they are kept"},
	{"runner/sweep/prune", "github.com/parquet-go", "trials are judged by their numbers, wherever they are kept"},
	{"runner/evaluation", "go.starlark.net", "samples are measured without a script"},
	{"runner/evaluation", module + "results", "numbers go out by the names of their columns"},
	{"runner/evaluation", module + "engine/train", "images come from a function, whatever makes them"},
	{"runner/execute", "go.starlark.net", "trials run without a script"},
	{"runner/execute", "github.com/spf13/cobra", "trials run without a command"},
	{"runner/memory", "go.starlark.net", "memory is that of plain jobs"},
	{"runner/memory", module + "results", "bytes go into no table"},
	{"runner/supervise", module, "processes, whatever they work on"},
	{"runner/supervise", "github.com/", "processes need no libraries"},
	{"runner/standing", "go.starlark.net", "the directory of a study says how it stands"},
	{"runner/standing", "github.com/gomlx", "the directory of a study says how it stands"},
	{"runner/standing", module + "engine/train", "the directory of a study says how it stands"},
	{"runner/live", "go.starlark.net", "pages show what the directory of a study holds"},
	{"runner/live", "github.com/gomlx", "pages show what the directory of a study holds"},
	{"runner/live", module + "engine/train", "pages show what the directory of a study holds"},
	{"runner/live", module + "runner/execute", "pages show what the directory of a study holds"},
	{"runner/generated", "go.starlark.net", "samples come from a function, whatever draws them"},
	{"runner/generated", "github.com/gomlx", "samples come from a function, whatever draws them"},
	{"runner/generated", module + "results", "samples are no rows of a study"},
	{"runner/generated", module + "engine/train", "samples come from a function, whatever draws them"},
	{"runner/roofline", module + "engine/model", "timings have no programs"},
	{"engine/cpu/vecgen", "github.com/gomlx", "generators need nothing that they generate"},
	{"engine/cpu/vecgen", module + "engine/cpu/kern", "generators need nothing that they generate"},
	{"engine/cpu/kern/gen", "github.com/gomlx", "generators need nothing that they generate"},
	{"engine/cpu/kern/gen", module + "engine/cpu/kern", "generators need nothing that they generate"},
	{"engine/cpu/winograd", module, "pure mathematics"},
	{"engine/cpu/winograd", "github.com/", "pure mathematics"},
	{"internal/regular", module, "files, whatever is in them"},
	{"internal/archive", module + "results", "files, whatever is in them"},
	{"internal/safetensors", module, "a file format"},
	{"internal/hdf5", module, "a file format"},
	{"internal/npy", module, "a file format"},
	{"internal/torch", module + "engine", "a file format"},
	{"internal/floats", module, "numbers in bytes"},
	{"internal/durable", module, "files, whatever is in them"},
	{"internal/fetch", module, "published files, whatever is in them"},
	{"internal/guard", module, "functions, whatever they do"},
	{"internal/plain", module, "plain text"},
	{"internal/machine", module, "a property of the machine"},
	{"internal/once", module, "a map of values, whatever they are"},
	{"internal/parallel", module, "loops over anything"},
	{"internal/pass", module, "a pass over anything"},
	{"internal/columns", module, "a file format"},
	{"internal/dicom", module, "a file format"},
	{"internal/nifti", module, "a file format"},
	{"internal/losslessjpeg", module, "a file format"},
	{"engine/feature/small", module + "engine", "the form of a file"},
	{"engine/feature/small/pack", module + "engine/train", "packing trains nothing"},
	{"engine/feature/small/pack", "go.starlark.net", "packing needs no script"},
	{"runner/cmd/starsweep", "testing", "tests' helpers stay in tests"},
}

func TestPackagesImportOnlyWhatTheArchitectureAllows(t *testing.T) {
	all := packages(t)
	for _, f := range forbidden {
		known := false
		for _, p := range all {
			if !within(p.name(), f.pkg) {
				continue
			}
			known = true
			for _, d := range p.Deps {
				if within(d, strings.TrimSuffix(f.prefix, "/")+"/...") {
					t.Errorf("%s imports %s: %s", p.name(), d, f.reason)
				}
			}
		}
		if !known {
			t.Errorf("there is no package %s: change the table", f.pkg)
		}
	}
}

// words are what the last column of ARCHITECTURE.md's table says, and the imports that they mean.
var words = map[string][]string{
	"ours":         {module},
	"any library":  {"github.com/"},
	"GoMLX":        {"github.com/gomlx"},
	"Parquet":      {"github.com/parquet-go"},
	"Starlark":     {"go.starlark.net"},
	"`testing`":    {"testing"},
	"expressions":  {module + "engine/expr"},
	"files":        {"github.com/parquet-go", module + "results"},
	"layers":       {module + "engine/nn"},
	"plain values": {module + "engine/spec"},
	"programs":     {module + "engine/model"},
	"studies":      {module + "starlib"},
	"tables":       {module + "results"},
	"the backend":  {"github.com/gomlx", module + "engine/cpu/kern"},
	"the engine":   {module + "engine"},
	"training":     {module + "engine/train"},
}

func TestTheTableOfPackagesIsWholeAndEnforced(t *testing.T) {
	left := map[string]bool{} // packages that the table does not have
	for _, p := range packages(t) {
		left[p.name()] = true
	}
	for _, row := range tables(t, "Packages") {
		for _, pkg := range strings.Split(row[0], ", ") {
			if !left[pkg] {
				t.Errorf("ARCHITECTURE.md has %s twice, or there is no such package", pkg)
			}
			delete(left, pkg)
			for _, word := range strings.Split(row[2], ", ") {
				prefixes, known := words[word]
				if !known && word != "—" {
					t.Errorf("ARCHITECTURE.md: %s must not know %s: this test does not know which imports these are", pkg, word)
				}
				for _, prefix := range prefixes {
					if !slices.ContainsFunc(forbidden, func(f rule) bool { return within(pkg, f.pkg) && strings.HasPrefix(prefix, f.prefix) }) {
						t.Errorf("ARCHITECTURE.md says that %s does not know %s: no rule forbids that it imports %s", pkg, word, prefix)
					}
				}
			}
		}
	}
	for pkg := range left {
		t.Errorf("ARCHITECTURE.md does not have %s", pkg)
	}
}

// within reports whether a package is that of the pattern, or below it if the pattern ends in "/...".
func within(pkg, pattern string) bool {
	above, below := strings.CutSuffix(pattern, "/...")
	return pkg == above || below && strings.HasPrefix(pkg, above+"/")
}

// tables are the rows of all tables in a section of ARCHITECTURE.md, by cell, without their headers.
func tables(t *testing.T, section string) (rows [][]string) {
	t.Helper()
	inTable := 0 // lines since the table began
	for line := range strings.Lines(sectionOf(t, section)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 4 {
			inTable = 0
			continue
		}
		if inTable++; inTable <= 2 { // the header and the line below it
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells[1:len(cells)-1])
	}
	if len(rows) == 0 {
		t.Fatalf("ARCHITECTURE.md has no table of %s", section)
	}
	return rows
}

func sectionOf(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n## "+name+"\n")
	if !found {
		t.Fatalf("ARCHITECTURE.md has no section %s", name)
	}
	section, _, _ := strings.Cut(rest, "\n## ")
	return section
}

// The phases name the function that performs each: `package.Function` or `package.type.method`.
func TestTheFunctionsOfThePhasesExist(t *testing.T) {
	declared := map[string]bool{}
	each(t, ".go", func(path string, file *ast.File, _ *token.FileSet) {
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				declared[file.Name.Name+"."+receiver(d)+d.Name.Name] = true
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if s, ok := s.(*ast.TypeSpec); ok {
						declared[file.Name.Name+"."+s.Name.Name] = true
					}
				}
			}
		}
	})
	names := regexp.MustCompile(`\b(?:execute|expr|evaluation|lower|memory|model|plan|results|runner|starlib|sweep|train)(?:\.[A-Za-z]+)+`)
	found := names.FindAllString(sectionOf(t, "Phases"), -1)
	if len(found) < 20 {
		t.Errorf("the phases name %d functions, want one for each phase: %v", len(found), found)
	}
	for _, name := range found {
		if !declared[name] {
			t.Errorf("ARCHITECTURE.md names %s, which does not exist", name)
		}
	}
}

// receiver is the type of a method's receiver and a dot; "" for a function.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	x := f.Recv.List[0].Type
	if star, ok := x.(*ast.StarExpr); ok {
		x = star.X
	}
	if generic, ok := x.(*ast.IndexExpr); ok {
		x = generic.X
	}
	if name, ok := x.(*ast.Ident); ok {
		return name.Name + "."
	}
	return ""
}

// The edge of the process is one package: the others take arguments, environment and output as values, so that tests can supply their
// own. Commands that build the product (go generate, go run) are separate processes.
func TestOnlyCommandsTouchTheProcess(t *testing.T) {
	edge := regexp.MustCompile(`^(Args|Exit|Getenv|LookupEnv|Environ|Setenv|Unsetenv|Stdin|Stdout|Stderr|Chdir)$`)
	each(t, ".go", func(path string, file *ast.File, at *token.FileSet) {
		if file.Name.Name == "main" || strings.HasSuffix(path, "_test.go") || forTests[filepath.ToSlash(filepath.Dir(path))] {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if pkg, ok := s.X.(*ast.Ident); ok && pkg.Name == "os" && edge.MatchString(s.Sel.Name) {
					t.Errorf("%s: os.%s belongs to runner/cmd/starsweep", at.Position(n.Pos()), s.Sel.Name)
				}
			}
			return true
		})
	})
}

// forTests are packages that only tests import.
var forTests = map[string]bool{"internal/require": true, "internal/fulldisk": true, "internal/exprtest": true}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range packages(t) {
		if len(p.GoFiles) > 0 && len(p.Doc) < 40 {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

type goPackage struct {
	ImportPath, Dir, Doc                              string
	GoFiles, Imports, TestImports, XTestImports, Deps []string
}

// name is the import path within the module.
func (p goPackage) name() string { return strings.TrimPrefix(p.ImportPath, module) }

// packages are those of the module, except this one.
func packages(t *testing.T) (ps []goPackage) {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Doc,GoFiles,Imports,TestImports,XTestImports,Deps", "./...").Output()
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
		if p.ImportPath != strings.TrimSuffix(module, "/") {
			ps = append(ps, p)
		}
	}
}
