package cpu

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

func TestWindowsAgreeWithTheGoBackend(t *testing.T) {
	ref, all := reference(), ours()
	r := rand.New(rand.NewPCG(5, 6))
	pick := func(v ...int) int { return v[r.IntN(len(v))] }
	for i := range 60 {
		d := supported[i%len(supported)]
		if d == dtypes.Bool {
			d = dtypes.Float32
		}
		s := shapes.Make(d, pick(1, 3), pick(4, 5, 9), pick(3, 6), pick(1, 3, 17))
		size, stride := []int{1, pick(1, 2, 3), pick(1, 2), pick(1, 1, 2)}, []int{1, pick(1, 2, 3), pick(1, 2), 1}
		inDil, dil := []int{1, pick(1, 2), 1, 1}, []int{1, pick(1, 2), pick(1, 2), 1}
		pad := [][2]int{{0, 0}, {pick(0, 1), pick(0, 2)}, {pick(0, 1), 1}, {0, pick(0, 1)}}
		op := []compute.ReduceOpType{compute.ReduceOpSum, compute.ReduceOpProduct, compute.ReduceOpMax, compute.ReduceOpMin}[r.IntN(4)]
		f := func(f compute.Function, in []compute.Value) []compute.Value {
			if i%5 == 0 {
				return []compute.Value{must(f.ReduceWindow(in[0], op, size, nil, nil, nil, nil))}
			}
			return []compute.Value{must(f.ReduceWindow(in[0], op, size, stride, inDil, dil, pad))}
		}
		x := values(r, d, s.Size())
		want, err := tryRun(ref, f, []any{x}, s)
		if err != nil {
			continue // the window does not fit
		}
		for _, b := range all {
			if err := similar(execute(b, compiled(b, f, s), x)[0], want[0], 1e-5); err != nil {
				t.Errorf("%s over %v, size %v, strides %v, dilations %v %v, padding %v: %s: %v", op, s, size, stride, inDil, dil, pad, b.Description(), err)
			}
		}
	}
}

func TestWindowsOfPaddingAreNeutral(t *testing.T) {
	for _, b := range ours() {
		f := func(op compute.ReduceOpType) build {
			return func(f compute.Function, in []compute.Value) []compute.Value {
				return []compute.Value{must(f.ReduceWindow(in[0], op, []int{1}, []int{2}, nil, nil, [][2]int{{2, 0}}))}
			}
		}
		for op, want := range map[compute.ReduceOpType][]float32{
			compute.ReduceOpSum: {0, 5}, compute.ReduceOpProduct: {1, 5}, compute.ReduceOpMax: {float32(math.Inf(-1)), 5}, compute.ReduceOpMin: {float32(math.Inf(1)), 5},
		} {
			if err := similar(execute(b, compiled(b, f(op), f32(1)), []float32{5})[0], want, 0); err != nil {
				t.Errorf("%s: %s: %v", op, b.Description(), err)
			}
		}
	}
}

func TestSelectAndScatterIsTheGradientOfWindows(t *testing.T) {
	for _, b := range ours() {
		f := func(f compute.Function, in []compute.Value) []compute.Value {
			size, stride, pad := []int{1, 3, 2, 1}, []int{1, 2, 2, 1}, [][2]int{{0, 0}, {1, 1}, {0, 0}, {0, 0}}
			return []compute.Value{must(f.SelectAndScatterMax(in[0], in[1], size, stride, pad)), must(f.SelectAndScatterMin(in[0], in[1], size, stride, pad))}
		}
		s, w := f32(2, 5, 4, 3), f32(2, 3, 2, 3)
		r := rand.New(rand.NewPCG(7, 8))
		x, g := make([]float32, s.Size()), random(r, w.Size())
		for i := range x {
			x[i] = float32(r.IntN(5)) // with ties: the first counts
		}
		want := [2][]float32{make([]float32, s.Size()), make([]float32, s.Size())}
		for i, v := range g {
			n, y, xx, c := i/18, i/6%3, i/3%2, i%3
			for k, sign := range []float32{1, -1} {
				best := -1
				for dy := range 3 {
					for dx := range 2 {
						row, col := y*2+dy-1, xx*2+dx
						if at := ((n*5+row)*4+col)*3 + c; row >= 0 && row < 5 && (best < 0 || sign*x[at] > sign*x[best]) {
							best = at
						}
					}
				}
				want[k][best] += v
			}
		}
		for k, got := range execute(b, compiled(b, f, s, w), x, g) {
			if err := similar(got, want[k], 1e-6); err != nil {
				t.Errorf("result %d: %s: %v", k, b.Description(), err)
			}
		}
	}
}

func TestArgMinMaxAgreesWithTheGoBackend(t *testing.T) {
	ref, all := reference(), ours()
	r := rand.New(rand.NewPCG(9, 1))
	for i, d := range supported {
		if d == dtypes.Bool {
			continue
		}
		s := shapes.Make(d, 5, 17, 3)
		f := func(f compute.Function, in []compute.Value) (out []compute.Value) {
			for axis := range 3 {
				into := []dtypes.DType{dtypes.Int32, dtypes.Uint8, dtypes.Int64, dtypes.Int16}[(i+axis)%4]
				out = append(out, must(f.ArgMinMax(in[0], axis, into, false)), must(f.ArgMinMax(in[0], axis, into, true)))
			}
			return out
		}
		x := values(r, d, s.Size())
		want := execute(ref, compiled(ref, f, s), x)
		for _, b := range all {
			for k, got := range execute(b, compiled(b, f, s), x) {
				if err := similar(got, want[k], 0); err != nil {
					t.Errorf("%s: result %d: %s: %v", d, k, b.Description(), err)
				}
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
