package evaluation

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
)

// portrait is a set of images as metrics see it, with all that they derive of one set alone.
type portrait struct {
	features, logits metric.Features
	spread           float64
	moments          metric.Moments          // where FID is asked for
	manifolds        map[int]metric.Manifold // by the k that are asked for
}

func (b *Bench) portray(ctx context.Context, metrics []spec.Metric, features, logits metric.Features) (*portrait, error) {
	p := &portrait{features: features, logits: logits, spread: features.Spread(), manifolds: map[int]metric.Manifold{}}
	for _, m := range metrics {
		var err error
		switch _, done := p.manifolds[m.K]; {
		case m.Name == spec.FID:
			p.moments, err = metric.Measure(features)
		case m.K > 0 && !done:
			p.manifolds[m.K], err = metric.NewManifold(ctx, b.products, features, m.K)
		}
		if err != nil {
			return nil, fmt.Errorf("%v: %w", m, err)
		}
	}
	return p, nil
}

// comparison is two sets to measure, the second against the first.
type comparison struct {
	real, fake *portrait
	validation metric.Features // real images that are not in either, by which the window of Parzen is chosen
}

// compare gives the numbers of metrics by the names of their columns.
func (b *Bench) compare(ctx context.Context, metrics []spec.Metric, c comparison) (map[string]float64, error) {
	values := map[string]float64{}
	overlaps := map[int]metric.Overlap{}
	for _, m := range metrics {
		if m.K > 0 {
			if _, done := overlaps[m.K]; !done {
				var err error
				if overlaps[m.K], err = metric.Compare(ctx, b.products, c.real.manifolds[m.K], c.fake.manifolds[m.K]); err != nil {
					return nil, fmt.Errorf("%v: %w", m, err)
				}
			}
		}
		numbers, err := b.numbers(ctx, m, c, overlaps[m.K])
		if err != nil {
			return nil, fmt.Errorf("%v: %w", m, err)
		}
		for i, name := range m.Columns() {
			if v := numbers[i]; math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("%v: %s is %g", m, name, v)
			}
			values[name] = numbers[i]
		}
	}
	return values, nil
}

// numbers are those of one metric, in the order of its columns. What is random in it is drawn alike each time, so that epochs and
// trials differ by their images only.
func (b *Bench) numbers(ctx context.Context, m spec.Metric, c comparison, o metric.Overlap) (numbers [2]float64, err error) {
	real, fake := c.real.features, c.fake.features
	draws := rand.New(rand.NewPCG(0, 0))
	switch m.Name {
	case spec.FID:
		numbers[0], err = metric.FID(c.real.moments, c.fake.moments)
	case spec.PrecisionRecall:
		numbers = [2]float64{o.Precision, o.Recall}
	case spec.DensityCoverage:
		numbers = [2]float64{o.Density, o.Coverage}
	case spec.KID:
		numbers[0], numbers[1], err = metric.KID(ctx, real, fake, m.Subsets, m.Size, draws)
	case spec.InceptionScore:
		if c.fake.logits.D == 0 {
			return numbers, errNoLogits
		}
		numbers[0], numbers[1], err = metric.InceptionScore(c.fake.logits, m.Splits, nil)
	case spec.PRD:
		var curve metric.PRDCurve
		curve, err = metric.PRD(ctx, b.products, real, fake, metric.PRDOptions{}, draws)
		numbers = [2]float64{curve.F8, curve.F1over8}
	case spec.Parzen:
		sigma := m.Sigma
		if sigma == 0 {
			if sigma, err = metric.ParzenSigma(ctx, c.validation, fake, sigmas()); err != nil {
				return numbers, err
			}
		}
		numbers[0], _, err = metric.ParzenWindow(ctx, real, fake, sigma)
	default:
		err = fmt.Errorf("there is no such metric")
	}
	return numbers, err
}

// sigmas are the deviations that Goodfellow et al. 2014 choose from: ten from 0.1 to 1 in equal ratios.
func sigmas() []float64 {
	s := make([]float64, 10)
	for i := range s {
		s[i] = math.Pow(10, float64(i)/9-1)
	}
	return s
}

// Observation is what an evaluation's numbers say of collapse.
func Observation(epoch int, values map[string]float64) metric.Evaluation {
	get := func(name string) float64 {
		if v, ok := values[name]; ok {
			return v
		}
		return math.NaN()
	}
	return metric.Evaluation{Epoch: epoch, Precision: get("precision"), Recall: get("recall"), Coverage: get("coverage"),
		Spread: get(spec.Spread), RealSpread: 1}
}

// Rule is a script's rule of collapse.
func Rule(c spec.Collapse) metric.Collapse {
	return metric.Collapse{Evaluations: c.Evaluations, Reach: c.Reach, Spread: c.Spread, Fidelity: c.Fidelity, Modes: c.Modes}
}
