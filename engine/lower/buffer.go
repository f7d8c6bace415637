package lower

import (
	"errors"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/starsweep/starsweep/engine/expr"
)

// Buffer is a tensor that programs read or have written, in the memory of a device or as an input that the host writes. It is
// GoMLX's tensor under a name that other packages may use.
type Buffer tensors.Tensor

func (b *Buffer) tensor() *tensors.Tensor { return (*tensors.Tensor)(b) }

// Element is a type of numbers that are written to buffers.
type Element interface {
	float32 | float64 | int32 | uint32
}

// Input makes a buffer of zeros that the host writes before calls, without a copy where host and device share memory.
func (d Device) Input(s expr.Shape) (*Buffer, error) {
	t, err := tensors.FromShapeForBackend(d.Backend.compute, d.num(), tensorShape(s))
	return (*Buffer)(t), err
}

// Upload makes a buffer on the device whose elements fill writes, as in Edit.
func (d Device) Upload(s expr.Shape, fill func(elements any)) (*Buffer, error) {
	return d.upload(s, func(t *tensors.Tensor) error { return t.MutableFlatData(fill) })
}

// UploadBytes makes a buffer on the device of what Bytes returned.
func (d Device) UploadBytes(s expr.Shape, data []byte) (*Buffer, error) {
	if len(data) != s.Bytes() {
		return nil, fmt.Errorf("got %d bytes, want %d for %v", len(data), s.Bytes(), s)
	}
	return d.upload(s, func(t *tensors.Tensor) error { return t.MutableBytes(func(own []byte) { copy(own, data) }) })
}

// upload leaves no copy on the host: its first use could turn it into shared memory, which cannot be donated.
func (d Device) upload(s expr.Shape, fill func(*tensors.Tensor) error) (*Buffer, error) {
	t := tensors.FromShape(tensorShape(s))
	err := fill(t)
	if err == nil {
		err = t.MaterializeOnDevice(d.Backend.compute, false, d.num())
	}
	if err != nil {
		return nil, errors.Join(err, t.FinalizeAll())
	}
	t.FinalizeLocal()
	return (*Buffer)(t), nil
}

// Edit lets f write the elements, a slice of the element type in memory order.
func (b *Buffer) Edit(f func(elements any)) error { return b.tensor().MutableFlatData(f) }

// Read lets f read the elements.
func (b *Buffer) Read(f func(elements any)) error { return b.tensor().ConstFlatData(f) }

// Write sets the first elements of a buffer to v, converted to the buffer's type.
func Write[T Element](b *Buffer, v ...T) error {
	return b.Edit(func(elements any) { Fill(elements, v) })
}

// Bytes is a copy of the elements in the machine's byte order.
func (b *Buffer) Bytes() (data []byte, err error) {
	err = b.tensor().ConstBytes(func(own []byte) { data = append(make([]byte, 0, len(own)), own...) })
	return data, err
}

// Floats is a copy of the elements (true is 1, false is 0).
func (b *Buffer) Floats() (v []float64, err error) {
	err = b.Read(func(elements any) {
		switch e := elements.(type) {
		case []float32:
			v = converted[float64](e)
		case []float64:
			v = converted[float64](e)
		case []uint32:
			v = converted[float64](e)
		case []int32:
			v = converted[float64](e)
		case []bool:
			v = make([]float64, len(e))
			for i, x := range e {
				if x {
					v[i] = 1
				}
			}
		}
	})
	return v, err
}

// Free frees buffers at once; it ignores nil. If they were left to Go's collector, which does not see a device's memory, they could fill
// that memory.
func Free(buffers ...*Buffer) error {
	var errs []error
	for _, b := range buffers {
		if b != nil {
			errs = append(errs, b.tensor().FinalizeAll())
		}
	}
	return errors.Join(errs...)
}

// Fill writes v to the elements of a buffer, converted to their type (for truth values, not 0).
func Fill[T Element](elements any, v []T) {
	switch e := elements.(type) {
	case []float32:
		convert(e, v)
	case []float64:
		convert(e, v)
	case []uint32:
		convert(e, v)
	case []int32:
		convert(e, v)
	case []bool:
		for i, x := range v {
			e[i] = x != 0
		}
	}
}

func convert[T, S Element](to []T, from []S) {
	to = to[:len(from)]
	for i, x := range from {
		to[i] = T(x)
	}
}

func converted[T, S Element](from []S) []T {
	to := make([]T, len(from))
	convert(to, from)
	return to
}
