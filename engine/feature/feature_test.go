package feature

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/engine/metric"
)

var background = context.Background()

func backend(t testing.TB) lower.Device {
	t.Helper()
	b, err := lower.Open("cpu")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b.Devices()[0]
}

// opened opens an extractor on the cpu backend until the test ends.
func opened(t *testing.T, name string, st Store) *Extractor {
	t.Helper()
	e, err := Open(backend(t), name, st)
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

func extract(t testing.TB, e *Extractor, x []float32, n, h, w, c int) metric.Features {
	t.Helper()
	f, _, err := e.Extract(background, x, n, h, w, c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// noise returns images of random 8-bit pixels.
func noise(n, h, w, c int) []float32 {
	x := make([]float32, n*h*w*c)
	for i, u := range uniform("noise", len(x)) {
		x[i] = float32(math.Floor(256*u)/127.5 - 1)
	}
	return x
}

func TestPixelsAreQuantizedToEightBits(t *testing.T) {
	e := opened(t, "pixels", Store{})
	for level := range 256 {
		x := float32(level)/127.5 - 1
		if got, want := extract(t, e, []float32{x}, 1, 1, 1, 1).X[0], float32(level)/255; math.Abs(float64(got-want)) > 1e-7 {
			t.Errorf("level %d: got %g, want %g", level, got, want)
		}
	}
	for x, level := range map[float32]float32{ // 127.5 x + 128, truncated
		-3: 0, 3: 255, 0: 128, (10.99 - 128) / 127.5: 10, (11.01 - 128) / 127.5: 11, float32(math.Inf(-1)): 0,
	} {
		if got := extract(t, e, []float32{x}, 1, 1, 1, 1).X[0] * 255; math.Abs(float64(got-level)) > 1e-4 {
			t.Errorf("%g: got level %g, want %g", x, got, level)
		}
	}
	if got := extract(t, e, []float32{float32(math.NaN())}, 1, 1, 1, 1).X[0]; got == got {
		t.Errorf("NaN: got %g, want NaN", got)
	}
}

func TestPixelsAreTheImageRowByRow(t *testing.T) {
	e := opened(t, "pixels", Store{})
	x := noise(3, 4, 5, 3)
	f := extract(t, e, x, 3, 4, 5, 3)
	d, err := e.Dim(4, 5, 3)
	if err != nil || d != 60 || f.N != 3 || f.D != 60 || len(f.X) != len(x) {
		t.Fatalf("got Dim %d, %v, and a matrix of %d x %d, want 60 and 3 x 60", d, err, f.N, f.D)
	}
	for i, v := range x {
		if want := (float64(v) + 1) / 2; math.Abs(float64(f.X[i])-want) > 1e-6 {
			t.Fatalf("number %d: got %g, want %g", i, f.X[i], want)
		}
	}
}

func TestGreyImagesEqualColourImagesOfThreeEqualChannels(t *testing.T) {
	e := opened(t, "random", Store{})
	grey := noise(2, 9, 9, 1)
	var colour []float32
	for _, v := range grey {
		colour = append(colour, v, v, v)
	}
	if !slices.Equal(extract(t, e, grey, 2, 9, 9, 1).X, extract(t, e, colour, 2, 9, 9, 3).X) {
		t.Error("got different features")
	}
}

func TestExtractRejectsInvalidImages(t *testing.T) {
	e := opened(t, "random", Store{})
	for _, c := range []struct {
		numbers, n, h, w, c int
		want                string
	}{
		{12, 1, 2, 2, 4, "extractor random: got 12 numbers, want 16 for 1 images of 2 x 2 x 4"},
		{16, 1, 2, 2, 4, "extractor random: got images with 4 channels, want 1 or 3"},
		{0, 1, 0, 2, 3, "extractor random: got images of 0 x 2 x 3, want at least one pixel"},
		{0, -1, 2, 2, 3, "want -12"},
	} {
		_, _, err := e.Extract(background, make([]float32, c.numbers), c.n, c.h, c.w, c.c)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	ctx, cancel := context.WithCancelCause(background)
	reason := errors.New("enough")
	cancel(reason)
	if _, _, err := e.Extract(ctx, noise(1, 2, 2, 3), 1, 2, 2, 3); !errors.Is(err, reason) {
		t.Errorf("a context that has ended: got %v, want its cause", err)
	}
}

func TestDigestsAreStable(t *testing.T) {
	// These are in tables: they change only together with the features, and then with the first line that digest hashes.
	pinned := map[string]string{
		"small-mnist":   "c6674cf9e653d95b4e6a68bcd225d431b9a4c10511fc3235b5b42b68582d8fc2",
		"small-cifar10": "5e03a9c049a7448d53d7e8d31eabc43ded4c80d6b4453300efe644be60db440a",
		"pixels":        "1b272139aff64bb662cb1e6eb00023c908b752320f8738ad72ce5de94799c2d3",
		"random":        "74fe922b2afb4adc8f205072716875143f02ef6659c9b66a364c54fc12569aa3",
	}
	for _, r := range table {
		e, _, err := open(r.Name, Store{})
		if errors.Is(err, fs.ErrNotExist) {
			continue // the digest is that of the user's weights
		} else if err != nil {
			t.Fatal(err)
		}
		if e.Digest != pinned[r.Name] {
			t.Errorf("%s: got the digest %s, want %q: pin that of a new extractor here", r.Name, e.Digest, pinned[r.Name])
		}
	}
	w := weights{"conv1/kernel": {[]int{1, 2}, []float32{1, 2}}}
	digests := map[string]string{}
	for what, d := range map[string]string{
		"one":              digest("a", nil, w),
		"another name":     digest("b", nil, w),
		"other layers":     digest("a", []byte("{}"), w),
		"another weight":   digest("a", nil, weights{"conv1/kernel": {[]int{1, 2}, []float32{1, 3}}}),
		"another shape":    digest("a", nil, weights{"conv1/kernel": {[]int{2, 1}, []float32{1, 2}}}),
		"a weight's name":  digest("a", nil, weights{"conv2/kernel": {[]int{1, 2}, []float32{1, 2}}}),
		"nothing at all":   digest("", nil, nil),
		"no weights, only": digest("a", nil, nil),
	} {
		if other, taken := digests[d]; taken {
			t.Errorf("%s and %s have one digest", what, other)
		}
		digests[d] = what
	}
}

func TestErrorsOfOpenSayHowToGetWeights(t *testing.T) {
	b := backend(t)
	for name, want := range map[string]string{
		"inception":       "starsweep features add FILE",
		"inception-ttur":  "pt_inception-2015-12-05-6726825d.pth",
		"inception-keras": "inception_v3_weights_tf_dim_ordering_tf_kernels.h5",
	} {
		for _, st := range []Store{{}, {t.TempDir()}} {
			if _, err := Open(b, name, st); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), want) ||
				!strings.HasSuffix(err.Error(), "FILE") {
				t.Errorf("%s: got %v, want %q, and the advice at the end", name, err, want)
			}
		}
	}
	if _, err := Open(b, "inceptoin", Store{}); err == nil || !strings.Contains(err.Error(), "want one of inception, ") {
		t.Errorf("an unknown name: got %v", err)
	}
}

func TestListDescribesEveryExtractor(t *testing.T) {
	list := Store{t.TempDir()}.List()
	var names []string
	for _, i := range list {
		names = append(names, i.Name)
		if strings.HasPrefix(i.Name, "small-") {
			continue
		}
		missing := strings.HasPrefix(i.Name, "inception") // the others are in the binary
		if missing != errors.Is(i.Err, fs.ErrNotExist) || missing == (i.Digest != "") || i.Doc == "" {
			t.Errorf("got %+v", i)
		}
	}
	if !slices.Equal(names, Names()) {
		t.Errorf("got %v, want %v", names, Names())
	}
}

func TestTheWidthIsTheNumberOfFeatures(t *testing.T) {
	st := Store{t.TempDir()}
	fid, keras := filepath.Join(st.Dir, "fid.safetensors"), filepath.Join(st.Dir, "keras.safetensors")
	if !testing.Short() { // 24 million weights each
		writeWeights(t, fid, plantedFID())
		writeWeights(t, keras, plantedKeras())
		for _, path := range []string{fid, keras} {
			if _, err := st.Add(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range Names() {
		if testing.Short() && strings.HasPrefix(name, "inception") {
			continue
		}
		c := 3
		if name == "small-mnist" {
			c = 1
		}
		want, err := opened(t, name, st).Dim(9, 7, c)
		if got := Width(name, 9*7*c); err != nil || got != want {
			t.Errorf("%s: got %d, want %d, %v", name, got, want, err)
		}
	}
	if got := Width("none", 5); got != 0 {
		t.Errorf("no extractor: got %d", got)
	}
}
