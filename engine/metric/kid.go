package metric

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/starsweep/starsweep/engine/metric/linalg"
)

// KID is the kernel inception distance (Bińkowski et al. 2018, section 3): the unbiased estimate of the squared maximum mean
// discrepancy with the kernel (x·y/d + 1)³, over random subsets of size samples of each set, drawn without replacement. It
// returns mean and standard deviation (ddof 0) over subsets, as torch-fidelity and NVlabs' code do, with 100 subsets of 1000.
// An unbiased estimate may be below 0. Where a subset is all of both sets there is one, and no deviation.
//
// Products are taken in float64: the estimate is a small difference of large sums.
func KID(ctx context.Context, real, fake Features, subsets, size int, rng *rand.Rand) (mean, std float64, err error) {
	if subsets < 1 || size < 2 {
		return 0, 0, fmt.Errorf("kid: got %d subsets of %d, want 1 or more of 2 or more", subsets, size)
	}
	if err := checkPair(real, fake, size); err != nil {
		return 0, 0, fmt.Errorf("kid of subsets of %d: %w", size, err)
	}
	if real.N == size && fake.N == size {
		subsets = 1 // all would be one
	}
	v := make([]float64, subsets)
	for i := range v {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		v[i] = mmd(matrix(real.Pick(rng.Perm(real.N)[:size])), matrix(fake.Pick(rng.Perm(fake.N)[:size])))
	}
	mean, std = meanStd(v)
	return mean, std, nil
}

// mmd is the unbiased squared maximum mean discrepancy of two sets of equal size (Gretton et al. 2012, eq. 3).
func mmd(x, y linalg.Matrix) float64 {
	xx, yy, xy := linalg.New(x.Rows, x.Rows), linalg.New(y.Rows, y.Rows), linalg.New(x.Rows, y.Rows)
	xx.AddOuter(x)
	yy.AddOuter(y)
	xy.AddMulT(x, y)
	kernel := func(products linalg.Matrix) (sum, trace float64) {
		for i := range products.Rows {
			for j, p := range products.Row(i) {
				k := p/float64(x.Cols) + 1
				k *= k * k
				sum += k
				if i == j {
					trace += k
				}
			}
		}
		return sum, trace
	}
	sxx, txx := kernel(xx)
	syy, tyy := kernel(yy)
	sxy, _ := kernel(xy)
	n := float64(x.Rows)
	return (sxx-txx+syy-tyy)/(n*(n-1)) - 2*sxy/(n*n)
}

// matrix is f in float64.
func matrix(f Features) linalg.Matrix {
	m := linalg.New(f.N, f.D)
	for i, v := range f.X {
		m.Data[i] = float64(v)
	}
	return m
}
