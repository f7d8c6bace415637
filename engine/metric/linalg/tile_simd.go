//go:build goexperiment.simd && amd64

package linalg

import "simd/archsimd"

type v8 = archsimd.Float64x8

// tile is plainTile with AVX-512: the 24 sums of eight stay in registers.
func tile(t *[height * width]float64, a, b []float64, k, size int) {
	if !archsimd.X86.AVX512() {
		plainTile(t, a, b, k, size)
		return
	}
	var s00, s01, s02 v8
	var s10, s11, s12 v8
	var s20, s21, s22 v8
	var s30, s31, s32 v8
	var s40, s41, s42 v8
	var s50, s51, s52 v8
	var s60, s61, s62 v8
	var s70, s71, s72 v8
	b0, b1, b2 := b[:k*strip], b[size:][:k*strip], b[2*size:][:k*strip]
	for len(b0) >= strip && len(b1) >= strip && len(b2) >= strip && len(a) >= strip {
		x := (*[strip]float64)(a)
		y0, y1, y2 := archsimd.LoadFloat64x8((*[strip]float64)(b0)), archsimd.LoadFloat64x8((*[strip]float64)(b1)), archsimd.LoadFloat64x8((*[strip]float64)(b2))

		x0 := archsimd.BroadcastFloat64x8(x[0])
		s00, s01, s02 = x0.MulAdd(y0, s00), x0.MulAdd(y1, s01), x0.MulAdd(y2, s02)
		x1 := archsimd.BroadcastFloat64x8(x[1])
		s10, s11, s12 = x1.MulAdd(y0, s10), x1.MulAdd(y1, s11), x1.MulAdd(y2, s12)
		x2 := archsimd.BroadcastFloat64x8(x[2])
		s20, s21, s22 = x2.MulAdd(y0, s20), x2.MulAdd(y1, s21), x2.MulAdd(y2, s22)
		x3 := archsimd.BroadcastFloat64x8(x[3])
		s30, s31, s32 = x3.MulAdd(y0, s30), x3.MulAdd(y1, s31), x3.MulAdd(y2, s32)
		x4 := archsimd.BroadcastFloat64x8(x[4])
		s40, s41, s42 = x4.MulAdd(y0, s40), x4.MulAdd(y1, s41), x4.MulAdd(y2, s42)
		x5 := archsimd.BroadcastFloat64x8(x[5])
		s50, s51, s52 = x5.MulAdd(y0, s50), x5.MulAdd(y1, s51), x5.MulAdd(y2, s52)
		x6 := archsimd.BroadcastFloat64x8(x[6])
		s60, s61, s62 = x6.MulAdd(y0, s60), x6.MulAdd(y1, s61), x6.MulAdd(y2, s62)
		x7 := archsimd.BroadcastFloat64x8(x[7])
		s70, s71, s72 = x7.MulAdd(y0, s70), x7.MulAdd(y1, s71), x7.MulAdd(y2, s72)
		a, b0, b1, b2 = a[strip:], b0[strip:], b1[strip:], b2[strip:]
	}
	store(t, 0, s00, s01, s02)
	store(t, 1, s10, s11, s12)
	store(t, 2, s20, s21, s22)
	store(t, 3, s30, s31, s32)
	store(t, 4, s40, s41, s42)
	store(t, 5, s50, s51, s52)
	store(t, 6, s60, s61, s62)
	store(t, 7, s70, s71, s72)
}

func store(t *[height * width]float64, row int, x, y, z v8) {
	r := t[row*width:]
	x.StoreSlice(r)
	y.StoreSlice(r[strip:])
	z.StoreSlice(r[2*strip:])
}
