package train

import (
	"errors"
	"fmt"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
)

// residents is a whole data set in a device's memory, shared by the runs that train on it.
type residents struct {
	users          int
	images, labels *lower.Buffer // labels is nil if there are none
}

// residentKey identifies a data set on a device in the form that a program reads.
type residentKey struct {
	on    lower.Device
	id    string
	shape expr.Shape // of the images
}

// place uploads a data set to a device, unless it is there. Sets that no run uses any longer stay until another one is uploaded.
func (b *Backend) place(on lower.Device, m Images, s expr.Shape) (*residents, error) {
	b.mu.Lock()
	defer b.mu.Unlock() // also during the upload, so that two runs that start together make one copy
	key := residentKey{on, m.ID, s}
	if d, ok := b.resident[key]; ok && m.ID != "" {
		d.users++
		return d, nil
	}
	for k, d := range b.resident {
		if d.users == 0 {
			delete(b.resident, k)
			if err := lower.Free(d.images, d.labels); err != nil {
				return nil, err
			}
		}
	}
	index := make([]int32, m.N)
	for i := range index {
		index[i] = int32(i)
	}
	d := &residents{users: 1}
	var err error
	d.images, err = on.Upload(s, func(elements any) {
		pixels, ok := elements.([]float32)
		if !ok {
			pixels = make([]float32, m.N*m.size())
			defer func() { lower.Fill(elements, pixels) }()
		}
		m.Batch(pixels, index)
	})
	if err == nil && len(m.Labels) == m.N {
		d.labels, err = on.Upload(expr.Of(expr.I32, "b", m.N), func(elements any) { lower.Fill(elements, m.Labels) })
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("data: upload %d images: %w", m.N, err), lower.Free(d.images, d.labels))
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
		return lower.Free(d.images, d.labels)
	}
	return nil
}
