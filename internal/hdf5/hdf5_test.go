package hdf5_test

import (
	"errors"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/hdf5"
)

func file(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name) // testdata/make.py makes them
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadFindsEveryArrayOfFloats(t *testing.T) {
	arrays, err := hdf5.Read(file(t, "small.h5"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]hdf5.Array{}
	for _, a := range arrays {
		got[a.Path] = a
	}
	if len(got) != 43 || len(arrays) != 43 {
		t.Errorf("got %d arrays of %d names, want 43", len(arrays), len(got))
	}
	for _, want := range []hdf5.Array{
		{Path: "double", Shape: []int{2}, Values: []float32{.5, -2}},
		{Path: "number", Values: []float32{7}},
		{Path: "empty", Shape: []int{0, 3}, Values: []float32{}},
		{Path: "model/layer_0/kernel:0", Shape: []int{2, 3}, Values: []float32{0, 1, 2, 3, 4, 5}},
		{Path: "model/layer_39/kernel:0", Shape: []int{2, 3}, Values: []float32{39, 40, 41, 42, 43, 44}},
	} {
		if !reflect.DeepEqual(got[want.Path], want) {
			t.Errorf("got %v, want %v", got[want.Path], want)
		}
	}
}

func TestReadNamesWhatItDoesNotKnow(t *testing.T) {
	for name, want := range map[string]string{
		"chunked.h5": "model/kernel: it is chunked or compressed",
		"latest.h5":  "libver='latest'",
		"linked.h5":  "more than the file", // one array by 100 names
	} {
		if _, err := hdf5.Read(file(t, name)); !errors.Is(err, hdf5.ErrFormat) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	if _, err := hdf5.Read([]byte("PK\x03\x04 and so on")); !errors.Is(err, hdf5.ErrFormat) {
		t.Errorf("a zip: got %v, want ErrFormat", err)
	}
}

// TestReadRefusesFilesThatAreCutOff tries every length at which a file can end: nothing may be read as if it were whole.
func TestReadRefusesFilesThatAreCutOff(t *testing.T) {
	whole := file(t, "small.h5")
	all, err := hdf5.Read(whole)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(whole); n += 37 {
		if arrays, err := hdf5.Read(whole[:n]); err == nil && !reflect.DeepEqual(arrays, all) {
			t.Fatalf("%d of %d bytes: got %d arrays and no error", n, len(whole), len(arrays))
		}
	}
}

// FuzzRead: no bytes make the reader panic, or take more than a multiple of their size.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"small.h5", "chunked.h5", "latest.h5", "linked.h5"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		for at := 0; at < min(len(b), 4096); at += 61 {
			broken := append([]byte(nil), b...)
			broken[at] ^= 0xff
			f.Add(broken)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := hdf5.Read(b)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 512<<20+64*uint64(len(b)) {
			t.Errorf("%d bytes took %d MB: %v", len(b), took>>20, err)
		}
	})
}
