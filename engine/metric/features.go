// Package metric measures generated samples against real ones: Fréchet distance, precision and recall, density and coverage,
// kernel distance, Inception score, PRD curves, Parzen windows, and what follows from them: collapse.
// Everything is a function of feature matrices; it knows nothing of scripts, images, tables, files or devices. Large products of
// float32 are computed by a function that the caller passes (see Multiply), what must be exact in float64 by this package.
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

// Append is f followed by the samples of g, which have as many numbers; it may use the memory of f.
func (f Features) Append(g Features) Features { return Features{f.N + g.N, g.D, append(f.X, g.X...)} }

// Pick is a copy of some samples, in that order.
func (f Features) Pick(rows []int) Features {
	p := Features{len(rows), f.D, make([]float32, 0, len(rows)*f.D)}
	for _, i := range rows {
		p.X = append(p.X, f.Row(i)...)
	}
	return p
}

// ErrNotFinite is in the chain of errors about NaN and infinite features.
var ErrNotFinite = errors.New("not a finite number")

// check wants finite features of at least least samples.
func (f Features) check(what string, least int) error {
	if f.N < 0 || f.D < 1 || len(f.X) != f.N*f.D {
		return fmt.Errorf("%s: got %d numbers for %d samples of %d, want %d", what, len(f.X), f.N, f.D, f.N*f.D)
	}
	if f.N < least {
		return fmt.Errorf("%s: got %s, want %d or more", what, samples(f.N), least)
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

// checkPair wants two sets of finite features of one width.
func checkPair(real, fake Features, least int) error {
	if err := errors.Join(real.check("real features", least), fake.check("fake features", least)); err != nil {
		return err
	}
	if real.D != fake.D {
		return fmt.Errorf("features: got %d real and %d fake numbers a sample, want equally many", real.D, fake.D)
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

// Spread is the root of the total variance, Tr(C)½ with N-1: how far samples lie from their mean. 0 for one sample or none.
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

// meanStd is the mean, and the standard deviation with N (ddof 0).
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

// sqrt is 0 for what rounding made negative.
func sqrt(x float64) float64 { return math.Sqrt(max(0, x)) }
