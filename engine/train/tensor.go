package train

import (
	"errors"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
)

// input makes a tensor that the host writes before calls; where host and device share memory, that is all there is to do.
func (b *Backend) input(s expr.Shape) (*tensors.Tensor, error) {
	return tensors.FromShapeForBackend(b.compute, 0, lower.TensorShape(s))
}

// write puts numbers into an input, from the beginning.
func write[T float32 | float64 | int32 | uint32](t *tensors.Tensor, v ...T) error {
	return t.MutableFlatData(func(flat any) { convert(flat, v) })
}

// convert copies numbers to a slice of the element type of some tensor.
func convert[T float32 | float64 | int32 | uint32](flat any, v []T) {
	switch d := flat.(type) {
	case []T:
		copy(d, v)
	case []float32:
		for i, x := range v {
			d[i] = float32(x)
		}
	case []float64:
		for i, x := range v {
			d[i] = float64(x)
		}
	}
}

// upload moves a tensor's elements to the device. (Left on the host, its first use could make it shared memory, which cannot
// be given away later.)
func (b *Backend) upload(t *tensors.Tensor) error {
	if err := t.MaterializeOnDevice(b.compute, false, 0); err != nil {
		return err
	}
	t.FinalizeLocal()
	return nil
}

// free gives tensors back now. On a GPU their memory would wait for Go's collector, which does not feel the need.
func free(ts ...*tensors.Tensor) error {
	var errs []error
	for _, t := range ts {
		if t != nil {
			errs = append(errs, t.FinalizeAll())
		}
	}
	return errors.Join(errs...)
}

// floats reads a tensor.
func floats(t *tensors.Tensor) (v []float64, err error) {
	err = exceptions.TryCatch[error](func() { v = lower.Floats(t) })
	return v, err
}
