package cpu

import (
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute"
)

// ticks returns a clock that advances by a second on every call, so that every instruction takes a second.
func ticks() func() time.Time {
	var t time.Time
	return func() time.Time { t = t.Add(time.Second); return t }
}

func TestTraceCountsCallsOperationsAndBytes(t *testing.T) {
	c := must(New("threads=1"))
	axes := compute.ConvolveAxesConfig{InputBatch: 0, InputSpatial: []int{1, 2}, InputChannels: 3, KernelSpatial: []int{0, 1},
		KernelInputChannels: 2, KernelOutputChannels: 3, OutputBatch: 0, OutputSpatial: []int{1, 2}, OutputChannels: 3}
	e := compiled(c, func(f compute.Function, in []compute.Value) []compute.Value {
		y := must(f.Tanh(must(f.ConvGeneral(in[0], in[1], axes, []int{1, 1}, [][2]int{{1, 0}, {1, 0}}, nil, nil, 1, 1)))) // [2 3 3 5]
		y = must(f.Reshape(y, 18, 5))
		return []compute.Value{must(f.DotGeneral(y, []int{1}, nil, y, []int{1}, nil, compute.DotGeneralConfig{}))} // [18 18]
	}, f32(2, 3, 3, 4), f32(2, 2, 4, 5))
	run := func() { execute(c, e, inputs(1, f32(2, 3, 3, 4), f32(2, 2, 4, 5))...) }
	run()
	if got := c.Timings(); got != nil {
		t.Errorf("without a trace: got %v, want nothing", got)
	}
	c.Trace(ticks())
	run()
	run()
	list := c.Timings()
	// Of the 3 x 3 pixels, one has 1 tap inside the image, four have 2 and four have 4.
	for what, want := range map[string]struct{ flop, bytes float64 }{
		"convolution [2 3 3 4] by [2 2 4 5] to [2 3 3 5]": {2 * 2 * 4 * 5 * (1 + 4*2 + 4*4), 4 * (72 + 80 + 90)},
		"loop [2 3 3 5]":                      {0, 4 * (90 + 90)},
		"product [18 5] by [18 5] to [18 18]": {2 * 18 * 18 * 5, 4 * (90 + 90 + 18*18)},
	} {
		found := false
		for _, x := range list {
			if !strings.HasPrefix(x.What, what) {
				continue
			}
			found = true
			if x.Calls != 2 || x.Time != 2*time.Second || x.Flop != 2*want.flop {
				t.Errorf("%s: got %d calls, %v, %g operations, want 2, 2s, %g", x.What, x.Calls, x.Time, x.Flop, 2*want.flop)
			}
			if x.Bytes < 2*want.bytes { // workspaces add to it
				t.Errorf("%s: got %g bytes, want at least %g", x.What, x.Bytes, 2*want.bytes)
			}
		}
		if !found {
			t.Errorf("no %s among %v", what, list)
		}
	}
	c.Trace(nil)
	run()
	if got := c.Timings(); got != nil {
		t.Errorf("after the trace: got %v, want nothing", got)
	}
}

func TestPeakIsARate(t *testing.T) {
	for _, kernels := range []string{"", "go"} {
		b := must(New("threads=2,kernels=" + kernels))
		if p := b.Peak(time.Now); p.Flop < 1e8 || p.Flop > 1e14 || p.Bytes < 1e7 || p.Bytes > 1e13 {
			t.Errorf("kernels %s: got %g operations and %g bytes a second, which no processor does", kernels, p.Flop, p.Bytes)
		}
	}
}
