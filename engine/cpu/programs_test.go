package cpu

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// FuzzPrograms runs programs of all kinds of operations on every kernel set, with and without fusion, with several numbers of threads,
// and twice each, since the second run reuses the memory of the first, and may overwrite its inputs.
func FuzzPrograms(f *testing.F) {
	count := uint64(600)
	if testing.Short() {
		count = 80
	}
	for seed := range count {
		f.Add(randomChoices(seed), seed%2 == 0)
	}
	ref, plain, all := reference(), must(New("threads=1,kernels=go,nofuse")), ours()
	var threads []*Backend
	for _, n := range []int{1, 2, 3, 5, 16} {
		threads = append(threads, must(New(fmt.Sprint("threads=", n))))
	}
	var in []any
	r := rand.New(rand.NewPCG(1, 2))
	for _, s := range given {
		in = append(in, values(r, s.DType, s.Size()))
	}
	f.Fuzz(func(t *testing.T, choices []byte, whole bool) {
		program := written(choices, whole)
		var want []any
		if whole {
			want = execute(plain, compiled(plain, program, given...), in...)
		} else {
			want = execute(ref, compiled(ref, program, given...), in...)
		}
		for _, b := range all {
			agree(t, b.Description(), execute(b, compiled(b, program, given...), in...), want, 1e-3)
		}
		var first []any
		for _, b := range threads {
			e := compiled(b, program, given...)
			for _, donated := range []bool{false, true} {
				got := executeWith(b, e, slices.Repeat([]bool{donated}, len(in)), in...)
				if first == nil {
					first = got
				}
				if !slices.EqualFunc(got, first, sameBits) {
					t.Errorf("%s: the bits differ from those of one thread, inputs donated %v", b.Description(), donated)
				}
			}
		}
	})
}

func TestOperationsAcceptEmptyTensors(t *testing.T) {
	for _, b := range ours() {
		out := execute(b, compiled(b, func(f compute.Function, in []compute.Value) []compute.Value {
			e, x := in[0], in[1] // [0 3], [2 3]
			y := must(f.Exp(must(f.Add(e, must(f.Mul(e, must(f.Constant([]float32{2}))))))))
			return []compute.Value{
				y,
				must(f.Concatenate(0, y, x)),
				must(f.Transpose(y, 1, 0)),
				must(f.Slice(x, []int{2, 0}, []int{2, 3}, nil)),
				must(f.DotGeneral(y, []int{0}, nil, y, []int{0}, nil, compute.DotGeneralConfig{})),
				must(f.Pad(y, must(f.Constant([]float32{7})), compute.PadAxis{Start: 1})),
				must(f.Gather(x, must(f.Constant([]int32{}, 0, 1)), 1, []int{1}, []int{0}, []int{0}, []int{1, 3}, false)),
				must(f.Iota(f32(0, 2), 1)),
			}
		}, f32(0, 3), f32(2, 3)), []float32{}, []float32{1, 2, 3, 4, 5, 6})
		none, nine := []float32{}, make([]float32, 9)
		agree(t, b.Description(), out, []any{none, []float32{1, 2, 3, 4, 5, 6}, none, none, nine, []float32{7, 7, 7}, none, none}, 0)
	}
}

func TestProfileLabelsEveryOperation(t *testing.T) {
	b := must(New("profile,threads=2"))
	var labels []string
	e := compiled(b, everySum, f32(2, 4, 4, 24), f32(3, 3, 24, 16)).(*executable)
	for _, i := range e.code {
		labels = append(labels, i.what)
	}
	if !slices.Contains(labels, "convolution [2 4 4 24] by [3 3 24 16] to [2 4 4 16]") {
		t.Errorf("no label of the convolution among %q", labels)
	}
	in := inputs(1, f32(2, 4, 4, 24), f32(3, 3, 24, 16))
	plain := must(New("threads=2"))
	agree(t, "profiled", execute(b, e, in...), execute(plain, compiled(plain, everySum, f32(2, 4, 4, 24), f32(3, 3, 24, 16)), in...), 0)
}

func TestCapabilitiesListWhatIsImplemented(t *testing.T) {
	c := must(New("")).Capabilities()
	for _, op := range []compute.OpType{
		compute.OpTypeAdd, compute.OpTypeConvGeneral, compute.OpTypeReduceSum, compute.OpTypeWhile, compute.OpTypeWhere, compute.OpTypeSort,
	} {
		if !c.Operations[op] {
			t.Errorf("%s is missing", op)
		}
	}
	if c.Operations[compute.OpTypeFFT] || !c.DTypes[dtypes.Uint8] || c.DTypes[dtypes.BFloat16] || !c.Functions {
		t.Errorf("got %v", c)
	}
}
