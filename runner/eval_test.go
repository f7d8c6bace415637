package runner_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/starsweep/starsweep/runner"
)

// comparison is what eval --json prints.
type comparison struct {
	Real, Fake struct {
		Path    string
		Samples int
	}
	Features   string
	Dimensions int
	Values     map[string]float64
}

func eval(t *testing.T, args ...string) (v comparison, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	env := runner.Env{Args: append([]string{"eval", "--json", "--backend", "cpu"}, args...), Stdout: &out, Stderr: &errs, Home: t.TempDir(),
		Getenv: func(string) string { return "" }, Now: time.Now, Version: "test"}
	if code = runner.Main(context.Background(), env); code == 0 {
		if err := json.Unmarshal(out.Bytes(), &v); err != nil {
			t.Fatalf("%v: %s", err, out.Bytes())
		}
	}
	return v, errs.String(), code
}

// The numbers are those of pytorch-fid 0.3.0, prdc 0.2 and torch-fidelity 0.4.0: testdata/eval/make.py prints them. With ≤ for < in
// precision and recall nothing changes, since no two distances are equal.
func TestEvalAgreesWithTheAuthorsPackages(t *testing.T) {
	const real, fake = "testdata/eval/real.npy", "testdata/eval/fake.npy"
	for _, c := range []struct {
		name string
		args []string
		want map[string]float64
	}{
		{"fid, and the k of each paper", []string{"--real", real, "--fake", fake, "--metrics", "fid,precision_recall,density_coverage"},
			map[string]float64{"fid": 7.6570315133588736, "precision": 0.96, "recall": 0.75, "density": 1.228, "coverage": 0.9333333333333333}},
		{"k = 3", []string{"--real", real, "--fake", fake, "--metrics", "precision_recall,density_coverage", "--k", "3"},
			map[string]float64{"precision": 0.96, "recall": 0.75, "density": 1.1733333333333333, "coverage": 0.7333333333333333}},
		{"k = 5", []string{"--real", real, "--fake", fake, "--metrics", "precision_recall,density_coverage", "--k", "5"},
			map[string]float64{"precision": 1, "recall": 0.8333333333333334, "density": 1.228, "coverage": 0.9333333333333333}},
		{"kid of a set with itself", []string{"--real", real, "--fake", real, "--metrics", "kid"},
			map[string]float64{"kid": -34.92543898765006, "kid_std": 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, stderr, code := eval(t, c.args...)
			if code != 0 {
				t.Fatalf("got exit code %d: %s", code, stderr)
			}
			for name, want := range c.want {
				if v := got.Values[name]; math.Abs(v-want) > 1e-9*max(1, math.Abs(want)) {
					t.Errorf("%s: got %.17g, want %.17g", name, v, want)
				}
			}
			if len(got.Values) != len(c.want) {
				t.Errorf("got values %v, want those of %v", got.Values, c.want)
			}
		})
	}
}

// photos are images by name, PNG, of random pixels between lo and hi.
func photos(t *testing.T, n, side int, grey bool, lo, hi int) map[string][]byte {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(n), uint64(side)))
	files := map[string][]byte{}
	for i := range n {
		m := image.NewNRGBA(image.Rect(0, 0, side, side))
		g := image.NewGray(m.Rect)
		for x := range side {
			for y := range side {
				shade := func() uint8 { return uint8(lo + rng.IntN(hi-lo)) }
				m.SetNRGBA(x, y, color.NRGBA{shade(), shade(), shade(), 255})
				g.SetGray(x, y, color.Gray{Y: shade()})
			}
		}
		var b bytes.Buffer
		var picture image.Image = m
		if grey {
			picture = g
		}
		if err := png.Encode(&b, picture); err != nil {
			t.Fatal(err)
		}
		files[fmt.Sprintf("%03d.png", i)] = b.Bytes()
	}
	return files
}

func fatal(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// folder writes files to a new folder of a name.
func folder(t *testing.T, name string, files map[string][]byte) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	fatal(t, os.MkdirAll(dir, 0o777))
	for name, content := range files {
		fatal(t, os.WriteFile(filepath.Join(dir, name), content, 0o666))
	}
	return dir
}

// containers puts the same images into every kind of file that eval reads.
func containers(t *testing.T, files map[string][]byte) map[string]string {
	t.Helper()
	var zipped, tarred, table bytes.Buffer
	z, w := zip.NewWriter(&zipped), tar.NewWriter(&tarred)
	type row struct {
		Image []byte `parquet:"image"`
	}
	p := parquet.NewGenericWriter[row](&table)
	for i := range len(files) {
		name := fmt.Sprintf("%03d.png", i)
		f, err := z.Create(name)
		fatal(t, err)
		_, err = f.Write(files[name])
		fatal(t, err, w.WriteHeader(&tar.Header{Name: name, Size: int64(len(files[name])), Mode: 0o644, Typeflag: tar.TypeReg}))
		_, err = w.Write(files[name])
		fatal(t, err)
		_, err = p.Write([]row{{files[name]}})
		fatal(t, err)
	}
	fatal(t, z.Close(), w.Close(), p.Close())
	all := folder(t, "all", map[string][]byte{"a.zip": zipped.Bytes(), "a.tar": tarred.Bytes(), "a.parquet": table.Bytes()})
	return map[string]string{"zip": filepath.Join(all, "a.zip"), "tar": filepath.Join(all, "a.tar"),
		"parquet": filepath.Join(all, "a.parquet"),
		"folder":  folder(t, "images", files)}
}

func TestEvalReadsTheSameImagesFromEveryContainer(t *testing.T) {
	real := folder(t, "real", photos(t, 12, 6, false, 0, 256))
	fake := photos(t, 14, 6, false, 40, 200)
	var want comparison
	for kind, path := range containers(t, fake) {
		got, stderr, code := eval(t, "--real", real, "--fake", path, "--features", "pixels")
		if code != 0 {
			t.Fatalf("%s: got exit code %d: %s", kind, code, stderr)
		}
		if got.Fake.Samples != 14 || got.Dimensions != 6*6*3 || !strings.HasPrefix(got.Features, "pixels:") {
			t.Errorf("%s: got %+v", kind, got)
		}
		if want.Values == nil {
			want = got
		}
		if !maps.Equal(got.Values, want.Values) || len(got.Values) != 7 {
			t.Errorf("%s: got %v, want %v", kind, got.Values, want.Values)
		}
	}
}

func TestEvalOfASetAgainstItselfFindsNoDifference(t *testing.T) {
	set := folder(t, "set", photos(t, 10, 8, true, 0, 256))
	for _, features := range []string{"pixels", "random"} {
		got, stderr, code := eval(t, "--real", set, "--fake", set, "--features", features, "--metrics", "fid,precision_recall,density_coverage")
		if code != 0 {
			t.Fatalf("got exit code %d: %s", code, stderr)
		}
		v := got.Values
		if v["fid"] > 1e-9 || v["precision"] != 1 || v["recall"] != 1 || v["coverage"] != 1 {
			t.Errorf("%s: got %v, want a fid of 0 and 1 for the others", features, v)
		}
	}
}

func TestEvalScoresTheLogitsOfAnExtractor(t *testing.T) {
	real, fake := folder(t, "real", photos(t, 12, 28, true, 0, 256)), folder(t, "fake", photos(t, 20, 28, true, 0, 256))
	got, stderr, code := eval(t, "--real", real, "--fake", fake, "--features", "small-mnist", "--metrics", "inception_score,fid", "--samples",
		"11")
	if code != 0 {
		t.Fatalf("got exit code %d: %s", code, stderr)
	}
	// 11 images in 10 splits: nine of one image, which has a score of 1, and one of two, with a score of 1 to 2.
	if v := got.Values["inception_score"]; !(v >= 1 && v <= 1.1) || got.Real.Samples != 11 || got.Fake.Samples != 11 {
		t.Errorf("got %+v, want an inception score from 1 to 1.1 of 11 samples", got)
	}
	if !strings.Contains(stderr, "fid of 11 samples of ") {
		t.Errorf("got %q, want a warning of few samples", stderr)
	}
}

func TestEvalMakesDifferentImagesAlikeWhereItIsTold(t *testing.T) {
	grey, colour := folder(t, "grey", photos(t, 8, 6, true, 0, 256)), folder(t, "colour", photos(t, 8, 9, false, 0, 256))
	_, stderr, code := eval(t, "--real", grey, "--fake", colour, "--features", "pixels")
	if want := "got 1 channels in " + grey + " and 3 in " + colour + ": set --channels 1 or 3"; code != 2 || !strings.Contains(stderr, want) {
		t.Errorf("got exit code %d, %q, want %q", code, stderr, want)
	}
	for _, features := range []string{"pixels", "random", "small-cifar10"} { // whether or not the extractor has a fixed size
		_, stderr, code = eval(t, "--real", grey, "--fake", colour, "--features", features, "--channels", "3", "--metrics", "fid")
		if want := "got images of 6 x 6 in " + grey + " and 9 x 9 in " + colour + ": set --size to resize both"; code != 2 ||
			!strings.Contains(stderr, want) {
			t.Errorf("%s: got exit code %d, %q, want %q", features, code, stderr, want)
		}
	}
	mixed := photos(t, 4, 6, false, 0, 256)
	for name, file := range photos(t, 5, 9, false, 0, 256) {
		mixed["9"+name] = file
	}
	path := folder(t, "mixed", mixed)
	_, stderr, code = eval(t, "--real", path, "--fake", colour, "--features", "random")
	if want := "want 6 x 6 as the first image is: set --size"; code != 2 || !strings.Contains(stderr, want) {
		t.Errorf("got exit code %d, %q, want %q", code, stderr, want)
	}
	_, stderr, code = eval(t, "--real", colour, "--fake", colour, "--features", "small-mnist", "--metrics", "fid")
	if want := colour + ": extractor small-mnist: got images with 3 channels, want 1"; code != 2 || !strings.Contains(stderr, want) {
		t.Errorf("got exit code %d, %q, want %q", code, stderr, want)
	}
	got, stderr, code := eval(t, "--real", grey, "--fake", colour, "--features", "pixels", "--channels", "1", "--size", "4")
	if code != 0 || got.Dimensions != 16 {
		t.Errorf("got exit code %d, %+v: %s", code, got, stderr)
	}
}

// npy is a file of n rows of d zeros.
func npy(t *testing.T, n, d int) string {
	t.Helper()
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", n, d)
	header += strings.Repeat(" ", 117-len(header)) + "\n"
	path := filepath.Join(t.TempDir(), fmt.Sprintf("%dx%d.npy", n, d))
	fatal(t, os.WriteFile(path, append([]byte("\x93NUMPY\x01\x00\x76\x00"+header), make([]byte, 4*n*d)...), 0o666))
	return path
}

// What cannot fit into memory is known before it is taken, with both numbers: here a covariance of 5,000 x 5,000 numbers, and 600 MB.
func TestEvalOfWhatDoesNotFitSaysBothNumbers(t *testing.T) {
	set := npy(t, 5000, 5000)
	var out, errs bytes.Buffer
	env := runner.Env{Args: []string{"eval", "--backend", "cpu", "--real", set, "--fake", set, "--metrics", "fid"}, Stdout: &out,
		Stderr: &errs,
		Home:   t.TempDir(), Getenv: func(string) string { return "" }, Now: time.Now, Version: "test",
		System: fstest.MapFS{"proc/meminfo": {Data: []byte("MemAvailable: 600000 kB\n")},
			"proc/self/status": {Data: []byte("VmRSS: 50000 kB\n")}}}
	code := runner.Main(context.Background(), env)
	want := regexp.MustCompile(`comparing up to 5000 samples per set: needs 1\.\d GB of memory, the machine has 666 MB; lower --samples`)
	if code != 2 || !want.MatchString(errs.String()) {
		t.Errorf("got exit code %d, %q, want %q", code, errs.String(), want)
	}
}

// Identical images have metrics as well: a distance of 0, and never NaN.
func TestEvalOfImagesThatAreAllTheSame(t *testing.T) {
	one := photos(t, 1, 8, false, 0, 256)["000.png"]
	same := map[string][]byte{}
	for i := range 6 {
		same[fmt.Sprint(i, ".png")] = one
	}
	set := folder(t, "same", same)
	got, stderr, code := eval(t, "--real", set, "--fake", set, "--features", "pixels")
	if code != 0 || got.Values["fid"] != 0 || got.Values["precision"] != 1 || got.Values["recall"] != 1 || math.Abs(got.Values["kid"]) > 1e-6 {
		t.Errorf("got exit code %d, %v: %s", code, got.Values, stderr)
	}
}

func TestEvalNamesTheFileAtFault(t *testing.T) {
	images := photos(t, 5, 4, true, 0, 256)
	good := folder(t, "good", images)
	bad := maps.Clone(images)
	bad["002.png"] = []byte("not an image")
	few := folder(t, "few", photos(t, 3, 4, true, 0, 256))
	damaged := folder(t, "damaged", bad)
	nan := filepath.Join(t.TempDir(), "nan.npy")
	numbers, err := os.ReadFile("testdata/eval/real.npy")
	fatal(t, err)
	binary.LittleEndian.PutUint32(numbers[128+4*(3*8+5):], math.Float32bits(float32(math.NaN())))
	fatal(t, os.WriteFile(nan, numbers, 0o666))
	for _, c := range []struct {
		name       string
		real, fake string
		want       string
	}{
		{"damaged", good, damaged, filepath.Join(damaged, "002.png") + ": got an unknown format, want PNG, JPEG, GIF, BMP, TIFF or WebP"},
		{"empty", good, t.TempDir(), "no PNG, JPEG, GIF, BMP, TIFF or WebP images in "},
		{"too few for k", good, few, "precision_recall(k=3): got 3 samples, want 4 or more: each needs k neighbours"},
		{"NaN", "testdata/eval/real.npy", nan, "nan.npy: sample 3, feature 5: got NaN, want a finite number"},
		{"other widths", "testdata/eval/real.npy", npy(t, 6, 9), "got 8 features per sample in testdata/eval/real.npy and 9 in "},
		{"one sample", npy(t, 1, 8), "testdata/eval/real.npy", "fid(): got 1 samples, want 2 or more: covariances need two"},
		{"no samples", "testdata/eval/real.npy", npy(t, 0, 8), "got shape (0, 8), want at least one sample"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, stderr, code := eval(t, "--real", c.real, "--fake", c.fake, "--features", "pixels"); code != 2 ||
				!strings.Contains(stderr, c.want) {
				t.Errorf("got exit code %d, %q, want %q", code, stderr, c.want)
			}
		})
	}
	_, stderr, code := eval(t, "--real", good, "--fake", good)
	if want := "its weights are missing: run: starsweep features get inception"; code != 2 || !strings.Contains(stderr, want) {
		t.Errorf("got exit code %d, %q, want %q", code, stderr, want)
	}
}
