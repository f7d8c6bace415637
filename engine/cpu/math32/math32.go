// Package math32 implements elementary functions of float32 in portable Go, accurate to 0.6 units in the last place. They share their
// polynomials with the vector functions of package cpu, whose generator vecgen reads the coefficients, but compute in float64: for one
// number at a time that takes no longer, and only the last rounding counts.
//
// The tests here compare every function with package math over all magnitudes. Those of package cpu compare the vector functions with
// these.
package math32

import "math"

// Polynomials with float32 coefficients, the highest power first. They minimize the greatest relative error of the function: fitted by
// Lawson's algorithm (iterated weighted least squares), with coefficients rounded one after the other, the lowest power first.
var (
	// e^r = 1 + r + r^2 ExpP(r) for |r| <= ln(2)/2; the error of e^r - 1 is 2^-31.
	ExpP = [...]float32{0.000197669942, 0.00139332283, 0.00833354145, 0.0416664854, 0.166666657, 0.5}
	// log(1+f) = f - f^2/2 + f^3 LogP(f) for -1/4 <= f <= 1/2, to 2^-30.
	LogP = [...]float32{
		0.0376038291, -0.0910637379, 0.116970226, -0.127284274, 0.142768025,
		-0.166553155, 0.199995786, -0.250001639, 0.333333403,
	}
	// tanh x = x + x^3 TanhP(x^2) for |x| <= TanhNear, to 2^-27.7.
	TanhP = [...]float32{-0.00569235114, 0.0206281971, -0.0537365191, 0.133314058, -0.333332807}
	// sin x = x + x^3 SinP(x^2) for |x| <= pi/4, to 2^-27.9.
	SinP = [...]float32{-0.000195179076, 0.00833218731, -0.166666552}
	// cos x = 1 - x^2/2 + x^4 CosP(x^2) for |x| <= pi/4, to 2^-33.
	CosP = [...]float32{2.44323328e-05, -0.00138873095, 0.0416666456}
)

// Limits of the ranges of arguments.
const (
	ExpMin, ExpMax = -104, 89 // beyond, exp is 0 or infinite
	TanhNear       = .625     // beyond, tanh is computed from exp
	TrigMax        = 8192     // beyond, angles are reduced by package math
)

// toInt, added to a small number, moves the nearest integer to the low bits.
const toInt = 3 << 51

// exp is e^x for ExpMin <= x <= 2 ExpMax.
func exp(x float64) float64 {
	t := x*math.Log2E + toInt
	r := x - (t-toInt)*math.Ln2
	q := ((((f(ExpP[0])*r+f(ExpP[1]))*r+f(ExpP[2]))*r+f(ExpP[3]))*r+f(ExpP[4]))*r + f(ExpP[5])
	return (q*r*r + r + 1) * math.Float64frombits((math.Float64bits(t)+1023)<<52)
}

func f(x float32) float64 { return float64(x) }

// Exp is e^x.
func Exp(x float32) float32 {
	switch {
	case x > ExpMax:
		return float32(math.Inf(1))
	case x < ExpMin:
		return 0
	case x != x:
		return x
	}
	return float32(exp(f(x)))
}

// Log is the natural logarithm: minus infinity of 0, NaN of negative numbers.
func Log(x float32) float32 {
	switch {
	case x < 0:
		return float32(math.NaN())
	case x == 0:
		return float32(math.Inf(-1))
	case !(x <= math.MaxFloat32):
		return x
	}
	b, low := int64(math.Float64bits(f(x))), int64(math.Float64bits(.75))
	e := (b - low) >> 52
	r := math.Float64frombits(uint64(b-e<<52)) - 1 // [-.25, .5)
	p := f(LogP[0])
	for _, c := range LogP[1:] {
		p = p*r + f(c)
	}
	return float32(float64(e)*math.Ln2 + (r + r*r*(p*r-.5)))
}

// Tanh is the hyperbolic tangent.
func Tanh(x float32) float32 {
	y := math.Abs(f(x))
	switch {
	case y < TanhNear:
		z := y * y
		p := (((f(TanhP[0])*z+f(TanhP[1]))*z+f(TanhP[2]))*z+f(TanhP[3]))*z + f(TanhP[4])
		y *= 1 + p*z
	case y < ExpMax:
		y = 1 - 2/(exp(2*y)+1)
	case y == y:
		y = 1
	}
	return float32(math.Copysign(y, f(x)))
}

// Logistic is 1/(1 + e^-x).
func Logistic(x float32) float32 {
	switch {
	case x < ExpMin:
		return 0
	case x != x:
		return x
	case x < 0:
		e := exp(f(x)) // small: 1/(1 + e^-x) would be 0 too early
		return float32(e / (1 + e))
	}
	return float32(1 / (1 + exp(-min(f(x), ExpMax))))
}

// Sin is the sine of an angle in radians.
func Sin(x float32) float32 { return trig(x, 0, math.Sin) }

// Cos is the cosine of an angle in radians.
func Cos(x float32) float32 { return trig(x, 1, math.Cos) }

// trig is the sine of x plus the given number of quarter turns.
func trig(x float32, quarters uint64, far func(float64) float64) float32 {
	if !(-TrigMax < x && x < TrigMax) {
		return float32(far(f(x)))
	}
	const hi = 0x1.921fb544p0 // pi/2 in 34 bits: times n it is exact
	const lo = math.Pi/2 - hi
	t := f(x)*(2/math.Pi) + toInt
	n := t - toInt
	r := f(x) - n*hi - n*lo
	z := r * r
	var y float64
	q := math.Float64bits(t) + quarters
	if q&1 == 0 {
		y = r * (1 + z*((f(SinP[0])*z+f(SinP[1]))*z+f(SinP[2])))
	} else {
		y = 1 - z/2 + z*z*((f(CosP[0])*z+f(CosP[1]))*z+f(CosP[2]))
	}
	if q&2 != 0 {
		return float32(-y)
	}
	return float32(y)
}
