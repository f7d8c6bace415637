package metric

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
)

// prd is the metric prd().
var prd = Definition{
	Name:    "prd",
	Doc:     "precision and recall of distributions, F8 and F1/8 (Sajjadi et al. 2018)",
	Columns: []Column{{Name: "prd_f8", Better: pareto.Max, High: 1}, {Name: "prd_f1_8", Better: pareto.Max, High: 1}},
	MinSamples: func(spec.Metric) (int, string) {
		return prdClusters, fmt.Sprintf("they are put in %d clusters", prdClusters)
	},
	compute: func(ctx context.Context, c *Comparison, _ spec.Metric) ([]float64, error) {
		curve, err := PRD(ctx, c.Products, c.Real.Features, c.Fake.Features, PRDOptions{}, c.draws)
		return []float64{curve.F8, curve.F1over8}, err
	},
	memory: func(_ spec.Metric, n, d int) Memory {
		return Memory{Device: single * 2 * n * d, Work: single * d * (2*n + min(2*n, 3*clusterBatch) + 4*min(2*n, clusterBatch))}
	},
}

// prdClusters is the number of clusters in the authors' code.
const prdClusters = 20

// PRDOptions are the choices of a PRD curve. The zero value means the authors' (compare_gan's prd_score.py).
type PRDOptions struct {
	Clusters int // prdClusters
	Angles   int // 1001 points of the curve
	Runs     int // 10 clusterings, whose curves are averaged
}

// PRDCurve is a curve of precision and recall of distributions.
type PRDCurve struct {
	Precision, Recall []float64 // [Angles], for slopes λ = tan of angles from 0 to π/2
	F8, F1over8       float64   // the largest F of β = 8, which weighs recall, and of β = 1/8, which weighs precision
}

// PRD is precision and recall of distributions (Sajjadi et al. 2018, eq. 2, algorithm 1): both sets, which must have one
// size, are clustered together, and their histograms over clusters are compared. Clusters come from mini-batch k-means (Sculley
// 2010) with k-means++ starts, the best of 10 by inertia on a sample as in scikit-learn; other random numbers yield
// slightly different curves, which is why several are averaged.
func PRD(ctx context.Context, p *Products, real, fake Features, o PRDOptions, rng *rand.Rand) (PRDCurve, error) {
	o = o.orDefault()
	if err := checkPair(real, fake, 1); err != nil {
		return PRDCurve{}, fmt.Errorf("prd: %w", err)
	}
	if real.N != fake.N {
		return PRDCurve{}, fmt.Errorf("prd: got %d real and %d fake samples, want equal numbers", real.N, fake.N)
	}
	if o.Clusters < 1 || o.Clusters > 2*real.N || o.Angles < 3 || o.Runs < 1 {
		return PRDCurve{}, fmt.Errorf("prd of %s: got %d clusters, %d angles, %d runs, "+
			"want no more clusters than samples, at least 3 angles and at least 1 run",
			samples(2*real.N), o.Clusters, o.Angles, o.Runs)
	}
	all := Features{2 * real.N, real.D, append(append(make([]float32, 0, 2*len(real.X)), real.X...), fake.X...)}
	curve := PRDCurve{Precision: make([]float64, o.Angles), Recall: make([]float64, o.Angles)}
	for range o.Runs {
		labels, err := cluster(ctx, p, all, o.Clusters, rng)
		if err != nil {
			return PRDCurve{}, err
		}
		c := prdOfHistograms(histogram(labels[:real.N], o.Clusters), histogram(labels[real.N:], o.Clusters), o.Angles)
		for i := range c.Precision {
			curve.Precision[i] += c.Precision[i] / float64(o.Runs)
			curve.Recall[i] += c.Recall[i] / float64(o.Runs)
		}
	}
	curve.F8, curve.F1over8 = curve.f(8), curve.f(1./8)
	return curve, nil
}

func (o PRDOptions) orDefault() PRDOptions {
	return PRDOptions{cmp.Or(o.Clusters, prdClusters), cmp.Or(o.Angles, 1001), cmp.Or(o.Runs, 10)}
}

func histogram(labels []int, n int) []float64 {
	h := make([]float64, n)
	for _, l := range labels {
		h[l] += 1 / float64(len(labels))
	}
	return h
}

// prdOfHistograms is eq. 2: for slopes λ = tan of angles, precision = Σ min(λ p, q), recall = precision / λ. p is the real
// histogram, q the generated one. Angles begin and end 1e-10 inside their range, as in the authors' code.
func prdOfHistograms(p, q []float64, angles int) PRDCurve {
	const epsilon = 1e-10
	c := PRDCurve{Precision: make([]float64, angles), Recall: make([]float64, angles)}
	for i := range angles {
		lambda := math.Tan(epsilon + float64(i)*(math.Pi/2-2*epsilon)/float64(angles-1))
		for j := range p {
			c.Precision[i] += min(lambda*p[j], q[j])
		}
		c.Recall[i] = min(1, c.Precision[i]/lambda)
		c.Precision[i] = min(1, c.Precision[i])
	}
	return c
}

// f is the largest Fβ on the curve.
func (c PRDCurve) f(beta float64) (best float64) {
	const epsilon = 1e-10 // against 0/0
	b := beta * beta
	for i, p := range c.Precision {
		r := c.Recall[i]
		best = max(best, (1+b)*p*r/(b*p+r+epsilon))
	}
	return best
}
