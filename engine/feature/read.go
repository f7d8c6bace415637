package feature

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"

	"github.com/gomlx/compute/dtypes/float16"

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
