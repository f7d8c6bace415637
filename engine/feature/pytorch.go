package feature

import (
	"errors"
	"fmt"

	"github.com/nlpodyssey/gopickle/pytorch"
	"github.com/nlpodyssey/gopickle/types"
)

// readPyTorch reads the tensors of floats of a state_dict that torch.save wrote, in its old or its new format.
func readPyTorch(path string) (w weights, err error) {
	defer func() { // the unpickler panics on some bytes that are no pickle
		if r := recover(); r != nil {
			w, err = nil, fmt.Errorf("not a file of PyTorch that can be read: %v", r)
		}
	}()
	v, err := pytorch.Load(path)
	if err != nil {
		return nil, fmt.Errorf("not a file of PyTorch that can be read: %w", err)
	}
	w = weights{}
	switch d := v.(type) {
	case *types.OrderedDict:
		for e := d.List.Front(); e != nil && err == nil; e = e.Next() {
			entry := e.Value.(*types.OrderedDictEntry)
			err = w.add(entry.Key, entry.Value)
		}
	case *types.Dict:
		for i := 0; i < len(*d) && err == nil; i++ {
			err = w.add((*d)[i].Key, (*d)[i].Value)
		}
	default:
		err = fmt.Errorf("got a %T, want a state_dict: save model.state_dict()", v)
	}
	return w, err
}

// add adds an entry of a state_dict.
func (w weights) add(key, value any) error {
	name, named := key.(string)
	t, ok := value.(*pytorch.Tensor)
	if !named || !ok {
		return fmt.Errorf("got an entry %v of type %T, want tensors by name: save model.state_dict()", key, value)
	}
	var data []float32
	var err error
	switch s := t.Source.(type) {
	case *pytorch.FloatStorage:
		data, err = elements(t, s.Data)
	case *pytorch.DoubleStorage:
		data, err = elements(t, s.Data)
	case *pytorch.HalfStorage, *pytorch.BFloat16Storage: // gopickle reads small halves as others
		err = errors.New("got floats of 16 bits, want 32: save model.float().state_dict()")
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	w[name] = tensor{t.Size, data}
	return nil
}

// elements are the elements of a tensor, row-major: it may be a view of its storage with any strides.
func elements[T float32 | float64](t *pytorch.Tensor, storage []T) ([]float32, error) {
	n := product(t.Size)
	if len(t.Stride) != len(t.Size) || n < 0 || n > len(storage) {
		return nil, fmt.Errorf("got sizes %v and strides %v on %d numbers", t.Size, t.Stride, len(storage))
	}
	v := make([]float32, n)
	index := make([]int, len(t.Size))
	for i := range v {
		place := t.StorageOffset
		for axis, x := range index {
			place += x * t.Stride[axis]
		}
		if place < 0 || place >= len(storage) {
			return nil, fmt.Errorf("got an element at %d of %d numbers", place, len(storage))
		}
		v[i] = float32(storage[place])
		for axis := len(index) - 1; axis >= 0; axis-- {
			if index[axis]++; index[axis] < t.Size[axis] {
				break
			}
			index[axis] = 0
		}
	}
	return v, nil
}
