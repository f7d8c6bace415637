package metric

import (
	"context"
	"fmt"
	"math"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
)

// precisionRecall and densityCoverage are the metrics precision_recall() and density_coverage().
var (
	precisionRecall = neighbours(Definition{
		Name: "precision_recall",
		Doc:  "improved precision and recall (Kynkäänniemi et al. 2019)",
		Columns: []Column{{Name: "precision", Better: pareto.Max, Shows: Fidelity, High: 1},
			{Name: "recall", Better: pareto.Max, Shows: Reach, High: 1}},
	}, 3, func(o Overlap) []float64 { return []float64{o.Precision, o.Recall} })
	densityCoverage = neighbours(Definition{
		Name: "density_coverage",
		Doc:  "density and coverage (Naeem et al. 2020)",
		Columns: []Column{{Name: "density", Better: pareto.Max, High: math.Inf(1)},
			{Name: "coverage", Better: pareto.Max, Shows: Reach, High: 1}},
	}, 5, func(o Overlap) []float64 { return []float64{o.Density, o.Coverage} })
)

// neighbours completes a metric that counts samples in balls to the kth neighbour.
func neighbours(m Definition, k float64, numbers func(Overlap) []float64) Definition {
	m.Params = []Param{{Name: "k", Default: k, Flag: "neighbours"}}
	m.Default = true
	m.MinSamples = func(m spec.Metric) (int, string) { return int(m.Arg("k")) + 1, "each needs k neighbours" }
	m.derive = deriveManifold
	m.compute = func(ctx context.Context, c *Comparison, m spec.Metric) ([]float64, error) {
		o, err := c.overlap(ctx, int(m.Arg("k")))
		return numbers(o), err
	}
	m.memory = func(m spec.Metric, n, d int) Memory {
		block := min(n, 1024)
		return Memory{
			Set: double * n, Device: single * (2*n*d + 4*block*d + block*block), Work: 16*n*(int(m.Arg("k"))+4) + single*block*(4*d+block),
		}
	}
	return m
}

// Overlap says how two manifolds overlap. All four numbers are computed at once, from the same distances.
type Overlap struct {
	Precision, Recall float64 // improved precision and recall, Kynkäänniemi et al. 2019, eq. 1 and 2: closed balls, ≤
	Density, Coverage float64 // Naeem et al. 2020, eq. 4 and 5: open balls, <; density may be above 1
}

// Compare compares a generated set with a real one.
//
// Precision is the share of fake samples in any real ball, recall that of real samples in any fake ball, both with ≤ as in
// the authors' code and in torch-fidelity. Density is the mean number of real balls that a fake sample is in, over k;
// coverage the share of real balls with a fake sample in them: both with <, as in the authors' prdc. The two conventions differ only
// for ties.
func Compare(ctx context.Context, p *Products, real, fake Manifold) (Overlap, error) {
	if err := checkPair(real.Features, fake.Features, 1); err != nil {
		return Overlap{}, err
	}
	if real.K != fake.K || len(real.Radii) != real.N || len(fake.Radii) != fake.N {
		return Overlap{}, fmt.Errorf("manifolds: got k = %d and %d, and %d and %d radii, want one k, and a radius for every sample",
			real.K, fake.K, len(real.Radii), len(fake.Radii))
	}
	mean := real.mean()
	r, err := p.surveyed(ctx, real.Features, mean)
	if err != nil {
		return Overlap{}, err
	}
	f, err := p.surveyed(ctx, fake.Features, mean)
	if err != nil {
		return Overlap{}, err
	}
	in := inside{real: real, fake: fake, precise: make([]bool, fake.N), recalled: make([]bool, real.N), covered: make([]bool, real.N)}
	err = p.each(ctx, r.centred, f.centred, func(t tile) error {
		for row := range t.rows {
			i := t.At + row
			norm, radius := r.norms[i], real.Radii[i]
			norms, radii := f.norms[t.Bt:][:t.cols], fake.Radii[t.Bt:][:t.cols]
			for c, uv := range t.v[row*t.cols:][:t.cols] {
				sum := norm + norms[c]
				if d, slack := sum-2*float64(uv), r.slack*sum; d-slack <= radius || d-slack <= radii[c] {
					in.pair(i, t.Bt+c, d, slack)
				}
			}
		}
		return nil
	})
	return in.overlap(), err
}

// inside counts samples in balls.
type inside struct {
	real, fake                 Manifold
	precise, recalled, covered []bool
	dense                      int
}

// pair records that the squared distance of real sample i and fake sample j is d, within slack.
func (in *inside) pair(i, j int, d, slack float64) {
	ri, rj := in.real.Radii[i], in.fake.Radii[j]
	if open := func(r float64) bool { return d-slack <= r && d+slack >= r }; open(ri) || open(rj) {
		d = squared(in.real.Row(i), in.fake.Row(j), max(ri, rj))
	}
	if d <= ri {
		in.precise[j] = true
	}
	if d <= rj {
		in.recalled[i] = true
	}
	if d < ri {
		in.dense++
		in.covered[i] = true
	}
}

func (in *inside) overlap() Overlap {
	return Overlap{
		Precision: share(in.precise), Recall: share(in.recalled), Coverage: share(in.covered),
		Density: float64(in.dense) / float64(in.real.K) / float64(in.fake.N),
	}
}

func share(b []bool) float64 {
	n := 0
	for _, yes := range b {
		if yes {
			n++
		}
	}
	return float64(n) / float64(len(b))
}
