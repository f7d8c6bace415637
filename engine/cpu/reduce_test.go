package cpu

import (
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

var reduceOps = map[compute.OpType]struct {
	takes func(dtypes.DType) bool
	op    func(compute.Function, compute.Value, ...int) (compute.Value, error)
}{
	compute.OpTypeReduceSum:        {numbers, compute.Function.ReduceSum},
	compute.OpTypeReduceProduct:    {numbers, compute.Function.ReduceProduct},
	compute.OpTypeReduceMax:        {numbers, compute.Function.ReduceMax},
	compute.OpTypeReduceMin:        {numbers, compute.Function.ReduceMin},
	compute.OpTypeReduceBitwiseAnd: {integers, compute.Function.ReduceBitwiseAnd},
	compute.OpTypeReduceBitwiseOr:  {integers, compute.Function.ReduceBitwiseOr},
	compute.OpTypeReduceBitwiseXor: {integers, compute.Function.ReduceBitwiseXor},
	compute.OpTypeReduceLogicalAnd: {truths, compute.Function.ReduceLogicalAnd},
	compute.OpTypeReduceLogicalOr:  {truths, compute.Function.ReduceLogicalOr},
	compute.OpTypeReduceLogicalXor: {truths, compute.Function.ReduceLogicalXor},
}

// reduced are shapes for which reductions take different paths.
var reduced = []struct{ dims, axes []int }{
	{[]int{1}, nil},
	{[]int{33}, nil},
	{[]int{5000}, []int{0}},
	{[]int{300, 24}, []int{0}},
	{[]int{300, 100}, []int{0}},
	{[]int{33, 17, 31}, []int{1}},
	{[]int{3, 17, 31, 2}, []int{0, 2}},
	{[]int{8, 9, 10, 3}, []int{1, 2}},
	{[]int{8, 9, 10, 3}, []int{3}},
	{[]int{8, 9, 10, 3}, []int{0, 1, 2}},
	{[]int{8, 9, 10, 3}, []int{2, 0, 1, 3}},
	{[]int{4, 1, 64}, []int{1}},
	{[]int{2, 3000}, []int{0}},
	{[]int{40, 700, 2}, []int{1}},
	{[]int{64, 1, 1}, []int{0}},
	{[]int{20, 2000}, []int{0}},
}

func reduceProperties() map[compute.OpType]property {
	p := map[compute.OpType]property{}
	for name, o := range reduceOps {
		p[name] = property{takes: o.takes, draw: func(r *draw) trial {
			s := r.shape(1 + r.IntN(4))
			axes := r.some(s.Rank())
			if r.IntN(2) == 0 {
				c := reduced[r.IntN(len(reduced))]
				s, axes = shapes.Make(r.d, c.dims...), c.axes
			}
			x := r.filled(s)
			if v := reflect.ValueOf(x.flat); name == compute.OpTypeReduceProduct && s.DType.IsFloat() { // near 1
				for i := range v.Len() {
					v.Index(i).SetFloat(1 + v.Index(i).Float()/3000)
				}
			}
			return trial{
				in: []operand{x},
				graph: func(f compute.Function, in []compute.Value) []compute.Value {
					return one(o.op(f, in[0], axes...))
				},
				tolerance: 1e-5 * math.Sqrt(float64(s.Size())),
			}
		}}
	}
	return p
}

func TestReductionsOfEmptyTensorsAreNeutral(t *testing.T) {
	for _, b := range ours() {
		for _, axes := range [][]int{{0}, {1}, nil} {
			out := execute(b, compiled(b, func(f compute.Function, in []compute.Value) []compute.Value {
				return []compute.Value{must(f.ReduceSum(in[0], axes...)), must(f.ReduceMax(in[0], axes...))}
			}, f32(0, 3)), []float32{})
			for i, v := range out[0].([]float32) {
				if m := out[1].([]float32)[i]; v != 0 || !math.IsInf(float64(m), -1) {
					t.Errorf("%s: axes %v: sum %g, max %g", b.Description(), axes, v, m)
				}
			}
		}
	}
}

func testReduceNaN[T float](t *testing.T, d dtypes.DType) {
	for _, b := range ours() {
		for _, c := range []struct {
			dims, axes []int
		}{{[]int{40, 16}, []int{0}}, {[]int{40, 16}, []int{1}}, {[]int{5, 7, 3}, []int{1}}, {[]int{5000}, []int{0}}} {
			s := shapes.Make(d, c.dims...)
			for _, at := range []int{0, 1, s.Size() / 2, s.Size() - 1} {
				x := make([]T, s.Size())
				x[at] = T(math.NaN())
				out := execute(b, compiled(b, func(f compute.Function, in []compute.Value) []compute.Value {
					m, w := must(f.ReduceMax(in[0], c.axes...)), must(f.ReduceMin(in[0], c.axes...))
					return []compute.Value{m, w, must(f.ReduceMax(must(f.Add(in[0], in[0])), c.axes...))}
				}, s), x)
				for k, o := range out {
					count := 0
					for _, v := range o.([]T) {
						if v != v {
							count++
						} else if v != 0 {
							t.Errorf("%s: result %g", b.Description(), float64(v))
						}
					}
					if count != 1 {
						t.Errorf("%s: %v over %v, NaN at %d: result %d has %d NaN, want 1", b.Description(), s, c.axes, at, k, count)
					}
				}
			}
		}
	}
}

func TestNaNPassesThroughReductions(t *testing.T) {
	t.Run("Float32", func(t *testing.T) { testReduceNaN[float32](t, dtypes.Float32) })
	t.Run("Float64", func(t *testing.T) { testReduceNaN[float64](t, dtypes.Float64) })
}

// everySum is a graph with all kinds of sums.
func everySum(f compute.Function, in []compute.Value) []compute.Value {
	x, k := in[0], in[1] // [64 16 16 24], [3 3 24 16]
	axes := compute.ConvolveAxesConfig{
		InputBatch:           0,
		InputSpatial:         []int{1, 2},
		InputChannels:        3,
		KernelSpatial:        []int{0, 1},
		KernelInputChannels:  2,
		KernelOutputChannels: 3,
		OutputBatch:          0,
		OutputSpatial:        []int{1, 2},
		OutputChannels:       3,
	}
	y := must(f.ConvGeneral(x, k, axes, []int{1, 1}, [][2]int{{1, 1}, {1, 1}}, nil, nil, 1, 1))
	gradAxes := axes
	gradAxes.InputBatch, gradAxes.InputChannels, gradAxes.KernelInputChannels = 3, 0, 0
	gradAxes.KernelSpatial, gradAxes.OutputSpatial, gradAxes.OutputBatch = []int{1, 2}, []int{0, 1}, 2
	grad := must(f.ConvGeneral(x, y, gradAxes, []int{1, 1}, [][2]int{{1, 1}, {1, 1}}, nil, nil, 1, 1))
	mean := must(f.ReduceSum(y, 0, 1, 2))
	centred := must(f.Sub(y, must(f.BroadcastInDim(mean, must(f.Shape(y)), []int{3}))))
	return []compute.Value{
		grad,
		mean,
		must(f.ReduceSum(must(f.Mul(centred, centred)), 0, 1, 2)),
		must(f.ReduceSum(centred)),
		must(f.ReduceSum(y, 1, 2)),
		must(f.ReduceSum(y, 1, 2, 3)),
		must(f.DotGeneral(y, []int{0, 1, 2}, nil, y, []int{0, 1, 2}, nil, compute.DotGeneralConfig{})),
	}
}

func TestResultsDoNotDependOnTheNumberOfThreads(t *testing.T) {
	ss := []shapes.Shape{f32(64, 16, 16, 24), f32(3, 3, 24, 16)}
	in := inputs(1, ss...)
	var want []any
	for _, threads := range []int{1, 2, 3, 5, 16, 1} {
		b := must(New(fmt.Sprintf("threads=%d", threads)))
		e := compiled(b, everySum, ss...)
		for range 2 {
			got := execute(b, e, in...)
			if want == nil {
				want = got
			}
			for k := range want {
				if err := similar(got[k], want[k], 0); err != nil {
					t.Errorf("%d threads, result %d: %v", threads, k, err)
				}
			}
		}
	}
}
