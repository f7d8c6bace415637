package feature

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/lower"
)

// backends are those of the backend cpu that this processor runs, each kernel set on one thread and on three.
func backends(t *testing.T) (list map[string][]lower.Device) {
	t.Helper()
	list = map[string][]lower.Device{}
	for _, kernels := range []string{"go", "avx2", "avx512"} {
		for _, threads := range []int{1, 3} {
			b, err := lower.Open(fmt.Sprintf("cpu:kernels=%s,threads=%d", kernels, threads))
			if err != nil {
				t.Logf("%s: %v", kernels, err) // not on this processor
				break
			}
			t.Cleanup(b.Close)
			list[kernels] = append(list[kernels], b.Devices()[0])
		}
	}
	return list
}

// The features of an image are the same bits whatever else the extractor was asked for, before it or with it: they do not depend on
// the number of images of this or an earlier call, on the image's place among them, or on threads.
func TestFeaturesDoNotDependOnWhatWasExtractedBefore(t *testing.T) {
	st := Store{t.TempDir()}
	if !testing.Short() {
		file := filepath.Join(st.Dir, "fid.safetensors")
		writeWeights(t, file, plantedFID())
		if _, err := st.Add(file); err != nil {
			t.Fatal(err)
		}
	}
	for kernels, on := range backends(t) {
		for _, c := range []struct {
			name    string
			h, w, c int
		}{
			{"small-mnist", 28, 28, 1}, {"small-cifar10", 32, 32, 3}, {"random", 11, 9, 3}, {"random", 32, 32, 1}, {"pixels", 8, 8, 3},
			{"inception", 32, 32, 3},
		} {
			t.Run(fmt.Sprintf("%s/%s/%dx%dx%d", kernels, c.name, c.h, c.w, c.c), func(t *testing.T) {
				slow := c.name == "inception" || kernels == "go" && c.name != "pixels"
				if large := c.name == "random" && c.h > 20; testing.Short() && (slow || large) || large && kernels == "go" {
					t.Skip("slow")
				}
				open := func(on lower.Device) *Extractor {
					e, err := Open(on, c.name, st)
					if err != nil {
						t.Fatal(err)
					}
					return e
				}
				e := open(on[0])
				batch := e.Batch(c.h, c.w, c.c)
				counts := []int{1, 7, batch - 1, batch, batch + 1}
				most, size := batch+1, c.h*c.w*c.c
				if slow { // in the portable kernels a call takes up to a minute
					counts, most = []int{1}, 7
				}
				x := noise(most, c.h, c.w, c.c)
				want := extract(t, e, x, most, c.h, c.w, c.c)
				// the same images from the last to the first
				back := make([]float32, 0, len(x))
				for i := most - 1; i >= 0; i-- {
					back = append(back, x[i*size:(i+1)*size]...)
				}
				reversed := extract(t, e, back, most, c.h, c.w, c.c)
				for i := range most {
					if !slices.Equal(reversed.X[i*want.D:(i+1)*want.D], want.X[(most-1-i)*want.D:(most-i)*want.D]) {
						t.Fatalf("image %d of %d has other bits in another place", most-1-i, most)
					}
				}
				for _, first := range counts {
					e := open(on[first%2])
					then := counts
					if slow {
						then = nil
					}
					for _, n := range append([]int{first}, then...) {
						if got := extract(t, e, x[:n*size], n, c.h, c.w, c.c); !slices.Equal(got.X, want.X[:n*want.D]) {
							t.Errorf("%d images after %d: got other bits than those of %d at once", n, first, most)
						}
					}
					if err := e.Close(); err != nil {
						t.Error(err)
					}
				}
				if f := extract(t, e, nil, 0, c.h, c.w, c.c); f.N != 0 || len(f.X) != 0 {
					t.Errorf("no images: got a matrix of %d rows", f.N)
				}
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// A batch of large images has bounded memory, and is never empty.
func TestBatchesAreSmallerForLargeImages(t *testing.T) {
	for name, want := range map[string][3]int{"pixels": {250, 26, 1}, "small-cifar10": {250, 26, 1}} {
		e := opened(t, name, Store{})
		if got := [3]int{e.Batch(32, 32, 3), e.Batch(256, 256, 3), e.Batch(4096, 4096, 3)}; got != want {
			t.Errorf("%s: got batches of %v, want %v", name, got, want)
		}
	}
	for _, r := range table {
		if strings.HasPrefix(r.Name, "inception") && r.batch*inceptionSize*inceptionSize*3 > callValues {
			t.Errorf("%s: a batch of %d images of its own size is too large", r.Name, r.batch)
		}
	}
}
