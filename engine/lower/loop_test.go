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

// looped is a loop and the inputs of a trial on a device.
type looped struct {
	on    lower.Device
	it    lower.Iteration
	call  *lower.LoopCall
	start [][]float64
	index []int32 // of four steps
}

// run runs the four steps from the start in calls of n.
func (l looped) run(t *testing.T, n int) (state, recorded [][]float64) {
	t.Helper()
	var on []*lower.Buffer
	for i, v := range l.start {
		on = append(on, upload(t, l.on, l.it.Outs[i].Shape, v))
	}
	for step := 0; step < 4; step += n {
		rows, err := l.call.Run(on, loopFirstStep+step, l.index[step*2*loopBatch:(step+n)*2*loopBatch], loopRate)
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

// newLooped compiles the loop of training. The host steps through the same images.
func newLooped(t *testing.T, b *lower.Backend) (looped, host) {
	t.Helper()
	h := host{it: training(), labels: make([]float64, loopImages)}
	h.p = compile(t, b, h.it.Outs...)
	l := looped{on: h.p.on, it: h.it}
	loop, err := lower.CompileLoop(b, l.it)
	if err != nil {
		t.Fatal(err)
	}
	h.images = exprtest.Values{}.Of(New().Input("images", l.it.Images))
	for i := range l.it.State {
		l.start = append(l.start, exprtest.Values{}.Of(New().Input(fmt.Sprint("w", i), l.it.Outs[i].Shape)))
	}
	for i := range h.labels {
		h.labels[i] = float64(i % 3)
	}
	for i := range 4 * 2 * loopBatch {
		l.index = append(l.index, int32(i*7%loopImages))
	}
	images, labels := upload(t, l.on, l.it.Images, h.images), upload(t, l.on, Of(I32, "b", loopImages), h.labels)
	if l.call, err = loop.Open(l.on, 11, images, labels); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.call.Close(); err != nil {
			t.Error(err)
		}
		if err := lower.Free(images, labels); err != nil { // they are the caller's
			t.Error(err)
		}
	})
	return l, h
}

// Steps of a loop, whose number is an input, equal as many calls; and four steps equal two and two, bit by bit. (XLA fuses a loop's
// body differently from a whole program, so that single calls agree to rounding only. GoMLX's own backend cannot run the loop: it
// breaks closures in which a broadcast feeds an operation on elements.)
func TestStepsOfALoopAreCalls(t *testing.T) {
	each(t, func(t *testing.T, b *lower.Backend) {
		if _, own := b.CPU(); !own && b.Name() != "xla" {
			return // GoMLX's
		}
		l, h := newLooped(t, b)
		calls, rows := l.start, [][]float64(nil)
		for i := range 4 {
			var row []float64
			calls, row = h.step(t, calls, loopFirstStep+i, l.index[i*2*loopBatch:(i+1)*2*loopBatch])
			rows = append(rows, row)
		}
		tolerance := 0.
		if b.Name() == "xla" {
			tolerance = 1e-6
		}
		four, recorded := l.run(t, 4)
		halves, recordedHalves := l.run(t, 2)
		for i := range calls {
			compare(t, fmt.Sprintf("w%d, calls", i), four[i], calls[i], tolerance)
			compare(t, fmt.Sprintf("w%d, two and two", i), halves[i], four[i], 0)
		}
		for i := range rows {
			compare(t, fmt.Sprintf("row %d, calls", i), recorded[i], rows[i], tolerance)
			compare(t, fmt.Sprintf("row %d, two and two", i), recordedHalves[i], recorded[i], 0)
		}
		if slices.Equal(four[0], l.start[0]) {
			t.Error("nothing was trained")
		}
	})
}
