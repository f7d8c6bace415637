package metric

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

func fidOf(t *testing.T, real, fake Moments) float64 {
	t.Helper()
	d, err := FID(real, fake)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// exactly is moments with a given covariance.
func exactly(mean, covariance []float64) Moments {
	const n = 1000
	m := Moments{N: n, Mean: mean, Scatter: make([]float64, len(covariance))}
	for i, v := range covariance {
		m.Scatter[i] = v * (n - 1)
	}
	return m
}

// For 2 x 2 matrices, Tr M½ = (Tr M + 2 (det M)½)½.
func TestFIDOfTwoGaussiansIsTheClosedForm(t *testing.T) {
	r := random(1)
	for range 100 {
		a, b, c := r.Float64()+1, r.Float64()+1, 1.8*r.Float64()-0.9
		e, f, g := r.Float64()+1, r.Float64()+1, 1.8*r.Float64()-0.9
		x, y := r.Float64(), r.Float64()
		trace, det := a*e+2*c*g+b*f, (a*b-c*c)*(e*f-g*g)
		want := x*x + y*y + a + b + e + f - 2*math.Sqrt(trace+2*math.Sqrt(det))
		got := fidOf(t, exactly([]float64{x, 0}, []float64{a, c, c, b}), exactly([]float64{0, y}, []float64{e, g, g, f}))
		if math.Abs(got-want) > 1e-12 {
			t.Fatalf("got %.15g, want %.15g", got, want)
		}
	}
}

func TestFIDApproachesTheClosedFormWithMoreSamples(t *testing.T) {
	const d, mean, std = 16, 0.5, 1.5
	want := d*mean*mean + d*(1-std)*(1-std)
	last := math.Inf(1)
	for _, n := range []int{20, 200, 2000, 40000} {
		r := random(7)
		off := math.Abs(fidOf(t, measured(t, gaussian(r, n, d, 0, 1)), measured(t, gaussian(r, n, d, mean, std))) - want)
		if off > last {
			t.Errorf("%d samples: %g off, fewer were %g off", n, off, last)
		}
		last = off
	}
	if last > 0.01*want {
		t.Errorf("40000 samples: %g off %g", last, want)
	}
}

func TestFIDIsSymmetricAndZeroForEqualSets(t *testing.T) {
	r := random(2)
	for _, n := range []int{2, 5, 300} { // fewer and more than features
		set := gaussian(r, n, 20, 0, 1)
		a, b := measured(t, set), measured(t, gaussian(r, 100, 20, 1, 2))
		if ab, ba := fidOf(t, a, b), fidOf(t, b, a); math.Abs(ab-ba) > 1e-10*ab {
			t.Errorf("%d samples: got %g one way and %g the other", n, ab, ba)
		}
		if self := fidOf(t, a, a); self > 1e-12*set.Spread()*set.Spread() {
			t.Errorf("%d samples: got %g from itself", n, self)
		}
	}
}

// With constant samples the covariance is 0, so only the distance of the means and the trace remain.
func TestFIDOfConstantSamplesIsExact(t *testing.T) {
	constant := func(v float32) Moments {
		f := Features{50, 3, make([]float32, 150)}
		for i := range f.X {
			f.X[i] = v
		}
		return measured(t, f)
	}
	if got := fidOf(t, constant(1), constant(3)); got != 12 {
		t.Errorf("two constants: got %g, want 12", got)
	}
	set := gaussian(random(3), 50, 3, 0, 1)
	m, want := measured(t, set), set.Spread()*set.Spread()
	for _, v := range m.Mean {
		want += (v - 1) * (v - 1)
	}
	if got := fidOf(t, m, constant(1)); math.Abs(got-want) > 1e-12 {
		t.Errorf("got %g, want %g", got, want)
	}
}

// Constant features are equal in both sets and must add nothing, not even the root of a rounding error.
func TestFIDIgnoresFeaturesThatNeverChange(t *testing.T) {
	r := random(4)
	a, b := gaussian(r, 200, 6, 0, 1), gaussian(r, 200, 6, 0.5, 1)
	widen := func(f Features) Features {
		w := Features{f.N, 10, make([]float32, f.N*10)}
		for i := range f.N {
			copy(w.Row(i)[2:8], f.Row(i))
			w.Row(i)[9] = 7
		}
		return w
	}
	want, got := fidOf(t, measured(t, a), measured(t, b)), fidOf(t, measured(t, widen(a)), measured(t, widen(b)))
	if math.Abs(got-want) > 1e-12 {
		t.Errorf("got %.15g, want %.15g", got, want)
	}
}

func TestFIDRefusesSetsWithoutCovariance(t *testing.T) {
	one, two := measured(t, gaussian(random(5), 1, 3, 0, 1)), measured(t, gaussian(random(5), 2, 3, 0, 1))
	if _, err := FID(one, two); err == nil || !strings.Contains(err.Error(), "got 1 real and 2 fake samples, want 2 or more") {
		t.Errorf("one sample: got %v", err)
	}
	if _, err := FID(two, measured(t, gaussian(random(5), 2, 4, 0, 1))); err == nil ||
		!strings.Contains(err.Error(), "got 3 real and 4 fake features") {
		t.Errorf("other features: got %v", err)
	}
	two.Mean[0] = math.NaN()
	if v, err := FID(two, two); err == nil {
		t.Errorf("NaN: got %g", v)
	}
}

// With fewer samples than features in one set or both, the distance is that of the covariances.
func TestFIDOfFewSamplesEqualsThatOfTheCovariances(t *testing.T) {
	dense := func(f Features) Moments {
		m := Moments{Mean: make([]float64, f.D), Scatter: make([]float64, f.D*f.D)}
		m.add(f)
		return m
	}
	for _, c := range []struct{ real, fake, d int }{{4, 4, 60}, {2, 59, 60}, {59, 2, 60}, {30, 60, 60}, {200, 7, 60}, {5, 400, 60},
		{59, 59, 60}, {3, 5, 9000}} {
		r := random(uint64(c.real*c.fake + c.d))
		real, fake := gaussian(r, c.real, c.d, 0, 1), gaussian(r, c.fake, c.d, .3, 1.5)
		got := fidOf(t, measured(t, real), measured(t, fake))
		var want float64
		if c.d < 1000 {
			want = fidOf(t, dense(real), dense(fake))
		} else { // the singular values, by LAPACK's algorithm
			a, b := measured(t, real), measured(t, fake)
			p := crossProducts(a, b)
			var svd mat.SVD
			if !svd.Factorize(mat.NewDense(p.Rows, p.Cols, p.Data), mat.SVDNone) {
				t.Fatal("no singular values")
			}
			for i, m := range a.Mean {
				want += (m - b.Mean[i]) * (m - b.Mean[i])
			}
			sigma := floats.Sum(svd.Values(nil)) / math.Sqrt(float64((a.N-1)*(b.N-1)))
			want += a.trace() + b.trace() - 2*sigma
		}
		if math.Abs(got-want) > 1e-10*want {
			t.Errorf("%d and %d samples of %d: got %.15g, want %.15g", c.real, c.fake, c.d, got, want)
		}
	}
}

// Four and four images of 128 x 128 x 3, made by an integer recurrence; numpy's singular values of the 4 x 4 problem:
//
//	a, b = x - x.mean(0), y - y.mean(0)
//	((x.mean(0) - y.mean(0))**2).sum() + ((a**2).sum() + (b**2).sum() - 2*svd(a @ b.T, compute_uv=False).sum()) / 3
func TestFIDOfWideFeaturesEqualsNumPy(t *testing.T) {
	const d = 128 * 128 * 3
	state := uint32(1)
	draw := func(n int, scale float32) Features {
		f := Features{n, d, make([]float32, n*d)}
		for i := range f.X {
			state = state*1664525 + 1013904223
			f.X[i] = float32(state>>16) / 65536 * scale
		}
		return f
	}
	x, y := draw(4, 1), draw(4, .5)
	if got, want := fidOf(t, measured(t, x), measured(t, y)), numpysWide; math.Abs(got-want) > 1e-9*want {
		t.Errorf("got %.12g, want %.12g", got, want)
	}
}

const numpysWide = 9470.76525568241

func BenchmarkFID(b *testing.B) {
	r := random(6)
	x, y := gaussian(r, 10000, 2048, 0, 1), gaussian(r, 10000, 2048, 0.02, 1.05)
	for b.Loop() {
		mx, _ := Measure(x)
		my, _ := Measure(y)
		if _, err := FID(mx, my); err != nil {
			b.Fatal(err)
		}
	}
}
