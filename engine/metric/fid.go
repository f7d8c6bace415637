package metric

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/metric/linalg"
)

// FID is the Fréchet distance of two Gaussians with the given moments (Heusel et al. 2017, eq. 6, after Dowson and Landau 1982):
//
//	|m1 - m2|² + Tr C1 + Tr C2 - 2 Tr (C1 C2)½
//
// It is the squared distance, as every paper quotes it, with the covariances of N-1 (pytorch-fid, torch-fidelity, clean-fid). It
// is 0 for equal moments, where rounding may leave 1e-12 of the traces, and never below 0.
//
// The last trace is the sum of the roots of the eigenvalues of F C2 Fᵀ, for any F with FᵀF = C1: they are those of C1 C2, which
// is why no complex number appears. F has as many rows as C1 has rank, so fewer samples than features are no special case,
// and cost less. Eigenvalues that rounding made negative count as 0.
func FID(real, fake Moments) (float64, error) {
	if real.N < 2 || fake.N < 2 {
		return 0, fmt.Errorf("fid: got %d real and %d fake samples, want 2 or more of each", real.N, fake.N)
	}
	if real.D() != fake.D() {
		return 0, fmt.Errorf("fid: got %d real and %d fake features, want equally many", real.D(), fake.D())
	}
	for _, part := range [][]float64{real.Mean, real.Scatter, fake.Mean, fake.Scatter} {
		if i := slices.IndexFunc(part, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }); i >= 0 {
			return 0, fmt.Errorf("fid: moments: got %g, want a number: %w", part[i], ErrNotFinite)
		}
	}
	if fake.N < real.N { // the smaller set has the smaller rank
		real, fake = fake, real
	}
	d := real.D()
	c1 := linalg.Matrix{Rows: d, Cols: d, Data: real.Covariance()}
	c2 := linalg.Matrix{Rows: d, Cols: d, Data: fake.Covariance()}
	var distance float64
	for i, m := range real.Mean {
		delta := m - fake.Mean[i]
		distance += delta*delta + c1.Data[i*d+i] + c2.Data[i*d+i]
	}
	root, err := traceRoot(c1, c2)
	if err != nil {
		return 0, err
	}
	return max(0, distance-2*root), nil
}

// traceRoot is Tr (C1 C2)½ of two covariances. It overwrites c1.
func traceRoot(c1, c2 linalg.Matrix) (float64, error) {
	f := linalg.Factor(c1)
	fc, g := linalg.New(f.Rows, f.Cols), linalg.New(f.Rows, f.Rows)
	fc.AddMulT(f, c2) // C2 is symmetric: F C2
	g.AddMulT(fc, f)  // F C2 Fᵀ
	values, ok := linalg.Eigenvalues(g)
	if !ok {
		return 0, errors.New("fid: the eigenvalues of the covariances were not found")
	}
	var root float64
	for _, v := range values {
		root += sqrt(v)
	}
	return root, nil
}
