package starlib

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/sandbox"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// A script is evaluated for a point, but what it makes of p's numbers is kept as formulas: p.w and 10 * p.w are symbols, which know
// their value at the point and how to compute it at any other. A symbol may become a real number of the program, and then the same
// evaluation serves every value of p.w. Whatever else a script does with a symbol - compares it, takes it as a size, prints it -
// asks for its value; then the evaluation holds for this value alone (run.ask).
//
// What computes with symbols stands in lifts. Everything else must get their values through sandbox.Reveal: a value of the script
// that only looks like a number would be told from one.

// symbol is an int, a float or a schedule that depends on numbers of p.
type symbol struct {
	value   starlark.Value // at the run's point
	formula *formula
	run     *run
}

var (
	_ starlark.Comparable = (*symbol)(nil)
	_ starlark.HasUnary   = (*symbol)(nil)
	_ starlark.Callable   = (*symbol)(nil)
	_ sandbox.Deferred    = (*symbol)(nil)
)

// Reveal is the symbol's value, which decides something from now on.
func (x *symbol) Reveal() starlark.Value {
	x.run.ask(x.formula)
	return x.value
}

// Operate keeps op of symbols and numbers as a formula.
func (x *symbol) Operate(th *starlark.Thread, op *starlark.Builtin, operands starlark.Tuple) (v starlark.Value, ok bool, err error) {
	for _, o := range operands {
		if !isSymbol(o) && !isNumber(o) {
			return nil, false, nil
		}
	}
	v, err = x.run.apply(th, op, operands, nil)
	return v, true, err
}

func (x *symbol) String() string        { return x.Reveal().String() }
func (x *symbol) Type() string          { return "symbol" } // if it were that of its value, the interpreter would compare the two
func (x *symbol) Freeze()               {}
func (x *symbol) Truth() starlark.Bool  { return x.Reveal().Truth() }
func (x *symbol) Hash() (uint32, error) { return x.Reveal().Hash() }
func (x *symbol) Name() string          { return "schedule" }

func (x *symbol) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	return starlark.CompareDepth(op, x.Reveal(), y.(*symbol).Reveal(), depth)
}

func (x *symbol) Unary(op syntax.Token) (starlark.Value, error) {
	if op == syntax.PLUS {
		return x, nil
	}
	return starlark.Unary(op, x.Reveal())
}

func (x *symbol) CallInternal(th *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return starlark.Call(th, x.Reveal(), args, kwargs)
}

// symbol is a number whose formula has a value at the run's point.
func (r *run) symbol(v starlark.Value, f *formula) *symbol {
	r.know(f)
	return &symbol{v, f, r}
}

// variable is the symbol as a real number of the program.
func (x *symbol) variable() spec.Schedule {
	x.run.variables[x.formula.id] = x
	return spec.Variable(string(x.formula.id[:]))
}

// formula says how to compute a number of the script from those of p.
type formula struct {
	id     formulaID
	name   string            // of p's number; "" of what is computed
	at     int               // place of p's number in points
	of     *starlark.Builtin // what computes it
	args   starlark.Tuple    // with symbols among them, also in lists
	kwargs []starlark.Tuple
	place  string // of the script, where it was computed first
	kind   string // type of the value
}

// formulaID is a digest of what a formula computes: those of one ID compute one number.
type formulaID [16]byte

// formulaOf is the formula of a number of p itself.
func formulaOf(name string, at int, kind string) *formula {
	f := &formula{name: name, at: at, kind: kind}
	f.identify(fmt.Appendf(nil, "p.%s %s", name, kind))
	return f
}

func (f *formula) identify(text []byte) {
	sum := sha256.Sum256(text)
	copy(f.id[:], sum[:])
}

// apply is b(args...) for arguments that have symbols among them: their values are taken without being asked for.
func (r *run) apply(th *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	f := &formula{of: b, args: args, kwargs: kwargs, place: kit.Here(th).String()}
	// The script may change its lists later, and evaluations at other points read the formula's side by side.
	f.args, f.kwargs = f.fill(func(x *symbol) starlark.Value { return x })
	f.args.Freeze()
	for _, kv := range f.kwargs {
		kv.Freeze()
	}
	given, named := f.fill(func(x *symbol) starlark.Value { return x.value })
	v, err := b.CallInternal(th, given, named)
	if err != nil || !isNumber(v) {
		r.ask(f)
		return v, err
	}
	f.kind = v.Type()
	f.identify(appendText(appendText(fmt.Appendf(nil, "%p", b), args), tuples(kwargs)))
	return r.symbol(v, f), nil
}

// appendText writes arguments, so that two with one text are equal at every point.
func appendText(b []byte, v starlark.Value) []byte {
	switch v := v.(type) {
	case *symbol:
		return append(append(b, "symbol"...), v.formula.id[:]...)
	case starlark.Float:
		return strconv.AppendFloat(append(b, "float"...), float64(v), 'x', -1, 64)
	case starlark.Indexable:
		if _, isText := v.(starlark.String); !isText {
			b = fmt.Append(b, v.Type(), v.Len(), "(")
			for i := range v.Len() {
				b = append(appendText(b, v.Index(i)), ',')
			}
			return append(b, ')')
		}
	}
	return fmt.Append(b, v.Type(), v)
}

func tuples(list []starlark.Tuple) (t starlark.Tuple) {
	for _, e := range list {
		t = append(t, e)
	}
	return t
}

// fill puts values in the places of symbols.
func (f *formula) fill(value func(*symbol) starlark.Value) (starlark.Tuple, []starlark.Tuple) {
	var full func(v starlark.Value) starlark.Value
	each := func(list []starlark.Value) []starlark.Value {
		out := make([]starlark.Value, len(list))
		for i, e := range list {
			out[i] = full(e)
		}
		return out
	}
	full = func(v starlark.Value) starlark.Value {
		switch v := v.(type) {
		case *symbol:
			return value(v)
		case *starlark.List:
			return starlark.NewList(each(slices.Collect(v.Elements())))
		case starlark.Tuple:
			return starlark.Tuple(each(v))
		}
		return v
	}
	kwargs := make([]starlark.Tuple, len(f.kwargs))
	for i, kv := range f.kwargs {
		kwargs[i] = each(kv)
	}
	return each(f.args), kwargs
}

// isSchedule reports whether v is a schedule or a symbol for one.
func isSchedule(v starlark.Value) bool {
	if x, ok := v.(*symbol); ok {
		v = x.value
	}
	_, ok := v.(schedule)
	return ok
}

// isNumber reports whether v is what a symbol may stand for.
func isNumber(v starlark.Value) bool {
	switch v.(type) {
	case starlark.Int, starlark.Float, schedule:
		return true
	}
	return false
}

// lifted is a builtin that computes with symbols, if all else that it is given are numbers, or texts and lists of numbers. One that
// chooses among its arguments does so only among numbers of one type.
func lifted(b *starlark.Builtin, chooses bool) *starlark.Builtin {
	return starlark.NewBuiltin(b.Name(), func(th *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple,
		kwargs []starlark.Tuple) (starlark.Value, error) {
		l := look(args, kwargs)
		switch {
		case l.run == nil:
			return b.CallInternal(th, args, kwargs)
		case l.numbers && !(chooses && l.mixed):
			return l.run.apply(th, b, args, kwargs)
		}
		return sandbox.Call(th, b, args, kwargs)
	})
}

func isSymbol(v starlark.Value) bool { _, ok := v.(*symbol); return ok }

// looked is what arguments are made of.
type looked struct {
	run     *run   // of the symbols among them; nil if there are none
	numbers bool   // whether all are numbers, or texts and lists of numbers
	kind    string // of the last number
	mixed   bool   // numbers of several types
}

func look(args starlark.Tuple, kwargs []starlark.Tuple) looked {
	l := looked{numbers: true}
	for _, v := range args {
		l.at(v, false)
	}
	for _, kv := range kwargs {
		l.at(kv[1], false)
	}
	return l
}

func (l *looked) at(v starlark.Value, inList bool) {
	switch x := v.(type) {
	case *symbol:
		l.run, v = x.run, x.value
	case *starlark.List, starlark.Tuple:
		l.numbers = l.numbers && !inList
		for e := range starlark.Elements(x.(starlark.Iterable)) {
			if l.at(e, true); !l.numbers {
				return
			}
		}
		return
	case starlark.String, starlark.NoneType:
		return
	}
	l.numbers = l.numbers && isNumber(v)
	l.mixed = l.mixed || l.kind != "" && l.kind != v.Type()
	l.kind = v.Type()
}

// knowing gives every global function its way with symbols: those that compute with numbers are lifted, those that only hold or
// hand on what they get stay as they are, and ours see to it when they unpack their arguments. All others are given values.
func knowing(all starlark.StringDict) {
	for _, name := range []string{"float", "int", "real", "linear", "cosine", "exponential", "step", "warmup", "constant", "piecewise"} {
		all[name] = lifted(builtinOf(all, name), false)
	}
	for _, name := range []string{"abs", "max", "min"} {
		all[name] = lifted(builtinOf(all, name), true)
	}
	for _, name := range []string{"hash", "bytes", "fail", "print", "repr", "sorted", "str", "bool", "chr", "dir", "hasattr", "ord", "range"} {
		all[name] = sandbox.Revealing(builtinOf(all, name))
	}
	kind := builtinOf(all, "type")
	all["type"] = starlark.NewBuiltin("type", func(th *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple,
		kwargs []starlark.Tuple) (starlark.Value, error) {
		if len(args) == 1 && isSymbol(args[0]) { // at every point the same
			args = starlark.Tuple{args[0].(*symbol).value}
		}
		return kind.CallInternal(th, args, kwargs)
	})
}

// builtinOf is a global function, ours or Starlark's.
func builtinOf(all starlark.StringDict, name string) *starlark.Builtin {
	if b, ok := all[name].(*starlark.Builtin); ok {
		return b
	}
	return starlark.Universe[name].(*starlark.Builtin)
}

// liftedModule is a module whose functions compute with symbols.
func liftedModule(m *starlarkstruct.Module) *starlarkstruct.Module {
	members := starlark.StringDict{}
	for name, v := range m.Members {
		if members[name] = v; isBuiltin(v) {
			members[name] = lifted(v.(*starlark.Builtin), false)
		}
	}
	return &starlarkstruct.Module{Name: m.Name, Members: members}
}

func isBuiltin(v starlark.Value) bool { _, ok := v.(*starlark.Builtin); return ok }
