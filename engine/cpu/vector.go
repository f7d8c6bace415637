//go:build goexperiment.simd && amd64

package cpu

import (
	"simd/archsimd"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

//go:generate go run ./vecgen

// simdBuilt says whether vector block functions are compiled in. They run on AVX-512 only.
const simdBuilt = true

// addVectors replaces portable functions by vector functions of AVX-512.
func addVectors(t table) {
	addGenerated(t)
	t.set(dtypes.Float32, compute.OpTypeSin, sinF)
	t.set(dtypes.Float32, compute.OpTypeCos, cosF)
}

type (
	v16 = archsimd.Float32x16
	u16 = archsimd.Uint32x16
	m16 = archsimd.Mask32x16
)

// Loads and stores of elements i to i+15.

func loadF(p ptr, i int) v16 { return archsimd.LoadFloat32x16((*[16]float32)(unsafe.Add(p, i*4))) }
func loadU(p ptr, i int) u16 { return archsimd.LoadUint32x16((*[16]uint32)(unsafe.Add(p, i*4))) }
func loadI(p ptr, i int) archsimd.Int32x16 {
	return archsimd.LoadInt32x16((*[16]int32)(unsafe.Add(p, i*4)))
}
func loadB(p ptr, i int) archsimd.Uint8x16 {
	return archsimd.LoadUint8x16((*[16]uint8)(unsafe.Add(p, i)))
}
func loadM(p ptr, i int) m16 {
	return archsimd.LoadInt8x16((*[16]int8)(unsafe.Add(p, i))).ExtendToInt32().NotEqual(archsimd.Int32x16{})
}

func storeF(x v16, p ptr, i int) { x.Store((*[16]float32)(unsafe.Add(p, i*4))) }
func storeU(x u16, p ptr, i int) { x.Store((*[16]uint32)(unsafe.Add(p, i*4))) }
func storeM(x m16, p ptr, i int) {
	archsimd.BroadcastInt32x16(1).Masked(x).TruncateToInt8().Store((*[16]int8)(unsafe.Add(p, i)))
}

func bc(x float32) v16 { return archsimd.BroadcastFloat32x16(x) }

// VMAXPS and VMINPS give the second operand if one of them is NaN: that is right if the second is, and else the first is put
// back.

func maxNaN(x, y v16) v16 { return x.Merge(x.Max(y), x.IsNaN()) }
func minNaN(x, y v16) v16 { return x.Merge(x.Min(y), x.IsNaN()) }

// sign16 is x itself where x is neither above nor below zero: 0 or NaN.
func sign16(x v16) v16 {
	return bc(1).Merge(bc(-1).Merge(x, x.Less(v16{})), x.Greater(v16{}))
}

// vectorSumRun adds n elements to d.
func vectorSumRun(d, x ptr, n int) {
	var sums [16]float32
	if n >= 16 {
		var s, t v16
		i := 0
		for ; i+32 <= n; i += 32 { // two sums, since each addition waits for the one before
			s, t = s.Add(loadF(x, i)), t.Add(loadF(x, i+16))
		}
		if i+16 <= n {
			s = s.Add(loadF(x, i))
		}
		s.Add(t).Store(&sums)
		archsimd.ClearAVXUpperBits()
	}
	sumRun[float32](d, unsafe.Add(x, n&^15*4), n&15)
	sumRun[float32](d, ptr(&sums), 16)
}
