package metric

import (
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/engine/metric/linalg"
)

// Moments are the count, the mean and the scatter of a set of features, in float64. The zero value is the empty set.
type Moments struct {
	N       int
	Mean    []float64 // [D]
	Scatter []float64 // [D, D], symmetric: the sum over samples of (x - mean)(x - mean)ᵀ
}

// D is the number of features, 0 for the empty set.
func (m Moments) D() int { return len(m.Mean) }

// Covariance is the sample covariance [D, D], with N-1 as np.cov has it (pytorch-fid, torch-fidelity, clean-fid). It wants two
// samples or more.
func (m Moments) Covariance() []float64 {
	c := slices.Clone(m.Scatter)
	for i := range c {
		c[i] /= float64(m.N - 1)
	}
	return c
}

// Measure is the moments of f. Features that are no finite numbers are an error.
func Measure(f Features) (Moments, error) {
	var m Moments
	err := m.Add(f)
	return m, err
}

// chunk is how many samples are centred and summed at a time.
const chunk = 1024

// Add takes more samples in, so that a set can be streamed. If f is refused, m is as before.
func (m *Moments) Add(f Features) error {
	if err := f.check("new features", 0); err != nil {
		return err
	}
	if m.N > 0 && f.D != m.D() {
		return fmt.Errorf("new features: got %d numbers a sample, want %d as before", f.D, m.D())
	}
	if f.N == 0 {
		return nil
	}
	if m.N == 0 {
		m.Mean, m.Scatter = make([]float64, f.D), make([]float64, f.D*f.D)
	}
	x := make([]float64, min(chunk, f.N)*f.D)
	scatter := linalg.Matrix{Rows: f.D, Cols: f.D, Data: m.Scatter}
	for i := 0; i < f.N; i += chunk {
		part := f.Slice(i, min(f.N, i+chunk))
		mean := part.mean()
		x := x[:part.N*part.D]
		for r := range part.N {
			for j, v := range part.Row(r) {
				x[r*part.D+j] = float64(v) - mean[j]
			}
		}
		scatter.AddGram(linalg.Matrix{Rows: part.N, Cols: part.D, Data: x})
		m.shift(part.N, mean)
	}
	return nil
}

// shift joins n samples with their own mean, whose scatter has been added: Chan, Golub and LeVeque 1983, eq. 2.1.
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
	linalg.Parallel(len(delta), func(i int) {
		row, d := m.Scatter[i*len(delta):][:len(delta)], w*delta[i]
		for j, v := range delta {
			row[j] += d * v
		}
	})
}
