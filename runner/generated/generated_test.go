package generated

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/npy"
	"github.com/starsweep/starsweep/internal/require"
	"github.com/starsweep/starsweep/internal/safetensors"
)

// images are n images of 3 x 2 pixels, whose values are those of bytes.
func images(n, channels, classes int) Set {
	values := 6 * channels
	return Set{Shape: data.Shape{N: n, H: 3, W: 2, C: channels, Classes: classes}, Source: "a test", Batch: 4,
		Draw: func(from, to int) ([]float32, error) {
			x := make([]float32, (to-from)*values)
			for i := range x {
				x[i] = float32(byteOf(from*values+i))/127.5 - 1
			}
			return x, nil
		},
		Label: func(i int) int { return i * i % classes },
	}
}

func byteOf(i int) uint8 { return uint8(i * 37) }

// points are n points in the plane.
func points(n, classes int) Set {
	s := Set{Shape: data.Shape{N: n, H: 1, W: 1, C: 2, Classes: classes}, Batch: 4, Label: func(i int) int { return i % classes }}
	s.Draw = func(from, to int) (x []float32, err error) {
		for i := from; i < to; i++ {
			x = append(x, float32(i)/3, -float32(i))
		}
		return x, nil
	}
	return s
}

func write(t *testing.T, name string, s Set) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "new", name)
	if err := errors.Join(Check(path), Write(t.Context(), path, s)); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); left != nil {
		t.Errorf("%s: also got %v", name, left)
	}
	return path
}

// What data sets of scripts read are the bytes and the labels that were written.
func TestDataSetsReadPicturesBack(t *testing.T) {
	for _, name := range []string{"folder", "samples.zip", "samples.parquet"} {
		for _, channels := range []int{1, 3} {
			for _, classes := range []int{0, 3, 11} {
				const n = 100 // the bytes repeat after 128
				path := write(t, name, images(n, channels, classes))
				d := spec.Data{Name: "images", Path: path, Split: "train", Files: true, Channels: channels}
				if strings.HasSuffix(name, ".parquet") {
					d.Name = "parquet"
				}
				set, err := (&data.Store{}).Open(t.Context(), d)
				if err != nil {
					t.Fatal(err)
				}
				what := fmt.Sprintf("%s, %d channels, %d classes", name, channels, classes)
				if set.N != n || set.H != 3 || set.W != 2 || set.C != channels || (set.Labels != nil) != (classes > 0) || len(set.Notes) > 0 {
					t.Fatalf("%s: got %v, labels %v, notes %v", what, set.Shape(), set.Labels != nil, set.Notes)
				}
				compare(t, what, set, classes)
			}
		}
	}
}

// compare finds every written image in a set. Folders have the images of a class together.
func compare(t *testing.T, what string, set *data.Set, classes int) {
	t.Helper()
	values := len(set.U8) / set.N
	found := map[string]int{}
	for i := range set.N {
		label := 0
		if set.Labels != nil {
			label = int(set.Labels[i])
			if set.ClassNames != nil { // the names of folders
				label, _ = strconv.Atoi(set.ClassNames[label])
			}
		}
		found[string(set.U8[i*values:][:values])] = label
	}
	for i := range set.N {
		want := make([]byte, values)
		for j := range want {
			want[j] = byteOf(i*values + j)
		}
		label, ok := found[string(want)]
		if !ok || classes > 0 && label != i*i%classes {
			t.Errorf("%s: image %d: found %t, with the label %d", what, i, ok, label)
		}
	}
}

func TestArraysAndTextsHoldTheNumbers(t *testing.T) {
	path := write(t, "x.npy", points(9, 4))
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, columns, x, err := npy.Matrix(bytes.NewReader(b), int64(len(b)))
	want, _ := points(9, 0).Draw(0, 9)
	if err != nil || rows != 9 || columns != 2 || !slices.Equal(x, want) {
		t.Errorf("got %d x %d, %v, %v, want %v", rows, columns, x, err, want)
	}
	for _, c := range []struct {
		classes int
		want    string
	}{{0, "x,y\n0,-0\n0.33333334,-1\n"}, {2, "x,y,label\n0,-0,0\n0.33333334,-1,1\n"}} {
		got, err := os.ReadFile(write(t, "x.csv", points(2, c.classes)))
		if err != nil || string(got) != c.want {
			t.Errorf("got %q, %v, want %q", got, err, c.want)
		}
	}
}

// A file of tensors has the samples and what they are made of.
func TestTensorsHaveWhatSamplesAreMadeOf(t *testing.T) {
	s := images(50000, 3, 0) // drawn in several chunks
	s.Given = []Given{{Name: "latent", Shape: []int{2}}, {Name: "label", Integer: true}}
	s.Inputs = func(from, to int) ([][]float64, error) {
		given := make([][]float64, 2)
		for i := from; i < to; i++ {
			given[0] = append(given[0], float64(i), -float64(i))
			given[1] = append(given[1], float64(i%7))
		}
		return given, nil
	}
	file, err := os.ReadFile(write(t, "x.safetensors", s))
	if err != nil {
		t.Fatal(err)
	}
	tensors, metadata, err := safetensors.Read(file)
	if err != nil || len(tensors) != 3 || metadata["source"] != "a test" {
		t.Fatalf("got %d tensors of %q, %v", len(tensors), metadata, err)
	}
	want, _ := s.Draw(0, s.N)
	x, err := safetensors.Values[float32](tensors[0])
	if err != nil || tensors[0].Name != "images" || !slices.Equal(tensors[0].Shape, []int{s.N, 3, 2, 3}) || !slices.Equal(x, want) {
		t.Errorf("%s %v: got other images, %v", tensors[0].Name, tensors[0].Shape, err)
	}
	z, errZ := safetensors.Values[float32](tensors[1])
	y, errY := safetensors.Values[int64](tensors[2])
	for i := range s.N {
		if errZ != nil || errY != nil || z[2*i] != float32(i) || z[2*i+1] != -float32(i) || y[i] != int64(i%7) {
			t.Fatalf("sample %d: got %v, %v of class %d, %v", i, z[2*i:2*i+2], errZ, y[i], errY)
		}
	}
	p := points(5, 0)
	if file, err = os.ReadFile(write(t, "p.safetensors", p)); err != nil {
		t.Fatal(err)
	}
	if tensors, _, err = safetensors.Read(file); err != nil || tensors[0].Name != "points" || !slices.Equal(tensors[0].Shape, []int{5, 2}) {
		t.Errorf("got %v, %v", tensors, err)
	}
	// Errors of the samples do not name the file, which does not appear.
	p.Draw = func(from, to int) ([]float32, error) { return make([]float32, 2*(to-from)-1), errors.New("lost") }
	if err := Write(t.Context(), filepath.Join(t.TempDir(), "x.npy"), p); err == nil || err.Error() != "lost" {
		t.Errorf("got %v, want lost", err)
	}
	s.Inputs = func(int, int) ([][]float64, error) { return nil, errors.New("none") }
	if err := Write(t.Context(), filepath.Join(t.TempDir(), "x.safetensors"), s); err == nil || err.Error() != "none" {
		t.Errorf("got %v, want none", err)
	}
}

// NumPy and PyArrow read the arrays and the tables, and PyArrow the description that Hugging Face's datasets looks for.
func TestPythonReadsArraysAndTables(t *testing.T) {
	python := require.Tool(t, "STARSWEEP_PYTHON", "python")
	dir := t.TempDir()
	for name, s := range map[string]Set{"i.npy": images(5, 3, 4), "p.npy": points(5, 0), "i.parquet": images(2500, 1, 4),
		"p.parquet": points(5, 2)} {
		if err := Write(t.Context(), filepath.Join(dir, name), s); err != nil {
			t.Fatal(err)
		}
	}
	script := `
import json, numpy, pyarrow.parquet as parquet
x = numpy.load("i.npy")
assert x.shape == (5, 3, 2, 3) and x.dtype == numpy.float32, x
assert (numpy.round((x.ravel() + 1) * 127.5) == numpy.arange(90) * 37 % 256).all(), x
y = numpy.load("i-labels.npy")
assert y.dtype == numpy.int64 and (y == numpy.arange(5) ** 2 % 4).all(), y
assert numpy.load("p.npy").shape == (5, 2)
t = parquet.read_table("i.parquet")
assert t["label"].to_pylist() == [i * i % 4 for i in range(2500)]
assert t["image"][7].as_py()["bytes"][:4] == b"\x89PNG" and t["image"][7].as_py()["path"] == "1/000007.png"
assert json.loads(t.schema.metadata[b"huggingface"])["info"]["features"]["image"] == {"_type": "Image"}
assert t.schema.field("image").nullable and str(t.schema.field("image").type) == "struct<bytes: binary, path: string>"
assert parquet.ParquetFile("i.parquet").num_row_groups == 3
assert parquet.read_table("p.parquet").to_pylist()[1] == {"x": float(numpy.float32(1) / 3), "y": -1.0, "label": 1}
`
	c := exec.Command(python, "-c", script)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestEqualSamplesGiveEqualBytes(t *testing.T) {
	for _, name := range []string{"x.zip", "x.parquet", "x.npy"} {
		first, err := os.ReadFile(write(t, name, images(300, 1, 3)))
		again, errAgain := os.ReadFile(write(t, name, images(300, 1, 3)))
		if err != nil || errAgain != nil || !bytes.Equal(first, again) {
			t.Errorf("%s: %v, %v, equal %t", name, err, errAgain, bytes.Equal(first, again))
		}
	}
	file, err := zip.OpenReader(write(t, "x.zip", images(1, 1, 0)))
	if err != nil || file.Comment != "a test" {
		t.Errorf("got the comment %q, %v", file.Comment, err)
	}
	file.Close()
}

func TestPathsThatCannotBeWrittenAreRefused(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"old.npy", "x-labels.npy", "full/a", "file"} {
		os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755)
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	os.Mkdir(filepath.Join(dir, "empty"), 0o755)
	for name, want := range map[string]string{
		"x.tar": "got the extension .tar, want a folder, .zip, .npy, .parquet, .csv", "old.npy": "exists already", "full": "has files already",
		"x.npy": "x-labels.npy: the file exists already", "file": "exists already", "v1.2": "a name that ends with / is a folder",
		"empty": "", "v1.2/": "", "new": "", "new.ZIP": "", "deep/er.csv": "",
	} {
		err := Check(dir + "/" + name)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	if err := Write(t.Context(), filepath.Join(dir, "empty"), images(2, 1, 0)); err != nil {
		t.Error(err)
	}
	for name, s := range map[string]Set{"p": points(1, 0), "p.zip": points(1, 0), "i.csv": images(1, 1, 0)} {
		path := filepath.Join(dir, name)
		if err := Write(t.Context(), path, s); err == nil || !strings.Contains(err.Error(), "the samples are") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Nothing stays of samples that are not all written.
func TestAnErrorLeavesNothing(t *testing.T) {
	stop := errors.New("stopped")
	for _, name := range []string{"folder", "x.zip", "x.npy", "x.parquet"} {
		for what, draw := range map[string]func(x []float32) ([]float32, error){
			"stopped": func([]float32) ([]float32, error) { return nil, stop },
			"sample 0: got a value of": func(x []float32) ([]float32, error) {
				return append(x[:1:1], slices.Repeat([]float32{float32(math.NaN())}, len(x)-1)...), nil
			},
		} {
			s := images(3, 1, 2)
			all := s.Draw
			s.Draw = func(from, to int) ([]float32, error) {
				x, _ := all(from, to)
				return draw(x)
			}
			dir := t.TempDir()
			if err := Write(t.Context(), filepath.Join(dir, name), s); err == nil || !strings.Contains(err.Error(), what) {
				t.Errorf("%s: got %v, want %s", name, err, what)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("%s: %v, %v are left", name, left, err)
			}
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Write(ended, filepath.Join(t.TempDir(), "x.npy"), images(3, 1, 0)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
}

// Samples are drawn a few at a time, in whole batches.
func TestSamplesAreDrawnInWholeBatches(t *testing.T) {
	s := Set{Shape: data.Shape{N: 1000, H: 64, W: 64, C: 3}, Batch: 96}
	s.Draw = func(from, to int) ([]float32, error) {
		if to-from > 96 || from%96 != 0 {
			t.Errorf("drew %d to %d", from, to)
		}
		return make([]float32, (to-from)*64*64*3), nil
	}
	count := 0
	if err := s.each(t.Context(), func(i int, x []float32) error { count++; return nil }); err != nil || count != 1000 {
		t.Errorf("got %d samples, %v", count, err)
	}
}
