package data

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
)

// took is the bytes that a call takes in all.
func took(call func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	call()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// FuzzDICOM: any bytes are a picture or an error, in memory in proportion to their size.
func FuzzDICOM(f *testing.F) {
	paths, err := filepath.Glob("testdata/dicom/*.dcm")
	if err != nil || len(paths) < 20 {
		f.Fatalf("got %d files, %v", len(paths), err)
	}
	dir := unzipped(f, "dicom/compressed")
	for _, name := range []string{"rle_i16_1", "rle_u8_3", "sv1_u12_1", "dcmtk_u16_7", "fragments_basic", "fragments_extended", "enhanced"} {
		paths = append(paths, filepath.Join(dir, name+".dcm"))
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, 0.0, 0.0)
		f.Add(b, 40.0, 400.0)
	}
	f.Fuzz(func(t *testing.T, b []byte, centre, width float64) {
		var p picture
		var err error
		if n := took(func() { p, err = decodeDICOM(b, [2]float64{centre, width}) }); n > 400<<20+500*uint64(len(b)) {
			t.Errorf("%d bytes took %d MB: %v", len(b), n>>20, err)
		}
		if err != nil {
			return
		}
		if len(p.f32) != p.h*p.w {
			t.Errorf("got %d values of %d x %d", len(p.f32), p.h, p.w)
		}
		for i, x := range p.f32 {
			if !(x >= -1 && x <= 1) {
				t.Fatalf("value %d: got %g, want -1 to 1", i, x)
			}
		}
	})
}

// FuzzParquet: any bytes are a set or an error, in memory in proportion to their size.
func FuzzParquet(f *testing.F) {
	dir := f.TempDir()
	type texts struct {
		Image []byte `parquet:"image"`
		Label string `parquet:"label"`
	}
	png := tile(f, 2, 2, 7)
	writeParquet(f, filepath.Join(dir, "a.parquet"), hfRows(png, png, tile(f, 2, 2, 9)))
	writeParquet(f, filepath.Join(dir, "b.parquet"), []texts{{png, "cat"}, {png, "dog"}, {png, "cat"}})
	for _, name := range []string{"a.parquet", "b.parquet"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "x.parquet")
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		var set *Set
		var err error
		if n := took(func() {
			set, err = (&Store{}).Open(context.Background(),
				spec.Data{Name: "parquet", Path: path})
		}); n > 1<<30+200*uint64(len(b)) {
			t.Errorf("%d bytes took %d MB: %v", len(b), n>>20, err)
		}
		if err == nil && set.Labels != nil && len(set.Labels) != set.N {
			t.Errorf("got %d labels of %d images", len(set.Labels), set.N)
		}
	})
}

// decodeDICOM is the first slice of a file.
func decodeDICOM(b []byte, window [2]float64) (picture, error) {
	at, err := openDICOM(context.Background(), b, window)
	if err != nil {
		return picture{}, err
	}
	return at(0)
}
