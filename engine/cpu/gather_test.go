package cpu

import (
	"reflect"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// indexed is a tensor, index vectors into some of its axes, and windows at their positions: what a Gather reads and a scatter writes.
type indexed struct {
	x, windows shapes.Shape
	at         operand
	vector     int   // axis of the index vectors
	starts     []int // axes of x that they index
	inserted   []int // axes of x that the windows lack, since they have one element there
	window     []int // axes of the windows that are not axes of at
	size       []int // of a window, by axis of x
}

// indexed draws operands. Some indices are outside.
func (r *draw) indexed() (x indexed) {
	x.x = r.shape(1 + r.IntN(3))
	rank := x.x.Rank()
	for i, n := range x.x.Dimensions {
		x.x.Dimensions[i] = max(1, n)
	}
	x.starts = r.Perm(rank)[:1+r.IntN(rank)]
	for a, n := range x.x.Dimensions {
		size := n
		if slices.Contains(x.starts, a) {
			size = 1 + r.IntN(n)
			if r.IntN(2) == 0 {
				size, x.inserted = 1, append(x.inserted, a)
			}
		}
		x.size = append(x.size, size)
	}
	d := []dtypes.DType{dtypes.Int8, dtypes.Uint16, dtypes.Int32, dtypes.Int64}[r.IntN(4)]
	batch := []int{r.pick(0, 1, 7, 15), r.pick(1, 2)}[:r.IntN(3)]
	x.vector = r.IntN(len(batch) + 1)
	at := shapes.Make(d, slices.Insert(slices.Clone(batch), x.vector, len(x.starts))...)
	flat := reflect.ValueOf(dtypes.MakeAnySlice(d, at.Size()))
	for i := range at.Size() {
		axis := x.starts[i/strides(at)[x.vector]%len(x.starts)]
		v := r.IntN(x.x.Dimensions[axis]+2) - 1
		if d.IsUnsigned() {
			v = max(0, v)
		}
		flat.Index(i).Set(reflect.ValueOf(min(v, 127)).Convert(flat.Type().Elem()))
	}
	x.at = operand{at, flat.Interface()}
	kept := pick(x.size, others(rank, x.inserted)...)
	total := len(batch) + len(kept)
	x.window = r.Perm(total)[:len(kept)]
	slices.Sort(x.window)
	dims := make([]int, total)
	for i, a := range x.window {
		dims[a] = kept[i]
	}
	for i, a := range others(total, x.window) {
		dims[a] = batch[i]
	}
	x.windows = shapes.Make(r.d, dims...)
	return x
}

// each calls do with the offset of every element of the windows, and of its place in x. Windows that are not inside are clamped, or else
// skipped.
func (x indexed) each(clamped bool, do func(window, at int)) {
	index := reflect.ValueOf(x.at.flat)
	at := x.at.shape
	batch := others(x.windows.Rank(), x.window)
	kept := others(x.x.Rank(), x.inserted)
	for w := range x.windows.Size() {
		row, place := 0, 0
		var along []int // in the order of at's axes, without the vector's
		for _, a := range batch {
			along = append(along, w/strides(x.windows)[a]%x.windows.Dimensions[a])
		}
		for i, a := range others(at.Rank(), []int{x.vector}) {
			row += along[i] * strides(at)[a]
		}
		inside := true
		for j, axis := range x.starts {
			i := int(index.Index(row + j*strides(at)[x.vector]).Convert(reflect.TypeFor[int]()).Int())
			room := x.x.Dimensions[axis] - x.size[axis]
			inside = inside && i >= 0 && i <= room
			place += min(max(0, i), room) * strides(x.x)[axis]
		}
		for i, a := range x.window {
			place += w / strides(x.windows)[a] % x.windows.Dimensions[a] * strides(x.x)[kept[i]]
		}
		if inside || clamped {
			do(w, place)
		}
	}
}

// scatterOp is a ScatterSum, ScatterMax or ScatterMin.
type scatterOp func(f compute.Function, x, at, up compute.Value, vector int, window, inserted, starts []int,
	sorted, unique bool) (compute.Value, error)

func indexProperties() map[compute.OpType]property {
	scatter := func(combine func(old, update reflect.Value) reflect.Value, op scatterOp) property {
		return property{takes: numbers, draw: func(r *draw) trial {
			x := r.indexed()
			to, up := r.filled(x.x), r.filled(x.windows)
			return trial{
				in: []operand{to, x.at, up},
				graph: func(f compute.Function, in []compute.Value) []compute.Value {
					return one(op(f, in[0], in[1], in[2], x.vector, x.window, x.inserted, x.starts, false, false))
				},
				loops: func() []any {
					y := reflect.ValueOf(dtypes.MakeAnySlice(r.d, x.x.Size()))
					reflect.Copy(y, reflect.ValueOf(to.flat))
					x.each(false, func(window, at int) { y.Index(at).Set(combine(y.Index(at), reflect.ValueOf(up.flat).Index(window))) })
					return []any{y.Interface()}
				},
				tolerance: 1e-6,
			}
		}}
	}
	return map[compute.OpType]property{
		compute.OpTypeGather:     {takes: all, draw: gatherTrial},
		compute.OpTypeScatterSum: scatter(sumOf, compute.Function.ScatterSum),
		compute.OpTypeScatterMax: scatter(func(a, b reflect.Value) reflect.Value {
			if asFloat(a) < asFloat(b) {
				return b
			}
			return a
		}, compute.Function.ScatterMax),
		compute.OpTypeScatterMin: scatter(func(a, b reflect.Value) reflect.Value {
			if asFloat(a) > asFloat(b) {
				return b
			}
			return a
		}, compute.Function.ScatterMin),
	}
}

func gatherTrial(r *draw) trial {
	x := r.indexed()
	from := r.filled(x.x)
	return trial{
		in: []operand{from, x.at},
		graph: func(f compute.Function, in []compute.Value) []compute.Value {
			return one(f.Gather(in[0], in[1], x.vector, x.window, x.inserted, x.starts, x.size, false))
		},
		loops: func() []any {
			y := reflect.ValueOf(dtypes.MakeAnySlice(r.d, x.windows.Size()))
			x.each(true, func(window, at int) { y.Index(window).Set(reflect.ValueOf(from.flat).Index(at)) })
			return []any{y.Interface()}
		},
	}
}
