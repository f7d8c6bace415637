package number

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/starlib/kit"
)

// formula describes how to compute a number of the script from those of p.
type formula struct {
	id     formulaID
	name   string            // of p's number; "" of what is computed
	at     int               // place of p's number in points
	of     *starlark.Builtin // what computes it
	args   starlark.Tuple    // with symbols among them and in lists
	kwargs []starlark.Tuple
	place  string // of the script, where it was computed first
	kind   string // type of the value
}

// formulaID is a digest of what a formula computes: formulas with the same ID compute the same number.
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

// apply is b(args...) for arguments with symbols among them, whose values it uses without revealing them.
func (r *Evaluation) apply(th *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	f := &formula{of: b, args: args, kwargs: kwargs, place: kit.Here(th).String()}
	// The script may change its lists later, and evaluations at other points read those of the formula concurrently.
	f.args, f.kwargs = f.fill(func(x *Symbol) starlark.Value { return x })
	f.args.Freeze()
	for _, kv := range f.kwargs {
		kv.Freeze()
	}
	given, named := f.fill(func(x *Symbol) starlark.Value { return x.value })
	v, err := b.CallInternal(th, given, named)
	if err != nil || !isNumber(v) {
		r.reveal(f)
		return v, err
	}
	f.kind = v.Type()
	f.identify(appendText(appendText(fmt.Appendf(nil, "%p", b), args), tuples(kwargs)))
	return r.symbol(v, f), nil
}

// appendText writes arguments so that those with the same text are equal at every point.
func appendText(b []byte, v starlark.Value) []byte {
	switch v := v.(type) {
	case *Symbol:
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

// fill returns the arguments with values in the places of symbols.
func (f *formula) fill(value func(*Symbol) starlark.Value) (starlark.Tuple, []starlark.Tuple) {
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
		case *Symbol:
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
