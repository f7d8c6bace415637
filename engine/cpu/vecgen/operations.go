package main

import "math"

type body func(p *routine, x ...*value) *value

// operation is a block function for one or several dtypes. Package cpu must have a portable version.
type operation struct {
	op     string // key of the table: an operation of GoMLX or, with a lower-case letter, of package cpu
	dtypes string // separated by spaces; that of a conversion's result follows an arrow
	kinds  string // of the operands and the result: w words of 4 bytes, m truth values, b bytes
	body   body
	far    string // a function of package math32 for numbers that the vector function leaves unchanged
}

var operations = []operation{
	{"Add", "Float32", "www", two("VADDPS"), ""},
	{"Sub", "Float32", "www", two("VSUBPS"), ""},
	{"Mul", "Float32", "www", two("VMULPS"), ""},
	{"Div", "Float32", "www", two("VDIVPS"), ""},
	{"Max", "Float32", "www", largest, ""},
	{"Min", "Float32", "www", smallest, ""},
	{"Neg", "Float32", "ww", one((*routine).negative), ""},
	{"Abs", "Float32", "ww", one((*routine).abs), ""},
	{"Sign", "Float32", "ww", one((*routine).signum), ""},
	{"Sqrt", "Float32", "ww", one((*routine).sqrt), ""},
	{"Rsqrt", "Float32", "ww", one((*routine).rsqrt), ""},
	{"Exp", "Float32", "ww", one((*routine).exp), ""},
	{"Expm1", "Float32", "ww", one((*routine).expm1), ""},
	{"Log", "Float32", "ww", one((*routine).log), ""},
	{"Log1p", "Float32", "ww", one((*routine).log1p), ""},
	{"Tanh", "Float32", "ww", one((*routine).tanh), ""},
	{"Logistic", "Float32", "ww", one((*routine).logistic), ""},
	{"Sin", "Float32", "ww", one((*routine).sin), "Sin"},
	{"Cos", "Float32", "ww", one((*routine).cos), "Cos"},
	{"Floor", "Float32", "ww", rounded(down), ""},
	{"Ceil", "Float32", "ww", rounded(up), ""},
	{"Round", "Float32", "ww", rounded(toEven), ""},
	{"Equal", "Float32", "wwm", compared(equal), ""},
	{"NotEqual", "Float32", "wwm", compared(notEqual), ""},
	{"LessThan", "Float32", "wwm", compared(less), ""},
	{"LessOrEqual", "Float32", "wwm", compared(lessEqual), ""},
	{"GreaterThan", "Float32", "wwm", swapped(compared(less)), ""},
	{"GreaterOrEqual", "Float32", "wwm", swapped(compared(lessEqual)), ""},
	{"IsNaN", "Float32", "wm", one((*routine).isNaN), ""},
	{"IsFinite", "Float32", "wm", one((*routine).isFinite), ""},
	{"Where", "Float32 Uint32 Int32", "mwww", where, ""},
	{"Add", "Uint32 Int32", "www", two("VPADDD"), ""},
	{"Sub", "Uint32 Int32", "www", two("VPSUBD"), ""},
	{"Mul", "Uint32 Int32", "www", two("VPMULLD"), ""},
	{"Max", "Uint32", "www", two("VPMAXUD"), ""},
	{"Max", "Int32", "www", two("VPMAXSD"), ""},
	{"Min", "Uint32", "www", two("VPMINUD"), ""},
	{"Min", "Int32", "www", two("VPMINSD"), ""},
	{"Neg", "Int32", "ww", one((*routine).negativeInt), ""},
	{"Abs", "Int32", "ww", one((*routine).absInt), ""},
	{"BitwiseAnd", "Uint32 Int32", "www", two("VANDPS"), ""},
	{"BitwiseOr", "Uint32 Int32", "www", two("VORPS"), ""},
	{"BitwiseXor", "Uint32 Int32", "www", two("VXORPS"), ""},
	{"BitwiseNot", "Uint32 Int32", "ww", one((*routine).not), ""},
	{"ShiftLeft", "Uint32 Int32", "www", two("VPSLLVD"), ""},
	{"ShiftRightLogical", "Uint32 Int32", "www", two("VPSRLVD"), ""},
	{"ShiftRightArithmetic", "Uint32", "www", two("VPSRLVD"), ""},
	{"ShiftRightArithmetic", "Int32", "www", two("VPSRAVD"), ""},
	{"rotateLeft", "Uint32", "www", (*routine).rotateLeft, ""},
	{"Equal", "Uint32 Int32", "wwm", comparedInt(equal, true), ""},
	{"NotEqual", "Uint32 Int32", "wwm", comparedInt(notEqual, true), ""},
	{"LessThan", "Uint32", "wwm", comparedInt(less, false), ""},
	{"LessOrEqual", "Uint32", "wwm", comparedInt(lessEqual, false), ""},
	{"GreaterThan", "Uint32", "wwm", swapped(comparedInt(less, false)), ""},
	{"GreaterOrEqual", "Uint32", "wwm", swapped(comparedInt(lessEqual, false)), ""},
	{"LessThan", "Int32", "wwm", comparedInt(less, true), ""},
	{"LessOrEqual", "Int32", "wwm", comparedInt(lessEqual, true), ""},
	{"GreaterThan", "Int32", "wwm", swapped(comparedInt(less, true)), ""},
	{"GreaterOrEqual", "Int32", "wwm", swapped(comparedInt(lessEqual, true)), ""},
	{"ConvertDType", "Uint32>Float32", "ww", one((*routine).unsignedToFloat), ""},
	{"ConvertDType", "Int32>Float32", "ww", one((*routine).intToFloat), ""},
	{"ConvertDType", "Uint8>Float32", "bw", one((*routine).intToFloat), ""},
	{"ConvertDType", "Bool>Float32", "mw", one((*routine).maskToFloat), ""},
	{"ConvertDType", "Bool>Uint32 Bool>Int32", "mw", one((*routine).maskToInt), ""},
	{"ConvertDType", "Float32>Int32", "ww", one((*routine).floatToInt), ""},
	{"ConvertDType", "Float32>Bool", "wm", one((*routine).nonZero), ""},
}

// run is a reduction of contiguous elements.
type run struct {
	op      string
	neutral float64
	body    body
}

var runs = []run{
	{"ReduceSum", 0, two("VADDPS")},
	{"ReduceMax", math.Inf(-1), largest},
	{"ReduceMin", math.Inf(1), smallest},
}

func one(f func(p *routine, x *value) *value) body {
	return func(p *routine, x ...*value) *value { return f(p, x[0]) }
}

func two(name string) body {
	return func(p *routine, x ...*value) *value { return p.op(name, x[1], x[0]) }
}

func swapped(f body) body {
	return func(p *routine, x ...*value) *value { return f(p, x[1], x[0]) }
}

func rounded(mode int) body {
	return func(p *routine, x ...*value) *value { return p.round(x[0], mode) }
}

func compared(predicate int) body {
	return func(p *routine, x ...*value) *value { return p.compare(x[0], predicate, x[1]) }
}

func comparedInt(predicate int, signed bool) body {
	return func(p *routine, x ...*value) *value { return p.compareInt(x[0], predicate, x[1], signed) }
}

func where(p *routine, x ...*value) *value { return p.choose(x[0], x[1], x[2]) }

// VMAXPS and VMINPS return the second operand if both are zeros or one is NaN. The results of both orders differ only there: the bits in
// common are those of +0, the larger zero, and the bits of either are those of -0.

func largest(p *routine, x ...*value) *value {
	return p.orNaN(x[0], x[1], p.and(p.op("VMAXPS", x[0], x[1]), p.op("VMAXPS", x[1], x[0])))
}

func smallest(p *routine, x ...*value) *value {
	return p.orNaN(x[0], x[1], p.or(p.op("VMINPS", x[0], x[1]), p.op("VMINPS", x[1], x[0])))
}

// orNaN is z, or NaN if x or y is.
func (p *routine) orNaN(x, y, z *value) *value {
	return p.choose(p.compare(x, unordered, y), p.number(math.NaN()), z)
}

// signum is x where x is 0 or NaN.
func (p *routine) signum(x *value) *value {
	return p.choose(p.compare(x, apart, p.word(0)), p.or(p.sign(x), p.number(1)), x)
}

func (p *routine) negative(x *value) *value    { return p.xor(x, p.word(signBit)) }
func (p *routine) sqrt(x *value) *value        { return p.op("VSQRTPS", x) }
func (p *routine) rsqrt(x *value) *value       { return p.over(p.number(1), p.op("VSQRTPS", x)) }
func (p *routine) sin(x *value) *value         { return p.trig(x, 0) }
func (p *routine) cos(x *value) *value         { return p.trig(x, 1) }
func (p *routine) isNaN(x *value) *value       { return p.compare(x, unordered, x) }
func (p *routine) isFinite(x *value) *value    { return p.compare(p.abs(x), less, p.number(math.Inf(1))) }
func (p *routine) nonZero(x *value) *value     { return p.compare(x, notEqual, p.word(0)) }
func (p *routine) not(x *value) *value         { return p.xor(x, p.word(math.MaxUint32)) }
func (p *routine) negativeInt(x *value) *value { return p.op("VPSUBD", x, p.word(0)) }
func (p *routine) absInt(x *value) *value      { return p.op("VPABSD", x) }
func (p *routine) intToFloat(x *value) *value  { return p.op("VCVTDQ2PS", x) }
func (p *routine) floatToInt(x *value) *value  { return p.op("VCVTTPS2DQ", x) }
func (p *routine) maskToFloat(m *value) *value { return p.choose(m, p.number(1), p.word(0)) }
func (p *routine) maskToInt(m *value) *value   { return p.choose(m, p.word(1), p.word(0)) }

// rotateLeft is two shifts in AVX2.
func (p *routine) rotateLeft(x ...*value) *value {
	if p.maskReg {
		return p.op("VPROLVD", x[1], x[0])
	}
	up, down := p.and(x[1], p.word(31)), p.and(p.op("VPSUBD", x[1], p.word(0)), p.word(31))
	return p.or(p.op("VPSLLVD", up, x[0]), p.op("VPSRLVD", down, x[0]))
}

// unsignedToFloat adds halves of 16 bits, which are exact, in AVX2.
func (p *routine) unsignedToFloat(x *value) *value {
	if p.maskReg {
		return p.op("VCVTUDQ2PS", x)
	}
	high, low := p.imm("VPSRLD", 16, x), p.and(x, p.word(1<<16-1))
	return p.fma(p.intToFloat(high), p.number(1<<16), p.intToFloat(low))
}
