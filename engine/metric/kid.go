package metric

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/starsweep/starsweep/engine/metric/linalg"
	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
)

// kid is the metric kid().
var kid = Definition{
	Name:   "kid",
	Doc:    "kernel distance, its mean and deviation over subsets (Bińkowski et al. 2018)",
	Params: []Param{{Name: "subsets", Default: 100}, {Name: "size", Default: 1000, Clamp: true}},
	Columns: []Column{{Name: "kid", Better: pareto.Min, Low: math.Inf(-1), High: math.Inf(1)}, // the unbiased estimate may be negative
		{Name: "kid_std", Deviation: true, High: math.Inf(1)}},
	Default:    true,
	MinSamples: func(m spec.Metric) (int, string) { return int(m.Arg("size")), "subsets are drawn without replacement" },
	compute: func(ctx context.Context, c *Comparison, m spec.Metric) ([]float64, error) {
		mean, std, err := KID(ctx, c.Real.Features, c.Fake.Features, int(m.Arg("subsets")), int(m.Arg("size")), c.draws)
		return []float64{mean, std}, err
	},
	memory: func(m spec.Metric, _, d int) Memory {
		size := int(m.Arg("size"))
		block := min(size, chunk)
		return Memory{Work: 2*single*size*d + double*block*(3*d+block)}
	},
}

// KID is the kernel inception distance (Bińkowski et al. 2018, section 3): the unbiased estimate of the squared maximum mean
// discrepancy with the kernel (x·y/d + 1)³, over random subsets of size samples of each set, drawn without replacement. It
// returns mean and standard deviation (ddof 0) over subsets, as torch-fidelity and NVlabs' code do, with 100 subsets of 1000.
// An unbiased estimate may be below 0. If a subset contains all of both sets, there is only one subset, and no deviation.
//
// Products are computed in float64: the estimate is a small difference of large sums.
func KID(ctx context.Context, real, fake Features, subsets, size int, rng *rand.Rand) (mean, std float64, err error) {
	if subsets < 1 || size < 2 {
		return 0, 0, fmt.Errorf("kid: got %d subsets of %d, want at least 1 of at least 2", subsets, size)
	}
	if err := checkPair(real, fake, size); err != nil {
		return 0, 0, fmt.Errorf("kid of subsets of %d: %w", size, err)
	}
	if real.N == size && fake.N == size {
		subsets = 1 // all would be the same
	}
	v := make([]float64, subsets)
	for i := range v {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		x, y := real.Pick(rng.Perm(real.N)[:size]), fake.Pick(rng.Perm(fake.N)[:size])
		if v[i], err = mmd(ctx, x, y); err != nil {
			return 0, 0, err
		}
	}
	mean, std = meanStd(v)
	return mean, std, nil
}

// mmd is the unbiased squared maximum mean discrepancy of two sets of equal size (Gretton et al. 2012, eq. 3).
func mmd(ctx context.Context, x, y Features) (float64, error) {
	sxx, txx, errX := kernelSums(ctx, x, x, true)
	syy, tyy, errY := kernelSums(ctx, y, y, true)
	sxy, _, errXY := kernelSums(ctx, x, y, false)
	n := float64(x.N)
	return (sxx-txx+syy-tyy)/(n*(n-1)) - 2*sxy/(n*n), cmp.Or(errX, errY, errXY)
}

// kernelSums is the sum of the kernel of all samples of x with all of y, and of each with the one at its own index, chunk by chunk:
// large subsets take no more memory than two chunks and their products. If same, y is x.
func kernelSums(ctx context.Context, x, y Features, same bool) (sum, trace float64, err error) {
	for i := 0; i < x.N; i += chunk {
		a := matrix(x.Slice(i, min(x.N, i+chunk)))
		first := 0
		if same { // the sums below the diagonal equal those above
			first = i
		}
		for j := first; j < y.N; j += chunk {
			if err := ctx.Err(); err != nil {
				return 0, 0, err
			}
			b, weight := a, 1.
			if !same || i != j {
				b = matrix(y.Slice(j, min(y.N, j+chunk)))
			}
			products := linalg.New(a.Rows, b.Rows)
			if same && i == j {
				products.AddOuter(a)
			} else {
				products.AddMulT(a, b)
			}
			if same && i != j {
				weight = 2
			}
			for r := range products.Rows {
				for c, p := range products.Row(r) {
					k := p/float64(x.D) + 1
					k *= k * k
					sum += weight * k
					if i+r == j+c {
						trace += k
					}
				}
			}
		}
	}
	return sum, trace, nil
}

// matrix is f in float64.
func matrix(f Features) linalg.Matrix {
	m := linalg.New(f.N, f.D)
	for i, v := range f.X {
		m.Data[i] = float64(v)
	}
	return m
}
