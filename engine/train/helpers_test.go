package train

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/internal/require"
)

// shared has backends for tests that do not depend on what ran before: compilations, which are slow on XLA, serve several tests.
var shared = struct {
	sync.Mutex
	open map[string]*Backend
}{open: map[string]*Backend{}}

// common returns a backend that tests share.
func common(t testing.TB, name string) *Backend {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.open[name] == nil {
		shared.open[name] = must(t, name)
	}
	return shared.open[name]
}

// open opens a backend for one test.
func open(t testing.TB, name string) *Backend {
	t.Helper()
	b := must(t, name)
	t.Cleanup(b.Close)
	return b
}

// must opens a backend, or skips the test if it is not installed. "cpu loop" and "xla loop" run many steps per call, as
// accelerators do.
func must(t testing.TB, name string) *Backend {
	t.Helper()
	name, loop := strings.CutSuffix(name, " loop")
	if !strings.HasPrefix(name, "cpu") && testing.Short() {
		t.Skip("-short: cpu only")
	}
	if name == "xla" {
		name += ":" + require.Tool(t, "STARSWEEP_PJRT", "pjrt-cpu")
	}
	b, err := Open(name, Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	b.deviceLoop = loop
	return b
}

func eachBackend(t *testing.T, f func(t *testing.T, b *Backend)) {
	for _, name := range []string{"cpu", "go", "xla", "xla loop"} {
		t.Run(name, func(t *testing.T) { f(t, common(t, name)) })
	}
}

func start(t testing.TB, b *Backend, job *model.Job, images Images, seed uint32) *Run {
	t.Helper()
	c, err := Compile(b, job.Program)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.NewRun(b.Device(), job, images, seed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func epoch(t testing.TB, r *Run) Epoch {
	t.Helper()
	e, err := r.Epoch(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func state(t testing.TB, r *Run) []Tensor {
	t.Helper()
	s, err := r.State()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// losses runs n steps and returns the values of every step.
func losses(t testing.TB, r *Run, n int) (rows [][]float64) {
	t.Helper()
	err := r.advance(context.Background(), n, func(row []float64) { rows = append(rows, append([]float64{}, row...)) })
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// same fails unless two runs are in the same state, bit for bit.
func same(t *testing.T, what string, a, b []Tensor) {
	t.Helper()
	for i := range a {
		if a[i].Name != b[i].Name || !bytes.Equal(a[i].Data, b[i].Data) {
			t.Fatalf("%s: %s differs", what, a[i].Name)
		}
	}
	if len(a) != len(b) || len(a) == 0 {
		t.Fatalf("%s: %d and %d tensors", what, len(a), len(b))
	}
}

var cases = []struct {
	name   string
	model  gan
	images Images
}{
	{"points", points, ring(100)},
	{"tiny", tiny, blobs(20, 8, 8)},
	{"tiny-gp", tinyGP, blobs(40, 8, 8)},
}
