package lower_test

import (
	"fmt"
	"slices"
	"testing"

	. "github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/internal/exprtest"
)

const (
	loopImages    = 10
	loopBatch     = 6
	loopFirstStep = 5
)

// training is a step of a small critic with a gradient penalty: convolutions and their second derivatives, sums, maxima, two
// minibatches and the labels of one, random draws and gradient descent by a rate that changes.
func training() lower.Iteration {
	g := New()
	leaf := func(r Role, i int, name string, s Shape) *Node {
		return g.Leaf(Leaf{Role: r, Index: i, Name: name, Shape: s})
	}
	image := Of(F32, "bhwc", loopBatch, 8, 8, 1)
	seed, step := leaf(Seed, 0, "seed", Of(U32, "")), leaf(Step, 0, "step", Of(U32, ""))
	x, other := leaf(Images, 0, "x0", image), leaf(Images, 1, "x1", image)
	y := leaf(Labels, 1, "y1", Of(I32, "b", loopBatch))
	rate := g.Real(F32, 0)
	var params []*Node
	for i, s := range []Shape{Of(F32, "hwio", 3, 3, 1, 4), Of(F32, "c", 4), Of(F32, "c", 4*4*4)} {
		params = append(params, leaf(State, i, fmt.Sprint("w", i), s))
	}
	D := func(x *Node) *Node {
		h := Leaky(Add(Conv(x, params[0], Window2{H: Same(8, 3, 2), W: Same(8, 3, 2)}), params[1]), g.Const(F32, .3))
		return Dot(Merge(h, "hwc", 'c'), params[2], "c")
	}
	fake := Add(Normal(seed, step, 2, x.Shape), Scale(other, .1))
	eps := Uniform(seed, step, 3, Of(F32, "b", loopBatch))
	mix := Add(Mul(eps, x), Mul(Sub(g.Const(F32, 1), eps), fake))
	slope := Norm(Grad(Sum(D(mix), "b"), mix)[0], "hwc", 1e-6)
	scores := D(x)
	loss := Add(Sub(Mean(D(fake), "b"), Mean(scores, "b")), Scale(Mean(Square(Sub(slope, g.Const(F32, 1))), "b"), 10))
	loss = Add(loss, Scale(Amax(scores, "b"), .01))
	it := lower.Iteration{State: len(params), Reals: 1, Batch: loopBatch, Batches: 2, Images: Of(F32, "bhwc", loopImages, 8, 8, 1)}
	for i, d := range Grad(loss, params...) {
		it.Outs = append(it.Outs, Sub(params[i], Mul(d, rate)))
	}
	it.Outs = append(it.Outs, loss, Mean(Convert(y, F32), "b"))
	return it
}

// host runs single steps of training as calls: the reference of the loop.
type host struct {
	p      program
	it     lower.Iteration
	images []float64
	labels []float64
}

func loopRate(_, step int) float64 { return .01 / float64(step) }

func (h host) step(t *testing.T, state [][]float64, step int, index []int32) (next [][]float64, recorded []float64) {
	in := values{"seed": {11}, "step": {float64(step)}}
	for _, n := range h.p.Inputs {
		l := n.Attr.(Leaf)
		switch l.Role {
		case State:
			in[l.Name] = state[l.Index]
		case Images, Labels:
			table, size := h.images, h.it.Images.Without("b").Elems()
			if l.Role == Labels {
				table, size = h.labels, 1
			}
			for _, i := range index[l.Index*loopBatch:][:loopBatch] {
				in[l.Name] = append(in[l.Name], table[int(i)*size:][:size]...)
			}
		case Real:
			in[l.Name] = []float64{loopRate(0, step)}
		}
	}
	out := h.p.run(t, in)
	for _, v := range out[h.it.State:] {
		recorded = append(recorded, v[0])
	}
	return out[:h.it.State], recorded
}

// Steps of a loop, whose number is an input, are so many calls; and four are two and two, bit by bit. (XLA fuses a loop's body
// differently from a whole program, so that single calls agree to rounding only. GoMLX's own backend cannot run the loop: it
// breaks closures in which a broadcast feeds an operation on elements.)
func TestStepsOfALoopAreCalls(t *testing.T) {
	each(t, func(t *testing.T, b *lower.Backend) {
		if _, own := b.CPU(); !own && b.Name() != "xla" {
			return // GoMLX's
		}
		h := host{it: training(), labels: make([]float64, loopImages)}
		h.p = compile(t, b, h.it.Outs...)
		on := h.p.on
		loop, err := lower.CompileLoop(b, h.it)
		if err != nil {
			t.Fatal(err)
		}
		h.images = exprtest.Values{}.Of(New().Input("images", h.it.Images))
		var start [][]float64
		var index []int32
		for i := range h.it.State {
			start = append(start, exprtest.Values{}.Of(New().Input(fmt.Sprint("w", i), h.it.Outs[i].Shape)))
		}
		for i := range h.labels {
			h.labels[i] = float64(i % 3)
		}
		for i := range 4 * 2 * loopBatch {
			index = append(index, int32(i*7%loopImages))
		}
		images := upload(t, on, h.it.Images, h.images)
		labels := upload(t, on, Of(I32, "b", loopImages), h.labels)
		call, err := loop.Open(on, 11, images, labels)
		if err != nil {
			t.Fatal(err)
		}
		run := func(cuts ...int) (state [][]float64, recorded [][]float64) {
			var on []*lower.Buffer
			for i, v := range start {
				on = append(on, upload(t, h.p.on, h.it.Outs[i].Shape, v))
			}
			for step, n := range cuts {
				first := step * n
				rows, err := call.Run(on, loopFirstStep+first, index[first*2*loopBatch:(first+n)*2*loopBatch], loopRate)
				if err != nil || len(rows) != n {
					t.Fatalf("got %d rows and the error %v, want %d", len(rows), err, n)
				}
				for _, r := range rows {
					recorded = append(recorded, slices.Clone(r))
				}
			}
			for _, b := range on {
				state = append(state, floats(t, b))
			}
			if err := lower.Free(on...); err != nil {
				t.Fatal(err)
			}
			return state, recorded
		}
		calls, rows := start, [][]float64(nil)
		for i := range 4 {
			var row []float64
			calls, row = h.step(t, calls, loopFirstStep+i, index[i*2*loopBatch:(i+1)*2*loopBatch])
			rows = append(rows, row)
		}
		tolerance := 0.
		if b.Name() == "xla" {
			tolerance = 1e-6
		}
		four, recorded := run(4)
		halves, recordedHalves := run(2, 2)
		for i := range calls {
			compare(t, fmt.Sprintf("w%d, calls", i), four[i], calls[i], tolerance)
			compare(t, fmt.Sprintf("w%d, two and two", i), halves[i], four[i], 0)
		}
		for i := range rows {
			compare(t, fmt.Sprintf("row %d, calls", i), recorded[i], rows[i], tolerance)
			compare(t, fmt.Sprintf("row %d, two and two", i), recordedHalves[i], recorded[i], 0)
		}
		if slices.Equal(four[0], start[0]) {
			t.Error("nothing was trained")
		}
		if err := call.Close(); err != nil {
			t.Error(err)
		}
		if err := lower.Free(images, labels); err != nil { // they are the caller's
			t.Error(err)
		}
	})
}
