package cpu

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

func TestSortAgreesWithTheGoBackend(t *testing.T) {
	ref, all := reference(), ours()
	r := rand.New(rand.NewPCG(2, 3))
	for _, d := range []dtypes.DType{dtypes.Float32, dtypes.Float64, dtypes.Int32, dtypes.Uint8, dtypes.Int64} {
		s := shapes.Make(d, 4, 33, 3)
		f := func(f compute.Function, in []compute.Value) (out []compute.Value) {
			for axis := range 3 {
				less := closure(f, func(g compute.Function, in []compute.Value) []compute.Value {
					return []compute.Value{must(g.LessThan(in[0], in[1]))}
				}, shapes.Make(d), shapes.Make(d))
				out = append(out, must(f.Sort(less, axis, true, in[0]))...)
			}
			return out
		}
		x := values(r, d, s.Size())
		want := execute(ref, compiled(ref, f, s), x)
		for _, b := range all {
			for k, got := range execute(b, compiled(b, f, s), x) {
				if err := similar(got, want[k], 0); err != nil {
					t.Errorf("%s: axis %d: %s: %v", d, k, b.Description(), err)
				}
			}
		}
	}
}

func TestSortTakesTensorsAlongAndUsesWhatItCaptures(t *testing.T) {
	const n = 100
	r := rand.New(rand.NewPCG(4, 5))
	keys, numbers := make([]float32, n), make([]int32, n)
	for i := range keys {
		keys[i], numbers[i] = float32(r.IntN(21)), int32(i)
	}
	order := slices.Clone(numbers) // by distance from 10, those at the same distance as they were
	slices.SortStableFunc(order, func(i, j int32) int {
		return cmp.Compare((keys[i]-10)*(keys[i]-10), (keys[j]-10)*(keys[j]-10))
	})
	sorted := make([]float32, n)
	for i, j := range order {
		sorted[i] = keys[j]
	}
	for _, b := range ours() {
		f := func(f compute.Function, in []compute.Value) []compute.Value {
			nearer := closure(f, func(g compute.Function, p []compute.Value) []compute.Value {
				square := func(v compute.Value) compute.Value {
					d := must(g.Sub(v, in[2]))
					return must(g.Mul(d, d))
				}
				return []compute.Value{must(g.LessThan(square(p[0]), square(p[1])))}
			}, f32(), f32(), i32(), i32())
			return must(f.Sort(nearer, 0, true, in[0], in[1]))
		}
		out := execute(b, compiled(b, f, f32(n), shapes.Make(dtypes.Int32, n), f32()), keys, numbers, []float32{10})
		for k, want := range []any{sorted, order} {
			if err := similar(out[k], want, 0); err != nil {
				t.Errorf("tensor %d: %s: %v", k, b.Description(), err)
			}
		}
	}
}
