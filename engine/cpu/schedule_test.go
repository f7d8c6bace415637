package cpu

import (
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// trained is a step of gradient descent on a network with batch normalization, whose gradient it ignores, with several batches one after
// another. Its results are the new weights, and averages of the means of all batches.
func trained(layers, batches int) build {
	return func(f compute.Function, in []compute.Value) (results []compute.Value) {
		dot := func(x compute.Value, axisX int, y compute.Value, axisY int) compute.Value {
			return must(f.DotGeneral(x, []int{axisX}, nil, y, []int{axisY}, nil, compute.DotGeneralConfig{}))
		}
		weights, averages, xs := in[:layers], in[layers:2*layers], in[2*layers:]
		results = append(results, in[:2*layers]...)
		tenth := must(f.Constant([]float32{.1}))
		for _, x := range xs {
			shape := must(f.Shape(x))
			var inputs, outputs []compute.Value
			for i := range layers {
				inputs = append(inputs, x)
				h := dot(x, 1, weights[i], 0)
				mean := must(f.Mul(must(f.ReduceSum(h, 0)), must(f.Constant([]float32{1 / float32(shape.Dimensions[0])}))))
				results[layers+i] = must(f.Add(must(f.Mul(averages[i], tenth)), must(f.Mul(results[layers+i], must(f.Sub(mean, tenth))))))
				x = must(f.Tanh(must(f.Sub(h, must(f.BroadcastInDim(mean, shape, []int{1}))))))
				outputs = append(outputs, x)
			}
			d := x
			for i := layers - 1; i >= 0; i-- {
				y := outputs[i]
				d = must(f.Sub(d, must(f.Mul(d, must(f.Mul(y, y))))))
				results[i] = must(f.Sub(results[i], must(f.Mul(dot(inputs[i], 0, d, 0), tenth))))
				d = dot(d, 1, weights[i], 1)
			}
		}
		return results
	}
}

func TestOneBatchIsLiveAtATime(t *testing.T) {
	const layers, size, batch = 4, 64, 1024
	arena := func(batches int) int {
		var in []shapes.Shape
		for range layers {
			in = append(in, f32(size, size))
		}
		for range layers {
			in = append(in, f32(size))
		}
		for range batches {
			in = append(in, f32(batch, size))
		}
		b := must(New("threads=1"))
		return compiled(b, trained(layers, batches), in...).(*executable).arena
	}
	alive := 4 * batch * size
	one := arena(1)
	if most := (layers+4)*alive + alive/8; one > most { // outputs, a gradient, products, packed operands, and what is small
		t.Errorf("one batch takes %d bytes, want at most %d", one, most)
	}
	if four, most := arena(4), one+2*alive; four > most {
		t.Errorf("four batches take %d bytes, one takes %d: want at most %d", four, one, most)
	}
}

func TestChoicesOfNumbersAreRecomputed(t *testing.T) {
	const n = 64
	leaky := func(f compute.Function, in []compute.Value) []compute.Value {
		x, slope := in[0], in[1]
		zero, one := must(f.Constant([]float32{0})), must(f.Constant([]float32{1}))
		factor := must(f.Where(must(f.LessThan(zero, x)), one, slope))
		y := must(f.Mul(x, factor))
		gradient := must(f.DotGeneral(y, []int{1}, nil, x, []int{0}, nil, compute.DotGeneralConfig{}))
		return []compute.Value{must(f.Mul(gradient, factor)), must(f.ReduceSum(must(f.Mul(factor, factor)), 0))}
	}
	shapes := []shapes.Shape{f32(n, n), f32()}
	in := inputs(7, shapes...)
	want := execute(reference(), compiled(reference(), leaky, shapes...), in...)
	for _, b := range ours() {
		e := compiled(b, leaky, shapes...)
		agree(t, b.Description(), execute(b, e, in...), want, 1e-5)
		stored := 0
		for _, buf := range e.(*executable).bufs {
			if buf.kind == temporary && buf.bytes == n*n {
				stored++
			}
		}
		if stored != 1 {
			t.Errorf("%s: %d conditions are stored, want one", b.Description(), stored)
		}
		for _, i := range e.(*executable).code {
			if len(i.makes) == 0 {
				t.Errorf("%s: %q makes nothing", b.Description(), i.what)
			}
		}
	}
}
