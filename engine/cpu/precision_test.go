package cpu

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"

	"github.com/starsweep/starsweep/engine/cpu/kern"
	"github.com/starsweep/starsweep/internal/require"
)

// With precision=bf16 products and convolutions are those of rounded operands: close to those of float32, but not equal.
func TestBF16RoundsOperandsOnly(t *testing.T) {
	if kern.Sets()[0].Pairs == nil {
		if _, err := New("precision=bf16"); err == nil || !strings.Contains(err.Error(), "do not multiply bfloat16") {
			t.Errorf("got error %v, want that the processor does not multiply bfloat16", err)
		}
		require.Unavailable(t, "the processor does not multiply bfloat16")
	}
	axes := compute.ConvolveAxesConfig{InputSpatial: []int{1, 2}, InputChannels: 3, KernelSpatial: []int{0, 1}, KernelInputChannels: 2,
		KernelOutputChannels: 3, OutputSpatial: []int{1, 2}, OutputChannels: 3}
	graph := func(f compute.Function, in []compute.Value) []compute.Value {
		return []compute.Value{
			must(f.ConvGeneral(in[0], in[1], axes, []int{2, 2}, [][2]int{{1, 2}, {1, 2}}, nil, nil, 1, 1)),
			must(f.DotGeneral(in[2], []int{1}, nil, in[3], []int{0}, nil, compute.DotGeneralConfig{})),
			must(f.Add(in[2], in[2])),
		}
	}
	operands := []shapes.Shape{f32(8, 8, 8, 16), f32(5, 5, 16, 24), f32(17, 33), f32(33, 40)}
	in := inputs(3, operands...)
	run := func(config string) []any {
		b := must(New(config))
		return execute(b, compiled(b, graph, operands...), in...)
	}
	exact, rounded := run("threads=2"), run("threads=2,precision=bf16")
	agree(t, "threads", run("threads=5,precision=bf16"), rounded, 0)
	for i, name := range []string{"convolution", "product", "sum"} {
		var off, size float64
		for j, v := range exact[i].([]float32) {
			off = max(off, math.Abs(float64(rounded[i].([]float32)[j]-v)))
			size = max(size, math.Abs(float64(v)))
		}
		if e := off / size; i < 2 && !(1e-5 < e && e < 1e-2) || i == 2 && e != 0 {
			t.Errorf("%s: the error is %.1g of the largest value", name, e)
		}
	}
	for _, bad := range []string{"precision=fp8", "precision=bf16,kernels=go"} {
		if _, err := New(bad); err == nil || !strings.Contains(err.Error(), "precision=") {
			t.Errorf("%s: got error %v", bad, err)
		}
	}
}
