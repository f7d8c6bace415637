package sandbox

import "go.starlark.net/starlark"

// Universe is Starlark's own builtin of this name, paying for what it copies or prints.
func Universe(name string) *starlark.Builtin {
	return guarded(starlark.Universe[name].(*starlark.Builtin), universe[name])
}

// universe lists Starlark's builtins that copy or print their arguments, with what they cost.
var universe = map[string]func(args []starlark.Value) uint64{
	"bytes": lengths, "dict": texts, "enumerate": lengths, "hash": texts, "int": digits, "float": lengths,
	"list": lengths, "reversed": lengths, "tuple": lengths, "zip": lengths,
	"fail": texts, "max": texts, "min": texts, "print": texts, "repr": texts, "sorted": texts, "str": texts,
}

// lengths is the cost of copying the arguments.
func lengths(args []starlark.Value) (n uint64) {
	for _, v := range args {
		n += 2 * weight(v)
	}
	return n
}

// digits is the cost of reading the text of an integer.
func digits(args []starlark.Value) uint64 { return product(lengths(args), lengths(args)) }

// texts is the cost of printing, hashing or comparing the arguments.
func texts(args []starlark.Value) (n uint64) {
	for _, v := range args {
		n += printed(v, maxSteps)
	}
	return n
}

// guarded is a builtin or a method that pays before it is called.
func guarded(b *starlark.Builtin, cost func([]starlark.Value) uint64) *starlark.Builtin {
	paying := starlark.NewBuiltin(b.Name(), func(th *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple,
		kwargs []starlark.Tuple) (starlark.Value, error) {
		all := append([]starlark.Value{}, args...)
		if r := b.Receiver(); r != nil {
			all = append(all, r)
		}
		for _, kv := range kwargs {
			all = append(all, kv[1])
		}
		if err := Pay(th, cost(all)); err != nil {
			return nil, err
		}
		if _, ofDict := b.Receiver().(*starlark.Dict); ofDict || b.Name() == "dict" {
			if err := payKeys(th, b.Name(), args); err != nil {
				return nil, err
			}
		}
		return b.CallInternal(th, args, kwargs)
	})
	if r := b.Receiver(); r != nil {
		paying = paying.BindReceiver(r)
	}
	return paying
}
