package starsweep

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// A declaration that its table lacks compiles, and Go reports no unused variable of a package. So each declaration must be an element
// of its table.
func TestEveryDeclarationIsInItsTable(t *testing.T) {
	for _, c := range []struct{ dir, typ, table string }{
		{"engine/metric", "Definition", "All"}, {"engine/feature", "row", "table"}, {"engine/data", "row", "sets"},
	} {
		declared, listed := declarations(t, c.dir, c.typ, c.table)
		if len(declared) < 7 || len(declared) != len(listed) {
			t.Errorf("%s: got %d declarations of type %s and %d elements of %s, want as many of both, and 7 or more", c.dir, len(declared), c.typ,
				len(listed), c.table)
		}
		for name := range declared {
			if !listed[name] {
				t.Errorf("%s: %s is a %s and is not in %s", c.dir, name, c.typ, c.table)
			}
		}
	}
}

// declarations returns the package's variables whose values contain a literal of a type, and the variables that the table lists.
func declarations(t *testing.T, dir, typ, table string) (declared, listed map[string]bool) {
	t.Helper()
	files, err := filepath.Glob(dir + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	declared, listed = map[string]bool{}, map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
				for _, s := range g.Specs {
					sort(s.(*ast.ValueSpec), typ, table, declared, listed)
				}
			}
		}
	}
	return declared, listed
}

// sort adds the elements of the table to listed, and other variables of a type to declared.
func sort(s *ast.ValueSpec, typ, table string, declared, listed map[string]bool) {
	for i, value := range s.Values {
		if s.Names[i].Name == table {
			for _, e := range value.(*ast.CompositeLit).Elts {
				listed[e.(*ast.Ident).Name] = true
			}
		} else if makes(value, typ) {
			declared[s.Names[i].Name] = true
		}
	}
}

// makes reports whether an expression contains a literal of a type, other than in a function.
func makes(e ast.Expr, typ string) (found bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		if l, ok := n.(*ast.CompositeLit); ok {
			name, ok := l.Type.(*ast.Ident)
			found = found || ok && name.Name == typ
		}
		_, isFunction := n.(*ast.FuncLit)
		return !isFunction
	})
	return found
}
