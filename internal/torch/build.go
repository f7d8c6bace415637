package torch

import "errors"

// call is the result of a Python function: of those that build tensors, and an object without content for others.
func call(f global, arguments tuple) (any, error) {
	switch f {
	case global{"torch._utils", "_rebuild_tensor_v2"}, global{"torch._utils", "_rebuild_tensor"}:
		return newView(arguments)
	case global{"torch._utils", "_rebuild_parameter"}, global{"torch._utils", "_rebuild_parameter_with_state"}:
		if len(arguments) > 0 {
			return arguments[0], nil
		}
	case global{"torch._tensor", "_rebuild_from_type_v2"}: // a function, a type, and its arguments
		if len(arguments) > 2 {
			inner, _ := arguments[0].(global)
			arguments, _ := arguments[2].(tuple)
			if inner != f {
				return call(inner, arguments)
			}
		}
	case global{"collections", "OrderedDict"}:
		return ordered(arguments), nil
	}
	return &object{}, nil
}

// ordered makes a dictionary: of pairs, which Python 2 wrote as its argument, or empty.
func ordered(arguments tuple) *dict {
	d := &dict{}
	if len(arguments) != 1 {
		return d
	}
	pairs, _ := arguments[0].(*list)
	for i := 0; pairs != nil && i < len(pairs.items); i++ {
		pair, ok := pairs.items[i].(*list)
		if ok && len(pair.items) == 2 {
			d.keys, d.values = append(d.keys, pair.items[0]), append(d.values, pair.items[1])
		}
	}
	return d
}

// newView makes a tensor from a storage, an offset, sizes and strides.
func newView(arguments tuple) (view, error) {
	wrong := errors.New("got a tensor without storage, offset, sizes and strides")
	if len(arguments) < 4 {
		return view{}, wrong
	}
	v := view{}
	var ok [4]bool
	v.storage, ok[0] = arguments[0].(storage)
	v.offset, ok[1] = arguments[1].(int64)
	v.size, ok[2] = integers(arguments[2])
	v.stride, ok[3] = integers(arguments[3])
	if ok != [4]bool{true, true, true, true} || len(v.size) != len(v.stride) {
		return view{}, wrong
	}
	return v, nil
}

func integers(v any) ([]int64, bool) {
	t, ok := v.(tuple)
	numbers := make([]int64, len(t))
	for i, x := range t {
		n, whole := x.(int64)
		numbers[i], ok = n, ok && whole
	}
	return numbers, ok
}

// persistent returns the storage of a persistent ID: "storage", its type, its key, its device, its number of elements.
func (m *machine) persistent(id any) (storage, error) {
	t, _ := id.(tuple)
	if len(t) < 5 || t[0] != "storage" {
		return storage{}, errors.New("got a persistent value that is not a storage")
	}
	kind, _ := t[1].(global)
	key, ok := t[2].(string)
	if !ok {
		return storage{}, errors.New("got a storage without a key")
	}
	if len(t) > 5 && t[5] != nil {
		return storage{}, errors.New("got a storage that is part of another: save the tensors with a newer PyTorch")
	}
	if m.sizes == nil {
		m.sizes = map[string]int{}
	}
	m.sizes[key] = sizes[kind.name]
	return storage{key, kind.name}, nil
}
