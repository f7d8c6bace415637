package train

import (
	"errors"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
)

// residents is a whole data set in the device's memory, shared by the runs that train on it.
type residents struct {
	users          int
	images, labels *tensors.Tensor // labels: nil if there are none
}

// residentKey tells data sets apart, and the forms that programs want of them.
type residentKey struct {
	id    string
	shape expr.Shape // of the images
}

// place puts a data set on the device, or finds it there. Sets that no run uses any more stay until another one needs room.
func (b *Backend) place(m Images, s expr.Shape) (*residents, error) {
	b.mu.Lock()
	defer b.mu.Unlock() // also while copying: two runs that start together should not copy twice
	key := residentKey{m.ID, s}
	if d, ok := b.resident[key]; ok && m.ID != "" {
		d.users++
		return d, nil
	}
	for k, d := range b.resident {
		if d.users == 0 {
			delete(b.resident, k)
			if err := free(d.images, d.labels); err != nil {
				return nil, err
			}
		}
	}
	index := make([]int32, m.N)
	for i := range index {
		index[i] = int32(i)
	}
	d := &residents{users: 1, images: tensors.FromShape(lower.TensorShape(s))}
	err := d.images.MutableFlatData(func(flat any) {
		pixels, ok := flat.([]float32)
		if !ok {
			pixels = make([]float32, m.N*m.size())
		}
		m.Batch(pixels, index)
		convert(flat, pixels)
	})
	if err == nil {
		err = b.upload(d.images)
	}
	if err == nil && len(m.Labels) == m.N {
		d.labels = tensors.FromFlatDataAndDimensions(m.Labels, m.N)
		err = b.upload(d.labels)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("data: %d images do not go on the device: %w", m.N, err), free(d.images, d.labels))
	}
	if m.ID != "" {
		b.resident[key] = d
	}
	return d, nil
}

// leave ends a run's use of a data set.
func (b *Backend) leave(m Images, d *residents) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d.users--; m.ID == "" {
		return free(d.images, d.labels)
	}
	return nil
}
