package effect

import (
	"math"
	"slices"
	"sort"

	"github.com/starsweep/starsweep/engine/pareto"
)

// Statistic is a function of the values of one run of every configuration of a level.
type Statistic struct {
	Name    string
	Key     string // of the command line
	Spread  bool   // pairs show its ratio: it is positive, and says how far values are apart
	extreme bool
	of      func(s sample, lowIsGood bool) float64
}

// Statistics are the statistics of levels and pairs.
var Statistics = []Statistic{
	{"mean", "mean", false, false, func(s sample, _ bool) float64 { return s.mean() }},
	{"median", "median", false, false, func(s sample, _ bool) float64 { return s.quantile(0.5) }},
	{"best", "best", false, true, func(s sample, low bool) float64 {
		if low {
			return s.at(0)
		}
		return s.at(s.n() - 1)
	}},
	{"IQR", "iqr", true, false, func(s sample, _ bool) float64 { return s.quantile(0.75) - s.quantile(0.25) }},
	{"SD of log", "sd-log", true, false, func(s sample, _ bool) float64 { return s.deviationOfLog() }},
}

func (a *Analysis) of(x Statistic, s sample) float64 { return x.of(s, a.Direction == pareto.Min) }

// base is a sorted sample.
type base struct {
	values       []float64 // ascending
	place        []int     // of each value as it was given
	sum          float64
	shift        float64 // near the logarithms, so that no digits cancel
	logs, square float64 // sums of their differences from shift, and of the squares; NaN where there is no logarithm
}

func newBase(values []float64) *base {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case values[i] < values[j]:
			return -1
		case values[i] > values[j]:
			return 1
		}
		return 0
	})
	b := &base{values: make([]float64, len(values)), place: make([]int, len(values))}
	for place, i := range order {
		b.values[place], b.place[i] = values[i], place
		b.sum += values[i]
	}
	b.shift = math.Log(b.values[len(values)/2])
	for _, v := range b.values {
		d := math.Log(v) - b.shift
		b.logs += d
		b.square += d * d
	}
	return b
}

// sample is a base, or a base with one value exchanged for another, in logarithmic time.
type sample struct {
	*base
	changed bool
	out, in int // places of the value that is gone, and of the new one
	value   float64
}

// with is the sample with another value for the i-th of those given.
func (b *base) with(i int, value float64) sample {
	s := sample{base: b, changed: true, out: b.place[i], value: value}
	s.in = sort.SearchFloat64s(b.values, value)
	if s.in > s.out {
		s.in--
	}
	return s
}

func (s sample) n() int { return len(s.values) }

// at is the k-th value in ascending order.
func (s sample) at(k int) float64 {
	if !s.changed {
		return s.values[k]
	}
	switch {
	case k == s.in:
		return s.value
	case k > s.in:
		k--
	}
	if k >= s.out {
		k++
	}
	return s.values[k]
}

// quantile is that of frame.Quantile.
func (s sample) quantile(p float64) float64 {
	at := p * float64(s.n()-1)
	i := int(at)
	if i+1 >= s.n() {
		return s.at(s.n() - 1)
	}
	return s.at(i) + (at-float64(i))*(s.at(i+1)-s.at(i))
}

func (s sample) mean() float64 {
	sum := s.sum
	if s.changed {
		sum += s.value - s.values[s.out]
	}
	return sum / float64(s.n())
}

// deviationOfLog is NaN for fewer than two values, and where one is not positive.
func (s sample) deviationOfLog() float64 {
	logs, square := s.logs, s.square
	if s.changed {
		in, out := math.Log(s.value)-s.shift, math.Log(s.values[s.out])-s.shift
		logs += in - out
		square += in*in - out*out
	}
	n := float64(s.n())
	variance := (square - logs*logs/n) / (n - 1)
	if math.IsNaN(variance) || math.IsInf(variance, 0) {
		return math.NaN()
	}
	return math.Sqrt(max(0, variance))
}
