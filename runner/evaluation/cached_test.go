package evaluation_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/pass"
	"github.com/starsweep/starsweep/internal/safetensors"
	"github.com/starsweep/starsweep/runner/evaluation"
)

// watched counts the passes over images that a Comparer makes.
func watched(b *evaluation.Comparer) *int {
	var passes int
	b.Progress = func(p *pass.Pass) {
		if p.Over {
			passes++
		}
	}
	return &passes
}

// If something else is in the place of a cached file, the numbers stay the same, and the next study reads good files again.
func TestFeaturesOfRealImagesAreCached(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "cache")
	d, e := digits()
	e.Features = "small-mnist"
	var first map[string]float64
	check := func(what string, passes, warnings int) {
		t.Helper()
		b, told := comparer(t, cache)
		count := watched(b)
		got := measure(t, b, d, e, images(t, d))
		if first == nil {
			first = got
		}
		said := slices.DeleteFunc(*told, func(w string) bool {
			return !strings.Contains(w, "computed again") &&
				!strings.Contains(w, "not cached")
		})
		if *count != 1+passes || len(said) != warnings || !maps.Equal(got, first) { // one pass is over the generated images
			t.Errorf("%s: got %d passes over images and the warnings %q, want %d and %d; numbers %v, want %v", what, *count, said, 1+passes,
				warnings, got, first)
		}
	}
	check("nothing", 2, 0) // over the compared images and those of the floor
	check("good files", 0, 0)
	files, err := filepath.Glob(filepath.Join(cache, "*.features"))
	if err != nil || len(files) != 2 {
		t.Fatalf("got %v, %v", files, err)
	}
	good := map[string][]byte{}
	for _, path := range files {
		good[path], err = os.ReadFile(path)
		fatal(t, err)
	}
	write := func(path string, file []byte) { fatal(t, os.WriteFile(path, file, 0o644)) }
	one := files[0]
	for i, at := range []int{0, 31, 32, 40, 60, 100, 250, 400, len(good[one]) / 2, len(good[one]) - 1} {
		file := slices.Clone(good[one])
		file[at] ^= 1 << (i % 8)
		write(one, file)
		check(fmt.Sprintf("a bit of byte %d", at), 1, 1)
		check("repaired", 0, 0)
	}
	for _, keep := range []int{0, 31, 33, len(good[one]) - 1} {
		write(one, good[one][:keep])
		check(fmt.Sprintf("%d bytes", keep), 1, 1)
	}
	write(one, good[files[1]])
	check("the other file", 1, 1)
	fatal(t, errors.Join(os.Remove(one), os.MkdirAll(filepath.Join(one, "folder"), 0o755)))
	check("a folder", 1, 1)
	check("repaired", 0, 0)
	if err := os.Truncate(one, 1<<40); err == nil { // sparse
		check("a huge file", 1, 1)
	}
	fatal(t, errors.Join(os.RemoveAll(cache), os.WriteFile(cache, nil, 0o644)))
	check("a file for the folder", 2, 3) // there is one reason why none is cached
}

// Images are identified by their content: features of the same images are extracted once.
func TestFeaturesOfAnyImagesAreCached(t *testing.T) {
	cache := t.TempDir()
	store := &data.Store{}
	extract := func(seed uint64, index ...int) (evaluation.Set, int) {
		t.Helper()
		set, err := store.Open(t.Context(), spec.Data{Name: "ellipses", Count: 30, Size: 16, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		b, _ := comparer(t, cache)
		count := watched(b)
		s, _, err := b.Extract(t.Context(), "pixels", "images", set, index)
		if err != nil {
			t.Fatal(err)
		}
		return s, *count
	}
	first, passes := extract(1, 3, 4, 5)
	if passes != 1 {
		t.Errorf("got %d passes over new images, want 1", passes)
	}
	if again, passes := extract(1, 3, 4, 5); passes != 0 || !slices.Equal(again.Features.X, first.Features.X) {
		t.Errorf("the same images: got %d passes, want none and the same features", passes)
	}
	for _, c := range [][]int{{3, 5, 4}, {3, 4}, {3, 4, 5, 6}} {
		if other, passes := extract(1, c...); passes != 1 || other.Features.N != len(c) {
			t.Errorf("images %v: got %d passes and %d samples, want 1 and %d", c, passes, other.Features.N, len(c))
		}
	}
	if other, passes := extract(2, 3, 4, 5); passes != 1 || slices.Equal(other.Features.X, first.Features.X) {
		t.Errorf("other content: got %d passes, want 1 and other features", passes)
	}
}

// The files have the right checksums and the wrong matrices, as an error of the program would leave them.
func TestFeaturesOfOtherShapesAreNotUsed(t *testing.T) {
	cache := t.TempDir()
	d, e := digits()
	e.Features = "small-mnist"
	b, _ := comparer(t, cache)
	want := measure(t, b, d, e, images(t, d))
	files, _ := filepath.Glob(filepath.Join(cache, "*.features"))
	for _, path := range files {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		tensors, metadata, err := safetensors.Read(file[sha256.Size:])
		if err != nil {
			t.Fatal(err)
		}
		for _, wrong := range [][]safetensors.Tensor{
			tensors[:1], nil,
			{safetensors.New("features", []int{24 * 128}, make([]float32, 24*128)), safetensors.New("logits", []int{24, 10}, make([]float32, 240))},
			{safetensors.New("features", []int{12, 256}, make([]float32, 24*128)), safetensors.New("logits", []int{24, 10}, make([]float32, 240))},
			{safetensors.New("features", []int{24, 128}, make([]int32, 24*128)), safetensors.New("logits", []int{24, 10}, make([]float32, 240))},
		} {
			var out bytes.Buffer
			if err := safetensors.Write(&out, wrong, metadata); err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(out.Bytes())
			if err := os.WriteFile(path, append(sum[:], out.Bytes()...), 0o644); err != nil {
				t.Fatal(err)
			}
			b, _ := comparer(t, cache)
			if got := measure(t, b, d, e, images(t, d)); !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
	}
}

// Studies that run at the same time may compute the same features. Each file appears whole, and the next study reads it.
func TestConcurrentStudiesShareTheCache(t *testing.T) {
	cache := t.TempDir()
	d, e := digits()
	var results [4]map[string]float64
	var wg sync.WaitGroup
	for i := range results {
		b, warnings := comparer(t, cache)
		generated := images(t, d)
		wg.Go(func() {
			x, err := b.Open(t.Context(), d, e)
			if err == nil {
				results[i], err = x.Score(t.Context(), generated)
			}
			if err != nil || slices.ContainsFunc(*warnings, func(w string) bool { return strings.Contains(w, "computed again") }) {
				t.Errorf("%v, warnings %q", err, *warnings)
			}
		})
	}
	wg.Wait()
	for _, r := range results {
		if !maps.Equal(r, results[0]) {
			t.Errorf("got %v and %v", r, results[0])
		}
	}
	count := func(want int) {
		files, err := os.ReadDir(cache)
		if err != nil || len(files) != want {
			t.Errorf("got %v, %v, want %d files", files, err, want)
		}
	}
	count(2) // over the compared images and those of the floor
	b, _ := comparer(t, cache)
	b.Numerics = "another precision"
	if _, err := b.Open(t.Context(), d, e); err != nil {
		t.Error(err)
	}
	count(4)
}
