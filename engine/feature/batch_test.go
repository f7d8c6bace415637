package feature

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/lower"
)

// backends lists devices of the backend cpu for each kernel set that this processor supports, with one thread and with three.
func backends(t *testing.T) (list map[string][]lower.Device) {
	t.Helper()
	list = map[string][]lower.Device{}
	for _, kernels := range []string{"go", "avx2", "avx512"} {
		for _, threads := range []int{1, 3} {
			b, err := lower.Open(fmt.Sprintf("cpu:kernels=%s,threads=%d", kernels, threads))
			if err != nil {
				t.Logf("%s: %v", kernels, err) // this processor lacks the kernels
				break
			}
			t.Cleanup(b.Close)
			list[kernels] = append(list[kernels], b.Devices()[0])
		}
	}
	return list
}

// bitsCase is an extractor, and a size of images.
type bitsCase struct {
	name    string
	h, w, c int
}

// slow reports whether a call takes seconds or, in the portable kernels, up to a minute.
func (c bitsCase) slow(kernels string) bool {
	return c.name == "inception" || kernels == "go" && c.name != "pixels"
}

func (c bitsCase) large() bool { return c.name == "random" && c.h > 20 }

// The features of an image have the same bits regardless of what else the extractor computed, before or together with it: they do
// not depend on the number of images of this or an earlier call, on the position of the image, or on threads.
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
		for _, c := range []bitsCase{
			{"small-mnist", 28, 28, 1}, {"small-cifar10", 32, 32, 3}, {"random", 11, 9, 3}, {"random", 32, 32, 1}, {"pixels", 8, 8, 3},
			{"inception", 32, 32, 3},
		} {
			t.Run(fmt.Sprintf("%s/%s/%dx%dx%d", kernels, c.name, c.h, c.w, c.c), func(t *testing.T) {
				if testing.Short() && (c.slow(kernels) || c.large()) || c.large() && kernels == "go" {
					t.Skip("-short: fast extractors only; in the portable kernels, small images only")
				}
				c.compare(t, st, on, c.slow(kernels))
			})
		}
	}
}

// compare extracts the same images in another order, and in calls of other sizes one after the other, on every device.
func (c bitsCase) compare(t *testing.T, st Store, on []lower.Device, slow bool) {
	open := func(on lower.Device) *Extractor {
		e, err := Open(on, c.name, st)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		})
		return e
	}
	e := open(on[0])
	batch, size := e.Batch(c.h, c.w, c.c), c.h*c.w*c.c
	most, first := batch+1, []int{1, 7, batch - 1, batch, batch + 1}
	then := first
	if slow {
		most, first, then = 7, []int{1}, nil
	}
	x := noise(most, c.h, c.w, c.c)
	want := extract(t, e, x, most, c.h, c.w, c.c)
	var reversed []float32
	for i := most - 1; i >= 0; i-- {
		reversed = append(reversed, x[i*size:(i+1)*size]...)
	}
	back := extract(t, e, reversed, most, c.h, c.w, c.c)
	for i := range most {
		if !slices.Equal(back.Row(i), want.Row(most-1-i)) {
			t.Fatalf("image %d of %d has other bits in another position", most-1-i, most)
		}
	}
	for _, before := range first {
		e := open(on[before%2])
		for _, n := range append([]int{before}, then...) {
			if got := extract(t, e, x[:n*size], n, c.h, c.w, c.c); !slices.Equal(got.X, want.X[:n*want.D]) {
				t.Errorf("%d images after %d: got other bits than for %d at once", n, before, most)
			}
		}
	}
	if f := extract(t, e, nil, 0, c.h, c.w, c.c); f.N != 0 || len(f.X) != 0 {
		t.Errorf("no images: got a matrix of %d rows", f.N)
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
