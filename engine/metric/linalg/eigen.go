package linalg

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/lapack/gonum"
	"gonum.org/v1/gonum/mat"

	"github.com/starsweep/starsweep/internal/parallel"
)

// Factor is F with FᵀF = a for a positive semidefinite a, with as many rows as a has rank: a Cholesky factorization with pivots
// (Higham 2002, section 10.3), which stops when only rounding errors are left. It overwrites a.
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

// Eigenvalues are those of a symmetric matrix, ascending. If a has elements that are not finite, ok is false.
// It overwrites a.
//
// gonum's EigenSym takes five times as long: its reduction to tridiagonal form runs on one processor, without vectors.
func Eigenvalues(a Matrix) (values []float64, ok bool) {
	if a.Rows == 0 {
		return nil, true
	}
	for _, v := range a.Data {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, false
		}
	}
	d, e := tridiagonal(a)
	return d, gonum.Implementation{}.Dsterf(len(d), d, e)
}

// panel is the number of rows that are reduced before the rest of the matrix is updated.
const panel = 32

// tridiagonal returns the diagonal and the subdiagonal of a tridiagonal matrix with the eigenvalues of a: Householder's
// reduction in panels, as in LAPACK's dsytrd (Dongarra, Sorensen and Hammarling 1989). It overwrites a.
func tridiagonal(a Matrix) (d, e []float64) {
	for a.Rows > 0 {
		n := a.Rows
		// After i rows the matrix is a - Σ vᵀw + wᵀv over rows of v and w.
		v, w := New(min(panel, n), n), New(min(panel, n), n)
		for i := range v.Rows {
			row := a.Row(i)[i:]
			for p := range i {
				floats.AddScaled(row, -w.Row(p)[i], v.Row(p)[i:])
				floats.AddScaled(row, -v.Row(p)[i], w.Row(p)[i:])
			}
			d = append(d, row[0])
			if i == n-1 {
				return d, e
			}
			h := v.Row(i)[i+1:]
			copy(h, row[1:])
			beta, tau := householder(h)
			e = append(e, beta)
			a.reflect(v, w, i, tau)
		}
		a = a.rest(v, w)
	}
	return d, e
}

// householder replaces x by h, with h[0] = 1, such that (1 - tau h hᵀ) x = (beta, 0, ..., 0).
func householder(x []float64) (beta, tau float64) {
	alpha, rest := x[0], floats.Norm(x[1:], 2)
	x[0] = 1
	if rest == 0 {
		return alpha, 0
	}
	beta = -math.Copysign(math.Hypot(alpha, rest), alpha)
	floats.Scale(1/(alpha-beta), x[1:])
	return beta, (beta - alpha) / beta
}

// reflect computes row i of w for row i of v: w = u - tau/2 (uᵀv) v with u = tau A v, where A is the current matrix.
func (a Matrix) reflect(v, w Matrix, i int, tau float64) {
	first := i + 1
	h, u := v.Row(i)[first:], w.Row(i)[first:]
	const rows = 32
	parallel.Each(up(len(u), rows), func(part int) {
		for r := part * rows; r < min(len(u), (part+1)*rows); r++ {
			u[r] = floats.Dot(a.Row(first + r)[first:], h)
		}
	})
	for p := range i {
		vp, wp := v.Row(p)[first:], w.Row(p)[first:]
		s, t := floats.Dot(wp, h), floats.Dot(vp, h)
		floats.AddScaled(u, -s, vp)
		floats.AddScaled(u, -t, wp)
	}
	floats.Scale(tau, u)
	floats.AddScaled(u, -tau/2*floats.Dot(u, h), h)
}

// rest is a, updated, without its first rows and columns, as many as v has rows. It moves the remaining elements together.
func (a Matrix) rest(v, w Matrix) Matrix {
	k, n := v.Rows, a.Rows-v.Rows
	c := Matrix{n, n, a.Data[:n*n]}
	for i := range n {
		copy(c.Row(i), a.Row(k + i)[k:])
	}
	l, r := New(2*k, n), New(2*k, n)
	for i := range k {
		copy(l.Row(i), v.Row(i)[k:])
		copy(l.Row(k+i), w.Row(i)[k:])
		floats.SubTo(r.Row(i), r.Row(i), w.Row(i)[k:])
		floats.SubTo(r.Row(k+i), r.Row(k+i), v.Row(i)[k:])
	}
	c.AddTMul(l, r)
	return c
}
