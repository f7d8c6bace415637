package starlib

import (
	"fmt"
	"math/bits"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// Limits bound what the evaluation of a script may use. The zero value means the default.
type Limits struct {
	// Steps counts interpreter steps and elements made, for a script with what it loads and for every call of trial(p).
	Steps uint64 // at most 4,194,304
}

// defaultSteps is a hundred times what the largest study of ours takes. A step makes at most some 300 bytes (an empty dict).
const defaultSteps = 2_000_000

// maxLimit bounds Limits.Steps, so that counting what would be printed can stop there.
const maxLimit = 1 << 22

func (l Limits) steps() uint64 {
	if l.Steps == 0 {
		return defaultSteps
	}
	return min(l.Steps, maxLimit)
}

const limitsKey = "limits"

// pay charges a thread for n elements that it is about to make.
func pay(th *starlark.Thread, n uint64) error {
	limit, _ := th.Local(limitsKey).(uint64)
	if th.Steps += n; n > limit || th.Steps > limit {
		return fmt.Errorf("%s", tooMuch(limit))
	}
	return nil
}

const keysKey = "keys"

// payKey charges for a key of a dict what finding it costs beside its hash: the keys of this thread that have the same hash. The
// hash of an integer is that of its last 32 bits, so keys such as i * (1 << 32) share one, and a dict of n takes n² steps.
func payKey(th *starlark.Thread, key starlark.Value) error {
	switch k := key.(type) {
	case starlark.NoneType, starlark.Bool:
		return nil
	case starlark.Int:
		if i, small := k.Int64(); small && i >= 0 && i < 1<<32 { // no two share one
			return nil
		}
	}
	h, err := key.Hash()
	if err != nil {
		return nil // the interpreter says it
	}
	keys, ok := th.Local(keysKey).(map[uint32][]starlark.Value)
	if !ok {
		keys = map[uint32][]starlark.Value{}
		th.SetLocal(keysKey, keys)
	}
	for i, other := range keys[h] {
		if same, err := starlark.Equal(key, other); err == nil && same {
			return pay(th, uint64(i))
		}
	}
	keys[h] = append(keys[h], key)
	return pay(th, uint64(len(keys[h])-1))
}

// payKeys charges for the keys that a method of a dict, or dict itself, is given: one, or those of a list of pairs.
func payKeys(th *starlark.Thread, method string, args starlark.Tuple) error {
	switch method {
	case "get", "pop", "setdefault":
		if len(args) > 0 {
			return payKey(th, args[0])
		}
	case "dict", "update":
		if len(args) == 0 {
			return nil
		}
		if _, isDict := args[0].(*starlark.Dict); isDict {
			return nil // its keys were paid for
		}
		for _, pair := range elements(args[0]) {
			if p, ok := pair.(starlark.Indexable); ok && p.Len() > 0 {
				if err := payKey(th, p.Index(0)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func tooMuch(limit uint64) string {
	return fmt.Sprintf("the script makes too much: got more than %d steps and elements, want fewer", limit)
}

// weight is what a copy of v costs.
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

// holder is a value of ours that holds others: functions of the script.
type holder interface {
	starlark.Value
	held() []starlark.Value
}

// parts calls yield for what v holds, until it says no.
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
	case holder:
		for _, w := range v.held() {
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

// maxDepth bounds nested values, which the interpreter walks recursively.
const maxDepth = 1000

// printed is what the text of v costs; it stops counting at the limit, since a small tree of shared lists prints at any length.
func printed(v starlark.Value, limit uint64) uint64 { return printedAt(v, limit, 0) }

func printedAt(v starlark.Value, limit uint64, depth int) uint64 {
	if depth > maxDepth {
		return limit
	}
	n := weight(v)
	switch v.(type) {
	case *starlark.Function, *starlark.Builtin, holder: // printed by name
		return n
	case starlark.Int:
		return product(n, n) // digits take the square of the length
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
