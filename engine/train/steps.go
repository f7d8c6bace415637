package train

import (
	"github.com/gomlx/compute"

	"github.com/starsweep/starsweep/engine/expr"
)

// machine runs iterations of a Run.
type machine interface {
	// advance runs the steps first, first+1, ... on the examples of index, which has a whole number of iterations: it replaces
	// the state and gives the readings of every step, the check last. After an error the state is lost.
	advance(state []compute.Buffer, first int, index []int32) (rows [][]float64, err error)
	// most is how many steps one call may take.
	most() int
	close() error
}

// hostSteps makes one call a step. The batch is gathered on the host into memory that the backend reads.
type hostSteps struct {
	r      *Run
	leaves []leaf
	slots  []*slot // of leaves; nil for state
	in     []compute.Buffer
	donate []bool
	pixels []float32 // where batches are gathered if the program does not compute in float32
}

func newHostSteps(r *Run) (m *hostSteps, err error) {
	m = &hostSteps{r: r, leaves: r.leaves, slots: make([]*slot, len(r.leaves)),
		in: make([]compute.Buffer, len(r.leaves)), donate: make([]bool, len(r.leaves))}
	for i, l := range m.leaves {
		if m.donate[i] = l.role == stateLeaf; m.donate[i] {
			continue
		}
		if m.slots[i], err = r.c.backend.slot(l.shape); err != nil {
			return m, err
		}
		if l.role == seedLeaf {
			m.slots[i].set(0, float64(r.seed))
		}
		if l.role == imagesLeaf && l.shape.DType != expr.F32 && m.pixels == nil {
			m.pixels = make([]float32, l.shape.Elems())
		}
	}
	return m, nil
}

func (m *hostSteps) most() int { return 1 }

func (m *hostSteps) close() error {
	for _, s := range m.slots {
		if s != nil {
			if err := s.close(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *hostSteps) advance(state []compute.Buffer, first int, index []int32) (rows [][]float64, err error) {
	for step, each := first, m.r.examples(); len(index) > 0; step, index = step+1, index[each:] {
		row, err := m.step(state, step, index[:each])
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (m *hostSteps) step(state []compute.Buffer, step int, index []int32) ([]float64, error) {
	var err error
	for i, l := range m.leaves {
		if l.role == stateLeaf {
			m.in[i] = state[l.index]
			continue
		}
		m.write(m.slots[i], l, step, index)
		if m.in[i], err = m.slots[i].send(); err != nil {
			return nil, err
		}
	}
	out, err := m.r.c.step.run(m.in, m.donate)
	if err != nil {
		return nil, err
	}
	copy(state, out)
	readings := out[len(state):]
	row := make([]float64, len(readings))
	for i, f := range readings {
		v, err := floats(f)
		if err != nil {
			return nil, err
		}
		row[i] = v[0]
	}
	return row, free(readings...)
}

// write fills one input for a step.
func (m *hostSteps) write(s *slot, l leaf, step int, index []int32) {
	batch := m.r.c.program.Config.Batch
	switch l.role {
	case stepLeaf:
		s.set(0, float64(step))
	case realLeaf:
		s.set(0, m.r.value(l.index, step))
	case imagesLeaf:
		part := index[l.index*batch : (l.index+1)*batch]
		if dst, ok := s.flat.([]float32); ok {
			m.r.images.Batch(dst, part)
			break
		}
		m.r.images.Batch(m.pixels, part)
		for i, v := range m.pixels {
			s.set(i, float64(v))
		}
	case labelsLeaf:
		for i, e := range index[l.index*batch : (l.index+1)*batch] {
			s.flat.([]int32)[i] = m.r.images.Labels[e]
		}
	}
}
