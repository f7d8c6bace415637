// Package torch reads the tensors of floats in files of PyTorch: those of torch.save, in its current form (a zip file) and the form
// before PyTorch 1.6, and TorchScript archives. Nothing in a file is ever executed: of Python's pickles it implements the few
// instructions and names that such files use, and anything else is a value without content. It imports internal/floats;
// engine/feature reads networks with it.
//
// Sources: torch/serialization.py and torch/_utils.py of PyTorch, Lib/pickletools.py of CPython.
package torch

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Tensor is an array of floats, row-major. Its name is the path of keys and attributes to it, joined by dots.
type Tensor struct {
	Name   string
	Shape  []int
	Values []float32
}

// ErrFormat is wrapped by every error about bytes that this package cannot read.
var ErrFormat = errors.New("not a readable PyTorch file")

// Is reports whether a file begins like PyTorch's.
func Is(file []byte) bool { return isZip(file) || bytes.HasPrefix(file, []byte{opProto, 2}) }

func isZip(file []byte) bool { return bytes.HasPrefix(file, []byte("PK\x03\x04")) }

// Read returns the tensors of floats of 16, 32 or 64 bits, in the order of the file; it skips others. All tensors together have at
// most as many elements as the file has bytes.
func Read(file []byte) ([]Tensor, error) {
	read := legacy
	if isZip(file) {
		read = archive
	}
	root, storages, err := read(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	c := collector{storages: storages, room: len(file)}
	if err := c.collect("", root, 0); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return c.tensors, nil
}

// archive reads a zip file: a pickle, and a file for each storage.
func archive(file []byte) (root any, storages map[string][]byte, err error) {
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, nil, err
	}
	folder := ""
	for _, entry := range z.File {
		if dir, name := path.Split(entry.Name); name == "data.pkl" && strings.Count(dir, "/") <= 1 {
			folder = dir
		}
	}
	var pickle []byte
	storages = map[string][]byte{}
	for _, entry := range z.File {
		name, ok := strings.CutPrefix(entry.Name, folder)
		key, data := strings.CutPrefix(name, "data/")
		if !ok || !data && name != "data.pkl" && name != "byteorder" {
			continue // such as the code of a program
		}
		content, err := stored(file, entry)
		if err != nil {
			return nil, nil, fmt.Errorf("%.100q: %w", entry.Name, err)
		}
		switch {
		case data:
			storages[key] = content
		case name == "data.pkl":
			pickle = content
		case string(content) != "little":
			return nil, nil, fmt.Errorf("got byte order %.20q, want little", content)
		}
	}
	if pickle == nil {
		return nil, nil, errors.New("there is no data.pkl in it")
	}
	m := machine{in: pickle}
	root, err = m.run()
	return root, storages, err
}

// stored returns the content of an entry: a slice of the file, since PyTorch does not compress.
func stored(file []byte, entry *zip.File) ([]byte, error) {
	if entry.Method != zip.Store {
		return nil, errors.New("it is compressed, which torch.save does not do")
	}
	at, err := entry.DataOffset()
	if err != nil {
		return nil, err
	}
	if n := entry.UncompressedSize64; n > uint64(len(file)) || uint64(at) > uint64(len(file))-n {
		return nil, io.ErrUnexpectedEOF
	}
	return file[at : uint64(at)+entry.UncompressedSize64], nil
}

// legacy reads the form before PyTorch 1.6: pickles of a magic number, a version, sizes of C's types, the value, and the keys of the
// storages; then the storages, each after its number of elements.
func legacy(file []byte) (root any, storages map[string][]byte, err error) {
	m := machine{in: file}
	var values [5]any
	for i := range values {
		if values[i], err = m.run(); err != nil {
			return nil, nil, err
		}
	}
	const magic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19" // a number of 10 bytes, little-endian
	if number, ok := values[0].(long); !ok || string(number) != magic {
		return nil, nil, errors.New("the magic number is missing")
	}
	keys, ok := values[4].(*list)
	if !ok {
		return nil, nil, errors.New("the keys of the storages are missing")
	}
	storages = map[string][]byte{}
	rest := m.in[m.at:]
	for _, k := range keys.items {
		key, ok := k.(string)
		size := m.sizes[key]
		if !ok || size == 0 || len(rest) < 8 {
			return nil, nil, fmt.Errorf("storage %.40v: %w", k, io.ErrUnexpectedEOF)
		}
		n := binary.LittleEndian.Uint64(rest)
		if rest = rest[8:]; n > uint64(len(rest)/size) {
			return nil, nil, fmt.Errorf("storage %.40q: %w", key, io.ErrUnexpectedEOF)
		}
		storages[key], rest = rest[:n*uint64(size)], rest[n*uint64(size):]
	}
	return values[3], storages, nil
}
