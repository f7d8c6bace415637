package cpu

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// randomProgram is a graph of the given size over all kinds of operations.
func randomProgram(seed uint64, size int) build {
	return func(f compute.Function, in []compute.Value) []compute.Value {
		r := rand.New(rand.NewPCG(seed, 7))
		vals := slices.Clone(in)
		for range size {
			v, extra := randomNode(f, r, vals)
			vals = append(vals, extra...)
			if v != nil && must(f.Shape(v)).Size() < 1<<16 {
				vals = append(vals, v)
			}
		}
		outs := vals[max(0, len(vals)-3):]
		return append(slices.Clone(outs), outs[0]) // perhaps a parameter, and one value twice
	}
}

func randomNode(f compute.Function, r *rand.Rand, vals []compute.Value) (v compute.Value, extra []compute.Value) {
	dims := func(v compute.Value) []int { return must(f.Shape(v)).Dimensions }
	x := vals[r.IntN(len(vals))]
	d := dims(x)
	var same []compute.Value // operands of the same shape, or scalars
	for _, v := range vals {
		if e := dims(v); slices.Equal(e, d) || len(e) == 0 {
			same = append(same, v)
		}
	}
	y := same[r.IntN(len(same))]
	axis := 0
	if len(d) > 0 {
		axis = r.IntN(len(d))
	}
	leading := func() (axes []int) {
		for i := range axis {
			axes = append(axes, i)
		}
		return axes
	}
	switch k := r.IntN(15); {
	case k == 0:
		return must(f.Add(x, y)), nil
	case k == 1:
		return must(f.Sub(y, x)), nil
	case k == 2:
		return must(f.Mul(x, y)), nil
	case k == 3:
		return must(f.Max(x, y)), nil
	case k == 4:
		return must(f.Tanh(x)), nil
	case k == 5 && len(dims(y)) == len(d):
		return must(f.Where(must(f.LessThan(x, y)), y, must(f.Neg(x)))), nil
	case k == 6 && len(d) > 0: // sum and spread again
		axes := []int{axis}
		if r.IntN(2) == 0 {
			axes = leading()
		}
		if len(axes) == 0 {
			return nil, nil
		}
		s := must(f.Tanh(must(f.ReduceSum(x, axes...))))
		var to []int
		for i := range d {
			if !slices.Contains(axes, i) {
				to = append(to, i)
			}
		}
		return must(f.BroadcastInDim(s, f32(d...), to)), []compute.Value{s}
	case k == 7 && len(d) > 0:
		return must(f.ReduceMax(x, axis)), nil
	case k == 8 && len(d) > 1:
		return must(f.Transpose(x, r.Perm(len(d))...)), nil
	case k == 9 && len(d) > 0:
		return must(f.Reverse(x, axis)), nil
	case k == 10 && len(d) > 0:
		lo, hi, st := make([]int, len(d)), slices.Clone(d), slices.Repeat([]int{1}, len(d))
		lo[axis], st[axis] = r.IntN(d[axis]), 1+r.IntN(2)
		return must(f.Slice(x, lo, hi, st)), nil
	case k == 11 && len(d) > 0:
		p := make([]compute.PadAxis, len(d))
		p[axis] = compute.PadAxis{Start: r.IntN(3), End: r.IntN(2), Interior: r.IntN(2)}
		return must(f.Pad(x, must(f.Constant([]float32{.5})), p...)), nil
	case k == 12 && len(d) > 0:
		return must(f.Concatenate(axis, x, must(f.Neg(x)))), nil
	case k == 13 && len(d) == 2:
		return must(f.Tanh(must(f.DotGeneral(x, []int{axis}, nil, x, []int{axis}, nil, compute.DotGeneralConfig{})))), nil
	case k == 14:
		return must(f.Mul(x, must(f.Add(must(f.Constant([]float32{.25})), must(f.Constant([]float32{.5})))))), nil
	}
	return nil, nil
}

func TestRandomProgramsAgreeWithTheGoBackend(t *testing.T) {
	count := uint64(300)
	if testing.Short() {
		count = 60
	}
	ref, all := reference(), ours()
	sizes := []shapes.Shape{f32(37, 64), f32(5, 8, 24), f32(3), f32()}
	for seed := range count {
		in := inputs(seed, sizes...)
		want := execute(ref, compiled(ref, randomProgram(seed, 40), sizes...), in...)
		for _, b := range all {
			got := execute(b, compiled(b, randomProgram(seed, 40), sizes...), in...)
			agree(t, fmt.Sprintf("seed %d, %s", seed, b.Description()), got, want, 1e-4)
		}
	}
}

func TestEmptyTensorsPassThroughEverything(t *testing.T) {
	for _, b := range ours() {
		out := execute(b, compiled(b, func(f compute.Function, in []compute.Value) []compute.Value {
			e, x := in[0], in[1] // [0 3], [2 3]
			y := must(f.Exp(must(f.Add(e, must(f.Mul(e, must(f.Constant([]float32{2}))))))))
			return []compute.Value{y, must(f.Concatenate(0, y, x)), must(f.Transpose(y, 1, 0)), must(f.Slice(x, []int{2, 0}, []int{2, 3}, nil)),
				must(f.DotGeneral(y, []int{0}, nil, y, []int{0}, nil, compute.DotGeneralConfig{})), must(f.Pad(y, must(f.Constant([]float32{7})), compute.PadAxis{Start: 1})),
				must(f.Gather(x, must(f.Constant([]int32{}, 0, 1)), 1, []int{1}, []int{0}, []int{0}, []int{1, 3}, false)), must(f.Iota(f32(0, 2), 1))}
		}, f32(0, 3), f32(2, 3)), []float32{}, []float32{1, 2, 3, 4, 5, 6})
		none, nine := []float32{}, make([]float32, 9)
		agree(t, b.Description(), out, []any{none, []float32{1, 2, 3, 4, 5, 6}, none, none, nine, []float32{7, 7, 7}, none, none}, 0)
	}
}

func TestProfileLabelsEveryOperation(t *testing.T) {
	b := must(New("profile,threads=2"))
	var labels []string
	e := compiled(b, everySum, f32(2, 4, 4, 24), f32(3, 3, 24, 16)).(*program)
	for _, i := range e.code {
		labels = append(labels, i.what)
	}
	if !slices.Contains(labels, "ConvGeneral [2 4 4 24] [3 3 24 16] [2 4 4 16]") {
		t.Errorf("no label of the convolution among %q", labels)
	}
	in := inputs(1, f32(2, 4, 4, 24), f32(3, 3, 24, 16))
	plain := must(New("threads=2"))
	agree(t, "profiled", execute(b, e, in...), execute(plain, compiled(plain, everySum, f32(2, 4, 4, 24), f32(3, 3, 24, 16)), in...), 0)
}

func TestCapabilitiesNameWhatThereIs(t *testing.T) {
	c := must(New("")).Capabilities()
	for _, op := range []compute.OpType{compute.OpTypeAdd, compute.OpTypeConvGeneral, compute.OpTypeReduceSum, compute.OpTypeWhile, compute.OpTypeWhere, compute.OpTypeSort} {
		if !c.Operations[op] {
			t.Errorf("%s is missing", op)
		}
	}
	if c.Operations[compute.OpTypeFFT] || !c.DTypes[dtypes.Uint8] || c.DTypes[dtypes.BFloat16] || !c.Functions {
		t.Errorf("got %v", c)
	}
}
