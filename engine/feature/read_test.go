package feature

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/hdf5"
	"github.com/starsweep/starsweep/internal/safetensors"
)

func TestBothFormatsOfPyTorchHaveTheSameTensors(t *testing.T) {
	want := weights{
		"kernel":     {[]int{2, 3}, []float32{0, 1, 2, 3, 4, 5}},
		"transposed": {[]int{3, 2}, []float32{0, 3, 1, 4, 2, 5}},
		"double":     {[]int{2}, []float32{.5, -2}},
		"scalar":     {[]int{}, []float32{7}},
		"part":       {[]int{2}, []float32{4, 5}},
	}
	for _, name := range []string{"small.pth", "small-old.pth"} { // testdata/make.py makes them
		file, err := readFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestReadConvertsEveryFloatTypeOfSafetensors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	writeTensors(t, path, []safetensors.Tensor{
		{Name: "half", DType: safetensors.F16, Shape: []int{3}, Data: []byte{0, 0x3e, 1, 0, 0, 0xc2}},
		{Name: "brain", DType: safetensors.BF16, Shape: []int{1}, Data: []byte{0x40, 0xc0}},
		safetensors.New("single", []int{1, 2}, []float32{1, 2}),
		safetensors.New("double", []int{1}, []float64{.1}),
		safetensors.New("integers", []int{1}, []int64{1}),
	})
	file, err := readFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(file)
	want := weights{
		"half": {[]int{3}, []float32{1.5, 0x1p-24, -3}}, "brain": {[]int{1}, []float32{-3}},
		"single": {[]int{1, 2}, []float32{1, 2}}, "double": {[]int{1}, []float32{.1}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestAddRejectsFilesOfNoNetwork(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("What I tell you three times is true.\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"testdata/small.pth":                    "got 5 tensors (double, kernel, part, ...), want those of FID's Inception v3",
		"testdata/half.pth":                     "got 1 tensors (half), want those",
		"testdata/module.pth":                   "got 2 tensors (_parameters.bias, _parameters.weight), want those",
		text:                                    "not a valid safetensors file",
		dir:                                     "got a folder, want a file",
		"/dev/zero":                             "got a device, want a file",
		filepath.Join(dir, "missing"):           "no such file",
		"../../internal/hdf5/testdata/small.h5": "got 43 tensors",
	} {
		st := Store{filepath.Join(dir, "store")}
		if _, err := st.Add(path); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
		if _, err := os.Stat(st.Dir); err == nil {
			t.Errorf("%s: something was stored", path)
		}
	}
}

// TestTruncatedFilesAreErrors truncates files to many lengths: each must be an error, and none may panic.
func TestTruncatedFilesAreErrors(t *testing.T) {
	for _, path := range []string{"testdata/small.pth", "testdata/small-old.pth", "testdata/inception.safetensors",
		"../../internal/hdf5/testdata/small.h5"} {
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(whole); n += max(1, len(whole)/100) {
			if w, err := decode(whole[:n]); err == nil && n < len(whole)*9/10 {
				t.Errorf("%s: %d of %d bytes gave %d tensors and no error", path, n, len(whole), len(w))
			}
		}
	}
	if _, err := readHDF5([]byte("\x89HDF\r\n\x1a\n")); !errors.Is(err, hdf5.ErrFormat) {
		t.Errorf("got %v, want hdf5.ErrFormat", err)
	}
}
