package number

import (
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/sandbox"
)

// Symbol is an int, a float or a schedule that depends on numbers of p.
//
// A script is evaluated for a point, but what it computes from p's numbers is kept as formulas: p.w and 10 * p.w are symbols, which
// know their value at the point and how to compute it at any other. A symbol may become a real number of the program, and then the
// same evaluation serves every value of p.w. Everything else that a script does with a symbol (comparing it, using it as a size,
// printing it) reveals its value; the evaluation then holds for this value alone.
//
// Builtins that compute with symbols are wrapped by lifted. All others must get their values through sandbox.Reveal, since a script
// could distinguish a symbol from a number.
type Symbol struct {
	value   starlark.Value // at the evaluation's point
	formula *formula
	in      *Evaluation
}

var (
	_ starlark.Comparable = (*Symbol)(nil)
	_ starlark.HasUnary   = (*Symbol)(nil)
	_ starlark.Callable   = (*Symbol)(nil)
	_ sandbox.Deferred    = (*Symbol)(nil)
)

// Reveal is the symbol's value, which decides something from now on.
func (x *Symbol) Reveal() starlark.Value {
	x.in.reveal(x.formula)
	return x.value
}

// Operate makes a formula of an operation on symbols and numbers.
func (x *Symbol) Operate(th *starlark.Thread, op *starlark.Builtin, operands starlark.Tuple) (v starlark.Value, ok bool, err error) {
	for _, o := range operands {
		if !isSymbol(o) && !isNumber(o) {
			return nil, false, nil
		}
	}
	v, err = x.in.apply(th, op, operands, nil)
	return v, true, err
}

func (x *Symbol) String() string        { return x.Reveal().String() }
func (x *Symbol) Type() string          { return "symbol" } // with the type of its value, the interpreter would compare the two
func (x *Symbol) Freeze()               {}
func (x *Symbol) Truth() starlark.Bool  { return x.Reveal().Truth() }
func (x *Symbol) Hash() (uint32, error) { return x.Reveal().Hash() }
func (x *Symbol) Name() string          { return "schedule" }

// CompareSameType compares the values of two symbols.
func (x *Symbol) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	return starlark.CompareDepth(op, x.Reveal(), y.(*Symbol).Reveal(), depth)
}

func (x *Symbol) Unary(op syntax.Token) (starlark.Value, error) {
	if op == syntax.PLUS {
		return x, nil
	}
	return starlark.Unary(op, x.Reveal())
}

func (x *Symbol) CallInternal(th *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return starlark.Call(th, x.Reveal(), args, kwargs)
}

// symbol is a number whose formula has a value at the evaluation's point.
func (r *Evaluation) symbol(v starlark.Value, f *formula) *Symbol {
	r.know(f)
	return &Symbol{v, f, r}
}

// ID identifies the number: symbols with the same ID are equal at every point.
func (x *Symbol) ID() string { return string(x.formula.id[:]) }

// IsInt reports whether the number is an integer, which is structure of a program.
func (x *Symbol) IsInt() bool {
	_, ok := x.value.(starlark.Int)
	return ok
}

// variable is the symbol as a real number of the program.
func (x *Symbol) variable() spec.Schedule {
	x.in.variables[x.formula.id] = x
	return spec.Variable(string(x.formula.id[:]))
}

func isSymbol(v starlark.Value) bool { _, ok := v.(*Symbol); return ok }

// IsSchedule reports whether v is a schedule or a symbol for one.
func IsSchedule(v starlark.Value) bool {
	if x, ok := v.(*Symbol); ok {
		v = x.value
	}
	_, ok := v.(Real)
	return ok
}

// isNumber reports whether v is a value that a symbol may represent.
func isNumber(v starlark.Value) bool {
	switch v.(type) {
	case starlark.Int, starlark.Float, Real:
		return true
	}
	return false
}
