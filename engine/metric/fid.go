package metric

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/metric/linalg"
	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
)

// fid is the metric fid().
var fid = Definition{
	Name:       "fid",
	Doc:        "Fréchet distance of two Gaussians (Heusel et al. 2017)",
	Columns:    []Column{{Name: "fid", Better: pareto.Min, High: math.Inf(1)}},
	Default:    true,
	Biased:     true,
	MinSamples: func(spec.Metric) (int, string) { return 2, "covariances need two" },
	derive: func(_ context.Context, _ *Products, s *Stats, _ spec.Metric) (err error) {
		s.moments, err = Measure(s.Features)
		return err
	},
	compute: func(_ context.Context, c *Comparison, _ spec.Metric) ([]float64, error) {
		v, err := FID(c.Real.moments, c.Fake.moments)
		return []float64{v}, err
	},
	memory: func(_ spec.Metric, n, d int) Memory {
		block := min(n, chunk)
		if n < d { // a problem of n x n, from some columns of both sets at a time
			return Memory{Work: double * max(4*n*n+4*n*256, n*n+2*n*min(d, columns)+2*n*256)}
		}
		return Memory{Set: double * d * d, Work: double * max(5*d*d, block*d+2*256*d)} // two covariances, a factor and a product of its size
	},
}

// FID is the Fréchet distance of two Gaussians with the given moments (Heusel et al. 2017, eq. 6, after Dowson and Landau 1982):
//
//	|m1 - m2|² + Tr C1 + Tr C2 - 2 Tr (C1 C2)½
//
// It is the squared distance, as in every paper, with covariances divided by N-1 (pytorch-fid, torch-fidelity, clean-fid). It
// is 0 for equal moments, up to rounding errors of 1e-12 of the traces, and never below 0.
//
// The last trace is the sum of the roots of the eigenvalues of F C2 Fᵀ, for any F with FᵀF = C1: they are those of C1 C2, so no
// complex numbers appear. F is a Cholesky factor with as many rows as C1 has rank. If a set has fewer samples than features it is
// the centred samples themselves, and the problem is one of N x N numbers: no D x D covariance is made of that set, and of two
// such sets none at all. Eigenvalues that rounding made negative count as 0.
func FID(real, fake Moments) (float64, error) {
	if real.N < 2 || fake.N < 2 {
		return 0, fmt.Errorf("fid: got %d real and %d fake samples, want 2 or more of each", real.N, fake.N)
	}
	if real.D() != fake.D() {
		return 0, fmt.Errorf("fid: got %d real and %d fake features, want equal numbers", real.D(), fake.D())
	}
	for _, part := range [][]float64{real.Mean, real.Scatter, fake.Mean, fake.Scatter} {
		if i := slices.IndexFunc(part, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }); i >= 0 {
			return 0, fmt.Errorf("fid: moments: got %g, want a number: %w", part[i], ErrNotFinite)
		}
	}
	if fake.N < real.N { // the smaller set has the smaller rank
		real, fake = fake, real
	}
	distance, root, err := 0., 0., error(nil)
	if real.Scatter == nil {
		distance, root, err = fewSamples(real, fake)
	} else {
		distance, root, err = manySamples(real, fake)
	}
	if err != nil {
		return 0, err
	}
	if d := distance - 2*root; !math.IsInf(d, 0) && !math.IsNaN(d) {
		return max(0, d), nil
	}
	return 0, fmt.Errorf("fid: the features are too large for float64: %w", ErrNotFinite)
}

// manySamples returns the distance without its last term, and Tr (C1 C2)½, for two sets with covariances.
func manySamples(a, b Moments) (distance, root float64, err error) {
	d := a.D()
	c1 := linalg.Matrix{Rows: d, Cols: d, Data: a.Covariance()}
	c2 := linalg.Matrix{Rows: d, Cols: d, Data: b.Covariance()}
	for i, m := range a.Mean {
		delta := m - b.Mean[i]
		distance += delta*delta + c1.Data[i*d+i] + c2.Data[i*d+i]
	}
	f := linalg.Factor(c1)
	fc, g := linalg.New(f.Rows, f.Cols), linalg.New(f.Rows, f.Rows)
	fc.AddMulT(f, c2) // C2 is symmetric: F C2
	g.AddMulT(fc, f)  // F C2 Fᵀ
	root, err = sumOfRoots(g)
	return distance, root, err
}

// fewSamples is the same for a set a of fewer samples than features, and a set b of no fewer samples than a has.
func fewSamples(a, b Moments) (distance, root float64, err error) {
	for i, m := range a.Mean {
		delta := m - b.Mean[i]
		distance += delta * delta
	}
	distance += a.trace() + b.trace()
	g := linalg.New(a.N, a.N)
	if b.Scatter == nil {
		g.AddOuter(crossProducts(a, b))
	} else {
		x, xc := a.samples.centred(a.Mean, 0, a.D()), linalg.New(a.N, a.D())
		xc.AddMulT(x, linalg.Matrix{Rows: a.D(), Cols: a.D(), Data: b.Scatter})
		g.AddMulT(xc, x)
	}
	// Centred samples are linearly dependent. A factor without the null space keeps the roots of rounding errors out of the sum.
	f := linalg.Factor(g)
	full := linalg.New(f.Rows, f.Rows)
	full.AddOuter(f)
	root, err = sumOfRoots(full)
	return distance, root / math.Sqrt(float64(a.N-1)) / math.Sqrt(float64(b.N-1)), err
}

// trace is the trace of the covariance.
func (m Moments) trace() (t float64) {
	if m.Scatter == nil {
		return m.total / float64(m.N-1)
	}
	for i := 0; i < len(m.Scatter); i += m.D() + 1 {
		t += m.Scatter[i] / float64(m.N-1)
	}
	return t
}

// columns is the number of columns of centred samples that are in float64 at a time.
const columns = 4096

// crossProducts are those of all centred samples of a with all of b: [a.N, b.N].
func crossProducts(a, b Moments) linalg.Matrix {
	p := linalg.New(a.N, b.N)
	for from := 0; from < a.D(); from += columns {
		to := min(a.D(), from+columns)
		p.AddMulT(a.samples.centred(a.Mean, from, to), b.samples.centred(b.Mean, from, to))
	}
	return p
}

// sumOfRoots is the sum of the roots of the eigenvalues of a symmetric matrix, which it overwrites.
func sumOfRoots(g linalg.Matrix) (sum float64, err error) {
	values, ok := linalg.Eigenvalues(g)
	if !ok {
		return 0, errors.New("fid: the eigenvalues of the covariances were not found")
	}
	for _, v := range values {
		sum += sqrt(v)
	}
	return sum, nil
}
