package linalg

// plainTile computes one tile: t = aᵀb for a strip a [k, 8] and three strips b [k, 8], size elements apart. Sums of 2 x 4 elements
// stay in registers.
func plainTile(t *[height * width]float64, a, b []float64, k, size int) {
	for i := 0; i < height; i += 2 {
		for j := 0; j < width; j += 4 {
			var c00, c01, c02, c03, c10, c11, c12, c13 float64
			as, bs := a[i:], b[j/strip*size+j%strip:]
			for p := 0; p < k*strip; p += strip {
				x, y := as[p], as[p+1]
				v := bs[p : p+4 : p+4]
				c00 += x * v[0]
				c01 += x * v[1]
				c02 += x * v[2]
				c03 += x * v[3]
				c10 += y * v[0]
				c11 += y * v[1]
				c12 += y * v[2]
				c13 += y * v[3]
			}
			r := t[i*width+j:]
			r[0], r[1], r[2], r[3] = c00, c01, c02, c03
			r = r[width:]
			r[0], r[1], r[2], r[3] = c10, c11, c12, c13
		}
	}
}
