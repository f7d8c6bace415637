package lower

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/starsweep/starsweep/engine/expr"
)

// Iteration is one step of training, for a Loop to repeat. The roles of its leaves say what they read.
type Iteration struct {
	Outs    []*expr.Node // the next state, as many as State, then numbers to record
	State   int
	Reals   int        // real numbers that are inputs
	Batch   int        // examples of a minibatch
	Batches int        // minibatches of an iteration
	Images  expr.Shape // of the whole data set: [b ...], b images
}

// Loop is a step that is compiled to run many times per call, in a While on the device: for accelerators, where calls and copies
// are expensive. It is safe for concurrent use.
type Loop struct {
	step    Iteration
	leaves  []expr.Leaf // of the step
	inputs  [loopState]expr.Shape
	backend *Backend
	graph   *graph.Graph
}

// LoopSteps is the largest number of steps in one call of a loop. The number of steps is an input, so that one compilation serves
// all calls of an epoch, including the last.
const LoopSteps = 64

// The state of the loop: positions in the parameters of its graph, its condition and its body, which are the same.
//
// Everything that the body reads must be loop state, even if it never changes, because go-xla cannot capture values of the
// enclosing function; XLA does not copy what does not change. Only the body makes constants, because GoMLX caches them by graph,
// not by function.
const (
	loopAt     = iota // i32: steps done in this call
	loopEnd           // i32: steps to do
	loopFirst         // u32: number of the first step
	loopSeed          // u32
	loopReals         // [LoopSteps, reals of the program]: their values at each step
	loopIndex         // i32 [LoopSteps, examples of an iteration]
	loopRows          // [LoopSteps, numbers to record]: the recorded numbers
	loopImages        // [n h w c]
	loopLabels        // i32 [n]
	loopState         // the state of training
)

// CompileLoop compiles a loop for data sets of one size.
func CompileLoop(b *Backend, s Iteration) (*Loop, error) {
	l := &Loop{step: s, inputs: s.inputs(), backend: b, graph: graph.NewGraph(b.compute, "loop")}
	for _, n := range Inputs(s.Outs...) {
		l.leaves = append(l.leaves, n.Attr.(expr.Leaf))
	}
	var params []shapes.Shape
	for _, s := range l.inputs {
		params = append(params, tensorShape(s))
	}
	for _, o := range s.Outs[:s.State] {
		params = append(params, tensorShape(o.Shape))
	}
	parameters := func(g *graph.Graph, prefix string) []val {
		in := make([]val, len(params))
		for i, s := range params {
			in[i] = graph.Parameter(g, fmt.Sprint(prefix, i), s)
		}
		return in
	}
	c := &ctx{}
	err := try(func() error {
		in := parameters(l.graph, "p")
		more := graph.NewClosure(l.graph, func(g *graph.Graph) []val {
			in := parameters(g, "s")
			return []val{graph.LessThan(in[loopAt], in[loopEnd])}
		})
		body := graph.NewClosure(l.graph, func(g *graph.Graph) []val { return l.body(c, parameters(g, "s")) })
		out := graph.While(more, body, in...)
		return l.graph.Compile(append(out[loopState:len(out):len(out)], out[loopRows])...)
	})
	if err != nil {
		l.graph.Finalize()
		return nil, fmt.Errorf("compile loop for %s: %w", b.Name(), c.placed(err))
	}
	return l, nil
}

// inputs returns the shapes of the parameters before the state.
func (s Iteration) inputs() (in [loopState]expr.Shape) {
	in[loopAt], in[loopEnd] = expr.Of(expr.I32, ""), expr.Of(expr.I32, "")
	in[loopFirst], in[loopSeed] = expr.Of(expr.U32, ""), expr.Of(expr.U32, "")
	in[loopReals] = expr.Of(s.Images.DType, "bc", LoopSteps, max(1, s.Reals))
	in[loopIndex] = expr.Of(expr.I32, "bc", LoopSteps, s.Batches*s.Batch)
	in[loopRows] = expr.Of(s.Images.DType, "bc", LoopSteps, len(s.Outs)-s.State)
	in[loopImages] = s.Images
	in[loopLabels] = expr.Of(expr.I32, "b", s.Images.Size('b'))
	return in
}

// body is one step: it reads its numbers and its examples from the tables, and writes the numbers to record.
func (l *Loop) body(c *ctx, in []val) []val {
	g, batch := in[0].Graph(), l.step.Batch
	at := graph.Reshape(in[loopAt], 1)
	reals, index := graph.Gather(in[loopReals], at), graph.Gather(in[loopIndex], at)
	examples := func(table val, minibatch int) val {
		part := graph.Slice(index, graph.AxisRange(minibatch*batch, (minibatch+1)*batch))
		return graph.Gather(table, graph.Reshape(part, batch, 1))
	}
	args := make([]val, len(l.leaves))
	for i, leaf := range l.leaves {
		switch leaf.Role {
		case expr.State:
			args[i] = in[loopState+leaf.Index]
		case expr.Seed:
			args[i] = in[loopSeed]
		case expr.Step:
			args[i] = graph.Add(in[loopFirst], graph.ConvertDType(in[loopAt], dtypes.Uint32))
		case expr.Images:
			args[i] = examples(in[loopImages], leaf.Index)
		case expr.Labels:
			args[i] = examples(in[loopLabels], leaf.Index)
		case expr.Real:
			args[i] = graph.Reshape(graph.Slice(reals, graph.AxisRange(leaf.Index, leaf.Index+1)))
		}
	}
	outs := c.build(g, args, l.step.Outs...)
	next := append([]val{}, in...)
	next[loopAt] = graph.Add(in[loopAt], graph.Const(g, int32(1)))
	copy(next[loopState:], outs[:l.step.State])
	next[loopRows] = enter(in[loopRows], in[loopAt], outs[l.step.State:])
	return next
}

// enter writes numbers to the row at in a table.
func enter(table, at val, numbers []val) val {
	dims := table.Shape().Dimensions
	cells := make([]val, len(numbers))
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

// LoopCall is a loop with the inputs of one trial on a device. It is not safe for concurrent use.
type LoopCall struct {
	loop   *Loop
	on     Device
	in     [loopState]*Buffer
	table  []float64 // of real numbers, one row per step
	donate []bool    // the state
	own    []*Buffer
}

// Open makes the inputs of a trial's calls. The images and their labels (nil if there are none) are on the device and still belong to
// the caller.
func (l *Loop) Open(on Device, seed uint32, images, labels *Buffer) (*LoopCall, error) {
	c := &LoopCall{loop: l, on: on, table: make([]float64, l.inputs[loopReals].Elems()), donate: make([]bool, loopState+l.step.State)}
	for i := range l.step.State {
		c.donate[loopState+i] = true
	}
	c.in[loopImages], c.in[loopLabels] = images, labels
	for i, s := range l.inputs {
		if c.in[i] != nil {
			continue
		}
		b, err := on.Input(s)
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		c.in[i], c.own = b, append(c.own, b)
	}
	if err := Write(c.in[loopSeed], seed); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Run runs the steps first, first+1, ... on the examples at index, a whole number of iterations, at most LoopSteps. real returns
// input i of the program at a step. Run replaces the state and returns the recorded numbers of every step. After an error the state
// is lost.
func (c *LoopCall) Run(state []*Buffer, first int, index []int32, real func(i, step int) float64) ([][]float64, error) {
	s := c.loop.step
	steps := len(index) / (s.Batches * s.Batch)
	for i := range steps {
		for j := range s.Reals {
			c.table[i*s.Reals+j] = real(j, first+i)
		}
	}
	err := errors.Join(Write(c.in[loopEnd], int32(steps)), Write(c.in[loopFirst], uint32(first)),
		Write(c.in[loopReals], c.table...), Write(c.in[loopIndex], index...))
	if err != nil {
		return nil, err
	}
	out, err := run(c.loop.graph, c.on, c.donate, append(c.in[:loopState:loopState], state...))
	if err != nil {
		return nil, fmt.Errorf("run on %s: %w", c.loop.backend.Name(), err)
	}
	copy(state, out)
	table, err := out[len(state)].Floats()
	if err != nil {
		return nil, err
	}
	rows, width := make([][]float64, steps), len(table)/LoopSteps
	for i := range rows {
		rows[i] = table[i*width : (i+1)*width]
	}
	return rows, Free(out[len(state)])
}

// Close frees the inputs.
func (c *LoopCall) Close() error { return Free(c.own...) }
