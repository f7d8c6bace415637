package torch

import (
	"errors"
	"fmt"

	"github.com/starsweep/starsweep/internal/floats"
)

// sizes has the bytes of an element of each kind of storage.
var sizes = map[string]int{
	"FloatStorage": 4, "DoubleStorage": 8, "HalfStorage": 2, "BFloat16Storage": 2,
	"LongStorage": 8, "IntStorage": 4, "ShortStorage": 2, "CharStorage": 1, "ByteStorage": 1, "BoolStorage": 1,
}

// decoders read an element of the kinds that are floats.
var decoders = map[string]func(b []byte) float32{
	"FloatStorage": floats.F32, "DoubleStorage": floats.F64, "HalfStorage": floats.F16, "BFloat16Storage": floats.BF16,
}

// collector collects the tensors in a value.
type collector struct {
	storages map[string][]byte
	tensors  []Tensor
	room     int // the number of further elements allowed
	visited  int
}

const (
	maxDepth  = 64
	maxValues = 1 << 18 // a value may contain another many times
	maxName   = 1 << 10
)

func (c *collector) collect(name string, value any, depth int) error {
	if c.visited++; c.visited > maxValues || depth > maxDepth || len(name) > maxName {
		return errors.New("its values are nested too deeply or too often")
	}
	switch v := value.(type) {
	case view:
		return c.tensor(name, v)
	case *object:
		return c.collect(name, v.state, depth+1)
	case *dict:
		for i, key := range v.keys {
			text, ok := key.(string)
			if !ok {
				continue
			}
			if name != "" {
				text = name + "." + text
			}
			if err := c.collect(text, v.values[i], depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// tensor adds the elements of a view, which may have any strides, in row-major order.
func (c *collector) tensor(name string, v view) error {
	decode, ok := decoders[v.storage.kind]
	if !ok {
		return nil
	}
	numbers, ok := c.storages[v.storage.key]
	if !ok {
		return fmt.Errorf("%s: storage %.40q is missing", name, v.storage.key)
	}
	width := sizes[v.storage.kind]
	n, shape := 1, make([]int, len(v.size))
	for axis, size := range v.size {
		if size < 0 || size > int64(c.room) || n*int(size) > c.room {
			return fmt.Errorf("%s: got sizes %v, more elements than the file has bytes", name, v.size)
		}
		n *= int(size)
		shape[axis] = int(size)
	}
	c.room -= n
	values, index := make([]float32, n), make([]int, len(shape))
	held := int64(len(numbers) / width)
	for i := range values {
		place := v.offset
		for axis, x := range index {
			place += int64(x) * v.stride[axis]
		}
		if place < 0 || place >= held {
			return fmt.Errorf("%s: got an element at %d of %d numbers", name, place, held)
		}
		values[i] = decode(numbers[place*int64(width):])
		for axis := len(index) - 1; axis >= 0; axis-- {
			if index[axis]++; index[axis] < shape[axis] {
				break
			}
			index[axis] = 0
		}
	}
	c.tensors = append(c.tensors, Tensor{name, shape, values})
	return nil
}
