package metric

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/starsweep/starsweep/engine/metric/linalg"
	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/parallel"
)

// parzenWindow is the metric parzen().
var parzenWindow = Definition{
	Name:    "parzen",
	Doc:     "mean log-likelihood, in nats, of real samples under Gaussians around the generated ones (Goodfellow et al. 2014)",
	Params:  []Param{{Name: "sigma", Real: true, Flag: "deviation of the Parzen window"}},
	Columns: []Column{{Name: "parzen", Better: pareto.Max, Low: math.Inf(-1), High: math.Inf(1)}},
	compute: func(ctx context.Context, c *Comparison, m spec.Metric) ([]float64, error) {
		sigma := m.Arg("sigma")
		if sigma == 0 {
			var err error
			if sigma, err = ParzenSigma(ctx, c.Others, c.Fake.Features, parzenSigmas()); err != nil {
				return nil, err
			}
		}
		mean, _, err := ParzenWindow(ctx, c.Real.Features, c.Fake.Features, sigma)
		return []float64{mean}, err
	},
	memory: func(_ spec.Metric, n, d int) Memory {
		block := min(n, chunk)
		return Memory{Work: double * (n*d + block*(d+2*n) + 256*n)}
	},
}

// parzenSigmas are the deviations that Goodfellow et al. 2014 choose from: ten from 0.1 to 1 in equal ratios.
func parzenSigmas() []float64 {
	s := make([]float64, 10)
	for i := range s {
		s[i] = math.Pow(10, float64(i)/9-1)
	}
	return s
}

// ParzenWindow is the mean log-likelihood of test samples, in nats, under Gaussians of deviation sigma around each of the
// generated samples (Goodfellow et al. 2014, section 5, after Breuleux et al. 2011), and its standard error, std/√N with
// ddof 0 as in the authors' code. Theis et al. 2016 show why it ranks models badly; it is here for comparison with papers that
// quote it. All of it is float64.
func ParzenWindow(ctx context.Context, test, samples Features, sigma float64) (mean, stderr float64, err error) {
	v, err := parzen(ctx, test, samples, []float64{sigma})
	if err != nil {
		return 0, 0, err
	}
	mean, std := meanStd(v[0])
	return mean, std / math.Sqrt(float64(test.N)), nil
}

// ParzenSigma is the one of some deviations under which the validation samples are most likely. The authors' code tries 10, from 0.1
// to 1 in equal ratios.
func ParzenSigma(ctx context.Context, validation, samples Features, sigmas []float64) (float64, error) {
	v, err := parzen(ctx, validation, samples, sigmas)
	if err != nil {
		return 0, err
	}
	best, at := math.Inf(-1), 0
	for i := range sigmas {
		if mean, _ := meanStd(v[i]); mean > best {
			best, at = mean, i
		}
	}
	return sigmas[at], nil
}

// parzen is the log-likelihood of every test sample, for every sigma.
func parzen(ctx context.Context, test, samples Features, sigmas []float64) ([][]float64, error) {
	if err := checkPair(test, samples, 1); err != nil {
		return nil, fmt.Errorf("parzen window of test (real) samples under generated (fake) ones: %w", err)
	}
	if len(sigmas) == 0 {
		return nil, fmt.Errorf("parzen window: got no sigma, want at least 1")
	}
	out := make([][]float64, len(sigmas))
	for i, sigma := range sigmas {
		if !(sigma > 0) || math.IsInf(sigma, 0) {
			return nil, fmt.Errorf("parzen window: got sigma = %g, want a number above 0", sigma)
		}
		out[i] = make([]float64, test.N)
	}
	mean := samples.mean()
	s, sNorms := normed(samples, mean)
	for at := 0; at < test.N; at += chunk {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		x, xNorms := normed(test.Slice(at, min(test.N, at+chunk)), mean)
		d := linalg.New(x.Rows, s.Rows)
		d.AddMulT(x, s)
		parallel.Each(d.Rows, func(i int) {
			row, e := d.Row(i), make([]float64, s.Rows)
			for j, uv := range row {
				row[j] = max(0, xNorms[i]+sNorms[j]-2*uv)
			}
			for k, sigma := range sigmas {
				for j, v := range row {
					e[j] = -v / (2 * sigma * sigma)
				}
				out[k][at+i] = logSumExp(e) - math.Log(float64(s.Rows)) - float64(s.Cols)*math.Log(sigma*math.Sqrt(2*math.Pi))
			}
		})
	}
	return out, nil
}

// normed is f minus a mean, in float64, and the squared norms of its rows.
func normed(f Features, mean []float64) (linalg.Matrix, []float64) {
	m, norms := f.centred(mean, 0, f.D), make([]float64, f.N)
	for i := range norms {
		norms[i] = floats.Dot(m.Row(i), m.Row(i))
	}
	return m, norms
}
