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

func sortProperties() map[compute.OpType]property {
	return map[compute.OpType]property{compute.OpTypeSort: {takes: all, draw: func(r *draw) trial {
		s := r.shape(1 + r.IntN(3))
		axis, up, along := r.IntN(s.Rank()), r.IntN(2) == 0, r.IntN(2) == 0
		c := trial{
			in: []operand{r.filled(s)},
		}
		scalars := []shapes.Shape{shapes.Make(r.d), shapes.Make(r.d)}
		if along { // ties are kept in order
			c.in = append(c.in, r.filled(withType(s, dtypes.Int32)))
			scalars = append(scalars, i32(), i32())
		}
		c.graph = func(f compute.Function, in []compute.Value) []compute.Value {
			return must(f.Sort(closure(f, func(g compute.Function, in []compute.Value) []compute.Value {
				switch {
				case r.d == dtypes.Bool:
					return one(g.LogicalAnd(in[1], must(g.LogicalNot(in[0]))))
				case up:
					return one(g.LessThan(in[0], in[1]))
				}
				return one(g.GreaterThan(in[0], in[1]))
			}, scalars...), axis, true, in...))
		}
		return c
	}}}
}

func TestSortReordersOtherTensorsAndCapturesValues(t *testing.T) {
	const n = 100
	r := rand.New(rand.NewPCG(4, 5))
	keys, numbers := make([]float32, n), make([]int32, n)
	for i := range keys {
		keys[i], numbers[i] = float32(r.IntN(21)), int32(i)
	}
	order := slices.Clone(numbers) // by distance from 10; ties keep their order
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
