package runner

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// productFiles returns the files of this module that the command consists of, with their packages.
func productFiles(t *testing.T) map[string]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,GoFiles", "./cmd/starsweep").Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Dir string
			GoFiles         []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return files
		} else if err != nil {
			t.Fatal(err)
		}
		if name, ours := strings.CutPrefix(p.ImportPath, "github.com/starsweep/starsweep/"); ours {
			for _, f := range p.GoFiles {
				files[filepath.Join(p.Dir, f)] = name
			}
		}
	}
}

// Whole commands run in tests, with their own environment: see Env.
func TestOnlyTheCommandTouchesTheProcess(t *testing.T) {
	process := []string{"Args", "Exit", "Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "Stdin", "Stdout", "Stderr", "UserCacheDir"}
	var variables []string // read through a function named Getenv
	for path, pkg := range productFiles(t) {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				x, ok := n.X.(*ast.Ident)
				if ok && x.Name == "os" && slices.Contains(process, n.Sel.Name) && pkg != "runner/cmd/starsweep" {
					t.Errorf("%v: os.%s: only runner/cmd/starsweep touches the process; pass it in through runner.Env", fset.Position(n.Pos()),
						n.Sel.Name)
				}
			case *ast.CallExpr:
				f, ok := n.Fun.(*ast.SelectorExpr)
				if !ok || f.Sel.Name != "Getenv" || len(n.Args) != 1 {
					break
				}
				name, ok := n.Args[0].(*ast.BasicLit)
				if !ok {
					t.Errorf("%v: want the name of the variable as a literal", fset.Position(n.Pos()))
					break
				}
				text, _ := strconv.Unquote(name.Value)
				variables = append(variables, text)
			}
			return true
		})
	}
	libraries := []string{"GOMAXPROCS", "XLA_FLAGS"} // are read by the runtime of Go and by XLA
	variables = append(variables, libraries...)
	slices.Sort(variables)
	var documented []string
	for _, v := range environment {
		documented = append(documented, v.name)
	}
	slices.Sort(documented)
	if variables = slices.Compact(variables); !slices.Equal(documented, variables) {
		t.Errorf("environment lists the variables\n%v, the code reads\n%v", documented, variables)
	}
}
