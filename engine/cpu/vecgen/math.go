package main

import (
	"math"

	"github.com/starsweep/starsweep/engine/cpu/math32"
)

// The functions of package math32 in float32. Every step rounds. Where a value is the sum of a large and a small part, the large part is
// exact, or is added last, by a fused multiply-add.

// toInt, added to a number below 2^21, moves the nearest integer to the low bits.
const toInt = 3 << 22

// ln 2 in two parts. The first is rounded down so that the second is positive, which keeps infinite exponents infinite.
var (
	ln2Hi = float64(math.Nextafter32(float32(math.Ln2), 0))
	ln2Lo = math.Ln2 - ln2Hi
)

// pi/2 in three parts. Multiples of the first, up to TrigMax, differ from x by a float32.
var (
	halfPi1 = float64(float32(math.Pi / 2))
	halfPi2 = float64(float32(math.Pi/2 - halfPi1))
	halfPi3 = 6.123233995736766e-17 + (math.Pi/2 - halfPi1 - halfPi2) // beginning with what float64 lacks
)

// expParts returns n and e = e^r - 1 such that e^x = 2^n (1 + e), for x clamped to low and ExpMax; t is toInt + n. VMAXPS and VMINPS
// return the second operand if one is NaN, so NaN stays NaN.
func (p *routine) expParts(x *value, low float64) (t, n, e *value) {
	x = p.op("VMAXPS", p.op("VMINPS", x, p.number(math32.ExpMax)), p.number(low))
	t = p.fma(x, p.number(math.Log2E), p.number(toInt))
	n = p.minus(t, p.number(toInt))
	r := p.fma(n, p.number(-ln2Hi), x)
	r = p.fma(n, p.number(-ln2Lo), r)
	return t, n, p.fma(p.horner(r, math32.ExpP[:]), p.times(r, r), r)
}

func (p *routine) exp(x *value) *value {
	t, n, e := p.expParts(x, math32.ExpMin)
	return p.scale(p.plus(e, p.number(1)), p.powers(t, n))
}

// powers returns what scale multiplies by: with AVX2 two factors of 2^n, which may be no float32. The bias of exponents is 127.
func (p *routine) powers(t, n *value) []*value {
	if p.maskReg {
		return []*value{n}
	}
	i := p.op("VPSUBD", p.word(math.Float32bits(toInt)-2*127), t)
	half := p.imm("VPSRAD", 1, i)
	return []*value{p.imm("VPSLLD", 23, half), p.imm("VPSLLD", 23, p.op("VPSUBD", half, i))}
}

// scale is x 2^n, rounded once.
func (p *routine) scale(x *value, powers []*value) *value {
	if p.maskReg {
		return p.op("VSCALEFPS", powers[0], x)
	}
	return p.times(p.times(x, powers[0]), powers[1])
}

// expm1 is 2 (2^(n-1) e + (2^(n-1) - 1/2)), since 2^n overflows too early. -0 keeps its sign.
func (p *routine) expm1(x *value) *value {
	t, _, e := p.expParts(x, -25)
	s := p.imm("VPSLLD", 23, p.op("VPADDD", p.word(126), t))
	e = p.fma(s, e, p.minus(s, p.number(.5)))
	return p.or(p.plus(e, e), p.sign(x))
}

// logParts returns e and f such that x = 2^e (1 + f) and -1/4 <= f < 1/2. The instructions of AVX-512 also handle subnormal numbers, and
// return infinite exponents for 0 and infinity, and NaN for negative numbers.
func (p *routine) logParts(x *value, subnormal bool) (e, f *value) {
	if p.maskReg {
		m := p.imm("VGETMANTPS", 0b1011, x)
		return p.minus(p.op("VGETEXPPS", x), p.op("VGETEXPPS", m)), p.minus(m, p.number(1))
	}
	var tiny *value
	if subnormal {
		tiny = p.compare(x, less, p.number(0x1p-126))
		x = p.choose(tiny, p.times(x, p.number(1<<25)), x)
	}
	i := p.imm("VPSRAD", 23, p.op("VPSUBD", p.number(.75), x))
	e = p.op("VCVTDQ2PS", i)
	if subnormal {
		e = p.minus(e, p.and(tiny, p.number(25)))
	}
	return e, p.minus(p.op("VPSUBD", p.imm("VPSLLD", 23, i), x), p.number(1))
}

// logSum is e ln 2 + log(1 + f).
func (p *routine) logSum(e, f *value) *value {
	z := p.times(f, f)
	y := p.times(p.times(p.horner(f, math32.LogP[:]), f), z)
	y = p.fma(e, p.number(ln2Lo), y)
	y = p.fma(p.number(-.5), z, y)
	return p.fma(e, p.number(ln2Hi), p.plus(f, y))
}

// logSpecial replaces y by the logarithm of u where that is not finite: u itself if that is infinite or NaN.
func (p *routine) logSpecial(u, y *value) *value {
	y = p.choose(p.compare(u, notLess, p.number(math.Inf(1))), u, y)
	outside := p.choose(p.compare(u, equal, p.word(0)), p.number(math.Inf(-1)), p.number(math.NaN()))
	return p.choose(p.compare(u, lessEqual, p.word(0)), outside, y)
}

func (p *routine) log(x *value) *value {
	y := p.logSum(p.logParts(x, true))
	if p.maskReg {
		return y
	}
	return p.logSpecial(x, y)
}

// log1p is the logarithm of u + c, the exact sum of 1 and x. The small part c is added to f. -0 keeps its sign.
func (p *routine) log1p(x *value) *value {
	one := p.number(1)
	u := p.plus(one, x)
	rest := p.minus(u, one)
	c := p.plus(p.minus(one, p.minus(u, rest)), p.minus(x, rest))
	e, f := p.logParts(u, false)
	if p.maskReg {
		c = p.op("VSCALEFPS", p.minus(p.word(0), e), c)
	} else {
		scale := p.op("VPSUBD", p.op("VCVTPS2DQ", e), p.word(127)) // 2^-e; beyond 2^127 c is negligible
		c = p.times(c, p.imm("VPSLLD", 23, p.op("VPMAXSD", p.word(0), scale)))
	}
	y := p.logSum(e, p.plus(f, c))
	return p.or(p.logSpecial(u, y), p.sign(x))
}

// tanh is odd, and computed of |x|, where 1 - 2/(e^2x + 1) does not cancel.
func (p *routine) tanh(x *value) *value {
	a, one := p.abs(x), p.number(1)
	z := p.times(a, a)
	near := p.fma(p.times(p.horner(z, math32.TanhP[:]), z), a, a)
	far := p.minus(one, p.over(p.number(2), p.plus(p.exp(p.plus(a, a)), one)))
	y := p.choose(p.compare(a, less, p.number(math32.TanhNear)), near, far)
	return p.or(y, p.sign(x))
}

// logistic is y = 1/(1 + e^-|x|) or, for negative x, y e^x in the form 2^n (y + y e), with a correction for the rounding of y.
func (p *routine) logistic(x *value) *value {
	one, minusOne := p.number(1), p.number(-1)
	t, n, e := p.expParts(p.or(x, p.word(signBit)), math32.ExpMin)
	e1, powers := p.plus(e, one), p.powers(t, n)
	divisor := p.minus(minusOne, p.scale(e1, powers)) // negative
	y := p.over(minusOne, divisor)
	lack := p.fma(y, divisor, one) // of y times the divisor
	return p.choose(p.topBits(x), p.scale(p.fma(y, p.fma(lack, e1, e), y), powers), y)
}

// trig is the sine of x plus the given number of quarter turns. Where |x| is not below TrigMax it is x itself, and R9 is not zero.
func (p *routine) trig(x *value, quarters uint32) *value {
	a := p.abs(x)
	far := p.compare(a, notLess, p.number(math32.TrigMax))
	if p.maskReg {
		p.effect("KMOVW K?, R10\n\tORQ R10, R9", far)
	} else {
		p.effect("VMOVMSKPS V?, R10\n\tORQ R10, R9", far)
	}
	t := p.fma(a, p.number(2/math.Pi), p.number(toInt))
	n := p.minus(t, p.number(toInt))
	r := p.fma(n, p.number(-halfPi1), a)
	r = p.fma(n, p.number(-halfPi2), r)
	r = p.fma(n, p.number(-halfPi3), r)
	z := p.times(r, r)
	s := p.fma(p.times(p.horner(z, math32.SinP[:]), z), r, r)
	c := p.fma(p.times(p.horner(z, math32.CosP[:]), z), z, p.fma(p.number(-.5), z, p.number(1)))
	q := t
	if quarters != 0 {
		q = p.op("VPADDD", p.word(quarters), q)
	}
	y := p.choose(p.topBits(p.imm("VPSLLD", 31, q)), c, s)
	y = p.xor(y, p.sign(p.imm("VPSLLD", 30, q)))
	if quarters == 0 { // sine is odd
		y = p.xor(y, p.sign(x))
	}
	return p.choose(far, x, y)
}
