package metric

import (
	"slices"

	"github.com/starsweep/starsweep/engine/metric/linalg"
	"github.com/starsweep/starsweep/internal/parallel"
)

// Moments are what FID needs from a set of features, in float64.
type Moments struct {
	N       int
	Mean    []float64 // [D]
	Scatter []float64 // [D, D], symmetric: the sum over samples of (x - mean)(x - mean)ᵀ; nil where N < D

	samples Features // if N < D: they take less memory than D x D numbers
	total   float64  // the trace of the scatter, likewise
}

// D is the number of features.
func (m Moments) D() int { return len(m.Mean) }

// Covariance is the sample covariance [D, D], with N-1 as in np.cov (pytorch-fid, torch-fidelity, clean-fid). It needs a scatter
// and at least two samples.
func (m Moments) Covariance() []float64 {
	c := slices.Clone(m.Scatter)
	for i := range c {
		c[i] /= float64(m.N - 1)
	}
	return c
}

// Measure computes the moments of f. With fewer samples than features they keep a view of f. Features that are not finite are an error.
func Measure(f Features) (Moments, error) {
	if err := f.check("features", 1); err != nil {
		return Moments{}, err
	}
	if f.N < f.D {
		spread := f.Spread()
		return Moments{N: f.N, Mean: f.mean(), samples: f, total: spread * spread * float64(f.N-1)}, nil
	}
	m := Moments{Mean: make([]float64, f.D), Scatter: make([]float64, f.D*f.D)}
	for i := 0; i < f.N; i += chunk {
		m.add(f.Slice(i, min(f.N, i+chunk)))
	}
	return m, nil
}

// chunk is the number of samples that are centred and summed at a time.
const chunk = 1024

// add adds samples.
func (m *Moments) add(f Features) {
	mean := f.mean()
	linalg.Matrix{Rows: f.D, Cols: f.D, Data: m.Scatter}.AddGram(f.centred(mean, 0, f.D))
	m.shift(f.N, mean)
}

// centred is columns from to to-1 of f, minus a mean.
func (f Features) centred(mean []float64, from, to int) linalg.Matrix {
	c := linalg.New(f.N, to-from)
	for r := range f.N {
		row := c.Row(r)
		for j, v := range f.Row(r)[from:to] {
			row[j] = float64(v) - mean[from+j]
		}
	}
	return c
}

// shift merges n samples with their own mean, whose scatter has been added already: Chan, Golub and LeVeque 1983, eq. 2.1.
func (m *Moments) shift(n int, mean []float64) {
	a, b := float64(m.N), float64(n)
	delta := make([]float64, len(mean))
	for j, v := range mean {
		delta[j] = v - m.Mean[j]
		m.Mean[j] += delta[j] * b / (a + b)
	}
	m.N += n
	if a == 0 {
		return
	}
	w := a * b / (a + b)
	parallel.Each(len(delta), func(i int) {
		row, d := m.Scatter[i*len(delta):][:len(delta)], w*delta[i]
		for j, v := range delta {
			row[j] += d * v
		}
	})
}
