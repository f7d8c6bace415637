// Package safetensors reads and writes the safetensors format: an 8-byte little-endian length, a JSON header with each tensor's
// type, shape and offsets, and the bytes of the tensors, row-major and little-endian. It imports no package of this module;
// results stores checkpoints in this format, and engine/feature weights. Python's safetensors reads and writes the same files.
//
// Source: https://github.com/huggingface/safetensors, section "Format".
package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// DType is the type of a tensor's elements, by its name in the format.
type DType string

// The types of the format with a whole number of bytes.
const (
	Bool DType = "BOOL"
	U8   DType = "U8"
	I8   DType = "I8"
	U16  DType = "U16"
	I16  DType = "I16"
	F16  DType = "F16"
	BF16 DType = "BF16"
	U32  DType = "U32"
	I32  DType = "I32"
	F32  DType = "F32"
	U64  DType = "U64"
	I64  DType = "I64"
	F64  DType = "F64"
)

// sizes has the bytes of an element of each type.
var sizes = map[DType]int{
	Bool: 1, U8: 1, I8: 1, U16: 2, I16: 2, F16: 2, BF16: 2, U32: 4, I32: 4, F32: 4, U64: 8, I64: 8, F64: 8,
}

// Tensor is a named array. Data is its elements, row-major, each little-endian.
type Tensor struct {
	Name  string
	DType DType
	Shape []int
	Data  []byte
}

// ErrFormat is wrapped by every error about bytes that are not a safetensors file.
var ErrFormat = errors.New("not a valid safetensors file")

const (
	metadataKey = "__metadata__"
	maxHeader   = 100_000_000 // bytes; the limit of the reference implementation
)

// entry is the header's description of a tensor.
type entry struct {
	DType   DType     `json:"dtype"`
	Shape   []int     `json:"shape"`
	Offsets *[2]int64 `json:"data_offsets"` // from the end of the header; nil if missing
}

// Write writes the tensors in the given order and the metadata, which may be nil.
func Write(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	for _, t := range tensors {
		if size, err := byteSize(t.DType, t.Shape); err == nil && size != int64(len(t.Data)) {
			return fmt.Errorf("tensor %q: got %d bytes, want %d for %s%v", t.Name, len(t.Data), size, t.DType, t.Shape)
		}
	}
	if err := WriteHeader(w, tensors, metadata); err != nil {
		return err
	}
	for _, t := range tensors {
		if _, err := w.Write(t.Data); err != nil {
			return err
		}
	}
	return nil
}

// WriteHeader writes what precedes the data of the tensors, which the caller writes then: tensors may be too large for memory. It does
// not read their Data.
func WriteHeader(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	header, err := header(tensors, metadata)
	if err != nil {
		return err
	}
	if err := binary.Write(w, binary.LittleEndian, uint64(len(header))); err != nil {
		return err
	}
	_, err = w.Write(header)
	return err
}

// header returns the JSON header, padded with spaces so that the data begin at a multiple of 8 bytes.
func header(tensors []Tensor, metadata map[string]string) ([]byte, error) {
	var buf bytes.Buffer
	field := func(key string, value any) error {
		k, err := json.Marshal(key)
		if err != nil {
			return err
		}
		v, err := json.Marshal(value)
		if err != nil {
			return err
		}
		separator := byte(',')
		if buf.Len() == 0 {
			separator = '{'
		}
		buf.WriteByte(separator)
		buf.Write(k)
		buf.WriteByte(':')
		buf.Write(v)
		return nil
	}
	if len(metadata) > 0 || len(tensors) == 0 {
		if metadata == nil {
			metadata = map[string]string{}
		}
		if err := field(metadataKey, metadata); err != nil {
			return nil, err
		}
	}
	seen := map[string]bool{metadataKey: true}
	offset := int64(0)
	for _, t := range tensors {
		if seen[t.Name] {
			return nil, fmt.Errorf("tensor %q: the name is reserved or used twice", t.Name)
		}
		seen[t.Name] = true
		size, err := byteSize(t.DType, t.Shape)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		shape := t.Shape
		if shape == nil {
			shape = []int{} // a scalar is [], not null
		}
		if err := field(t.Name, entry{t.DType, shape, &[2]int64{offset, offset + size}}); err != nil {
			return nil, err
		}
		offset += size
	}
	buf.WriteByte('}')
	for buf.Len()%8 != 0 {
		buf.WriteByte(' ')
	}
	return buf.Bytes(), nil
}

// byteSize returns the size of a tensor's data.
func byteSize(dtype DType, shape []int) (int64, error) {
	element, ok := sizes[dtype]
	if !ok {
		return 0, fmt.Errorf("got dtype %q, want one of BOOL, U8 … F64", dtype)
	}
	size := int64(element)
	for _, n := range shape {
		if n < 0 {
			return 0, fmt.Errorf("got shape %v, want no negative length", shape)
		}
		if n > 0 && size > math.MaxInt64/int64(n) {
			return 0, fmt.Errorf("shape %v is too large", shape)
		}
		size *= int64(n)
	}
	return size, nil
}

// Read decodes a file. The tensors are in the order of their data, and their Data are slices of file.
func Read(file []byte) (tensors []Tensor, metadata map[string]string, err error) {
	tensors, metadata, err = read(file)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return tensors, metadata, nil
}

func read(file []byte) ([]Tensor, map[string]string, error) {
	if len(file) < 8 {
		return nil, nil, fmt.Errorf("got %d bytes, want 8 or more", len(file))
	}
	length := binary.LittleEndian.Uint64(file)
	if length > maxHeader || length > uint64(len(file)-8) {
		return nil, nil, fmt.Errorf("got a header of %d bytes in a file of %d", length, len(file))
	}
	head, data := file[8:8+length], file[8+length:]
	entries, metadata, err := parseHeader(head)
	if err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	slices.SortFunc(entries, func(a, b namedEntry) int { return slices.Compare(a.Offsets[:], b.Offsets[:]) })
	var tensors []Tensor
	end := int64(0)
	for _, e := range entries {
		size, err := byteSize(e.DType, e.Shape)
		if err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", e.name, err)
		}
		// The format allows neither gaps nor overlaps: each tensor begins where the previous one ends.
		if from, to := e.Offsets[0], e.Offsets[1]; from != end || to-from != size || to > int64(len(data)) {
			return nil, nil, fmt.Errorf("tensor %q: got data_offsets [%d, %d], want [%d, %d] within %d bytes of data",
				e.name, from, to, end, end+size, len(data))
		}
		tensors = append(tensors, Tensor{e.name, e.DType, e.Shape, data[end : end+size : end+size]})
		end += size
	}
	if end != int64(len(data)) {
		return nil, nil, fmt.Errorf("got %d bytes of data, want %d", len(data), end)
	}
	return tensors, metadata, nil
}

type namedEntry struct {
	name string
	entry
}

// parseHeader reads the header key by key, because encoding/json would silently accept a key twice.
func parseHeader(head []byte) (entries []namedEntry, metadata map[string]string, err error) {
	if len(head) == 0 || head[0] != '{' {
		return nil, nil, errors.New("want JSON that begins with {")
	}
	dec := json.NewDecoder(bytes.NewReader(head))
	dec.DisallowUnknownFields()
	if _, err := dec.Token(); err != nil {
		return nil, nil, err
	}
	seen := map[string]bool{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, nil, err
		}
		name := key.(string) // the decoder returns keys as strings
		if seen[name] {
			return nil, nil, fmt.Errorf("key %q appears twice", name)
		}
		seen[name] = true
		if name == metadataKey {
			err = dec.Decode(&metadata)
		} else {
			e := namedEntry{name: name}
			err = dec.Decode(&e.entry)
			if err == nil && (e.Offsets == nil || e.Shape == nil) {
				err = errors.New("shape or data_offsets is missing")
			}
			entries = append(entries, e)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("key %q: %w", name, err)
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, nil, err
	}
	if rest := bytes.TrimRight(head[dec.InputOffset():], " "); len(rest) > 0 {
		return nil, nil, fmt.Errorf("%d bytes follow the JSON", len(rest))
	}
	return entries, metadata, nil
}

// Element is a Go type of elements.
type Element interface {
	bool | uint8 | int8 | uint16 | int16 | uint32 | int32 | float32 | uint64 | int64 | float64
}

// New returns a tensor of values, row-major.
func New[T Element](name string, shape []int, values []T) Tensor {
	data := make([]byte, 0, len(values)*binary.Size(*new(T)))
	data, err := binary.Append(data, binary.LittleEndian, values)
	if err != nil {
		panic(err) // every Element has a fixed size
	}
	return Tensor{name, dtypeOf[T](), slices.Clone(shape), data}
}

// Values returns the elements of a tensor, row-major.
func Values[T Element](t Tensor) ([]T, error) {
	if want := dtypeOf[T](); t.DType != want {
		return nil, fmt.Errorf("tensor %q: got dtype %s, want %s", t.Name, t.DType, want)
	}
	values := make([]T, len(t.Data)/sizes[t.DType])
	if _, err := binary.Decode(t.Data, binary.LittleEndian, values); err != nil {
		return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	return values, nil
}

func dtypeOf[T Element]() DType {
	switch any(*new(T)).(type) {
	case bool:
		return Bool
	case uint8:
		return U8
	case int8:
		return I8
	case uint16:
		return U16
	case int16:
		return I16
	case uint32:
		return U32
	case int32:
		return I32
	case float32:
		return F32
	case uint64:
		return U64
	case int64:
		return I64
	default:
		return F64
	}
}
