package train

import (
	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
)

// stepper runs iterations of a Run.
type stepper interface {
	// advance runs the steps first, first+1, ... on the examples at index, a whole number of iterations. It replaces the state
	// and returns the values of every step, with the program's Finite last. After an error the state is lost.
	advance(state []*lower.Buffer, first int, index []int32) (rows [][]float64, err error)
	// maxSteps is the largest number of steps in one call.
	maxSteps() int
	close() error
}

// hostSteps makes one call per step. The batch is gathered on the host, into memory that the backend reads.
type hostSteps struct {
	r      *Run
	in     []*lower.Buffer // of r.leaves
	donate []bool          // the state
	pixels []float32       // where batches are gathered if the program does not compute in float32
	labels []int32
}

func newHostSteps(r *Run) (m *hostSteps, err error) {
	m = &hostSteps{r: r, in: make([]*lower.Buffer, len(r.leaves)), donate: make([]bool, len(r.leaves))}
	for i, l := range r.leaves {
		if m.donate[i] = l.Role == expr.State; m.donate[i] {
			continue
		}
		if m.in[i], err = r.on.Input(l.Shape); err != nil {
			return m, err
		}
		switch {
		case l.Role == expr.Seed:
			err = lower.Write(m.in[i], r.seed)
		case l.Role == expr.Images && l.Shape.DType != expr.F32:
			m.pixels = make([]float32, l.Shape.Elems())
		case l.Role == expr.Labels:
			m.labels = make([]int32, l.Shape.Elems())
		}
		if err != nil {
			return m, err
		}
	}
	return m, nil
}

func (m *hostSteps) maxSteps() int { return 1 }

func (m *hostSteps) close() error {
	for i, state := range m.donate {
		if state {
			m.in[i] = nil // it belongs to the run
		}
	}
	return lower.Free(m.in...)
}

func (m *hostSteps) advance(state []*lower.Buffer, first int, index []int32) (rows [][]float64, err error) {
	for step, each := first, m.r.examples(); len(index) > 0; step, index = step+1, index[each:] {
		row, err := m.step(state, step, index[:each])
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (m *hostSteps) step(state []*lower.Buffer, step int, index []int32) ([]float64, error) {
	for i, l := range m.r.leaves {
		if err := m.setInput(i, l, state, step, index); err != nil {
			return nil, err
		}
	}
	out, err := m.r.c.step.RunDonating(m.r.on, m.donate, m.in...)
	if err != nil {
		return nil, err
	}
	copy(state, out)
	values := out[len(state):]
	row := make([]float64, len(values))
	for i, t := range values {
		v, err := t.Floats()
		if err != nil {
			return nil, err
		}
		row[i] = v[0]
	}
	return row, lower.Free(values...)
}

// setInput sets one input of a step.
func (m *hostSteps) setInput(i int, l expr.Leaf, state []*lower.Buffer, step int, index []int32) error {
	batch := m.r.c.program.Config.Batch
	part := func() []int32 { return index[l.Index*batch : (l.Index+1)*batch] }
	switch l.Role {
	case expr.State:
		m.in[i] = state[l.Index]
	case expr.Step:
		return lower.Write(m.in[i], uint32(step))
	case expr.Real:
		return lower.Write(m.in[i], m.r.real(l.Index, step))
	case expr.Images:
		return m.in[i].Edit(func(elements any) {
			if dst, ok := elements.([]float32); ok {
				m.r.images.Batch(dst, part())
				return
			}
			m.r.images.Batch(m.pixels, part())
			lower.Fill(elements, m.pixels)
		})
	case expr.Labels:
		for j, e := range part() {
			m.labels[j] = m.r.images.Labels[e]
		}
		return lower.Write(m.in[i], m.labels...)
	}
	return nil
}
