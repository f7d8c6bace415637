package cpu

import "math"

// Functions of float32 without vectors. Polynomials are those of Cephes (S. L. Moshier, single precision); errors are a few
// units in the last place, see TestMathFunctionsAreAccurate.

var (
	expP  = [6]float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}
	logP  = [9]float32{7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1}
	tanhP = [5]float32{-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1}
	sinP  = [3]float32{-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1}
	cosP  = [3]float32{2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2}
)

const (
	ln2Hi, ln2Lo   = .693359375, -2.12194440e-4 // their sum is ln 2; the first times an exponent is exact
	expMin, expMax = -104, 89                   // beyond, exp is 0 or infinite
	tanhNear       = .625                       // below, tanh is a polynomial
	trigMax        = 8192                       // beyond, angles are reduced in float64
	smallest       = 0x1p-126                   // normal number
)

// roundToInt is the nearest integer to x, for |x| < 2^21: adding 1.5 * 2^23 moves it to the low bits.
func roundToInt(x float32) int {
	const shift = 3 << 22
	return int(int32(math.Float32bits(x+shift)) - int32(math.Float32bits(shift)))
}

// power2 is 2^n for -126 <= n <= 127.
func power2(n int) float32 { return math.Float32frombits(uint32(n+127) << 23) }

func exp32(x float32) float32 {
	switch {
	case x > expMax:
		return float32(math.Inf(1))
	case x < expMin:
		return 0
	case x != x:
		return x
	}
	n := roundToInt(x * math.Log2E)
	r := x - float32(n)*ln2Hi
	r -= float32(n) * ln2Lo
	p := &expP
	y := (((((p[0]*r+p[1])*r+p[2])*r+p[3])*r+p[4])*r+p[5])*r*r + r + 1
	half := n / 2 // 2^n alone may be no float32
	return y * power2(half) * power2(n-half)
}

func log32(x float32) float32 {
	switch {
	case x < 0 || x != x:
		return float32(math.NaN())
	case x == 0:
		return float32(math.Inf(-1))
	case x > math.MaxFloat32:
		return x
	}
	e := -126
	if x < smallest {
		x *= 1 << 25
		e -= 25
	}
	b := math.Float32bits(x)
	e += int(b >> 23)
	m := math.Float32frombits(b&0x007fffff | 0x3f000000) // [0.5, 1)
	if m < math.Sqrt2/2 {
		m += m
		e--
	}
	f := m - 1
	z := f * f
	c := &logP
	p := ((((((((c[0]*f+c[1])*f+c[2])*f+c[3])*f+c[4])*f+c[5])*f+c[6])*f+c[7])*f + c[8]) * f * z
	p += float32(e) * ln2Lo
	p -= z / 2
	return float32(e)*ln2Hi + (f + p)
}

func tanh32(x float32) float32 {
	if -tanhNear < x && x < tanhNear {
		z := x * x
		p := &tanhP
		return ((((p[0]*z+p[1])*z+p[2])*z+p[3])*z+p[4])*z*x + x
	}
	return 1 - 2/(exp32(x+x)+1)
}

func logistic32(x float32) float32 {
	if x < 0 {
		e := exp32(x) // small: 1/(1+exp(-x)) would be 0 too early
		return e / (1 + e)
	}
	return 1 / (1 + exp32(-x))
}

func logistic64(x float64) float64 {
	if x < 0 {
		e := math.Exp(x)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-x))
}

func sin32(x float32) float32 { return trig32(x, 0, math.Sin) }
func cos32(x float32) float32 { return trig32(x, 1, math.Cos) }

// trig32 is the sine of x plus a number of quarter turns.
func trig32(x float32, quarters int, far func(float64) float64) float32 {
	if !(-trigMax < x && x < trigMax) {
		return float32(far(float64(x)))
	}
	const hi = 0x1.921fb544p0 // pi/2 in 34 bits: times n it is exact
	const lo = math.Pi/2 - hi
	i := roundToInt(x * (2 / math.Pi))
	n := float64(i)
	r := float32(float64(x) - n*hi - n*lo)
	z := r * r
	q := i + quarters
	var y float32
	if q&1 == 0 {
		y = ((sinP[0]*z+sinP[1])*z+sinP[2])*z*r + r
	} else {
		y = ((cosP[0]*z+cosP[1])*z+cosP[2])*z*z - z/2 + 1
	}
	if q&2 != 0 {
		return -y
	}
	return y
}
