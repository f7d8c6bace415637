package sandbox

import "go.starlark.net/starlark"

const keysKey = "keys"

// payKey charges for finding a key in a dict: one for every key of this thread with the same hash. The hash of an integer is that
// of its last 32 bits, so keys such as i * (1 << 32) share one, and a dict of n of them takes n² steps.
func payKey(th *starlark.Thread, key starlark.Value) error {
	switch k := key.(type) {
	case starlark.NoneType, starlark.Bool:
		return nil
	case starlark.Int:
		if i, small := k.Int64(); small && i >= 0 && i < 1<<32 { // no two share a hash
			return nil
		}
	}
	h, err := key.Hash()
	if err != nil {
		return nil // the interpreter reports it
	}
	keys, ok := th.Local(keysKey).(map[uint32][]starlark.Value)
	if !ok {
		keys = map[uint32][]starlark.Value{}
		th.SetLocal(keysKey, keys)
	}
	for i, other := range keys[h] {
		if same, err := starlark.Equal(key, other); err == nil && same {
			return Pay(th, uint64(i))
		}
	}
	keys[h] = append(keys[h], key)
	return Pay(th, uint64(len(keys[h])-1))
}

// payKeys charges for the keys among the arguments of a method of dicts, or of dict itself: one, or those of a list of pairs.
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
			return nil // its keys are paid for
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
