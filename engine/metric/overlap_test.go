package metric

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
)

var ctx = context.Background()

// overlap compares sets with the kth nearest neighbour.
func overlap(ctx context.Context, p *Products, real, fake Features, k int) (Overlap, error) {
	r, errR := NewManifold(ctx, p, real, k)
	f, errF := NewManifold(ctx, p, fake, k)
	if err := errors.Join(errR, errF); err != nil {
		return Overlap{}, err
	}
	return Compare(ctx, p, r, f)
}

func compared(t *testing.T, p *Products, real, fake Features, k int) Overlap {
	t.Helper()
	o, err := overlap(ctx, p, real, fake, k)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// repeated is every sample m times.
func repeated(f Features, m int) Features {
	var rows []int
	for i := range f.N * m {
		rows = append(rows, i/m)
	}
	return f.Pick(rows)
}

func TestOverlapOfPlantedSets(t *testing.T) {
	r := random(1)
	p := products(t)
	set, far, zeros := gaussian(r, 100, 8, 0, 1), gaussian(r, 100, 8, 100, 1), Features{100, 8, make([]float32, 800)}
	twice := repeated(set.Slice(0, 50), 2)
	for _, c := range []struct {
		name       string
		real, fake Features
		k          int
		want       Overlap
	}{
		// A ball reaches to its kth neighbour: the sample itself and k-1 others are inside <, and the kth is only inside ≤.
		{"a set against itself", set, set, 3, Overlap{1, 1, 1, 1}},
		{"disjoint sets", set, far, 3, Overlap{0, 0, 0, 0}},
		// Nothing is nearer than 0: balls without radius hold equal samples by ≤, and none by <.
		{"every sample twice, against itself", twice, twice, 1, Overlap{1, 1, 0, 0}},
		{"every sample twice, further neighbours", twice, twice, 2, Overlap{1, 1, 1, 1}},
		{"one sample again and again, against itself", zeros, zeros, 3, Overlap{1, 1, 0, 0}},
		{"one real sample again and again", zeros, far, 3, Overlap{0, 0, 0, 0}},
	} {
		if got := compared(t, p, c.real, c.fake, c.k); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

// Far from the origin, float32 cannot resolve distances between |u|² and |v|²: subtracting the mean and float64 do.
func TestOverlapDoesNotDependOnTheOrigin(t *testing.T) {
	r := random(2)
	p := products(t)
	real, fake := Features{150, 3, nil}, Features{150, 3, nil}
	for range 450 { // multiples of 1/64, which stay exact when they are moved by 1000
		real.X, fake.X = append(real.X, float32(r.IntN(256))/64), append(fake.X, float32(r.IntN(256))/64+0.25)
	}
	moved := func(f Features) Features {
		m := Features{f.N, f.D, nil}
		for _, v := range f.X {
			m.X = append(m.X, v+1000)
		}
		return m
	}
	want := overlapByDefinition(real, fake, 3)
	if got := compared(t, p, real, fake, 3); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := compared(t, p, moved(real), moved(fake), 3); got != want {
		t.Errorf("moved: got %+v, want %+v", got, want)
	}
}

// Two tight clusters are far apart: within one, all distances are smaller than the rounding errors of the norms in float32.
func TestOverlapOfTightClustersIsExact(t *testing.T) {
	r := random(3)
	f := gaussian(r, 200, 16, 0, 1e-4)
	g := gaussian(r, 200, 16, 0, 1e-4)
	for i := 100; i < 200; i++ {
		for j := range 16 {
			f.Row(i)[j]++
			g.Row(i)[j]++
		}
	}
	if got, want := compared(t, products(t), f, g, 3), overlapByDefinition(f, g, 3); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A device that multiplies with few bits yields the same numbers, since float64 decides comparisons of similar distances.
func TestOverlapIsExactOnRoughDevices(t *testing.T) {
	r := random(4)
	p := products(t)
	real, fake := gaussian(r, 120, 10, 0, 1), gaussian(r, 120, 10, 0.2, 1)
	want := compared(t, p, real, fake, 3)
	for _, slack := range []float64{1e-3, 0.1, 10} {
		p.slacks[10] = slack
		if got := compared(t, p, real, fake, 3); got != want {
			t.Errorf("slack %g: got %+v, want %+v", slack, got, want)
		}
	}
}

func TestTheRoundingOfBackendsIsMeasured(t *testing.T) {
	for _, d := range []int{1, 100, 2048} {
		s, err := products(t).slack(d)
		if err != nil || s < 0x1p-22 || s > 1e-5 {
			t.Errorf("d = %d: got %g, %v, want about 1e-6", d, s, err)
		}
	}
}

func TestOverlapRefusesBadSets(t *testing.T) {
	p := products(t)
	r := random(5)
	ok, nan := gaussian(r, 10, 2, 0, 1), gaussian(r, 10, 2, 0, 1)
	nan.X[5] = float32(math.NaN())
	for _, c := range []struct {
		name       string
		real, fake Features
		k          int
		want       string
	}{
		{"one sample", ok, ok.Slice(0, 1), 3, "got k = 3 and 1 sample, want"},
		{"k samples", ok.Slice(0, 3), ok, 3, "got k = 3 and 3 samples, want"},
		{"no neighbour", ok, ok, 0, "got k = 0"},
		{"NaN", ok, nan, 3, "sample 2, feature 1: got NaN"},
		{"other features", ok, gaussian(r, 10, 3, 0, 1), 3, "got 2 numbers per real sample and 3 per fake sample"},
	} {
		if _, err := overlap(ctx, p, c.real, c.fake, c.k); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	_, err := overlap(ctx, p, ok, nan, 3)
	if !errors.Is(err, ErrNotFinite) {
		t.Errorf("got %v, want ErrNotFinite in its chain", err)
	}
	m, _ := NewManifold(ctx, p, ok, 3)
	o, _ := NewManifold(ctx, p, ok, 4)
	if _, err := Compare(ctx, p, m, o); err == nil {
		t.Error("manifolds of k = 3 and 4 were compared")
	}
}

func TestTheSearchForNeighboursStopsWithTheContext(t *testing.T) {
	gone, cancel := context.WithCancel(ctx)
	cancel()
	f := gaussian(random(6), 10, 2, 0, 1)
	if _, err := NewManifold(gone, products(t), f, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkPrecisionRecall(b *testing.B) {
	r := random(7)
	x, y := gaussian(r, 10000, 2048, 0, 1), gaussian(r, 10000, 2048, 0.02, 1.05)
	p := products(b)
	for b.Loop() {
		if _, err := overlap(ctx, p, x, y, 3); err != nil {
			b.Fatal(err)
		}
	}
}
