package starsweep

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A test skips under -short, or through internal/require, which knows what STARSWEEP_REQUIRE=1 makes a failure. A fuzz test may
// also skip an input.
func TestTestsSkipThroughRequireOnly(t *testing.T) {
	skips := 0
	each(t, "_test.go", func(path string, file *ast.File, at *token.FileSet) {
		var enclosing []ast.Node
		ast.Inspect(file, func(n ast.Node) bool {
			if n == nil {
				enclosing = enclosing[:len(enclosing)-1]
				return true
			}
			enclosing = append(enclosing, n)
			if name := method(n); name != "Skip" && name != "Skipf" && name != "SkipNow" {
				return true
			}
			skips++
			allowed := slices.ContainsFunc(enclosing, func(n ast.Node) bool {
				branch, ok := n.(*ast.IfStmt)
				return ok && mentions(branch.Cond, "Short") || method(n) == "Fuzz"
			})
			if !allowed {
				t.Errorf("%s: skips neither under testing.Short nor through internal/require", at.Position(n.Pos()))
			}
			return true
		})
	})
	if skips == 0 {
		t.Error("found no skip at all: the test does not see them")
	}
}

// each parses every Go file of the module whose name has the suffix.
func each(t *testing.T, suffix string, do func(path string, file *ast.File, at *token.FileSet)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "runs"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, suffix):
			return nil
		}
		at := token.NewFileSet()
		file, err := parser.ParseFile(at, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		do(path, file, at)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// method is the name of the method that n calls, "" if n is not a call of one.
func method(n ast.Node) string {
	if call, ok := n.(*ast.CallExpr); ok {
		if s, ok := call.Fun.(*ast.SelectorExpr); ok {
			return s.Sel.Name
		}
	}
	return ""
}

// mentions reports whether a part of n calls the method.
func mentions(n ast.Node, name string) (found bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		found = found || n != nil && method(n) == name
		return true
	})
	return found
}
