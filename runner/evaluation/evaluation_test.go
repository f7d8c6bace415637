package evaluation_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/pass"
	"github.com/starsweep/starsweep/internal/safetensors"
	"github.com/starsweep/starsweep/runner/evaluation"
)

func backend(t *testing.T) lower.Device {
	t.Helper()
	b, err := train.Open("cpu", train.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b.Device()
}

// comparer is a Comparer that keeps its warnings.
func comparer(t *testing.T, cache string) (*evaluation.Comparer, *[]string) {
	t.Helper()
	var warnings []string
	store := &data.Store{}
	b := evaluation.New(evaluation.Config{Device: backend(t), Cache: cache, Open: store.Open,
		Warn: func(err error) { warnings = append(warnings, err.Error()) }})
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, &warnings
}

// standard is a metric with its default arguments.
func standard(name string) spec.Metric {
	row, ok := metric.Lookup(name)
	if !ok {
		panic(name)
	}
	return row.Standard()
}

var everything = []spec.Metric{standard("fid"), standard("precision_recall"), standard("density_coverage"),
	standard("kid").With("subsets", 5).With("size", 50), standard("prd"), standard("parzen")}

func ring(count int) spec.Data { return complete(spec.Data{Name: "ring", Count: count}) }

// complete has every default written out, as the requests of scripts have.
func complete(d spec.Data) spec.Data {
	d, err := data.Complete(d)
	if err != nil {
		panic(err)
	}
	return d
}

func onPoints(samples int) spec.Evaluation {
	return spec.Evaluation{Sheet: 4, Samples: samples, Real: "test", Features: spec.PointFeatures, Metrics: everything}
}

// images gives those of a set.
func images(t *testing.T, d spec.Data) evaluation.Images {
	t.Helper()
	set, err := (&data.Store{}).Open(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return func(from, to int) ([]float32, error) {
		x, index := make([]float32, (to-from)*set.H*set.W*set.C), make([]int32, to-from)
		for i := range index {
			index[i] = int32(from + i)
		}
		set.Batch(x, index)
		return x, nil
	}
}

func measure(t *testing.T, b *evaluation.Comparer, d spec.Data, e spec.Evaluation, generated evaluation.Images) map[string]float64 {
	t.Helper()
	x, err := b.Open(t.Context(), d, e)
	if err != nil {
		t.Fatal(err)
	}
	values, err := x.Score(t.Context(), generated)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func TestEveryColumnOfAnEvaluationIsMeasured(t *testing.T) {
	b, _ := comparer(t, "")
	e := onPoints(300)
	values := measure(t, b, ring(600), e, images(t, ring(600)))
	if got, want := slices.Sorted(maps.Keys(values)), slices.Sorted(slices.Values(metric.Columns(e))); !slices.Equal(got, want) {
		t.Errorf("got the columns %q, want %q", got, want)
	}
	for name, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Errorf("%s is %v", name, v)
		}
	}
}

// Other draws of the same distribution score like the floor; a distribution that lacks half of it scores worse in every metric.
func TestMetricsTellGoodSamplesFromBad(t *testing.T) {
	b, _ := comparer(t, "")
	e := onPoints(400)
	good := measure(t, b, ring(1000), e, images(t, spec.Data{Name: "ring", Count: 1000, Seed: 7}))
	narrow := ring(1000)
	narrow.Radius = 1.5
	bad := measure(t, b, ring(1000), e, images(t, narrow))
	for _, name := range []string{"fid", "kid"} { // less is better
		if !(good[name] < bad[name]/10) {
			t.Errorf("%s: got %v for good samples and %v for bad ones", name, good[name], bad[name])
		}
	}
	for _, name := range []string{"precision", "recall", "density", "coverage", "prd_f8", "prd_f1_8", "parzen"} {
		if !(good[name] > bad[name]) {
			t.Errorf("%s: got %v for good samples and %v for bad ones", name, good[name], bad[name])
		}
		if floor := good[name+"_floor"]; math.Abs(good[name]-floor) > 0.15*math.Abs(floor) {
			t.Errorf("%s: got %v for good samples and a floor of %v", name, good[name], floor)
		}
	}
	if good["spread"] < 0.95 || good["spread"] > 1.05 || bad["spread"] > 0.8 {
		t.Errorf("got a spread of %v for good samples and %v for narrow ones", good["spread"], bad["spread"])
	}
}

// The numbers are those of engine/metric on the features of the same images.
func TestAnEvaluationIsTheMetricsOfTheFeatures(t *testing.T) {
	b, _ := comparer(t, "")
	d, n := ring(200), 200
	e := onPoints(n)
	e.Metrics = e.Metrics[:2]
	got := measure(t, b, d, e, images(t, d))
	read := func(d spec.Data) metric.Features {
		x, err := images(t, d)(0, n)
		if err != nil {
			t.Fatal(err)
		}
		return metric.Features{N: n, D: 2, X: x}
	}
	real, fake := read(d.Test()), read(d)
	m1, _ := metric.Measure(real)
	m2, _ := metric.Measure(fake)
	fid, err := metric.FID(m1, m2)
	if err != nil {
		t.Fatal(err)
	}
	matrices := lower.NewProducts(backend(t))
	defer matrices.Close()
	p := metric.NewProducts(matrices.Multiply)
	reals, errR := metric.NewManifold(t.Context(), p, real, 3)
	fakes, errF := metric.NewManifold(t.Context(), p, fake, 3)
	o, errO := metric.Compare(t.Context(), p, reals, fakes)
	if err := errors.Join(errR, errF, errO); err != nil {
		t.Fatal(err)
	}
	precision, recall := o.Precision, o.Recall
	if math.Abs(got["fid"]-fid) > 1e-12 || got["precision"] != precision || got["recall"] != recall {
		t.Errorf("got %v, want fid %v, precision %v, recall %v", got, fid, precision, recall)
	}
	if math.Abs(got["fid_floor"]-fid) > 1e-12 { // there is no rest of the test split, so the floor is that of the other split
		t.Errorf("got the floor %v, want %v", got["fid_floor"], fid)
	}
	e.Real = "train" // the other way round
	swapped := measure(t, b, d, e, images(t, d.Test()))
	if math.Abs(swapped["fid"]-fid) > 1e-12 || swapped["precision"] != recall || swapped["recall"] != precision ||
		math.Abs(swapped["fid_floor"]-fid) > 1e-12 {
		t.Errorf("got %v against the training split, want fid %v, precision %v, recall %v", swapped, fid, recall, precision)
	}
}

// digits are features of an untrained network, 24 of each set.
func digits() (spec.Data, spec.Evaluation) {
	return complete(spec.Data{Name: "mnist12k"}), spec.Evaluation{Samples: 24, Real: "test", Features: "random",
		Metrics: []spec.Metric{standard("fid"), standard("precision_recall")}}
}

// watched counts the passes over images that a bench makes.
func watched(b *evaluation.Comparer) *int {
	var passes int
	b.Progress = func(p *pass.Pass) {
		if p.Over {
			passes++
		}
	}
	return &passes
}

// Whatever is in the place of a file of the cache, the numbers are the same, and the next study reads good files again.
func TestFeaturesOfRealImagesAreKept(t *testing.T) {
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
				!strings.Contains(w, "not kept")
		})
		if *count != 1+passes || len(said) != warnings || !maps.Equal(got, first) { // one is that of the generated images
			t.Errorf("%s: got %d passes over images and the warnings %q, want %d and %d; numbers %v, want %v", what, *count, said, 1+passes,
				warnings, got, first)
		}
	}
	check("nothing", 2, 0) // the compared ones and those of the floor
	check("good files", 0, 0)
	files, err := filepath.Glob(filepath.Join(cache, "*.features"))
	if err != nil || len(files) != 2 {
		t.Fatalf("got %v, %v", files, err)
	}
	good := map[string][]byte{}
	for _, path := range files {
		if good[path], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	write := func(path string, file []byte) {
		if err := os.WriteFile(path, file, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	one := files[0]
	for i, at := range []int{0, 31, 32, 40, 60, 100, 250, 400, len(good[one]) / 2, len(good[one]) - 1} {
		file := slices.Clone(good[one])
		file[at] ^= 1 << (i % 8)
		write(one, file)
		check(fmt.Sprintf("a bit of byte %d", at), 1, 1)
		check("mended", 0, 0)
	}
	for _, keep := range []int{0, 31, 33, len(good[one]) - 1} {
		write(one, good[one][:keep])
		check(fmt.Sprintf("%d bytes", keep), 1, 1)
	}
	write(one, good[files[1]])
	check("the other file", 1, 1)
	if err := errors.Join(os.Remove(one), os.MkdirAll(filepath.Join(one, "folder"), 0o755)); err != nil {
		t.Fatal(err)
	}
	check("a folder", 1, 1)
	check("mended", 0, 0)
	if err := os.Truncate(one, 1<<40); err == nil { // sparse
		check("a huge file", 1, 1)
	}
	if err := errors.Join(os.RemoveAll(cache), os.WriteFile(cache, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	check("a file for the folder", 2, 3) // one reason why none is kept
}

// Any images are known by their content: the same ones go through an extractor once, in whichever order of sets.
func TestFeaturesOfAnyImagesAreKept(t *testing.T) {
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

// A file whose checksum is right but whose matrices are not the ones asked for, as an error of ours would leave it.
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

// Studies that run at once may compute the same features; each file is published whole, and the next study reads it.
func TestStudiesAtOnceShareTheCache(t *testing.T) {
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
	count(2) // the compared ones and those of the floor
	b, _ := comparer(t, cache)
	b.Numerics = "another precision"
	if _, err := b.Open(t.Context(), d, e); err != nil {
		t.Error(err)
	}
	count(4)
}

func TestWhatCannotBeMeasuredIsAnError(t *testing.T) {
	d, e := digits()
	change := func(f func(e *spec.Evaluation)) spec.Evaluation {
		own := e
		f(&own)
		return own
	}
	for _, c := range []struct {
		what string
		data spec.Data
		e    spec.Evaluation
		want string
	}{
		{"too few", d, change(func(e *spec.Evaluation) { e.Samples = 2001 }), "real images: got 2000 of mnist12k"},
		{"no logits", d, change(func(e *spec.Evaluation) { e.Metrics = []spec.Metric{standard("inception_score").With("splits", 2)} }), "have no logits"},
		{"no weights", d, change(func(e *spec.Evaluation) { e.Features = "inception" }), "run: starsweep features add FILE"},
		{"no window", ring(300).Test(), onPoints(300), "parzen(): got no real images beyond the 300"},
		{"no data", spec.Data{Name: "mnist", Split: "train"}, e, "starsweep data get mnist"},
	} {
		b, _ := comparer(t, "")
		if _, err := b.Open(t.Context(), c.data, c.e); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.what, err, c.want)
		}
	}
	b, _ := comparer(t, "")
	x, err := b.Open(t.Context(), d, e)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Score(t.Context(), func(from, to int) ([]float32, error) { return nil, fmt.Errorf("no luck") }); err == nil ||
		err.Error() != "no luck" {
		t.Errorf("got %v, want the generator's error", err)
	}
	for _, v := range []float32{float32(math.NaN()), float32(math.Inf(-1))} {
		_, err := x.Score(t.Context(), func(from, to int) ([]float32, error) {
			images := make([]float32, (to-from)*28*28)
			images[28*28*3] = v
			return images, nil
		})
		if want := fmt.Sprintf("image 3: a value is %g", v); !errors.Is(err, metric.ErrNotFinite) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.Score(ended, images(t, d)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

// Where neither the rest of the split nor the other split has enough images there is no floor, and nothing else is missing.
func TestTooFewImagesForAFloorLeaveItOut(t *testing.T) {
	b, _ := comparer(t, "")
	e := onPoints(300)
	e.Metrics = e.Metrics[:3]
	values := measure(t, b, ring(300).Test(), e, images(t, ring(300)))
	want := []string{"coverage", "density", "fid", "precision", "recall", "spread"}
	if got := slices.Sorted(maps.Keys(values)); !slices.Equal(got, want) {
		t.Errorf("got the columns %q, want %q", got, want)
	}
}

// The first caller's end is not that of those who come after it.
func TestACancelledCallerLeavesTheBenchUsable(t *testing.T) {
	opened := 0
	ctx, cancel := context.WithCancel(t.Context())
	b := evaluation.New(evaluation.Config{Device: backend(t), Open: func(ctx context.Context, d spec.Data) (*data.Set, error) {
		if opened++; opened == 1 {
			cancel()
			return nil, ctx.Err()
		}
		return (&data.Store{}).Open(ctx, d)
	}})
	defer b.Close()
	if _, err := b.Open(ctx, ring(600), onPoints(300)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want a cancellation", err)
	}
	if _, err := b.Open(t.Context(), ring(600), onPoints(300)); err != nil {
		t.Errorf("the second caller: got %v, want no error", err)
	}
}

// An evaluation gives the same bits whichever evaluations were opened before it.
func TestTheOrderOfOpeningChangesNoBits(t *testing.T) {
	d := complete(spec.Data{Name: "mnist12k"})
	for _, features := range []string{"small-mnist", "pixels"} {
		counts := []int{7, 60, 260}
		of := func(n int) spec.Evaluation {
			return spec.Evaluation{Samples: n, Real: "test", Features: features, Metrics: []spec.Metric{standard("fid"), standard("precision_recall")}}
		}
		alone := map[int]map[string]float64{}
		for _, n := range counts {
			b, _ := comparer(t, "")
			alone[n] = measure(t, b, d, of(n), images(t, d))
		}
		for _, order := range [][]int{{7, 60, 260}, {7, 260, 60}, {60, 7, 260}, {60, 260, 7}, {260, 7, 60}, {260, 60, 7}} {
			b, _ := comparer(t, "")
			for _, n := range order {
				if got := measure(t, b, d, of(n), images(t, d)); !maps.Equal(got, alone[n]) {
					t.Errorf("%s, samples %v in this order: got %v of %d, alone %v", features, order, got, n, alone[n])
				}
			}
		}
	}
}

// A floor is of images like those that are compared: another split that is damaged or of another size gives none, and says so.
func TestAnotherSplitOfAnotherSizeIsNoFloor(t *testing.T) {
	for _, c := range []struct {
		rest *data.Set
		err  error
		want string
	}{
		{&data.Set{N: 400, H: 9, W: 8, C: 1, U8: make([]uint8, 400*72)}, nil,
			"no floors: the other split has images of 9 x 8 x 1, want 8 x 8 x 1"},
		{nil, errors.New("damaged"), "no floors: the other split: damaged"},
		{nil, fs.ErrNotExist, ""},
		{&data.Set{N: 7, H: 8, W: 8, C: 1, U8: make([]uint8, 7*64)}, nil, ""}, // too few
	} {
		b, warnings := comparer(t, "")
		b.Config.Open = func(_ context.Context, d spec.Data) (*data.Set, error) {
			if d.Split == "test" {
				return c.rest, c.err
			}
			return &data.Set{N: 10, H: 8, W: 8, C: 1, U8: make([]uint8, 10*64), Digest: "d"}, nil
		}
		e := spec.Evaluation{Samples: 8, Real: "train", Features: "pixels",
			Metrics: []spec.Metric{standard("fid"), standard("precision_recall")}}
		values := measure(t, b, spec.Data{Name: "images", Split: "train", Path: "somewhere"}, e, func(from, to int) ([]float32, error) {
			return make([]float32, (to-from)*64), nil
		})
		if _, ok := values["fid_floor"]; ok || strings.Join(*warnings, "; ") != c.want {
			t.Errorf("got %v and the warnings %q, want no floor and %q", values, *warnings, c.want)
		}
		// Real images that are all the same have no spread that others could be a part of.
		if _, ok := values["spread"]; ok || values["fid"] <= 0 || values["precision"] != 0 {
			t.Errorf("got %v, want a fid above 0, a precision of 0 and no spread", values)
		}
	}
}
