package frame

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Summary describes a sample. Without values, all numbers are NaN.
type Summary struct {
	N, Seeds       int // Seeds is set by Group.Summary
	Mean           float64
	SD             float64 // with N-1; NaN for fewer than two
	Median, Q1, Q3 float64
	Low, High      float64   // the ends of Tukey's whiskers: the extreme values within 1.5 times Q3-Q1 of the quartiles
	Outliers       []float64 // those beyond, ascending
}

// Summarize describes values. The quartiles interpolate between the two nearest values, as NumPy and R do unless told otherwise (type 7 of
// Hyndman and Fan 1996), which gonum does not offer.
func Summarize(values []float64) Summary {
	nan := math.NaN()
	if len(values) == 0 {
		return Summary{Mean: nan, SD: nan, Median: nan, Q1: nan, Q3: nan, Low: nan, High: nan}
	}
	x := slices.Sorted(slices.Values(values))
	s := Summary{N: len(x), SD: nan, Median: Quantile(x, 0.5), Q1: Quantile(x, 0.25), Q3: Quantile(x, 0.75)}
	s.Mean = stat.Mean(x, nil)
	if len(x) > 1 {
		s.SD = stat.StdDev(x, nil)
	}
	reach := 1.5 * (s.Q3 - s.Q1)
	s.Low, s.High = s.Q1, s.Q3
	for _, v := range x {
		if v < s.Q1-reach || v > s.Q3+reach {
			s.Outliers = append(s.Outliers, v)
			continue
		}
		s.Low, s.High = min(s.Low, v), max(s.High, v)
	}
	return s
}

// Quantile is the quantile p, from 0 to 1, of ascending values: the value at position p(n-1), between the two nearest.
func Quantile(ascending []float64, p float64) float64 {
	at := p * float64(len(ascending)-1)
	i := int(at)
	if i+1 >= len(ascending) {
		return ascending[len(ascending)-1]
	}
	return ascending[i] + (at-float64(i))*(ascending[i+1]-ascending[i])
}
