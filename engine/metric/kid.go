package metric

import (
	"context"
	"fmt"
	"math/rand/v2"
)

// KID is the kernel inception distance (Bińkowski et al. 2018, section 3): the unbiased estimate of the squared maximum mean
// discrepancy with the kernel (x·y/d + 1)³, over random subsets of size samples of each set, drawn without replacement. It
// returns mean and standard deviation (ddof 0) over subsets, as torch-fidelity and NVlabs' code do, with 100 subsets of 1000. An unbiased
// estimate may be below 0.
func KID(ctx context.Context, p *Products, real, fake Features, subsets, size int, rng *rand.Rand) (mean, std float64, err error) {
	if subsets < 1 || size < 2 {
		return 0, 0, fmt.Errorf("kid: got %d subsets of %d, want 1 or more of 2 or more", subsets, size)
	}
	if err := checkPair(real, fake, size); err != nil {
		return 0, 0, fmt.Errorf("kid of subsets of %d: %w", size, err)
	}
	v := make([]float64, subsets)
	for i := range v {
		x, y := real.pick(rng.Perm(real.N)[:size]), fake.pick(rng.Perm(fake.N)[:size])
		if v[i], err = mmd(ctx, p, x, y); err != nil {
			return 0, 0, err
		}
	}
	mean, std = meanStd(v)
	return mean, std, nil
}

// mmd is the unbiased squared maximum mean discrepancy of two sets (Gretton et al. 2012, eq. 3).
func mmd(ctx context.Context, p *Products, x, y Features) (float64, error) {
	center := x.mean()
	kx, err := p.shifted(x, center)
	if err != nil {
		return 0, err
	}
	defer kx.free()
	ky, err := p.shifted(y, center)
	if err != nil {
		return 0, err
	}
	defer ky.free()
	m, n := float64(x.N), float64(y.N)
	xx, err := kx.kernels(ctx, p, kx)
	if err != nil {
		return 0, err
	}
	yy, err := ky.kernels(ctx, p, ky)
	if err != nil {
		return 0, err
	}
	xy, err := kx.kernels(ctx, p, ky)
	return xx/(m*(m-1)) + yy/(n*(n-1)) - 2*xy/(m*n), err
}

// shifted is a set x on the device as x - c. Products of what is left round less than products of x:
// x·y = (x-c)·(y-c) + x·c + (y-c)·c.
type shifted struct {
	*operand
	along  []float64 // x·c
	center float64   // c·c
}

func (p *Products) shifted(f Features, c []float64) (shifted, error) {
	o, err := p.upload(f, c)
	s := shifted{operand: o, along: make([]float64, f.N)}
	for j, v := range c {
		s.center += v * v
		for i := range f.N {
			s.along[i] += float64(f.X[i*f.D+j]) * v
		}
	}
	return s, err
}

// kernels is the sum of (x·y/d + 1)³ over pairs of s and o; over pairs of different samples if they are one set.
func (s shifted) kernels(ctx context.Context, p *Products, o shifted) (sum float64, err error) {
	same := s.operand == o.operand
	scale := 1 / float64(s.d)
	err = p.each(ctx, s.operand, o.operand, func(t tile) error {
		for r := range t.rows {
			offset, along := s.along[t.At+r]-s.center, o.along[t.Bt:][:t.cols]
			var row float64
			for c, v := range t.v[r*t.cols:][:t.cols] {
				if same && t.At+r == t.Bt+c {
					continue
				}
				k := (float64(v)+offset+along[c])*scale + 1
				row += k * k * k
			}
			if same && t.At != t.Bt { // the block below the diagonal, too
				row *= 2
			}
			sum += row
		}
		return nil
	})
	return sum, err
}
