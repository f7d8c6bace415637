package race

import (
	"math"
	"slices"
	"testing"
)

// around are two values with a mean, whose variance is 2.
func around(mean float64) []float64 { return []float64{mean - 1, mean + 1} }

// trials are the costs of trials, from the values of each objective.
func trials(objectives ...[]float64) (costs [][]float64) {
	for i := range objectives[0] {
		var own []float64
		for _, values := range objectives {
			own = append(own, values[i])
		}
		costs = append(costs, own)
	}
	return costs
}

// Two points with two values each, of variance 2: the difference of their means has a standard error of √2 with two degrees of freedom, for
// which the quantile of t at level a is (1-2a) / √(2a(1-a)). At the first look a is 0.05 (1-1/√2) / 2 = 0.0073223, so that 8.1724 √2 =
// 11.558 is surely more than 0; at half of this level it is 16.44, and at the second look, with a = 0.0032439, 17.47.
func TestDifferencesThatAreSure(t *testing.T) {
	for _, c := range []struct {
		difference []float64 // of the second point to the first, by objective
		out, safe  bool      // the second is out; the first is safe
	}{
		{[]float64{11.5}, false, false}, {[]float64{11.6}, true, true}, {[]float64{-11.5}, false, false},
		{[]float64{14, 14}, true, false}, {[]float64{14, 11.5}, false, false},
		{[]float64{16.4, 0}, false, false}, {[]float64{16.5, 0}, false, true}, {[]float64{16.5, -11.6}, false, true},
	} {
		var one, other [][]float64
		for _, d := range c.difference {
			one, other = append(one, around(0)), append(other, around(d))
		}
		r := New(2, 0.05)
		r.Look([][][]float64{trials(one...), trials(other...)})
		if r.Out(1) != c.out || r.Safe(0, 1) != c.safe || r.Out(0) || r.Safe(1, 0) {
			t.Errorf("differences %v: got out %v, safe %v, want %v, %v", c.difference, r.Out(1), r.Safe(0, 1), c.out, c.safe)
		}
	}
}

// Between a point with few degrees of freedom and one with many, those of the former decide.
func TestTheFewerDegreesOfFreedomDecide(t *testing.T) {
	list := standings([]estimate{{0, 1, 2}, {12, 1, 1000}, {}}, 0.005)
	if q := list[0].quantile; math.Abs(q-9.9248) > 1e-4 || math.Abs(list[1].quantile-2.5807) > 1e-4 {
		t.Errorf("got the quantiles %g and %g, want 9.9248 and 2.5807", q, list[1].quantile)
	}
	few, many := list[0], list[1]
	far, farther := standing{estimate{24, 1, 2}, few.quantile}, standing{estimate{14.1, 1, 1000}, many.quantile}
	if few.below(many) || many.below(far) || !few.below(farther) {
		t.Error("want that differences below 14.04, 9.9248 times the standard error, are not sure")
	}
}

func TestWhatALookHasShownStaysShown(t *testing.T) {
	nearer := [][][]float64{trials(around(0)), trials(around(17.4))}
	r := New(2, 0.05)
	r.Look([][][]float64{nil, nil})
	if r.Look(nearer); r.Out(1) {
		t.Error("the second look takes 17.4 for sure, want no less than 17.47")
	}
	r = New(2, 0.05)
	r.Look(nearer)
	before := r.Clone()
	r.Look([][][]float64{trials(around(17.4)), trials(around(0))})
	if !r.Out(1) || !r.Safe(0, 1) || r.Out(0) || r.Safe(1, 0) {
		t.Error("the second look has changed what the first one has shown")
	}
	r.Look([][][]float64{trials(around(100)), trials(around(0))})
	if !r.Out(0) || before.Out(0) {
		t.Error("got no more from a look at clearer values, or a copy has changed")
	}
}

// All level is spent by as many looks as one likes, on all ordered pairs of points.
func TestTheErrorIsShared(t *testing.T) {
	r, sum := New(5, 0.1), 0.0
	for r.looks = 1; r.looks <= 1_000_000; r.looks++ {
		sum += r.level() * 5 * 4
	}
	if math.Abs(sum-0.1*(1-1e-3)) > 1e-6 {
		t.Errorf("got an error of %g, want 0.0999", sum)
	}
}

// Equal values do not show how much others would differ, nor do single ones; points without values are in no comparison.
func TestWhatCannotBeTold(t *testing.T) {
	far := []float64{100, 100}
	for _, costs := range [][][][]float64{
		{trials([]float64{-1, -1}), trials(far)}, {trials([]float64{-1}), trials([]float64{100})}, {nil, nil}, {nil, trials(far)},
		{trials([]float64{-1, -1}, around(0)), trials(far, around(0))}, {trials(far), trials(far)}, {trials(far, far), trials(far, far)},
	} {
		r := New(2, 0.05)
		r.Look(costs)
		if r.Out(0) || r.Out(1) || r.Safe(0, 1) || r.Safe(1, 0) {
			t.Errorf("%v: something is shown", costs)
		}
	}
	r := New(2, 0.05)
	if r.Look([][][]float64{trials(around(0), far), trials(around(100), far)}); !r.Out(1) || !r.Safe(0, 1) || r.Out(0) || r.Safe(1, 0) {
		t.Error("want that an objective with one value only changes nothing")
	}
	r = New(3, 0.05)
	r.Look([][][]float64{trials(around(0)), nil, trials([]float64{1000})})
	if r.Out(1) || !r.Out(2) || r.Safe(0, 1) || !r.Safe(0, 2) {
		t.Error("want that a point with one value is out by the variance of another, and nothing of a point without values")
	}
	New(1, 0.05).Look([][][]float64{trials(around(0))})
}

// Of two points with three values each, the logarithms of the variances are a and -a with 2a² = π²/3, which is twice the variance π²/6 that
// they would have if the true ones were equal. The other half is that of two degrees of freedom, around a variance of 1.
func TestVariancesBorrowFromEachOther(t *testing.T) {
	a := math.Pi / math.Sqrt(6)
	samples := []sample{{3, 5, 2 * math.Exp(a)}, {3, 6, 2 * math.Exp(-a)}}
	variance, df := pooled(samples)
	if math.Abs(variance-math.Cosh(a)) > 1e-12 || df != 4 {
		t.Errorf("got the pooled variance %g with %g degrees of freedom, want %g with 4", variance, df, math.Cosh(a))
	}
	p := priorOf(samples, variance)
	if math.Abs(p.df-2) > 1e-8 || math.Abs(p.variance-1) > 1e-8 {
		t.Errorf("got the prior %+v, want a variance of 1 with 2 degrees of freedom", p)
	}
	// Its own variance is larger than what it would borrow to, (1+exp(a))/2.
	if e := p.estimate(samples[0], variance, df); e.mean != 5 || math.Abs(e.variance-math.Exp(a)/3) > 1e-8 || math.Abs(e.df-4) > 1e-8 {
		t.Errorf("got %+v for the point that varies more, want its own variance", e)
	}
	if e := p.estimate(samples[1], variance, df); math.Abs(e.variance-(1+math.Exp(-a))/2/3) > 1e-8 {
		t.Errorf("got %+v for the point that varies less, want a variance between its own and 1", e)
	}
	if e := p.estimate(sample{1, 7, 0}, variance, df); math.Abs(e.variance-1) > 1e-8 || math.Abs(e.df-2) > 1e-8 {
		t.Errorf("got %+v for a point with one value, want the variance of the others", e)
	}
	alike := []sample{{3, 5, 2}, {3, 6, 2.1}}
	if p := priorOf(alike, 1.025); p.variance != 1.025 || !math.IsInf(p.df, 1) {
		t.Errorf("got the prior %+v of like variances, want the pooled one", p)
	}
}

// Noise in proportion to the values is even in their logarithms, whatever their sign; values around 0 have none.
func TestScales(t *testing.T) {
	values := [][]float64{{1, 1.2}, {100, 120}}
	negative := [][]float64{{-1, -1.2}, {-100, -120}}
	got, reverse := scaled(values), scaled(negative)
	for p := range values {
		for i, v := range values[p] {
			if got[p][i] != math.Log(v) || reverse[p][i] != -math.Log(v) {
				t.Errorf("got %g and %g of %g and %g, want logarithms", got[p][i], reverse[p][i], v, -v)
			}
		}
	}
	for _, plain := range [][][]float64{{{10, 11}, {100, 101}}, {{0, 0.2}, {100, 120}}, {{-1, 1}, {100, 120}}} {
		if got := scaled(plain); !slices.Equal(got[0], plain[0]) || !slices.Equal(got[1], plain[1]) {
			t.Errorf("got %v of %v, want the values", got, plain)
		}
	}
}

func TestTheInverseOfTrigamma(t *testing.T) {
	for _, x := range []float64{1e-3, 0.1, 0.5, 1, 3, 50, 1e5} {
		if got := trigammaInverse(trigamma(x)); math.Abs(got/x-1) > 1e-8 {
			t.Errorf("got %g, want %g", got, x)
		}
	}
}
