package main

import (
	"fmt"
	"math"
	"strings"
)

// set is an instruction set.
type set struct {
	name    string // of the kernel set that it belongs to
	prefix  string // of functions
	letter  string // of its registers
	lanes   int    // words of a register
	count   int    // registers
	maskReg bool   // comparisons set bits in K registers, not words of all ones or zeros
}

var sets = []set{
	{"avx512", "v512", "Z", 16, 32, true},
	{"avx2", "v256", "Y", 8, 16, false},
}

// value is the result of an instruction, or a constant: a vector or a mask.
type value struct {
	constant bool
	bits     uint32 // of each word of a constant
	mask     bool   // in a K register
	last     int    // the last instruction that needs it
	reg      int
}

// instruction is one line of assembly with a question mark for the number of each register, in the assembler's order: operands first,
// the result last. V is a placeholder for the letter of the set's registers.
type instruction struct {
	text string
	in   []*value
	out  *value // nil if there is none
	fma  bool   // in[0]*in[1] + in[2]: the registers choose the form
}

// routine is the body of a function in single-assignment form. The methods below record its instructions.
type routine struct {
	set
	code      []instruction
	constants []*value
}

func (p *routine) add(i instruction) *value {
	for _, v := range i.in {
		v.last = len(p.code)
	}
	p.code = append(p.code, i)
	return i.out
}

// do records an instruction with a result.
func (p *routine) do(text string, in ...*value) *value {
	operands := strings.Fields(text)
	return p.add(instruction{text: text, in: in, out: &value{mask: strings.HasPrefix(operands[len(operands)-1], "K")}})
}

// effect records an instruction without a result.
func (p *routine) effect(text string, in ...*value) { p.add(instruction{text: text, in: in}) }

// op records an instruction on vectors. Operands are in the assembler's order: op("VSUBPS", y, x) is x - y.
func (p *routine) op(name string, in ...*value) *value {
	return p.do(name+" "+strings.Repeat("V?, ", len(in))+"V?", in...)
}

// imm records an instruction with a constant number as its first operand.
func (p *routine) imm(name string, n int, in ...*value) *value {
	return p.do(fmt.Sprintf("%s $%d, ", name, n)+strings.Repeat("V?, ", len(in))+"V?", in...)
}

// word returns a vector of one word.
func (p *routine) word(bits uint32) *value {
	for _, v := range p.constants {
		if v.bits == bits {
			return v
		}
	}
	v := &value{constant: true, bits: bits}
	p.constants = append(p.constants, v)
	return v
}

// number returns a vector of one float32.
func (p *routine) number(x float64) *value { return p.word(math.Float32bits(float32(x))) }

const (
	signBit  = 1 << 31
	restBits = 1<<31 - 1
)

// Arithmetic

func (p *routine) plus(x, y *value) *value  { return p.op("VADDPS", y, x) }
func (p *routine) minus(x, y *value) *value { return p.op("VSUBPS", y, x) }
func (p *routine) times(x, y *value) *value { return p.op("VMULPS", y, x) }
func (p *routine) over(x, y *value) *value  { return p.op("VDIVPS", y, x) }
func (p *routine) and(x, y *value) *value   { return p.op("VANDPS", y, x) }
func (p *routine) or(x, y *value) *value    { return p.op("VORPS", y, x) }
func (p *routine) xor(x, y *value) *value   { return p.op("VXORPS", y, x) }

// fma is x*y + z, rounded once.
func (p *routine) fma(x, y, z *value) *value {
	return p.add(instruction{in: []*value{x, y, z}, out: &value{}, fma: true})
}

// horner is the polynomial with coefficients c, the highest power first.
func (p *routine) horner(x *value, c []float32) *value {
	y := p.number(float64(c[0]))
	for _, k := range c[1:] {
		y = p.fma(y, x, p.number(float64(k)))
	}
	return y
}

func (p *routine) abs(x *value) *value  { return p.and(x, p.word(restBits)) }
func (p *routine) sign(x *value) *value { return p.and(x, p.word(signBit)) }

// Rounding modes.
const (
	toEven = 8
	down   = 9
	up     = 10
)

func (p *routine) round(x *value, mode int) *value {
	if p.maskReg {
		return p.imm("VRNDSCALEPS", mode, x)
	}
	return p.imm("VROUNDPS", mode, x)
}

// Predicates of comparisons. Those of floats do not trap. With NaN, only unordered, notEqual and notLess hold.
const (
	equal     = 0
	unordered = 3
	notEqual  = 4
	less      = 17
	lessEqual = 18
	notLess   = 21
	apart     = 12 // not equal, and neither is NaN
)

// compare returns the mask of x against y.
func (p *routine) compare(x *value, predicate int, y *value) *value {
	if p.maskReg {
		return p.do(fmt.Sprintf("VCMPPS $%d, V?, V?, K?", predicate), y, x)
	}
	return p.imm("VCMPPS", predicate, y, x)
}

// compareInt returns the mask of integers x against y. AVX2 has only two comparisons, of signed integers.
func (p *routine) compareInt(x *value, predicate int, y *value, signed bool) *value {
	if p.maskReg {
		name, code := "VPCMPUD", map[int]int{equal: 0, less: 1, lessEqual: 2, notEqual: 4}[predicate]
		if signed {
			name = "VPCMPD"
		}
		return p.do(fmt.Sprintf("%s $%d, V?, V?, K?", name, code), y, x)
	}
	if !signed && predicate != equal && predicate != notEqual {
		x, y = p.xor(x, p.word(signBit)), p.xor(y, p.word(signBit))
	}
	not := func(m *value) *value { return p.xor(m, p.word(math.MaxUint32)) }
	switch predicate {
	case equal:
		return p.op("VPCMPEQD", y, x)
	case notEqual:
		return not(p.op("VPCMPEQD", y, x))
	case less:
		return p.op("VPCMPGTD", x, y) // y > x
	}
	return not(p.op("VPCMPGTD", y, x))
}

// choose returns yes where the mask is set, and no elsewhere.
func (p *routine) choose(mask, yes, no *value) *value {
	if p.maskReg {
		return p.do("VBLENDMPS V?, V?, K?, V?", yes, no, mask)
	}
	return p.op("VBLENDVPS", mask, yes, no)
}

// topBits returns the mask of the words whose top bit is set.
func (p *routine) topBits(x *value) *value {
	if p.maskReg {
		return p.do("VPMOVD2M V?, K?", x)
	}
	return x // VBLENDVPS reads nothing else
}

// Operands are at SI, DX and R8, the result at DI. AX counts elements.
var bases = []string{"SI", "DX", "R8"}

// load reads operand i: words (w), a mask stored as bytes 0 and 1 (m), or bytes that become words (b).
func (p *routine) load(kind byte, i int) *value {
	words, bytes := "("+bases[i]+")(AX*4)", "("+bases[i]+")(AX*1)"
	switch {
	case kind == 'w':
		return p.do("VMOVUPS " + words + ", V?")
	case kind == 'b':
		return p.do("VPMOVZXBD " + bytes + ", V?")
	case p.maskReg:
		x := p.do("VMOVDQU8 " + bytes + ", X?")
		return p.do("VPTESTMB X?, X?, K?", x, x)
	}
	return p.op("VPCMPGTD", p.word(0), p.do("VPMOVZXBD "+bytes+", V?"))
}

// store writes the result.
func (p *routine) store(kind byte, x *value) {
	switch {
	case kind == 'w':
		p.effect("VMOVUPS V?, (DI)(AX*4)", x)
	case p.maskReg:
		p.effect("VMOVDQU8 X?, (DI)(AX*1)", p.do("VMOVDQU8.Z X?, K?, X?", p.word(0x01010101), x))
	default:
		x = p.do("VPACKSSDW X?, X?, X?", p.do("VEXTRACTI128 $1, V?, X?", x), x)
		x = p.do("VPACKSSWB X?, X?, X?", x, x)
		p.effect("VMOVQ X?, (DI)(AX*1)", p.do("VPAND X?, X?, X?", p.word(0x01010101), x))
	}
}
