package small

import (
	"encoding/binary"
	"fmt"
	"math"
)

// largestHalf is the largest finite float16.
const largestHalf = 65504

// toHalf writes numbers as IEEE 754 binary16, little-endian, rounded to nearest, ties to even.
func toHalf(x []float32) ([]byte, error) {
	b := make([]byte, 0, 2*len(x))
	for i, v := range x {
		if !(math.Abs(float64(v)) <= largestHalf) {
			return nil, fmt.Errorf("element %d: got %g, want a number within ±%d", i, v, largestHalf)
		}
		b = binary.LittleEndian.AppendUint16(b, halfOf(v))
	}
	return b, nil
}

// halfOf is the float16 nearest to v, which is finite and within its range.
func halfOf(v float32) uint16 {
	sign := uint16(math.Float32bits(v) >> 16 & 0x8000)
	a := math.Abs(float64(v))
	// Neighbours of v are 2^step apart. The smallest normal number is 2^-14; below it the step stays.
	_, exponent := math.Frexp(max(a, 0x1p-14))
	step := exponent - 11
	steps := math.RoundToEven(math.Ldexp(a, -step)) // 2^11 is the next binade's first
	// The bits of a float16 count its magnitudes from 0: binade after binade, 2^10 numbers each.
	return sign | uint16(int(steps)+(step+24)<<10)
}

// fromHalf reads what toHalf wrote.
func fromHalf(b []byte) []float32 {
	x := make([]float32, len(b)/2)
	for i := range x {
		h := binary.LittleEndian.Uint16(b[2*i:])
		exponent, fraction := int(h>>10&31), float64(h&1023)
		v := math.Ldexp(fraction, -24) // below the normal numbers
		if exponent > 0 {
			v = math.Ldexp(1024+fraction, exponent-25)
		}
		if h>>15 == 1 {
			v = -v
		}
		x[i] = float32(v)
	}
	return x
}
