package train

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/require"
)

// A program of bfloat16 trains next to one of float32 on one backend, under another name, and takes almost the same steps.
func TestBF16TrainsNearFloat32(t *testing.T) {
	b := open(t, "cpu")
	m, images := tiny, blobs(20, 8, 8)
	m.width = 16
	job := m.job(t)
	m.bf16 = true
	rounded := m.job(t)
	r, err := b.For(rounded.Program)
	if errors.Is(err, ErrNoDevice) {
		if !strings.Contains(err.Error(), `precision = "bf16": backend cpu`) {
			t.Errorf("got error %v", err)
		}
		require.Unavailable(t, "%v", err)
	}
	if all, err := Open("cpu:threads=1,precision=bf16", Options{}); err != nil || all.Name != "cpu avx512 bf16" || r.Name != all.Name {
		t.Errorf("the backends that round are called %q and %q, error %v", all.Name, r.Name, err)
	}
	exact, got := losses(t, start(t, b, job, images, 3), 5), losses(t, start(t, b, rounded, images, 3), 5)
	differ := false
	for step, row := range exact {
		for i, q := range job.Program.Recorded {
			if !strings.HasPrefix(q.Name, "loss_") {
				continue
			}
			differ = differ || got[step][i] != row[i]
			if math.Abs(got[step][i]-row[i]) > .02*math.Max(1, math.Abs(row[i])) {
				t.Errorf("step %d: %s is %g, with float32 %g", step, q.Name, got[step][i], row[i])
			}
		}
	}
	if !differ {
		t.Error("nothing was rounded")
	}
}

func TestOnlyCPUMultipliesBF16(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: cpu only")
	}
	m := tiny
	m.bf16 = true
	if _, err := Compile(open(t, "go"), m.job(t).Program); !errors.Is(err, ErrNoDevice) {
		t.Errorf("got error %v, want ErrNoDevice", err)
	}
}
