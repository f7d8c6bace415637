package cpu

import (
	"math"
	"reflect"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"
)

// sliding is a random window over a tensor of four axes. It does not slide over the first.
type sliding struct {
	x, y                     shapes.Shape // of the tensor, and of the positions
	size, stride, inDil, dil []int
	pad                      [][2]int
}

func (r *draw) sliding(dilated bool) (w sliding) {
	w.x = shapes.Make(r.d, r.pick(1, 3), r.pick(1, 5, 9), r.pick(3, 7), r.pick(1, 3, 17))
	for a, n := range w.x.Dimensions {
		size, stride, inDil, dil, pad := 1, 1, 1, 1, [2]int{}
		if a > 0 {
			size, stride, pad = r.pick(1, 1, 2, 3), r.pick(1, 2, 3), [2]int{r.IntN(3), r.IntN(3)}
		}
		if dilated && a > 0 {
			inDil, dil = r.pick(1, 2), r.pick(1, 2)
		}
		if a == 3 && r.IntN(2) == 0 {
			size, stride, inDil, pad = 1, 1, 1, [2]int{}
		}
		if room := (n-1)*inDil + pad[0] + pad[1] - (size-1)*dil; room < 0 {
			pad[1] -= room
		}
		w.size, w.stride, w.pad = append(w.size, size), append(w.stride, stride), append(w.pad, pad)
		w.inDil, w.dil = append(w.inDil, inDil), append(w.dil, dil)
	}
	w.y = must(shapeinference.ReduceWindow(w.x, w.size, w.stride, w.inDil, w.dil, w.pad))
	return w
}

// taps calls do with the offsets of the elements that the window covers at a position, in order.
func (w sliding) taps(position int, do func(at int)) {
	var visit func(a, base int)
	visit = func(a, base int) {
		if a == w.x.Rank() {
			do(base)
			return
		}
		for k := range w.size[a] {
			i := position/strides(w.y)[a]%w.y.Dimensions[a]*w.stride[a] + k*w.dil[a] - w.pad[a][0]
			if i >= 0 && i%w.inDil[a] == 0 && i/w.inDil[a] < w.x.Dimensions[a] {
				visit(a+1, base+i/w.inDil[a]*strides(w.x)[a])
			}
		}
	}
	visit(0, 0)
}

type selectAndScatterOp func(f compute.Function, x, source compute.Value, size, stride []int, pad [][2]int) (compute.Value, error)

func windowProperties() map[compute.OpType]property {
	selectAndScatter := func(sign float64, op selectAndScatterOp) property {
		return property{takes: numbers, draw: func(r *draw) trial {
			w := r.sliding(false)
			x, source := r.filled(w.x), r.filled(w.y)
			return trial{
				in: []operand{x, source},
				graph: func(f compute.Function, in []compute.Value) []compute.Value {
					return one(op(f, in[0], in[1], w.size, w.stride, w.pad))
				},
				loops: func() []any {
					v, y := reflect.ValueOf(x.flat), reflect.ValueOf(dtypes.MakeAnySlice(r.d, w.x.Size()))
					for p := range w.y.Size() {
						best := -1
						w.taps(p, func(at int) {
							if best < 0 || sign*asFloat(v.Index(at)) > sign*asFloat(v.Index(best)) {
								best = at
							}
						})
						if best >= 0 {
							y.Index(best).Set(sumOf(y.Index(best), reflect.ValueOf(source.flat).Index(p)))
						}
					}
					return []any{y.Interface()}
				},
				tolerance: 1e-6,
			}
		}}
	}
	return map[compute.OpType]property{
		compute.OpTypeReduceWindow:        {takes: numbers, draw: reduceWindowTrial},
		compute.OpTypeSelectAndScatterMax: selectAndScatter(1, compute.Function.SelectAndScatterMax),
		compute.OpTypeSelectAndScatterMin: selectAndScatter(-1, compute.Function.SelectAndScatterMin),
		compute.OpTypeArgMinMax:           {takes: numbers, draw: argMinMaxTrial},
	}
}

func reduceWindowTrial(r *draw) trial {
	w := r.sliding(true)
	op := []compute.ReduceOpType{compute.ReduceOpSum, compute.ReduceOpProduct, compute.ReduceOpMax, compute.ReduceOpMin}[r.IntN(4)]
	c := trial{
		in: []operand{r.filled(w.x)},
		graph: func(f compute.Function, in []compute.Value) []compute.Value {
			return one(f.ReduceWindow(in[0], op, w.size, w.stride, w.inDil, w.dil, w.pad))
		},
		tolerance: 1e-5,
	}
	if r.IntN(5) == 0 {
		size := []int{1, 1, 2, 1}
		c.graph = func(f compute.Function, in []compute.Value) []compute.Value {
			return one(f.ReduceWindow(in[0], op, size, nil, nil, nil, nil))
		}
	}
	return c
}

func argMinMaxTrial(r *draw) trial {
	s := r.shape(1 + r.IntN(3))
	axis, least := r.IntN(s.Rank()), r.IntN(2) == 0
	s.Dimensions[axis] = max(1, s.Dimensions[axis])
	into := []dtypes.DType{dtypes.Int32, dtypes.Uint8, dtypes.Int64, dtypes.Int16}[r.IntN(4)]
	if s.Dimensions[axis] > 200 {
		into = dtypes.Int32
	}
	return trial{
		in: []operand{r.filled(s)},
		graph: func(f compute.Function, in []compute.Value) []compute.Value {
			return one(f.ArgMinMax(in[0], axis, into, least))
		},
	}
}

func TestWindowsOfPaddingYieldTheNeutralElement(t *testing.T) {
	for _, b := range ours() {
		f := func(op compute.ReduceOpType) build {
			return func(f compute.Function, in []compute.Value) []compute.Value {
				return []compute.Value{must(f.ReduceWindow(in[0], op, []int{1}, []int{2}, nil, nil, [][2]int{{2, 0}}))}
			}
		}
		for op, want := range map[compute.ReduceOpType][]float32{
			compute.ReduceOpSum:     {0, 5},
			compute.ReduceOpProduct: {1, 5},
			compute.ReduceOpMax:     {float32(math.Inf(-1)), 5},
			compute.ReduceOpMin:     {float32(math.Inf(1)), 5},
		} {
			if err := similar(execute(b, compiled(b, f(op), f32(1)), []float32{5})[0], want, 0); err != nil {
				t.Errorf("%s: %s: %v", op, b.Description(), err)
			}
		}
	}
}

func TestArgMinMaxChoosesTheFirstNaN(t *testing.T) {
	b, nan := must(New("")), float32(math.NaN())
	f := func(f compute.Function, in []compute.Value) []compute.Value {
		return []compute.Value{must(f.ArgMinMax(in[0], 1, dtypes.Int32, false)), must(f.ArgMinMax(in[0], 1, dtypes.Int32, true))}
	}
	x := []float32{1, nan, 3, nan, nan, 9, 9, -9, 2, 1, 2, 1}
	for k, got := range execute(b, compiled(b, f, f32(3, 4)), x) {
		want := [][]int32{{1, 0, 0}, {1, 0, 1}}[k]
		if !reflect.DeepEqual(got, want) {
			t.Errorf("result %d is %v, want %v", k, got, want)
		}
	}
}
