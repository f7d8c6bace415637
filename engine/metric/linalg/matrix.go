// Package linalg provides the dense float64 linear algebra that metrics need and that is slow in gonum: products on vector
// registers, and the eigenvalues of symmetric matrices. It imports gonum and internal/parallel; only package metric imports
// it. Results do not depend on the number of threads.
package linalg

import (
	"fmt"

	"github.com/starsweep/starsweep/internal/parallel"
)

// Matrix is dense and row-major.
type Matrix struct {
	Rows, Cols int
	Data       []float64
}

// New is a matrix of zeros.
func New(rows, cols int) Matrix { return Matrix{rows, cols, make([]float64, rows*cols)} }

// Row is a view.
func (a Matrix) Row(i int) []float64 { return a.Data[i*a.Cols:][:a.Cols] }

// depth is the number of products that are summed in registers before they are added to the result. A panel of B of this
// depth fits into the first-level cache.
const depth = 256

// A tile of the result has height x width elements, three vectors of eight wide. Operands are packed into strips of strip columns.
const (
	height = 8
	width  = 24
	strip  = 8
)

// AddTMul adds aᵀb to c: a is [k, m], b is [k, n], c is [m, n].
func (c Matrix) AddTMul(a, b Matrix) {
	must(a.Rows == b.Rows && c.Rows == a.Cols && c.Cols == b.Cols, "c += aᵀb", c, a, b)
	c.add(a.Rows, a.packColumns, b.packColumns, false)
}

// AddMulT adds abᵀ to c: a is [m, k], b is [n, k], c is [m, n].
func (c Matrix) AddMulT(a, b Matrix) {
	must(a.Cols == b.Cols && c.Rows == a.Rows && c.Cols == b.Rows, "c += abᵀ", c, a, b)
	c.add(a.Cols, a.packRows, b.packRows, false)
}

// AddGram adds aᵀa to c, which is symmetric: a is [k, n], c is [n, n].
func (c Matrix) AddGram(a Matrix) {
	must(c.Rows == a.Cols && c.Cols == a.Cols, "c += aᵀa", c, a, a)
	c.add(a.Rows, a.packColumns, a.packColumns, true)
	c.mirror()
}

// AddOuter adds aaᵀ to c, which is symmetric: a is [n, k], c is [n, n].
func (c Matrix) AddOuter(a Matrix) {
	must(c.Rows == a.Rows && c.Cols == a.Rows, "c += aaᵀ", c, a, a)
	c.add(a.Cols, a.packRows, a.packRows, true)
	c.mirror()
}

func must(ok bool, what string, c, a, b Matrix) {
	if !ok {
		panic(fmt.Sprintf("linalg: %s: c is [%d, %d], a is [%d, %d], b is [%d, %d]", what, c.Rows, c.Cols, a.Rows, a.Cols, b.Rows, b.Cols))
	}
}

// mirror copies the elements above the diagonal to those below.
func (c Matrix) mirror() {
	for i := range c.Rows {
		for j := range i {
			c.Data[i*c.Cols+j] = c.Data[j*c.Cols+i]
		}
	}
}

// pack writes elements k0 to k1 of eight columns of an operand as [k][8], with zeros for missing columns.
type pack func(dst []float64, k0, k1, column int)

// packColumns packs columns of a.
func (a Matrix) packColumns(dst []float64, k0, k1, column int) {
	n := min(strip, a.Cols-column)
	for k := k0; k < k1; k++ {
		d := dst[(k-k0)*strip:][:strip]
		clear(d[copy(d, a.Data[k*a.Cols+column:][:n]):])
	}
}

// packRows packs rows of a, as columns.
func (a Matrix) packRows(dst []float64, k0, k1, row int) {
	n := min(strip, a.Rows-row)
	for i := range n {
		for k, v := range a.Row(row + i)[k0:k1] {
			dst[k*strip+i] = v
		}
	}
	for i := n; i < strip; i++ {
		for k := range k1 - k0 {
			dst[k*strip+i] = 0
		}
	}
}

// add is the blocked product; upper leaves out tiles below the diagonal.
func (c Matrix) add(K int, packA, packB pack, upper bool) {
	if c.Rows*c.Cols*K == 0 {
		return
	}
	rows, cols := up(c.Rows, height), up(c.Cols, width)
	size := strip * min(K, depth)
	a, b := make([]float64, rows*size), make([]float64, cols*(width/strip)*size)
	for k0 := 0; k0 < K; k0 += depth {
		k1 := min(K, k0+depth)
		parallel.Each(rows, func(i int) { packA(a[i*size:][:size], k0, k1, i*strip) })
		parallel.Each(cols*(width/strip), func(j int) {
			if j*strip < c.Cols {
				packB(b[j*size:][:size], k0, k1, j*strip)
			}
		})
		parallel.Each(cols, func(j int) {
			var t [height * width]float64
			last := rows
			if upper {
				last = min(rows, up((j+1)*width, height))
			}
			for i := range last {
				tile(&t, a[i*size:][:size], b[j*(width/strip)*size:][:(width/strip)*size], k1-k0, size)
				c.addTile(&t, i*height, j*width)
			}
		})
	}
}

func (c Matrix) addTile(t *[height * width]float64, row, col int) {
	n := min(width, c.Cols-col)
	for i := range min(height, c.Rows-row) {
		d, s := c.Data[(row+i)*c.Cols+col:][:n], t[i*width:][:n]
		for j, v := range s {
			d[j] += v
		}
	}
}

// up is the number of pieces of a size that cover n.
func up(n, size int) int { return (n + size - 1) / size }
