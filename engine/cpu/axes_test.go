package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// axisWriter writes something about an axis of x.
type axisWriter func(w *writer, x compute.Value, dims []int, axis int) []compute.Value

// ofAxis is a phrase about an axis of x.
func ofAxis(write axisWriter) func(w *writer, x, _ compute.Value) []compute.Value {
	return func(w *writer, x, _ compute.Value) []compute.Value {
		dims := w.shape(x).Dimensions
		return write(w, x, dims, w.below(len(dims)))
	}
}

// sums returns a sum over the first axes or over one, and its broadcast.
func sums(w *writer, x compute.Value, dims []int, axis int) []compute.Value {
	axes := []int{axis}
	if w.below(2) == 0 && axis > 0 {
		axes = others(axis)
	}
	s := must(w.f.Tanh(must(w.f.Mul(must(w.f.ReduceSum(x, axes...)), w.number(x, .125)))))
	return []compute.Value{s, must(w.f.BroadcastInDim(s, w.shape(x), others(len(dims), axes)))}
}

// axisPhrases are about whole axes, and cover the operations that are not elementwise. Some of them refer to write, which refers to
// this table.
var axisPhrases []phrase

func init() {
	axisPhrases = slices.Concat(reducingPhrases(), movingPhrases(), indexingPhrases(), multiplyingPhrases(), wholePhrases())
}

// reducingPhrases reduce axes.
func reducingPhrases() []phrase {
	return []phrase{
		{takes: floats, rank: 1, write: ofAxis(sums)}, {takes: floats, rank: 1, write: ofAxis(sums)},
		{takes: numbers, gives: true, rank: 1, write: ofAxis(func(w *writer, x compute.Value, _ []int, axis int) []compute.Value {
			return one(w.f.ReduceMax(x, axis))
		})},
		{takes: numbers, gives: true, rank: 1, write: ofAxis(func(w *writer, x compute.Value, _ []int, axis int) []compute.Value {
			return one(w.f.ReduceMin(x, axis))
		})},
		{takes: integers, rank: 1, write: ofAxis(func(w *writer, x compute.Value, _ []int, axis int) []compute.Value {
			return []compute.Value{must(w.f.ReduceBitwiseXor(x, axis)), must(w.f.ReduceProduct(x, axis))}
		})},
		{takes: truths, rank: 1, write: ofAxis(func(w *writer, x compute.Value, _ []int, axis int) []compute.Value {
			return one(w.f.ReduceLogicalOr(x, axis))
		})},
	}
}

// movingPhrases move elements along axes.
func movingPhrases() []phrase {
	return []phrase{
		{takes: all, gives: true, rank: 2, write: ofAxis(func(w *writer, x compute.Value, dims []int, axis int) []compute.Value {
			perm := others(len(dims), []int{axis})
			return one(w.f.Transpose(x, slices.Insert(perm, w.below(len(dims)), axis)...))
		})},
		{takes: all, gives: true, rank: 1, write: ofAxis(func(w *writer, x compute.Value, _ []int, axis int) []compute.Value {
			return one(w.f.Reverse(x, axis))
		})},
		{takes: all, gives: true, write: func(w *writer, x, _ compute.Value) []compute.Value {
			return one(w.f.Reshape(x, 1, w.shape(x).Size()))
		}},
		{takes: integers, write: func(w *writer, x, _ compute.Value) []compute.Value {
			d := w.shape(x).DType
			i := slices.Index(supported, d)
			if d.IsUnsigned() {
				return one(w.f.Bitcast(x, supported[i-1]))
			}
			return one(w.f.Bitcast(x, supported[i+1]))
		}},
		{takes: all, gives: true, rank: 1, write: ofAxis(func(w *writer, x compute.Value, dims []int, axis int) []compute.Value {
			lo, hi, st := make([]int, len(dims)), slices.Clone(dims), slices.Repeat([]int{1}, len(dims))
			lo[axis], st[axis] = w.below(dims[axis]), 1+w.below(2)
			return one(w.f.Slice(x, lo, hi, st))
		})},
		{takes: numbers, gives: true, rank: 1, write: ofAxis(func(w *writer, x compute.Value, dims []int, axis int) []compute.Value {
			p := make([]compute.PadAxis, len(dims))
			p[axis] = compute.PadAxis{Start: w.below(3), End: w.below(2), Interior: w.below(2)}
			if w.whole && dims[axis] > 2 {
				p[axis].Start, p[axis].Interior = -2, 0
			}
			return one(w.f.Pad(x, w.number(x, 1), p...))
		})},
		{takes: all, gives: true, rank: 1, write: ofAxis(func(w *writer, x compute.Value, _ []int, axis int) []compute.Value {
			y := w.pick(func(t shapes.Shape, v compute.Value) bool { return t.Equal(w.shape(x)) && w.exact[v] == w.exact[x] })
			return one(w.f.Concatenate(axis, x, y, x))
		})},
		{takes: numbers, gives: true, rank: 1, write: ofAxis(func(w *writer, x compute.Value, dims []int, axis int) []compute.Value {
			n := must(w.f.Iota(shapes.Make(w.shape(x).DType, dims...), axis))
			return one(w.f.Max(x, must(w.f.Min(n, w.number(x, 2)))))
		})},
	}
}

// indexingPhrases read and write by index, search and sort.
func indexingPhrases() []phrase {
	return []phrase{
		{takes: all, gives: true, rank: 1, write: func(w *writer, x, _ compute.Value) []compute.Value { // rows by number
			dims := w.shape(x).Dimensions
			at := must(w.f.Constant([]int32{0, int32(dims[0] - 1), int32(dims[0] / 2), 0}, 4, 1))
			size := slices.Clone(dims)
			size[0] = 1
			return one(w.f.Gather(x, at, 1, others(len(dims), []int{0}), []int{0}, []int{0}, size, false))
		}},
		{takes: numbers, gives: true, rank: 1, write: func(w *writer, x, _ compute.Value) []compute.Value {
			dims := w.shape(x).Dimensions
			at := must(w.f.Constant([]int32{int32(dims[0] - 1), 0}, 2, 1))
			up := must(w.f.BroadcastInDim(w.number(x, 1), shapes.Make(w.shape(x).DType, append([]int{2}, dims[1:]...)...), nil))
			window := others(len(dims), []int{0})
			return []compute.Value{must(w.f.ScatterMax(x, at, up, 1, window, []int{0}, []int{0}, false, false))}
		}},
		{takes: numbers, needs: true, rank: 1, write: ofAxis(func(w *writer, x compute.Value, _ []int, axis int) []compute.Value {
			return one(w.f.ArgMinMax(x, axis, dtypes.Int32, w.below(2) == 0))
		})},
		{takes: numbers, gives: true, rank: 1, write: ofAxis(func(w *writer, x compute.Value, dims []int, axis int) []compute.Value {
			size := slices.Repeat([]int{1}, len(dims))
			size[axis] = min(2, dims[axis])
			return one(w.f.ReduceWindow(x, compute.ReduceOpMax, size, nil, nil, nil, nil))
		})},
		{takes: numbers, gives: true, rank: 1, write: ofAxis(func(w *writer, x compute.Value, _ []int, axis int) []compute.Value {
			s := shapes.Make(w.shape(x).DType)
			less := closure(w.f, func(g compute.Function, in []compute.Value) []compute.Value {
				return one(g.LessThan(in[0], in[1]))
			}, s, s)
			return must(w.f.Sort(less, axis, true, x))
		})},
	}
}

// multiplyingPhrases sum products.
func multiplyingPhrases() []phrase {
	return []phrase{
		{takes: floats, rank: 2, write: ofAxis(func(w *writer, x compute.Value, dims []int, axis int) []compute.Value { // by itself
			over := []int{axis}
			batch := others(len(dims), over, []int{(axis + 1) % len(dims)})
			d := must(w.f.DotGeneral(x, over, batch, x, over, batch, compute.DotGeneralConfig{}))
			return one(w.f.Tanh(must(w.f.Mul(d, w.number(x, 1./16)))))
		})},
		{takes: func(d dtypes.DType) bool { return d == dtypes.Float32 }, rank: 3, write: convolutionPhrase},
	}
}

// wholePhrases use what the Go backend lacks or defines otherwise.
func wholePhrases() []phrase {
	return []phrase{
		{takes: all, gives: true, rank: 1, whole: true, write: ofAxis(func(w *writer, x compute.Value, dims []int, axis int) []compute.Value {
			start := slices.Repeat([]compute.Value{must(w.f.Constant([]int64{0}))}, len(dims))
			if at := w.pick(func(s shapes.Shape, _ compute.Value) bool { return s.Rank() == 0 && s.DType.IsInt() }); at != nil {
				start[axis] = at // clamped
			}
			size := slices.Clone(dims)
			size[axis] = (dims[axis] + 1) / 2
			part := must(w.f.DynamicSlice(x, start, size))
			return []compute.Value{part, must(w.f.DynamicUpdateSlice(x, must(w.f.Reverse(part, axis)), start))}
		})},
		{takes: floats, rank: 1, whole: true, write: ofAxis(func(w *writer, x compute.Value, dims []int, axis int) []compute.Value {
			v := must(w.f.BroadcastInDim(w.number(x, .5), shapes.Make(w.shape(x).DType, dims[axis]), nil))
			y, mean, variance, err := w.f.BatchNormForTraining(x, v, v, .5, axis)
			return []compute.Value{must(y, err), mean, variance}
		})},
		{takes: all, whole: true, write: func(w *writer, x, _ compute.Value) []compute.Value {
			state, bits, err := w.f.RNGBitGenerator(must(w.f.Constant([]uint64{1, 2, 3}, 3)), shapes.Make(dtypes.Uint8, w.shape(x).Dimensions...))
			return []compute.Value{must(state, err), bits}
		}},
		{takes: all, whole: true, write: func(w *writer, x, _ compute.Value) []compute.Value {
			n := must(w.f.Constant([]int32{int32(w.below(3))}))
			return []compute.Value{countdown(w.f, n, func(g compute.Function, _, v compute.Value) compute.Value { return w.inside(g, v) }, x)}
		}},
		{takes: truths, whole: true, write: func(w *writer, p, _ compute.Value) []compute.Value {
			x := w.pick(func(shapes.Shape, compute.Value) bool { return true })
			branch := func() compute.Function {
				return closure(w.f, func(g compute.Function, _ []compute.Value) []compute.Value { return []compute.Value{w.inside(g, x), x} })
			}
			return must(w.f.If(must(w.f.ReduceLogicalOr(p)), branch(), branch()))
		}},
	}
}

// inside writes a few phrases in the closure g, which sees x and everything that w sees, and returns the last value of the shape of x.
func (w *writer) inside(g compute.Function, x compute.Value) compute.Value {
	in := *w
	in.f, in.vals, in.depth = g, append(slices.Clone(w.vals), x), w.depth+1
	for range 4 {
		if in.depth < 3 {
			in.write()
		}
	}
	for _, v := range slices.Backward(in.vals) {
		if in.shape(v).Equal(in.shape(x)) {
			return v
		}
	}
	return x
}

// convolutionPhrase convolves x with a kernel whose numbers are from the first parameter. The axes between the first and the last are
// spatial.
func convolutionPhrase(w *writer, x, _ compute.Value) []compute.Value {
	dims := w.shape(x).Dimensions
	if len(dims) > 4 {
		return nil
	}
	spatial, ci := len(dims)-2, dims[len(dims)-1]
	co, groups := []int{1, 3, 16}[w.below(3)], 1
	if ci%2 == 0 && w.below(3) == 0 {
		groups, co = 2, 6
	}
	axes := others(spatial + 2)
	config := compute.ConvolveAxesConfig{
		InputBatch:           0,
		InputSpatial:         axes[1 : 1+spatial],
		InputChannels:        spatial + 1,
		KernelSpatial:        axes[:spatial],
		KernelInputChannels:  spatial,
		KernelOutputChannels: spatial + 1,
		OutputBatch:          0,
		OutputSpatial:        axes[1 : 1+spatial],
		OutputChannels:       spatial + 1,
	}
	size := append(slices.Repeat([]int{2}, spatial), ci/groups, co)
	n := shapes.Make(dtypes.Float32, size...).Size()
	if n > 2000 {
		return nil
	}
	kernel := must(w.f.Reshape(must(w.f.Slice(must(w.f.Reshape(w.vals[0], 37*64)), []int{0}, []int{n}, nil)), size...))
	stride, pad := make([]int, spatial), make([][2]int, spatial)
	for i := range spatial {
		stride[i], pad[i] = 1+w.below(2), [2]int{1 + w.below(2), w.below(3)}
	}
	y := must(w.f.ConvGeneral(x, kernel, config, stride, pad, nil, nil, groups, 1))
	return one(w.f.Tanh(must(w.f.Mul(y, w.number(y, 1./8)))))
}
