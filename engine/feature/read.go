package feature

import (
	"fmt"
	"os"

	"github.com/starsweep/starsweep/internal/floats"
	"github.com/starsweep/starsweep/internal/hdf5"
	"github.com/starsweep/starsweep/internal/regular"
	"github.com/starsweep/starsweep/internal/safetensors"
	"github.com/starsweep/starsweep/internal/torch"
)

// decode reads every array of floats in a file, PyTorch's .pth or .pt, Keras's .h5 or .safetensors, recognized by its first bytes.
func decode(file []byte) (w weights, err error) {
	switch {
	case hdf5.Is(file):
		return readHDF5(file)
	case torch.Is(file):
		return readTorch(file)
	}
	if w, _, err = readSafetensors(file); err != nil {
		err = fmt.Errorf("%w, nor one of PyTorch (.pth, .pt) or Keras (.h5)", err)
	}
	return w, err
}

// maxFile is the maximum size of a file of weights in bytes, which takes memory in proportion. Inception's files have 100 MB.
const maxFile = 2 << 30

// readFile reads a file of weights.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := regular.Check(info.Mode()); err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("got %d MB, want a file of weights of at most %d", info.Size()>>20, maxFile>>20)
	}
	return os.ReadFile(path)
}

func readTorch(file []byte) (weights, error) {
	tensors, err := torch.Read(file)
	if err != nil {
		return nil, err
	}
	w := weights{}
	for _, t := range tensors {
		w[t.Name] = tensor{t.Shape, t.Values}
	}
	return w, nil
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
		if data, ok := elements(t); ok {
			w[t.Name] = tensor{t.Shape, data}
		}
	}
	return w, metadata, nil
}

// decoders read an element of a type of floats, of size bytes.
var decoders = map[safetensors.DType]struct {
	size   int
	decode func(b []byte) float32
}{
	safetensors.F16: {2, floats.F16}, safetensors.BF16: {2, floats.BF16}, safetensors.F32: {4, floats.F32}, safetensors.F64: {8, floats.F64},
}

// elements returns the elements of a tensor of floats; ok is false for other types.
func elements(t safetensors.Tensor) (v []float32, ok bool) {
	d, ok := decoders[t.DType]
	if !ok {
		return nil, false
	}
	v = make([]float32, len(t.Data)/d.size)
	for i := range v {
		v[i] = d.decode(t.Data[i*d.size:])
	}
	return v, true
}
