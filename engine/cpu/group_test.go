package cpu

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// largest is the maximum of tensors, element by element.
func largest(f compute.Function, x ...compute.Value) compute.Value {
	for _, y := range x[1:] {
		x[0] = must(f.Max(x[0], y))
	}
	return x[0]
}

// everySecond returns every second column, beginning with the given one.
func everySecond(f compute.Function, x compute.Value, from int) compute.Value {
	s := must(f.Shape(x)).Dimensions
	return must(f.Slice(x, []int{0, 0, from, 0}, []int{s[0], s[1], s[2] - 2 + from, s[3]}, []int{1, 1, 2, 1}))
}

// sliceCases are graphs with slices, and the number of slices that are copied.
var sliceCases = []struct {
	name   string
	in     shapes.Shape
	build  build
	copies int
}{
	{"a pool of maxima", f32(3, 5, 12, 32), func(f compute.Function, in []compute.Value) []compute.Value {
		return []compute.Value{largest(f, everySecond(f, in[0], 0), everySecond(f, in[0], 1), everySecond(f, in[0], 2))}
	}, 0},
	{"of computed values", f32(3, 5, 12, 32), func(f compute.Function, in []compute.Value) []compute.Value {
		x := must(f.Tanh(in[0]))
		return []compute.Value{x, largest(f, everySecond(f, x, 0), everySecond(f, x, 1))}
	}, 0},
	{"the largest of a slice", f32(3, 5, 12, 32), func(f compute.Function, in []compute.Value) []compute.Value {
		return []compute.Value{must(f.ReduceMax(everySecond(f, in[0], 1), 0, 1, 2))}
	}, 0},
	{"one that is also a result", f32(3, 5, 12, 32), func(f compute.Function, in []compute.Value) []compute.Value {
		x := everySecond(f, in[0], 0)
		return []compute.Value{x, largest(f, x, everySecond(f, in[0], 1))}
	}, 1},
	{"one that a product also reads", f32(3, 5, 12, 32), func(f compute.Function, in []compute.Value) []compute.Value {
		x := everySecond(f, in[0], 0)
		y := must(f.DotGeneral(x, []int{3}, nil, x, []int{3}, nil, compute.DotGeneralConfig{}))
		return []compute.Value{y, must(f.Neg(x))}
	}, 1},
	{"short pieces", f32(3, 5, 12, 2), func(f compute.Function, in []compute.Value) []compute.Value {
		return []compute.Value{largest(f, everySecond(f, in[0], 0), everySecond(f, in[0], 1))}
	}, 2},
	{"the first examples", f32(3, 5, 12, 32), func(f compute.Function, in []compute.Value) []compute.Value {
		return []compute.Value{must(f.Neg(must(f.Slice(in[0], []int{1, 0, 0, 0}, []int{3, 5, 12, 32}, nil))))}
	}, 1},
}

// A slice is read in place by the one loop that needs it. It is copied where it is a result or contiguous, where several loops read
// it, and where its pieces are short.
func TestALoopReadsSlicesInPlace(t *testing.T) {
	for _, c := range sliceCases {
		t.Run(c.name, func(t *testing.T) {
			x := random(rand.New(rand.NewPCG(1, 2)), c.in.Size())
			b, plain := must(New("threads=2")), must(New("threads=1,nofuse"))
			fused := compiled(b, c.build, c.in)
			if got, want := execute(b, fused, x), execute(plain, compiled(plain, c.build, c.in), x); !reflect.DeepEqual(got, want) {
				t.Errorf("the results differ from those without fusion")
			}
			copies := 0
			for _, in := range fused.(*executable).code {
				if in.what == "Slice" {
					copies++
				}
			}
			if copies != c.copies {
				t.Errorf("got %d copies of slices, want %d", copies, c.copies)
			}
		})
	}
}
