package linalg

import (
	"gonum.org/v1/gonum/mat"
)

// Factor is F with FᵀF = a for a positive semidefinite a, with as many rows as a has rank: a Cholesky factorisation with pivots
// (Higham 2002, section 10.3), which stops when what is left is rounding. It overwrites a.
func Factor(a Matrix) Matrix {
	var c mat.PivotedCholesky
	c.Factorize(mat.NewSymDense(a.Rows, a.Data), -1)
	var u mat.TriDense
	c.UTo(&u)
	f := New(c.Rank(), a.Cols)
	for j, to := range c.ColumnPivots(nil) {
		for i := range min(j+1, f.Rows) {
			f.Data[i*f.Cols+to] = u.At(i, j)
		}
	}
	return f
}

// Eigenvalues are those of a symmetric matrix, ascending. They are not found if a has elements that are no finite numbers.
func Eigenvalues(a Matrix) (values []float64, ok bool) {
	if a.Rows == 0 {
		return nil, true
	}
	var e mat.EigenSym
	if ok = e.Factorize(mat.NewSymDense(a.Rows, a.Data), false); ok {
		values = e.Values(nil)
	}
	return values, ok
}
