// Package floats reads and writes floating-point numbers of 16 to 64 bits in little-endian bytes, as in the file formats of
// weights. It imports no package of this module; the readers of weights and engine/feature use it.
package floats

import (
	"encoding/binary"
	"fmt"
	"math"
)

// F64 reads a float64, rounded to float32.
func F64(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) }

// F32 reads a float32.
func F32(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }

// BF16 reads a bfloat16: the upper half of a float32.
func BF16(b []byte) float32 { return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16) }

// F16 reads a float16, IEEE 754 binary16.
func F16(b []byte) float32 {
	h := binary.LittleEndian.Uint16(b)
	exponent, fraction := int(h>>10&31), float64(h&1023)
	v := math.Ldexp(fraction, -24) // below the normal numbers
	switch {
	case exponent == 31 && fraction > 0:
		v = math.NaN()
	case exponent == 31:
		v = math.Inf(1)
	case exponent > 0:
		v = math.Ldexp(1024+fraction, exponent-25)
	}
	if h>>15 == 1 {
		v = -v
	}
	return float32(v)
}

// largestF16 is the largest finite float16.
const largestF16 = 65504

// AppendF16 appends the float16 nearest to v, ties to even. A number beyond the range of float16, or none, is an error.
func AppendF16(b []byte, v float32) ([]byte, error) {
	a := math.Abs(float64(v))
	if !(a <= largestF16) {
		return b, fmt.Errorf("got %g, want a number within ±%d", v, largestF16)
	}
	sign := uint16(math.Float32bits(v) >> 16 & 0x8000)
	// Neighbours of v are 2^step apart. The smallest normal number is 2^-14; below it the step stays.
	_, exponent := math.Frexp(max(a, 0x1p-14))
	step := exponent - 11
	steps := math.RoundToEven(math.Ldexp(a, -step)) // 2^11 is the next binade's first
	// The bits of a float16 count its magnitudes from 0: binade after binade, 2^10 numbers each.
	return binary.LittleEndian.AppendUint16(b, sign|uint16(int(steps)+(step+24)<<10)), nil
}
