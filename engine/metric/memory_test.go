package metric

import (
	"context"
	"runtime"
	"sync"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
)

// gauge measures the memory in use wherever a computation asks whether it should end, and at its products: there it waits, so that a
// garbage collection finds exactly what it holds.
type gauge struct {
	context.Context
	mu           sync.Mutex
	before, most int
	left         int // measurements to come: collections take time
}

func newGauge() *gauge { return &gauge{Context: context.Background(), before: live(), left: 40} }

// live is the memory that a garbage collection leaves.
func live() int {
	runtime.GC()
	runtime.GC() // which frees pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func (g *gauge) measure() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.left--; g.left >= 0 {
		g.most = max(g.most, live()-g.before)
	}
}

func (g *gauge) Err() error {
	g.measure()
	return nil
}

// Every metric declares its memory, and what it holds at any point of observation exceeds the estimate by at most 25 %. The buffers of
// the backend are on Go's heap as well.
func TestMetricsTakeNoMoreMemoryThanIsEstimated(t *testing.T) {
	for _, m := range All {
		t.Run(m.Name, func(t *testing.T) {
			if m.memory == nil {
				t.Fatal("got no estimate of its memory")
			}
			for _, size := range [][2]int{{1200, 64}, {300, 400}} { // more samples than features, and fewer
				checkMemory(t, m, size[0], size[1])
			}
		})
	}
}

// checkMemory compares the estimate for n samples of d features with what is held.
func checkMemory(t *testing.T, m Definition, n, d int) {
	s := m.Standard()
	for _, a := range m.Params {
		if a.Clamp {
			s = s.With(a.Name, min(a.Default, float64(n)))
		}
	}
	all, r := []spec.Metric{s}, random(1)
	matrices := products(t)
	real, fake, logits := gaussian(r, n, d, 0, 1), gaussian(r, n, d, 0.5, 1), gaussian(r, n, 10, 0, 1)
	c := Comparison{Others: gaussian(r, n, d, 0, 1)}
	g := newGauge()
	c.Products = NewProducts(func(out, a, b []float32, d int) error {
		err := matrices.multiply(out, a, b, d)
		g.measure()
		return err
	})
	for to, f := range map[**Stats]Features{&c.Real: real, &c.Fake: fake} {
		var err error
		if *to, err = Summarize(g, c.Products, all, f, logits); err != nil {
			t.Fatal(err)
		}
	}
	g.left++
	g.measure() // both sets with what was derived from them
	values, err := c.Values(g, all)
	if err != nil {
		t.Fatal(err)
	}
	const others = 256 << 10 // of what does not grow with the sets
	need := MemoryOf(all, n, d)
	want := 2*need.Set + need.Device + need.Work
	if g.most > want+want/4+others || want < 8*n {
		t.Errorf("%d samples of %d features: %d kB are held, and the estimate is %d kB", n, d, g.most>>10, want>>10)
	}
	runtime.KeepAlive([]any{real, fake, logits, c, values})
}
