package kern

import "unsafe"

// portable is the set in Go: the same contract, and sums in the same order, but without fused multiply-add unless the compiler fuses.
var portable = &Set{Name: "go", Main: goTiles, Wide: goTiles, transforms: portableTransforms}

var goTiles = Tiles{16, []Kernel{nil,
	func(a *Args) { goTile(a, 1) }, func(a *Args) { goTile(a, 2) }, func(a *Args) { goTile(a, 3) }, func(a *Args) { goTile(a, 4) },
	func(a *Args) { goTile(a, 5) }, func(a *Args) { goTile(a, 6) }, func(a *Args) { goTile(a, 7) }, func(a *Args) { goTile(a, 8) },
}}

// goTile computes a tile in pieces of 2 x 4, which fit registers.
func goTile(a *Args, rows int) {
	for j := 0; j < 64; j += 16 {
		i := 0
		for ; i+2 <= rows; i += 2 {
			goTwoRows(a, i, j)
		}
		if i < rows {
			goOneRow(a, i, j)
		}
	}
}

func pairs(a *Args) []Pair { return unsafe.Slice(a.List, a.N) }

// at returns the value at an offset. Loops advance offsets, not pointers: a pointer past the end of an operand, left in a variable, is
// an error to the garbage collector.
func at[T any](p unsafe.Pointer, offset int) *T { return (*T)(unsafe.Add(p, offset)) }

func goTwoRows(a *Args, i, j int) {
	var c0, c1, c2, c3, d0, d1, d2, d3 float32
	ars, aks, bks := a.ARS, a.AKS, a.BKS
	for _, e := range pairs(a) {
		x, b := e.A+i*ars, e.B+j
		for range a.K {
			r := at[[4]float32](a.B, b)
			u, v := *at[float32](a.A, x), *at[float32](a.A, x+ars)
			c0, c1, c2, c3 = c0+u*r[0], c1+u*r[1], c2+u*r[2], c3+u*r[3]
			d0, d1, d2, d3 = d0+v*r[0], d1+v*r[1], d2+v*r[2], d3+v*r[3]
			x, b = x+aks, b+bks
		}
	}
	goStore(a, i, j, [4]float32{c0, c1, c2, c3})
	goStore(a, i+1, j, [4]float32{d0, d1, d2, d3})
}

func goOneRow(a *Args, i, j int) {
	var c0, c1, c2, c3 float32
	for _, e := range pairs(a) {
		x, b := e.A+i*a.ARS, e.B+j
		for range a.K {
			r, u := at[[4]float32](a.B, b), *at[float32](a.A, x)
			c0, c1, c2, c3 = c0+u*r[0], c1+u*r[1], c2+u*r[2], c3+u*r[3]
			x, b = x+a.AKS, b+a.BKS
		}
	}
	goStore(a, i, j, [4]float32{c0, c1, c2, c3})
}

func goStore(a *Args, i, j int, v [4]float32) {
	c := at[[4]float32](a.C, i*a.CRS+j)
	if a.Acc != 0 {
		for k := range v {
			v[k] += c[k]
		}
	}
	*c = v
}
