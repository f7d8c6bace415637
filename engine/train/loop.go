package train

import (
	"context"
	"errors"
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
)

// loopSteps is the most steps of one call of a loop. How many a call runs is an input, so that one compilation serves the
// whole epoch and what is left of it.
const loopSteps = 64

// The state of the loop: places in the parameters of its graph, its condition and its body, which are the same.
//
// Everything that the body uses must be loop state (go-xla cannot capture values of the function around), also what never
// changes; XLA leaves that where it is. Nothing but the body makes constants, which GoMLX caches by graph, not by function.
const (
	loopAt     = iota // i32: steps done in this call
	loopEnd           // i32: steps to do
	loopFirst         // u32: number of the first step
	loopSeed          // u32
	loopReals         // [loopSteps, reals of the program]: their values at each step
	loopIndex         // i32 [loopSteps, examples of an iteration]
	loopRows          // [loopSteps, readings and check]: where the readings go
	loopImages        // [n h w c]
	loopLabels        // i32 [n]
	loopState         // the Vars
)

// loop compiles the program's loop for n images.
func (c *Compiled) loop(n int) (*graph.Graph, error) {
	return c.loops.Do(context.Background(), n, func() (*graph.Graph, error) { return c.buildLoop(n) })
}

func (c *Compiled) buildLoop(n int) (*graph.Graph, error) {
	params := make([]shapes.Shape, 0, loopState+len(c.program.Vars))
	for _, s := range c.loopInputs(n) {
		params = append(params, lower.TensorShape(s))
	}
	for _, v := range c.program.Vars {
		params = append(params, lower.TensorShape(v.Shape))
	}
	ls := leaves(c.program.Step()...)
	closure := func(g *graph.Graph, f func(in []*graph.Node) []*graph.Node) *graph.Function {
		return graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
			in := make([]*graph.Node, len(params))
			for i, s := range params {
				in[i] = graph.Parameter(g, fmt.Sprint("s", i), s)
			}
			return f(in)
		})
	}
	g := graph.NewGraph(c.backend.compute, "loop")
	return g, c.timed("loop", func() error {
		return exceptions.TryCatch[error](func() { // GoMLX reports mistakes in graphs by panic
			in := make([]*graph.Node, len(params))
			for i, s := range params {
				in[i] = graph.Parameter(g, fmt.Sprint("p", i), s)
			}
			more := closure(g, func(in []*graph.Node) []*graph.Node {
				return []*graph.Node{graph.LessThan(in[loopAt], in[loopEnd])}
			})
			body := closure(g, func(in []*graph.Node) []*graph.Node { return c.loopBody(ls, in) })
			out := graph.While(more, body, in...)
			if err := g.Compile(append(out[loopState:len(out):len(out)], out[loopRows])...); err != nil {
				panic(err)
			}
		})
	})
}

// loopInputs are the shapes of the inputs before the state.
func (c *Compiled) loopInputs(n int) (s [loopState]expr.Shape) {
	p := c.program
	s[loopAt], s[loopEnd] = expr.Of(expr.I32, ""), expr.Of(expr.I32, "")
	s[loopFirst], s[loopSeed] = expr.Of(expr.U32, ""), expr.Of(expr.U32, "")
	s[loopReals] = expr.Of(p.Config.DType, "bc", loopSteps, max(1, p.Reals))
	s[loopIndex] = expr.Of(expr.I32, "bc", loopSteps, p.Batches*p.Config.Batch)
	s[loopRows] = expr.Of(p.Config.DType, "bc", loopSteps, len(p.Readings)+1)
	s[loopImages] = p.Config.Image.As(p.Config.DType).With('b', n)
	s[loopLabels] = expr.Of(expr.I32, "b", n)
	return s
}

// loopBody is one step: it takes its numbers and its examples from the tables, and enters its readings.
func (c *Compiled) loopBody(ls []expr.Leaf, in []*graph.Node) []*graph.Node {
	g, batch := in[0].Graph(), c.program.Config.Batch
	at := graph.Reshape(in[loopAt], 1)
	reals, index := graph.Gather(in[loopReals], at), graph.Gather(in[loopIndex], at)
	examples := func(table *graph.Node, minibatch int) *graph.Node {
		part := graph.Slice(index, graph.AxisRange(minibatch*batch, (minibatch+1)*batch))
		return graph.Gather(table, graph.Reshape(part, batch, 1))
	}
	args := make([]*graph.Node, len(ls))
	for i, l := range ls {
		switch l.Role {
		case expr.State:
			args[i] = in[loopState+l.Index]
		case expr.Seed:
			args[i] = in[loopSeed]
		case expr.Step:
			args[i] = graph.Add(in[loopFirst], graph.ConvertDType(in[loopAt], dtypes.Uint32))
		case expr.Images:
			args[i] = examples(in[loopImages], l.Index)
		case expr.Labels:
			args[i] = examples(in[loopLabels], l.Index)
		case expr.Real:
			args[i] = graph.Reshape(graph.Slice(reals, graph.AxisRange(l.Index, l.Index+1)))
		}
	}
	outs := lower.Build(g, args, c.program.Step()...)
	next := append([]*graph.Node{}, in...)
	next[loopAt] = graph.Add(in[loopAt], graph.Const(g, int32(1)))
	vars := len(c.program.Vars)
	copy(next[loopState:], outs[:vars])
	next[loopRows] = enter(in[loopRows], in[loopAt], outs[vars:])
	return next
}

// enter writes numbers to row at of a table.
func enter(table, at *graph.Node, numbers []*graph.Node) *graph.Node {
	dims := table.Shape().Dimensions
	cells := make([]*graph.Node, len(numbers))
	for i, n := range numbers {
		cells[i] = graph.Reshape(n, 1, 1)
	}
	row := cells[0]
	if len(cells) > 1 {
		row = graph.Concatenate(cells, 1)
	}
	rows := graph.Iota(table.Graph(), shapes.Make(dtypes.Int32, dims...), 0)
	here := graph.Equal(rows, graph.BroadcastToDims(graph.Reshape(at, 1, 1), dims...))
	return graph.Where(here, graph.BroadcastToDims(row, dims...), table)
}

// deviceLoop runs many steps a call. The data set is on the device, batches are gathered there.
type deviceLoop struct {
	r     *Run
	graph *graph.Graph
	data  *residents
	in    [loopImages]*tensors.Tensor
	none  *tensors.Tensor // stands for labels where the data has none
	table []float64       // of real numbers, a row a step
}

func newDeviceLoop(r *Run) (*deviceLoop, error) {
	c, m := r.c, &deviceLoop{r: r}
	var err error
	if m.graph, err = c.loop(r.images.N); err != nil {
		return m, err
	}
	shapes := c.loopInputs(r.images.N)
	for i := range m.in {
		if m.in[i], err = c.backend.input(shapes[i]); err != nil {
			return m, err
		}
	}
	m.table = make([]float64, shapes[loopReals].Elems())
	if m.data, err = c.backend.place(r.images, shapes[loopImages]); err == nil && m.data.labels == nil {
		m.none, err = c.backend.input(shapes[loopLabels])
	}
	return m, errors.Join(err, write(m.in[loopSeed], r.seed))
}

func (m *deviceLoop) most() int { return loopSteps }

func (m *deviceLoop) close() error {
	err := free(append(m.in[:], m.none)...)
	if m.data != nil {
		err = errors.Join(err, m.r.c.backend.leave(m.r.images, m.data))
	}
	return err
}

func (m *deviceLoop) advance(state []*tensors.Tensor, first int, index []int32) ([][]float64, error) {
	steps := len(index) / m.r.examples()
	for i := range steps {
		for j := range m.r.c.program.Reals {
			m.table[i*m.r.c.program.Reals+j] = m.r.real(j, first+i)
		}
	}
	err := errors.Join(write(m.in[loopEnd], int32(steps)), write(m.in[loopFirst], uint32(first)),
		write(m.in[loopReals], m.table...), write(m.in[loopIndex], index...))
	if err != nil {
		return nil, err
	}
	args := make([]any, loopState, loopState+len(state))
	for i, t := range m.in {
		args[i] = t
	}
	args[loopImages], args[loopLabels] = m.data.images, m.data.labels
	if m.none != nil {
		args[loopLabels] = m.none
	}
	b := m.r.c.backend.compute
	var out []*tensors.Tensor
	err = exceptions.TryCatch[error](func() {
		for _, t := range state {
			d, err := graph.DonateTensorBuffer(t, b, 0)
			if err != nil {
				panic(err)
			}
			args = append(args, d)
		}
		out = m.graph.Run(args...)
	})
	if err != nil {
		return nil, err
	}
	copy(state, out)
	table, err := floats(out[len(state)])
	if err != nil {
		return nil, err
	}
	rows, width := make([][]float64, steps), len(table)/loopSteps
	for i := range rows {
		rows[i] = table[i*width : (i+1)*width]
	}
	return rows, free(out[len(state)])
}
