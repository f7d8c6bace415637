package feature

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/gomlx/compute/dtypes/float16"
	"github.com/nlpodyssey/gopickle/pytorch"
	"github.com/nlpodyssey/gopickle/types"

	"github.com/starsweep/starsweep/internal/hdf5"
	"github.com/starsweep/starsweep/internal/safetensors"
)

// read reads every array of floats in a file: PyTorch's .pth, Keras's .h5 or .safetensors, told by its first bytes.
func read(path string) (file []byte, w weights, err error) {
	if file, err = os.ReadFile(path); err != nil {
		return nil, nil, err
	}
	switch {
	case hdf5.Is(file):
		w, err = readHDF5(file)
	case bytes.HasPrefix(file, []byte("PK")), bytes.HasPrefix(file, []byte{0x80}): // a zip, or a bare pickle as before PyTorch 1.6
		w, err = readPyTorch(path)
	default:
		if w, _, err = readSafetensors(file); err != nil {
			err = fmt.Errorf("%w, nor one of PyTorch (.pth) or Keras (.h5)", err)
		}
	}
	return file, w, err
}

func readHDF5(file []byte) (weights, error) {
	arrays, err := hdf5.Read(file)
	if err != nil {
		return nil, err
	}
	w := weights{}
	for _, a := range arrays {
		w[a.Path] = tensor{a.Shape, a.Values}
	}
	return w, nil
}

func readSafetensors(file []byte) (weights, map[string]string, error) {
	tensors, metadata, err := safetensors.Read(file)
	if err != nil {
		return nil, nil, err
	}
	w := weights{}
	for _, t := range tensors {
		if data, ok := floats(t); ok {
			w[t.Name] = tensor{t.Shape, data}
		}
	}
	return w, metadata, nil
}

// floats are the elements of a tensor of floats; ok is false for other types.
func floats(t safetensors.Tensor) (v []float32, ok bool) {
	var size int
	var decode func(b []byte) float32
	switch t.DType {
	case safetensors.F16:
		size, decode = 2, func(b []byte) float32 { return float16.FromBits(binary.LittleEndian.Uint16(b)).Float32() }
	case safetensors.BF16:
		size, decode = 2, func(b []byte) float32 {
			return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16)
		}
	case safetensors.F32:
		size, decode = 4, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }
	case safetensors.F64:
		size, decode = 8, func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) }
	default:
		return nil, false
	}
	v = make([]float32, len(t.Data)/size)
	for i := range v {
		v[i] = decode(t.Data[i*size:])
	}
	return v, true
}

// readPyTorch reads a state_dict that torch.save wrote, in its old or its new format.
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
	add := func(key, value any) error {
		name, ok := key.(string)
		t, isTensor := value.(*pytorch.Tensor)
		if !ok || !isTensor {
			return fmt.Errorf("got an entry %v of type %T, want tensors by name: save model.state_dict()", key, value)
		}
		data, ok, err := elements(t)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if ok {
			w[name] = tensor{t.Size, data}
		}
		return nil
	}
	switch d := v.(type) {
	case *types.OrderedDict:
		for e := d.List.Front(); e != nil && err == nil; e = e.Next() {
			entry := e.Value.(*types.OrderedDictEntry)
			err = add(entry.Key, entry.Value)
		}
	case *types.Dict:
		for i := 0; i < len(*d) && err == nil; i++ {
			err = add((*d)[i].Key, (*d)[i].Value)
		}
	default:
		err = fmt.Errorf("got a %T, want a state_dict: save model.state_dict()", v)
	}
	if err != nil {
		return nil, err
	}
	return w, nil
}

// elements are the elements of a tensor of floats, row-major; ok is false for other types.
func elements(t *pytorch.Tensor) (v []float32, ok bool, err error) {
	var at func(i int) float32
	var n int
	switch s := t.Source.(type) {
	case *pytorch.FloatStorage:
		at, n = func(i int) float32 { return s.Data[i] }, len(s.Data)
	case *pytorch.DoubleStorage:
		at, n = func(i int) float32 { return float32(s.Data[i]) }, len(s.Data)
	case *pytorch.HalfStorage, *pytorch.BFloat16Storage: // gopickle reads small halves as others
		return nil, false, errors.New("got floats of 16 bits, want 32: save model.float().state_dict()")
	default:
		return nil, false, nil
	}
	if len(t.Stride) != len(t.Size) {
		return nil, false, errors.New("got strides of another rank than the tensor's")
	}
	v = []float32{}
	index := make([]int, len(t.Size))
	for total := product(t.Size); len(v) < total; {
		place := t.StorageOffset
		for i, x := range index {
			place += x * t.Stride[i]
		}
		if place < 0 || place >= n {
			return nil, false, fmt.Errorf("got an element at %d of a storage of %d", place, n)
		}
		v = append(v, at(place))
		for i := len(index) - 1; i >= 0; i-- {
			if index[i]++; index[i] < t.Size[i] {
				break
			}
			index[i] = 0
		}
	}
	return v, true, nil
}
