package evaluation_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/evaluation"
)

func TestAnEvaluationHasAllItsColumns(t *testing.T) {
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

// Other draws from the same distribution score like the floor. A distribution that lacks half of it scores worse in every metric.
func TestMetricsDistinguishGoodSamplesFromBad(t *testing.T) {
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

// Features tell real digits from one of them, and so do pixels: variety is 1 for digits like the real ones, less for few, 0 for one.
// Distinctness is 0 for few.
func TestVarietyTellsOneImageFromMany(t *testing.T) {
	b, _ := comparer(t, "")
	d := complete(spec.Data{Name: "mnist12k"})
	e := spec.Evaluation{Samples: 300, Real: "test", Features: "pixels", Metrics: []spec.Metric{standard("fid")}}
	generated := images(t, d)
	first := func(images int) evaluation.Images { // the first ones, again and again
		return func(from, to int) ([]float32, error) {
			x, err := generated(0, images)
			size, out := len(x)/images, []float32{}
			for i := from; i < to; i++ {
				out = append(out, x[i%images*size:][:size]...)
			}
			return out, err
		}
	}
	for _, c := range []struct {
		images            int
		low, high         float64
		nearest, farthest float64
	}{{300, 0.9, 1.1, 0.7, 1.3}, {2, 0.3, 0.9, 0, 0}, {1, 0, 1e-9, 0, 0}} {
		got := measure(t, b, d, e, first(c.images))
		if v := got["variety"]; !(v >= c.low && v <= c.high) {
			t.Errorf("%d images: got a variety of %v, want %v to %v", c.images, v, c.low, c.high)
		}
		if v, measured := got["distinctness"]; !(measured && v >= c.nearest && v <= c.farthest) {
			t.Errorf("%d images: got a distinctness of %v, want %v to %v", c.images, v, c.nearest, c.farthest)
		}
	}
	if values := measure(t, b, d, e, generated); len(values) != len(metric.Columns(e)) {
		t.Errorf("got %v, want values of %v", values, metric.Columns(e))
	}
}

// The numbers are those of engine/metric on the features of the same images.
func TestAnEvaluationComputesTheMetricsOfTheFeatures(t *testing.T) {
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

func TestImpossibleEvaluationsAreErrors(t *testing.T) {
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
		{"no logits", d, change(func(e *spec.Evaluation) {
			e.Metrics = []spec.Metric{standard("inception_score").With("splits", 2)}
		}), "have no logits"},
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
		if want := fmt.Sprintf("image 3: got a value of %g", v); !errors.Is(err, metric.ErrNotFinite) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.Score(ended, images(t, d)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

// If neither the rest of the split nor the other split has enough images, there is no floor. Nothing else is missing.
func TestTooFewImagesHaveNoFloor(t *testing.T) {
	b, _ := comparer(t, "")
	e := onPoints(300)
	e.Metrics = e.Metrics[:3]
	values := measure(t, b, ring(300).Test(), e, images(t, ring(300)))
	want := []string{"coverage", "density", "fid", "precision", "recall", "spread"}
	if got := slices.Sorted(maps.Keys(values)); !slices.Equal(got, want) {
		t.Errorf("got the columns %q, want %q", got, want)
	}
}

// A cancelled caller does not cancel later ones.
func TestACancelledCallerLeavesTheComparerUsable(t *testing.T) {
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

// An evaluation computes the same bits, no matter which evaluations were opened before it.
func TestTheOrderOfOpeningChangesNoBits(t *testing.T) {
	d := complete(spec.Data{Name: "mnist12k"})
	for _, features := range []string{"small-mnist", "pixels"} {
		counts := []int{7, 60, 260}
		of := func(n int) spec.Evaluation {
			return spec.Evaluation{Samples: n, Real: "test", Features: features,
				Metrics: []spec.Metric{standard("fid"), standard("precision_recall")}}
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

// A floor needs images like those that are compared: another split that is damaged or of another size causes a warning and no floor.
func TestASplitOfAnotherSizeIsNoFloor(t *testing.T) {
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
		if _, ok := values["variety"]; ok {
			t.Errorf("got %v, want no variety", values)
		}
	}
}
