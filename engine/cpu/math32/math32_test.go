package math32

import (
	"math"
	"testing"
)

var functions = []struct {
	name  string
	got   func(float32) float32
	want  func(float64) float64
	worst float64 // in units in the last place of the result
}{
	{"Exp", Exp, math.Exp, .51},
	{"Log", Log, math.Log, .52},
	{"Tanh", Tanh, math.Tanh, .58},
	{"Logistic", Logistic, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, .51},
	{"Sin", Sin, math.Sin, .57},
	{"Cos", Cos, math.Cos, .57},
}

// off is the distance of got from want, in units in the last place of want as a float32. Of subnormal numbers these are 2^-149.
func off(got float32, want float64) float64 {
	if rounded := float32(want); got == rounded || got != got && want != want {
		return 0
	}
	_, exponent := math.Frexp(want)
	return math.Abs(float64(got)-want) / math.Ldexp(1, max(exponent-24, -149))
}

// The arguments are evenly spread over all float32, so that every exponent has some, and dense where results are neither constant nor
// extreme.
func TestFunctionsAreWithinTheirErrors(t *testing.T) {
	step, dense := uint64(499), 1<<20
	if testing.Short() {
		step, dense = 9973, 1<<17
	}
	var x []float32
	for b := uint64(0); b < 1<<32; b += step {
		x = append(x, math.Float32frombits(uint32(b)))
	}
	for i := range dense {
		x = append(x, float32(i-dense/2)*(2*104/float32(dense)), float32(i)*(4/float32(dense)))
	}
	for _, f := range functions {
		t.Run(f.name, func(t *testing.T) {
			worst, at := 0.0, float32(0)
			for _, v := range x {
				if e := off(f.got(v), f.want(float64(v))); !(e <= worst) {
					worst, at = e, v
				}
			}
			t.Logf("%.3f ulp at %g", worst, at)
			if !(worst <= f.worst) {
				t.Errorf("%.3f ulp at %g, want at most %g", worst, at, f.worst)
			}
		})
	}
}

func TestFunctionsOfSpecialNumbers(t *testing.T) {
	inf, nan, negative := float32(math.Inf(1)), float32(math.NaN()), float32(math.Copysign(0, -1))
	for _, c := range []struct {
		name    string
		f       func(float32) float32
		x, want float32
	}{
		{"Exp", Exp, inf, inf},
		{"Exp", Exp, -inf, 0},
		{"Exp", Exp, nan, nan},
		{"Exp", Exp, 88.8, inf},
		{"Log", Log, inf, inf},
		{"Log", Log, 0, -inf},
		{"Log", Log, negative, -inf},
		{"Log", Log, -1, nan},
		{"Log", Log, nan, nan},
		{"Tanh", Tanh, inf, 1},
		{"Tanh", Tanh, -inf, -1},
		{"Tanh", Tanh, negative, negative},
		{"Tanh", Tanh, nan, nan},
		{"Logistic", Logistic, inf, 1},
		{"Logistic", Logistic, -inf, 0},
		{"Logistic", Logistic, nan, nan},
		{"Sin", Sin, negative, negative},
		{"Sin", Sin, inf, nan},
		{"Cos", Cos, 0, 1},
		{"Cos", Cos, nan, nan},
	} {
		got := c.f(c.x)
		same := got == c.want && math.Signbit(float64(got)) == math.Signbit(float64(c.want))
		if !same && !(got != got && c.want != c.want) {
			t.Errorf("%s(%g) = %g, want %g", c.name, c.x, got, c.want)
		}
	}
}
