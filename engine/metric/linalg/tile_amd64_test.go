package linalg

import (
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/cpu"
)

func TestVectorTilesAgreeWithThePlainOne(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, k := range []int{1, 2, 7, depth} {
		size := k*strip + 5
		a, b := random(r, 1, k*strip).Data, random(r, 1, 3*size).Data
		var want, got [height * width]float64
		plainTile(&want, a, b, k, size)
		check := func(what string) {
			near(t, Matrix{height, width, got[:]}, Matrix{height, width, want[:]}, what)
			clear(got[:])
		}
		if cpu.X86.HasAVX512F {
			tileAVX512(&got, &a[0], &b[0], k, size)
			check("AVX-512")
		}
		if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
			tileAVX2(&got, a, b, k, size)
			check("AVX2")
		}
	}
}
