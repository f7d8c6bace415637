package evaluation_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/evaluation"
)

// heap is the size of all objects in bytes, including garbage that is not collected yet.
func heap() int {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return int(s[0].Value.Uint64())
}

// peak is by how much the heap grew at most while f ran, and by how much in the end.
func peak(f func()) (most, kept int) {
	runtime.GC()
	before := heap()
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			most = max(most, heap()-before)
			select {
			case <-done:
				return
			case <-time.After(200 * time.Microsecond):
			}
		}
	}()
	f()
	close(done)
	<-ended
	runtime.GC()
	runtime.GC()
	return most, heap() - before
}

type memoryCase struct {
	features string
	side, n  int // of images and of samples
	metrics  []spec.Metric
}

func memoryCases() []memoryCase {
	fid, pr, kid := standard("fid"), standard("precision_recall"), standard("kid")
	prd, parzen := standard("prd"), standard("parzen")
	return []memoryCase{
		{"pixels", 64, 400, []spec.Metric{fid}},
		{"pixels", 32, 2000, []spec.Metric{fid}},
		{"pixels", 16, 4000, []spec.Metric{fid}},
		{"pixels", 32, 3000, []spec.Metric{pr}},
		{"pixels", 32, 1000, []spec.Metric{kid}},
		{"pixels", 32, 200, []spec.Metric{prd}},
		{"pixels", 24, 2000, []spec.Metric{parzen}},
		{"small-cifar10", 32, 2000, []spec.Metric{fid, pr}},
	}
}

// measure is by how much an evaluation makes the heap grow at most, and by how much in the end.
func (c memoryCase) measure(t *testing.T, e spec.Evaluation) (most, kept int) {
	t.Helper()
	values := c.side * c.side * 3
	real := &data.Set{N: 2 * c.n, H: c.side, W: c.side, C: 3, U8: make([]uint8, 2*c.n*values), Digest: "d"}
	state := uint32(1)
	for i := range real.U8 {
		state = state*1664525 + 1013904223
		real.U8[i] = uint8(state >> 24)
	}
	b, _ := comparer(t, "")
	b.Config.Open = func(_ context.Context, _ spec.Data) (*data.Set, error) { return real, nil }
	var x *evaluation.Scorer
	most, kept = peak(func() {
		var err error
		if x, err = b.Open(t.Context(), spec.Data{Name: "images", Path: "somewhere"}, e); err != nil {
			t.Fatal(err)
		}
		_, err = x.Score(t.Context(), func(from, to int) ([]float32, error) {
			images, index := make([]float32, (to-from)*values), make([]int32, to-from)
			for i := range index {
				index[i] = int32(c.n + from + i)
			}
			real.Batch(images, index)
			return images, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	runtime.KeepAlive(x)
	return most, kept
}

// One processor computes, so that as much is in memory at the same time whatever else the machine does. With more of them, the collector
// lags behind by a few batches at most. It leaves little garbage while the memory is measured.
func TestEvaluationsTakeTheEstimatedMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of MB")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(2))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, c := range memoryCases() {
		t.Run(fmt.Sprint(c.features, " ", c.side, " ", c.n, " ", c.metrics), func(t *testing.T) {
			e := spec.Evaluation{Samples: c.n, Real: "train", Features: c.features, Metrics: c.metrics}
			wantKept, passing := evaluation.Memory(e, c.side, c.side, 3)
			most, kept := c.measure(t, e)
			t.Logf("kept %d kB, estimate %d; at the peak %d kB, estimate %d", kept>>10, wantKept>>10, most>>10, (wantKept+passing)>>10)
			for got, want := range map[int]int{kept: wantKept, most: wantKept + passing} {
				if math.Abs(float64(want)/float64(got)-1) > .25 {
					t.Errorf("got %d kB, and the estimate is %d kB", got>>10, want>>10)
				}
			}
		})
	}
	for _, c := range memoryCases() { // of two, features are kept, and one passes after the other
		e := spec.Evaluation{Samples: c.n, Real: "train", Features: c.features, Metrics: c.metrics}
		kept, passing := evaluation.Memory(e, c.side, c.side, 3)
		final := e
		e.Final = &final
		if k, p := evaluation.Memory(e, c.side, c.side, 3); k != 2*kept || p != passing {
			t.Errorf("twice: got %d and %d, want %d and %d", k, p, 2*kept, passing)
		}
	}
	if kept, passing := evaluation.Memory(spec.Evaluation{Sheet: 16}, 32, 32, 3); kept != 0 || passing != 0 {
		t.Errorf("no metrics: got %d and %d", kept, passing)
	}
}
