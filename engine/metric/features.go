package metric

import (
	"errors"
	"fmt"
	"math"
)

// Features are N samples of D numbers, row-major. Functions only read them.
type Features struct {
	N, D int
	X    []float32
}

// Row is sample i, a view.
func (f Features) Row(i int) []float32 { return f.X[i*f.D:][:f.D] }

// Slice is the samples i to j-1, a view.
func (f Features) Slice(i, j int) Features { return Features{j - i, f.D, f.X[i*f.D : j*f.D]} }

// Append is f followed by the samples of g, which have the same width. It may use the memory of f.
func (f Features) Append(g Features) Features { return Features{f.N + g.N, g.D, append(f.X, g.X...)} }

// Pick is a copy of the samples of some rows, in that order.
func (f Features) Pick(rows []int) Features {
	p := Features{len(rows), f.D, make([]float32, 0, len(rows)*f.D)}
	for _, i := range rows {
		p.X = append(p.X, f.Row(i)...)
	}
	return p
}

// ErrNotFinite is wrapped by errors about NaN and infinite features.
var ErrNotFinite = errors.New("not a finite number")

// check reports features that are not finite, or fewer samples than minSamples.
func (f Features) check(what string, minSamples int) error {
	if f.N < 0 || f.D < 1 || len(f.X) != f.N*f.D {
		return fmt.Errorf("%s: got %d numbers for %d samples of %d, want %d", what, len(f.X), f.N, f.D, f.N*f.D)
	}
	if f.N < minSamples {
		return fmt.Errorf("%s: got %s, want %d or more", what, samples(f.N), minSamples)
	}
	for i, v := range f.X {
		if d := float64(v); math.IsNaN(d) || math.IsInf(d, 0) {
			return fmt.Errorf("%s: sample %d, feature %d: got %g, want a number: %w", what, i/f.D, i%f.D, v, ErrNotFinite)
		}
	}
	return nil
}

func samples(n int) string {
	if n == 1 {
		return "1 sample"
	}
	return fmt.Sprintf("%d samples", n)
}

// checkPair is check for two sets, which must have the same width.
func checkPair(real, fake Features, minSamples int) error {
	if err := errors.Join(real.check("real features", minSamples), fake.check("fake features", minSamples)); err != nil {
		return err
	}
	if real.D != fake.D {
		return fmt.Errorf("features: got %d numbers per real sample and %d per fake sample, want equal numbers", real.D, fake.D)
	}
	return nil
}

// mean is the mean sample.
func (f Features) mean() []float64 {
	m := make([]float64, f.D)
	for i := range f.N {
		for j, v := range f.Row(i) {
			m[j] += float64(v)
		}
	}
	for j := range m {
		m[j] /= float64(f.N)
	}
	return m
}

// Spread is the root of the total variance, Tr(C)½ with N-1: how far samples are from their mean. It is 0 for fewer than two samples.
func (f Features) Spread() float64 {
	if f.N < 2 {
		return 0
	}
	var total float64
	mean := f.mean()
	for i := range f.N {
		for j, v := range f.Row(i) {
			d := float64(v) - mean[j]
			total += d * d
		}
	}
	return math.Sqrt(total / float64(f.N-1))
}

// meanStd is the mean and the standard deviation, divided by N (ddof 0).
func meanStd(v []float64) (mean, std float64) {
	for _, x := range v {
		mean += x
	}
	mean /= float64(len(v))
	for _, x := range v {
		std += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(std / float64(len(v)))
}

// sqrt is the square root, or 0 for numbers that rounding made negative.
func sqrt(x float64) float64 { return math.Sqrt(max(0, x)) }
