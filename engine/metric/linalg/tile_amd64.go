package linalg

import "golang.org/x/sys/cpu"

// tileAVX512 is plainTile, of k of 1 or more.
//
//go:noescape
func tileAVX512(t *[height * width]float64, a, b *float64, k, size int)

// quarterAVX2 is a quarter of plainTile, 4 x 12 elements. b0 to b2 are the first of four columns each.
//
//go:noescape
func quarterAVX2(t, a, b0, b1, b2 *float64, k int)

// tileAVX2 is plainTile, of k of 1 or more.
func tileAVX2(t *[height * width]float64, a, b []float64, k, size int) {
	for i := 0; i < height; i += 4 {
		quarterAVX2(&t[i*width], &a[i], &b[0], &b[4], &b[size], k)
		quarterAVX2(&t[i*width+width/2], &a[i], &b[size+4], &b[2*size], &b[2*size+4], k)
	}
}

func tile(t *[height * width]float64, a, b []float64, k, size int) {
	_, _ = a[k*strip-1], b[2*size+k*strip-1] // assembly checks no bounds
	switch {
	case cpu.X86.HasAVX512F:
		tileAVX512(t, &a[0], &b[0], k, size)
	case cpu.X86.HasAVX2 && cpu.X86.HasFMA:
		tileAVX2(t, a, b, k, size)
	default:
		plainTile(t, a, b, k, size)
	}
}
