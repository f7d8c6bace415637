package sandbox

import (
	"math/bits"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// weight is the cost of a copy of v: elements, or 16 bytes of text.
func weight(v starlark.Value) uint64 {
	switch v := v.(type) {
	case starlark.String:
		return uint64(len(v)/16 + 1)
	case starlark.Bytes:
		return uint64(len(v)/16 + 1)
	case *starlark.Dict:
		return 8*uint64(v.Len()) + 1
	case starlark.Int:
		return words(v)
	}
	return uint64(max(0, starlark.Len(v))) + 1
}

func words(v starlark.Int) uint64 {
	if _, small := v.Int64(); small {
		return 1
	}
	return uint64(v.BigInt().BitLen()/64 + 1)
}

// Holder is a value of the host that contains others, such as functions of the script.
type Holder interface {
	starlark.Value
	Held() []starlark.Value
}

// FreezeHeld freezes what a value holds.
func FreezeHeld(h Holder) {
	for _, v := range h.Held() {
		v.Freeze()
	}
}

// parts calls yield for the values that v contains, until it returns false.
func parts(v starlark.Value, yield func(starlark.Value) bool) {
	switch v := v.(type) {
	case *starlark.Dict:
		for k, w := range v.Entries() {
			if !yield(k) || !yield(w) {
				return
			}
		}
	case *starlark.List:
		v.Elements()(yield)
	case starlark.Tuple:
		v.Elements()(yield)
	case *starlarkstruct.Struct:
		for _, name := range v.AttrNames() {
			if w, err := v.Attr(name); err == nil && !yield(w) {
				return
			}
		}
	case *starlark.Builtin:
		if r := v.Receiver(); r != nil {
			yield(r)
		}
	case Holder:
		for _, w := range v.Held() {
			if !yield(w) {
				return
			}
		}
	case *starlark.Function:
		for i := range v.NumParams() {
			if w := v.ParamDefault(i); w != nil && !yield(w) {
				return
			}
		}
		for i := range v.NumFreeVars() {
			if _, w := v.FreeVar(i); w != nil && !yield(w) {
				return
			}
		}
	}
}

// maxDepth bounds nesting, which the interpreter walks by recursion.
const maxDepth = 1000

// printed is the cost of the text of v. It stops counting at the limit: the text of a few shared lists can have any length.
func printed(v starlark.Value, limit uint64) uint64 { return printedAt(v, limit, 0) }

func printedAt(v starlark.Value, limit uint64, depth int) uint64 {
	if depth > maxDepth {
		return limit
	}
	n := weight(v)
	switch v.(type) {
	case *starlark.Function, *starlark.Builtin, Holder: // their text is a name
		return n
	case starlark.Int:
		return product(n, n) // printing takes time quadratic in the length
	}
	parts(v, func(w starlark.Value) bool {
		if n < limit {
			n += printedAt(w, limit-n, depth+1)
		}
		return n < limit
	})
	return n
}

func product(a, b uint64) uint64 {
	if over, n := bits.Mul64(a, b); over == 0 {
		return n
	}
	return 1 << 62
}
