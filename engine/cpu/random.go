package cpu

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// RNGBitGenerator is Philox 4x32-10: J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. The state is a key and
// a counter of blocks, as its low and high half. 32-bit word i of the result is word i%4 of block counter + i/4, so the bits depend
// neither on threads nor on the dtype.
func (f *Function) RNGBitGenerator(state compute.Value, s shapes.Shape) (newState, values compute.Value, err error) {
	in, err := f.operands(compute.OpTypeRNGBitGenerator, state)
	if err != nil {
		return nil, nil, err
	}
	if !in[0].shape.Equal(compute.RNGStateShape) {
		return nil, nil, fmt.Errorf("backend cpu: RNGBitGenerator: the state is a %s, want a %s", in[0].shape, compute.RNGStateShape)
	}
	size, team := byteSize(s), f.builder.backend.team
	blocks := parts(size, 16)
	run := func(in, out []ptr) {
		old, next, d := of[uint64](in[0], 3), of[uint64](out[0], 3), of[byte](out[1], size)
		team.Each(parts(blocks, philoxBlocks), func(_, it int) {
			var b [16]byte
			for i := it * philoxBlocks; i < min(blocks, (it+1)*philoxBlocks); i++ {
				low, carry := bits.Add64(old[1], uint64(i), 0)
				for j, w := range philox(old[0], low, old[2]+carry) {
					binary.LittleEndian.PutUint32(b[j*4:], w)
				}
				copy(d[i*16:], b[:])
			}
		})
		low, carry := bits.Add64(old[1], uint64(blocks), 0)
		next[0], next[1], next[2] = old[0], low, old[2]+carry
	}
	outs, err := f.addControl(control{compute.OpTypeRNGBitGenerator, []shapes.Shape{compute.RNGStateShape, s.Clone()}, run}, in)
	if err != nil {
		return nil, nil, err
	}
	return outs[0], outs[1], nil
}

// philoxBlocks is the number of blocks that a thread computes at a time.
const philoxBlocks = 1 << 10

// philox returns a block of four random words.
func philox(key, low, high uint64) [4]uint32 {
	k0, k1 := uint32(key), uint32(key>>32)
	c := [4]uint32{uint32(low), uint32(low >> 32), uint32(high), uint32(high >> 32)}
	for range 10 {
		h0, l0 := bits.Mul32(0xd2511f53, c[0])
		h1, l1 := bits.Mul32(0xcd9e8d57, c[2])
		c = [4]uint32{h1 ^ c[1] ^ k0, l1, h0 ^ c[3] ^ k1, l0}
		k0, k1 = k0+0x9e3779b9, k1+0xbb67ae85
	}
	return c
}
