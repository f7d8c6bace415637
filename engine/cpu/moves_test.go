package cpu

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// padding draws the padding of an axis of n elements. Negative padding leaves at least 0 of them.
func (r *draw) padding(n int, negative bool) compute.PadAxis {
	p := compute.PadAxis{Start: r.IntN(4), End: r.IntN(4), Interior: r.IntN(3)}
	if long := n + max(0, n-1)*p.Interior; negative && r.IntN(2) == 0 {
		p.Start = -r.IntN(long + 1)
		p.End = -r.IntN(long + p.Start + 1)
	}
	return p
}

// padded is Pad by operations of the Go backend, which does not crop: it pads, and then slices.
func padded(f compute.Function, x, fill compute.Value, axes []compute.PadAxis) compute.Value {
	wide := slices.Clone(axes)
	for i := range wide {
		wide[i].Start, wide[i].End = max(0, wide[i].Start), max(0, wide[i].End)
	}
	x = must(f.Pad(x, fill, wide...))
	hi := slices.Clone(must(f.Shape(x)).Dimensions)
	lo := make([]int, len(hi))
	for i, a := range axes {
		lo[i] = max(0, -a.Start)
		hi[i] -= max(0, -a.End)
	}
	return must(f.Slice(x, lo, hi, nil))
}

func moveProperties() map[compute.OpType]property {
	same := func(graph build) property {
		return property{takes: all, draw: func(r *draw) trial {
			return trial{
				in:    []operand{r.filled(r.shape(r.IntN(4)))},
				graph: graph,
			}
		}}
	}
	return map[compute.OpType]property{
		compute.OpTypeParameter: same(func(f compute.Function, in []compute.Value) []compute.Value { return in }),
		compute.OpTypeIdentity:  same(func(f compute.Function, in []compute.Value) []compute.Value { return one(f.Identity(in[0])) }),
		compute.OpTypeOptimizationBarrier: same(func(f compute.Function, in []compute.Value) []compute.Value {
			return must(f.OptimizationBarrier(in[0], must(f.Reshape(in[0], must(f.Shape(in[0])).Size()))))
		}),
		compute.OpTypeSchedulingBarrier: same(func(f compute.Function, in []compute.Value) []compute.Value {
			return one(f.SchedulingBarrier(in[0], must(f.Reshape(in[0], must(f.Shape(in[0])).Size()))))
		}),
		compute.OpTypeConstant:           {takes: all, draw: constantTrial},
		compute.OpTypeIota:               {takes: numbers, draw: iotaTrial},
		compute.OpTypeReshape:            {takes: all, draw: reshapeTrial},
		compute.OpTypeBitcast:            {takes: all, draw: bitcastTrial},
		compute.OpTypeBroadcastInDim:     {takes: all, draw: broadcastInDimTrial},
		compute.OpTypeTranspose:          {takes: all, draw: transposeTrial},
		compute.OpTypeSlice:              {takes: all, draw: sliceTrial},
		compute.OpTypePad:                {takes: all, draw: padTrial},
		compute.OpTypeReverse:            {takes: all, draw: reverseTrial},
		compute.OpTypeConcatenate:        {takes: all, draw: concatenateTrial},
		compute.OpTypeDynamicSlice:       {takes: all, draw: dynamicSliceTrial},
		compute.OpTypeDynamicUpdateSlice: {takes: all, draw: dynamicUpdateSliceTrial},
	}
}

func constantTrial(r *draw) trial {
	c := r.filled(r.shape(r.IntN(4)))
	return trial{
		graph: func(f compute.Function, in []compute.Value) []compute.Value {
			return one(f.Constant(c.flat, c.shape.Dimensions...))
		},
		loops: func() []any { return []any{c.flat} },
	}
}

func iotaTrial(r *draw) trial {
	s := r.shape(1 + r.IntN(3))
	axis := r.IntN(s.Rank())
	return trial{
		graph: func(f compute.Function, in []compute.Value) []compute.Value { return one(f.Iota(s, axis)) },
	}
}

func reshapeTrial(r *draw) trial {
	s := r.shape(r.IntN(4))
	to := slices.Clone(s.Dimensions)
	r.Shuffle(len(to), func(i, j int) { to[i], to[j] = to[j], to[i] })
	if r.IntN(2) == 0 {
		to = []int{1, s.Size()}
	}
	return trial{
		in:    []operand{r.filled(s)},
		graph: func(f compute.Function, in []compute.Value) []compute.Value { return one(f.Reshape(in[0], to...)) },
	}
}

func bitcastTrial(r *draw) trial {
	into := supported[r.IntN(len(supported))]
	for into == dtypes.Bool {
		into = supported[r.IntN(len(supported))]
	}
	dims := r.shape(r.IntN(3)).Dimensions
	if ratio := into.Size() / r.d.Size(); ratio > 1 {
		dims = append(dims, ratio)
	}
	return trial{
		in: []operand{r.filled(shapes.Make(r.d, dims...))},
		graph: func(f compute.Function, in []compute.Value) []compute.Value {
			return one(f.Bitcast(in[0], into))
		},
	}
}

func broadcastInDimTrial(r *draw) trial {
	s := r.shape(r.IntN(4))
	axes := r.some(s.Rank())
	slices.Sort(axes)
	x := shapes.Make(r.d, pick(s.Dimensions, axes...)...)
	for i := range x.Dimensions {
		if x.Dimensions[i] > 0 && r.IntN(3) == 0 {
			x.Dimensions[i] = 1
		}
	}
	return trial{
		in: []operand{r.filled(x)},
		graph: func(f compute.Function, in []compute.Value) []compute.Value {
			return one(f.BroadcastInDim(in[0], s, axes))
		},
	}
}

func transposeTrial(r *draw) trial {
	s := r.shape(r.IntN(5))
	perm := r.Perm(s.Rank())
	return trial{
		in:    []operand{r.filled(s)},
		graph: func(f compute.Function, in []compute.Value) []compute.Value { return one(f.Transpose(in[0], perm...)) },
	}
}

func sliceTrial(r *draw) trial {
	s := r.shape(r.IntN(4))
	var lo, hi, step []int
	for _, n := range s.Dimensions {
		l := r.IntN(n + 1)
		lo, hi, step = append(lo, l), append(hi, l+r.IntN(n-l+1)), append(step, r.pick(1, 1, 2, 3))
	}
	return trial{
		in:    []operand{r.filled(s)},
		graph: func(f compute.Function, in []compute.Value) []compute.Value { return one(f.Slice(in[0], lo, hi, step)) },
	}
}

func padTrial(r *draw) trial {
	s := r.shape(r.IntN(4))
	var axes []compute.PadAxis
	for _, n := range s.Dimensions {
		axes = append(axes, r.padding(n, true))
	}
	return trial{
		in: []operand{r.filled(s), r.filled(shapes.Make(r.d))},
		graph: func(f compute.Function, in []compute.Value) []compute.Value {
			return one(f.Pad(in[0], in[1], axes...))
		},
		plain: func(f compute.Function, in []compute.Value) []compute.Value {
			return []compute.Value{padded(f, in[0], in[1], axes)}
		},
	}
}

func reverseTrial(r *draw) trial {
	s := r.shape(r.IntN(4))
	axes := r.some(s.Rank())
	return trial{
		in:    []operand{r.filled(s)},
		graph: func(f compute.Function, in []compute.Value) []compute.Value { return one(f.Reverse(in[0], axes...)) },
	}
}

func concatenateTrial(r *draw) trial {
	s := r.shape(1 + r.IntN(3))
	axis := r.IntN(s.Rank())
	var c trial
	for range 1 + r.IntN(4) {
		s = s.Clone()
		s.Dimensions[axis] = r.pick(0, 1, 3, 16, 17)
		c.in = append(c.in, r.filled(s))
	}
	c.graph = func(f compute.Function, in []compute.Value) []compute.Value { return one(f.Concatenate(axis, in...)) }
	return c
}

func dynamicSliceTrial(r *draw) trial {
	b := r.box()
	return trial{
		in: append([]operand{r.filled(b.around)}, b.start...),
		graph: func(f compute.Function, in []compute.Value) []compute.Value {
			return one(f.DynamicSlice(in[0], in[1:], b.size))
		},
		plain: func(f compute.Function, in []compute.Value) []compute.Value {
			return one(f.Slice(in[0], b.lo, b.hi, nil))
		},
	}
}

func dynamicUpdateSliceTrial(r *draw) trial {
	b := r.box()
	return trial{
		in: append([]operand{r.filled(b.around), r.filled(shapes.Make(r.d, b.size...))}, b.start...),
		graph: func(f compute.Function, in []compute.Value) []compute.Value {
			return one(f.DynamicUpdateSlice(in[0], in[1], in[2:]))
		},
		plain: func(f compute.Function, in []compute.Value) []compute.Value {
			var axes []compute.PadAxis
			for i, n := range b.around.Dimensions {
				axes = append(axes, compute.PadAxis{Start: b.lo[i], End: n - b.hi[i]})
			}
			inside := must(f.BroadcastInDim(must(f.Constant([]bool{true})), shapes.Make(dtypes.Bool, b.size...), nil))
			inside = must(f.Pad(inside, must(f.Constant([]bool{false})), axes...))
			update := must(f.Pad(in[1], must(f.ConvertDType(must(f.Constant([]bool{false})), r.d)), axes...))
			return one(f.Where(inside, update, in[0]))
		},
	}
}

// box is a part of a tensor, from lo to hi: at start, clamped.
type box struct {
	around       shapes.Shape
	size, lo, hi []int
	start        []operand // integers of any dtype, as scalars or as one vector
}

func (r *draw) box() (b box) {
	b.around = r.shape(1 + r.IntN(3))
	d := supported[r.IntN(len(supported))]
	for !d.IsInt() {
		d = supported[r.IntN(len(supported))]
	}
	n := b.around.Rank()
	vector := reflect.ValueOf(dtypes.MakeAnySlice(d, n))
	for i, size := range b.around.Dimensions {
		size -= r.IntN(size + 1)
		at := r.IntN(b.around.Dimensions[i]+9) - 4
		if d.IsUnsigned() {
			at = max(0, at)
		}
		vector.Index(i).Set(reflect.ValueOf(min(at, 127)).Convert(vector.Type().Elem()))
		lo := min(max(0, at), 127, b.around.Dimensions[i]-size)
		b.size, b.lo, b.hi = append(b.size, size), append(b.lo, lo), append(b.hi, lo+size)
		b.start = append(b.start, operand{shapes.Make(d), vector.Slice(i, i+1).Interface()})
	}
	if r.IntN(3) == 0 {
		b.start = []operand{{shapes.Make(d, n), vector.Interface()}}
	}
	return b
}

func TestBitcastKeepsTheBits(t *testing.T) {
	b := must(New(""))
	out := execute(b, compiled(b, func(f compute.Function, in []compute.Value) []compute.Value {
		u := must(f.Bitcast(in[0], dtypes.Uint32))
		return []compute.Value{u, must(f.Bitcast(in[1], dtypes.Uint32)), must(f.Bitcast(must(f.Add(u, u)), dtypes.Float32))}
	}, f32(2), shapes.Make(dtypes.Uint64, 1)), []float32{1, -2.5}, []uint64{0x100000002})
	for k, want := range []any{
		[]uint32{0x3f800000, 0xc0200000},
		[]uint32{2, 1},
		[]float32{math.Float32frombits(0x7f000000), math.Float32frombits(0x80400000)},
	} {
		if err := similar(out[k], want, 0); err != nil {
			t.Errorf("result %d: %v", k, err)
		}
	}
}
