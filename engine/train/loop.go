package train

import (
	"context"
	"errors"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
)

// loop compiles the program's loop for n images.
func (c *Compiled) loop(n int) (*lower.Loop, error) {
	return c.loops.Do(context.Background(), n, func() (l *lower.Loop, err error) {
		p := c.program
		err = c.timed("loop", func() error {
			l, err = lower.CompileLoop(c.backend.lower, lower.Iteration{Outs: p.Step(), State: len(p.Vars), Reals: p.Reals,
				Batch: p.Config.Batch, Batches: p.Batches, Images: c.dataShape(n)})
			return err
		})
		return l, err
	})
}

// dataShape is the shape of a data set of n images as the program reads it.
func (c *Compiled) dataShape(n int) expr.Shape {
	return c.program.Config.Image.As(c.program.Config.DType).With('b', n)
}

// deviceLoop runs many steps per call. The data set is on the device, and batches are gathered there.
type deviceLoop struct {
	r    *Run
	call *lower.LoopCall
	data *residents
}

func newDeviceLoop(r *Run) (m *deviceLoop, err error) {
	m = &deviceLoop{r: r}
	loop, err := r.c.loop(r.images.N)
	if err != nil {
		return m, err
	}
	if m.data, err = r.c.backend.place(r.on, r.images, r.c.dataShape(r.images.N)); err != nil {
		return m, err
	}
	m.call, err = loop.Open(r.on, r.seed, m.data.images, m.data.labels)
	return m, err
}

func (m *deviceLoop) maxSteps() int { return lower.LoopSteps }

func (m *deviceLoop) close() (err error) {
	if m.call != nil {
		err = m.call.Close()
	}
	if m.data != nil {
		err = errors.Join(err, m.r.c.backend.leave(m.r.images, m.data))
	}
	return err
}

func (m *deviceLoop) advance(state []*lower.Buffer, first int, index []int32) ([][]float64, error) {
	return m.call.Run(state, first, index, m.r.real)
}
