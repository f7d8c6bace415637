// Package where compiles conditions on the rows of a table, as users write them on a command line: Starlark expressions over the names
// of its columns, such as
//
//	lr < 0.01 and loss == "wgan-gp"
//
// A value that a row does not have is None. A comparison with it by <, <=, > or >= is false, and arithmetic with it has no value. The
// sandbox bounds what a condition costs. The package knows no study and no table; the commands import it.
package where

import (
	"context"
	"fmt"
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starsweep/starsweep/starlib/hint"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/sandbox"
)

// Compile compiles a condition on columns. Its values are bool, int64, float64, string, and nil for a value that a row does not have.
// Errors, also those of the function, begin with name and the place in the text; once ctx ends they are its cause.
func Compile(ctx context.Context, name, text string, columns []string) (func(map[string]any) (bool, error), error) {
	file, condition, err := parse(name, text)
	if err != nil {
		return nil, err
	}
	used := usedNames(condition, columns)
	globals := lenient()
	start := syntax.Start(condition) // names the file that the places of errors are in
	def := &syntax.DefStmt{Def: start, Name: &syntax.Ident{NamePos: start, Name: "where"},
		Body: []syntax.Stmt{&syntax.ReturnStmt{Return: start, Result: condition}}}
	for _, column := range used {
		def.Params = append(def.Params, &syntax.Ident{NamePos: start, Name: column})
	}
	file.Stmts = []syntax.Stmt{def}
	program, err := starlark.FileProgram(file, globals.Has)
	if err != nil {
		return nil, unknownColumn(err, columns)
	}
	defined, err := program.Init(sandbox.NewThread(sandbox.Limits{}, func(string) {}), globals)
	if err != nil {
		return nil, kit.Locate(err, name)
	}
	defined.Freeze()
	return func(cells map[string]any) (bool, error) {
		args := make(starlark.Tuple, len(used))
		for i, column := range used {
			args[i] = kit.Plain(cells[column])
		}
		th := sandbox.NewThread(sandbox.Limits{}, func(string) {})
		v, err := sandbox.Run(ctx, th, func() (starlark.Value, error) { return starlark.Call(th, defined["where"], args, nil) })
		if err != nil {
			return false, kit.Locate(err, name)
		}
		holds, isBool := v.(starlark.Bool)
		if !isBool && v != starlark.None {
			return false, &kit.Error{Pos: start.String(), Msg: fmt.Sprintf("got %s, want True or False", kit.Describe(v))}
		}
		return bool(holds), nil
	}, nil
}

// Columns returns those of the columns that a condition names, in the order of their first use.
func Columns(name, text string, columns []string) ([]string, error) {
	_, condition, err := parse(name, text)
	if err != nil {
		return nil, err
	}
	return usedNames(condition, columns), nil
}

// parse reads a file that is one expression.
func parse(name, text string) (*syntax.File, syntax.Expr, error) {
	file, err := sandbox.Parse(name, []byte(text))
	if err != nil {
		return nil, nil, kit.Locate(err, name)
	}
	condition, err := onlyExpression(file, name)
	return file, condition, err
}

// onlyExpression is the expression that a file consists of.
func onlyExpression(file *syntax.File, name string) (syntax.Expr, error) {
	const want = `want a condition, such as lr < 0.01 and loss == "wgan-gp"`
	if len(file.Stmts) == 0 {
		return nil, fmt.Errorf("%s: got no expression, %s", name, want)
	}
	if len(file.Stmts) > 1 {
		at, _ := file.Stmts[1].Span()
		return nil, &kit.Error{Pos: at.String(), Msg: "got a second statement, " + want}
	}
	switch s := file.Stmts[0].(type) {
	case *syntax.ExprStmt:
		return s.X, nil
	case *syntax.AssignStmt:
		return nil, &kit.Error{Pos: s.OpPos.String(), Msg: "got =, which assigns; compare with =="}
	}
	at, _ := file.Stmts[0].Span()
	return nil, &kit.Error{Pos: at.String(), Msg: "got a statement, " + want}
}

// usedNames are the columns that an expression names, in the order of their first use.
func usedNames(x syntax.Expr, columns []string) (used []string) {
	syntax.Walk(x, func(n syntax.Node) bool {
		if id, isName := n.(*syntax.Ident); isName && slices.Contains(columns, id.Name) && !slices.Contains(used, id.Name) {
			used = append(used, id.Name)
		}
		return true
	})
	return used
}

// lenient are the guards of the sandbox, for operands that a trial may not have.
func lenient() starlark.StringDict {
	guards := sandbox.Guards()
	missing := map[string]starlark.Value{"+": starlark.None, "-": starlark.None, "*": starlark.None, "/": starlark.None,
		"//": starlark.None, "%": starlark.None, "<": starlark.False, "<=": starlark.False, ">": starlark.False, ">=": starlark.False}
	for name, result := range missing {
		guard := guards[name].(*starlark.Builtin)
		guards[name] = starlark.NewBuiltin(name, func(th *starlark.Thread, b *starlark.Builtin, args starlark.Tuple,
			kwargs []starlark.Tuple) (starlark.Value, error) {
			if slices.Contains(args, starlark.Value(starlark.None)) {
				return result, nil
			}
			return guard.CallInternal(th, args, kwargs)
		})
	}
	return guards
}

// unknownColumn advises on names that are not columns.
func unknownColumn(err error, columns []string) error {
	return kit.Unresolved(err, func(msg, name string) string {
		if name == "" {
			return msg
		}
		return hint.Unknown("column", name, slices.Sorted(slices.Values(columns))).Error()
	})
}
