package sandbox

import (
	"fmt"

	"go.starlark.net/syntax"
)

// rewriter replaces code that can make or walk large values, or that needs the truth of a value, by calls of the builtins of Guards. It
// keeps positions. Names must not be resolved before.
type rewriter struct {
	err   *Error // the first
	elifs int    // of the chain that is being rewritten
}

// maxElifs bounds a chain of elif: the compiler takes time quadratic in its length.
const maxElifs = 1000

func (r *rewriter) fail(pos syntax.Position, format string, a ...any) {
	if r.err == nil {
		r.err = &Error{pos, fmt.Sprintf(format, a...)}
	}
}

// call is name(args...) at pos.
func call(name string, pos syntax.Position, args ...syntax.Expr) syntax.Expr {
	return &syntax.CallExpr{Fn: &syntax.Ident{NamePos: pos, Name: name}, Lparen: pos, Args: args, Rparen: pos}
}

func (r *rewriter) block(stmts []syntax.Stmt) {
	for _, s := range stmts {
		r.stmt(s)
	}
}

func (r *rewriter) stmt(s syntax.Stmt) {
	switch s := s.(type) {
	case *syntax.AssignStmt:
		r.assign(s)
	case *syntax.DefStmt:
		r.params(s.Params)
		r.block(s.Body)
	case *syntax.ExprStmt:
		s.X = r.expr(s.X)
	case *syntax.ForStmt:
		r.target(s.Vars)
		s.X = r.expr(s.X)
		r.block(s.Body)
	case *syntax.WhileStmt: // refused by the resolver
	case *syntax.IfStmt:
		outer := r.elifs
		defer func() { r.elifs = outer }()
		r.elifs = 0
		s.Cond = r.condition(s.Cond)
		r.block(s.True)
		if len(s.False) == 1 {
			if _, chained := s.False[0].(*syntax.IfStmt); chained {
				if r.elifs = outer + 1; r.elifs > maxElifs {
					r.fail(s.ElsePos, "got more than %d elif in a row, want fewer: look the value up in a dict", maxElifs)
					return
				}
			}
		}
		r.block(s.False)
	case *syntax.ReturnStmt:
		if s.Result != nil {
			s.Result = r.expr(s.Result)
		}
	}
}

// augmented maps the assignments x op= y of guarded operators to the guards that compute them.
var augmented = map[syntax.Token]string{
	syntax.PLUS_EQ: "+=", syntax.MINUS_EQ: "-=", syntax.STAR_EQ: "*=", syntax.SLASH_EQ: "/=", syntax.SLASHSLASH_EQ: "//=",
	syntax.PERCENT_EQ: "%=",
	syntax.PIPE_EQ:    "|=", syntax.AMP_EQ: "&=", syntax.CIRCUMFLEX_EQ: "^=", syntax.LTLT_EQ: "<<=", syntax.GTGT_EQ: ">>=",
}

func (r *rewriter) assign(s *syntax.AssignStmt) {
	s.RHS = r.expr(s.RHS)
	name := augmented[s.Op]
	if name == "" {
		r.target(s.LHS)
		return
	}
	if !plain(s.LHS) { // it would be evaluated twice
		r.fail(s.OpPos, "got %s on a computed element, want a name for the list or dict and the index first", s.Op)
		return
	}
	s.RHS = call(name, s.OpPos, r.expr(duplicate(s.LHS)), s.RHS)
	s.Op = syntax.EQ
	r.target(s.LHS)
}

// plain reports whether evaluating x twice is the same as evaluating it once.
func plain(x syntax.Expr) bool {
	switch x := x.(type) {
	case *syntax.Ident, *syntax.Literal:
		return true
	case *syntax.ParenExpr:
		return plain(x.X)
	case *syntax.DotExpr:
		return plain(x.X)
	case *syntax.IndexExpr:
		return plain(x.X) && plain(x.Y)
	}
	return false
}

// duplicate copies a plain expression, since the resolver marks nodes.
func duplicate(x syntax.Expr) syntax.Expr {
	switch x := x.(type) {
	case *syntax.Ident:
		y := *x
		return &y
	case *syntax.ParenExpr:
		return duplicate(x.X)
	case *syntax.DotExpr:
		y := *x
		y.X = duplicate(x.X)
		return &y
	case *syntax.IndexExpr:
		y := *x
		y.X, y.Y = duplicate(x.X), duplicate(x.Y)
		return &y
	}
	return x
}

// target rewrites the expressions inside the target of an assignment, not the target itself.
func (r *rewriter) target(x syntax.Expr) {
	switch x := x.(type) {
	case *syntax.ParenExpr:
		r.target(x.X)
	case *syntax.DotExpr:
		x.X = r.expr(x.X)
	case *syntax.IndexExpr:
		x.X, x.Y = r.expr(x.X), r.key(x.Y)
	case *syntax.ListExpr:
		for _, e := range x.List {
			r.target(e)
		}
	case *syntax.TupleExpr:
		for _, e := range x.List {
			r.target(e)
		}
	}
}

// params rewrites the default values of parameters.
func (r *rewriter) params(params []syntax.Expr) {
	for _, p := range params {
		if b, ok := p.(*syntax.BinaryExpr); ok {
			b.Y = r.expr(b.Y)
		}
	}
}

func (r *rewriter) list(xs []syntax.Expr) {
	for i, x := range xs {
		xs[i] = r.expr(x)
	}
}

// guardedOps maps the operators that can make large values, if only integers, to their guards.
var guardedOps = map[syntax.Token]string{
	syntax.PLUS: "+", syntax.MINUS: "-", syntax.STAR: "*", syntax.SLASH: "/", syntax.SLASHSLASH: "//", syntax.PERCENT: "%",
	syntax.PIPE: "|", syntax.AMP: "&", syntax.CIRCUMFLEX: "^", syntax.LTLT: "<<", syntax.GTGT: ">>",
}

// guardedUnary is guardedOps for one operand.
var guardedUnary = map[syntax.Token]string{syntax.MINUS: "-x", syntax.TILDE: "~x"}

// comparisons walk values; these are their guards.
var comparisons = map[syntax.Token]string{
	syntax.EQL: "==", syntax.NEQ: "!=", syntax.LT: "<", syntax.LE: "<=", syntax.GT: ">", syntax.GE: ">=",
	syntax.IN: "in", syntax.NOT_IN: "not in",
}

// key rewrites an index or a key of a dict.
func (r *rewriter) key(x syntax.Expr) syntax.Expr {
	if _, isLiteral := x.(*syntax.Literal); isLiteral {
		return x
	}
	return call("x[k]", syntax.Start(x), r.expr(x))
}

// expr rewrites an expression and everything in it.
func (r *rewriter) expr(x syntax.Expr) syntax.Expr {
	switch x := x.(type) {
	case *syntax.BinaryExpr:
		return r.binary(x)
	case *syntax.CallExpr:
		x.Fn = r.expr(x.Fn)
		r.args(x.Args)
	case *syntax.Comprehension:
		r.clauses(x.Clauses)
		x.Body = r.expr(x.Body)
	case *syntax.CondExpr:
		x.Cond, x.True, x.False = r.condition(x.Cond), r.expr(x.True), r.expr(x.False)
	case *syntax.DictEntry:
		x.Key, x.Value = r.key(x.Key), r.expr(x.Value)
	case *syntax.DictExpr:
		r.list(x.List)
	case *syntax.DotExpr:
		x.X = r.expr(x.X)
		if methods[x.Name.Name] {
			name := &syntax.Literal{Token: syntax.STRING, TokenPos: x.NamePos, Raw: x.Name.Name, Value: x.Name.Name}
			return call("x.f", x.Dot, x.X, name)
		}
	case *syntax.IndexExpr:
		x.X, x.Y = r.expr(x.X), r.key(x.Y)
	case *syntax.LambdaExpr:
		r.params(x.Params)
		x.Body = r.expr(x.Body)
	case *syntax.ListExpr:
		r.list(x.List)
	case *syntax.ParenExpr:
		x.X = r.expr(x.X)
	case *syntax.SliceExpr:
		x.X = call("x[:]", x.Lbrack, r.expr(x.X))
		for _, bound := range []*syntax.Expr{&x.Lo, &x.Hi, &x.Step} {
			if *bound != nil {
				*bound = r.expr(*bound)
			}
		}
	case *syntax.TupleExpr:
		r.list(x.List)
	case *syntax.UnaryExpr:
		return r.unary(x)
	}
	return x
}

func (r *rewriter) binary(x *syntax.BinaryExpr) syntax.Expr {
	if x.Op == syntax.AND || x.Op == syntax.OR {
		x.X, x.Y = r.condition(x.X), r.expr(x.Y)
		return x
	}
	x.X, x.Y = r.expr(x.X), r.expr(x.Y)
	if name := guardedOps[x.Op] + comparisons[x.Op]; name != "" {
		return call(name, x.OpPos, x.X, x.Y)
	}
	return x
}

func (r *rewriter) unary(x *syntax.UnaryExpr) syntax.Expr {
	if x.Op == syntax.NOT {
		x.X = r.condition(x.X)
		return x
	}
	_, isLiteral := x.X.(*syntax.Literal)
	x.X = r.expr(x.X)
	if name := guardedUnary[x.Op]; name != "" && !isLiteral {
		return call(name, x.OpPos, x.X)
	}
	return x
}

// clauses rewrites the for and if of a comprehension.
func (r *rewriter) clauses(clauses []syntax.Node) {
	for _, c := range clauses {
		switch c := c.(type) {
		case *syntax.ForClause:
			r.target(c.Vars)
			c.X = r.expr(c.X)
		case *syntax.IfClause:
			c.Cond = r.condition(c.Cond)
		}
	}
}

// condition rewrites an expression whose truth is needed, which unknown values lack. Comparisons return truth values and need no
// guard for that.
func (r *rewriter) condition(x syntax.Expr) syntax.Expr {
	switch x := x.(type) {
	case *syntax.ParenExpr:
		x.X = r.condition(x.X)
		return x
	case *syntax.BinaryExpr:
		if x.Op == syntax.AND || x.Op == syntax.OR {
			x.X, x.Y = r.condition(x.X), r.condition(x.Y)
			return x
		}
		if comparisons[x.Op] != "" {
			return r.expr(x)
		}
	case *syntax.UnaryExpr:
		if x.Op == syntax.NOT {
			return r.expr(x)
		}
	}
	return call("if x", syntax.Start(x), r.expr(x))
}

// args rewrites the arguments of a call: x, name = x, *x, **x.
func (r *rewriter) args(args []syntax.Expr) {
	for i, a := range args {
		switch a := a.(type) {
		case *syntax.BinaryExpr:
			if a.Op == syntax.EQ {
				a.Y = r.expr(a.Y)
				continue
			}
		case *syntax.UnaryExpr:
			if a.Op == syntax.STAR || a.Op == syntax.STARSTAR {
				a.X = call("f(*x)", a.OpPos, r.expr(a.X))
				continue
			}
		}
		args[i] = r.expr(a)
	}
}
