package kern

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/starsweep/starsweep/internal/require"
)

// roundBF16 returns the bfloat16 nearest to x, ties to even. Subnormal numbers become zero, as on the processor.
func roundBF16(x float32) uint16 {
	b := math.Float32bits(x)
	switch {
	case x != x:
		return uint16(b>>16) | 1<<6
	case b&0x7f800000 == 0:
		return uint16(b>>16) & 0x8000
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// widen converts a bfloat16 to float32.
func widen(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }

// randomPairs returns pairs of bfloat16 in the bits of float32.
func randomPairs(r *rand.Rand, n int) []float32 {
	v := random(r, 2*n)
	p := make([]float32, n)
	for i := range p {
		p[i] = math.Float32frombits(uint32(roundBF16(v[2*i])) | uint32(roundBF16(v[2*i+1]))<<16)
	}
	return p
}

func TestRoundingToPairsIsToNearestEven(t *testing.T) {
	if Sets()[0].Pairs == nil {
		require.Unavailable(t, "the processor does not multiply bfloat16")
	}
	inf := float32(math.Inf(1))
	special := []float32{0, float32(math.Copysign(0, -1)), inf, -inf, float32(math.NaN()), 1, -1, math.MaxFloat32, -math.MaxFloat32,
		1 + 1.0/256, 1 + 3.0/256, 1 + 1.0/256 + 1.0/65536, -1 - 1.0/256, 0x1p-126, 0x1p-127, -0x1p-149, 3.4e38}
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 7, 15, 16, 17, 31, 33, 100} {
		a, b := random(r, n), random(r, n)
		for i := range a {
			if i < len(special) {
				a[i], b[(i+1)%n] = special[i], special[len(special)-1-i]
			}
		}
		const guard = 12345
		flat, pairs := make([]uint16, n+1), make([]uint32, n+1)
		flat[n], pairs[n] = guard, guard
		roundPairs(unsafe.Pointer(&flat[0]), unsafe.Pointer(&a[0]), n)
		roundRows(unsafe.Pointer(&pairs[0]), unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0]), n)
		for i := range n {
			x, y := roundBF16(a[i]), roundBF16(b[i])
			if flat[i] != x {
				t.Errorf("%d: %g is rounded to %#x, want %#x", n, a[i], flat[i], x)
			}
			if want := uint32(x) | uint32(y)<<16; pairs[i] != want {
				t.Errorf("%d: the pair of %g and %g is %#x, want %#x", n, a[i], b[i], pairs[i], want)
			}
		}
		if flat[n] != guard || pairs[n] != guard {
			t.Errorf("%d: more was written than asked for", n)
		}
	}
}
