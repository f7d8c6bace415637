package metric

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/starsweep/starsweep/engine/spec"
)

// Stats are the features of a set of samples, with everything that metrics derive from one set alone. Those of real images serve all
// evaluations.
type Stats struct {
	Features, Logits Features
	Spread           float64

	moments   Moments
	manifolds map[int]Manifold // by the number of neighbours
}

// Summarize derives from a set what some metrics need. Logits that do not exist have no columns.
func Summarize(ctx context.Context, p *Products, metrics []spec.Metric, features, logits Features) (*Stats, error) {
	s := &Stats{Features: features, Logits: logits, Spread: features.Spread(), manifolds: map[int]Manifold{}}
	for _, m := range metrics {
		row, ok := Lookup(m.Name)
		if !ok {
			return nil, unknown(m)
		}
		if row.derive == nil {
			continue
		}
		if err := row.derive(ctx, p, s, m); err != nil {
			return nil, fmt.Errorf("%v: %w", m, err)
		}
	}
	return s, nil
}

func unknown(m spec.Metric) error {
	return fmt.Errorf("metric: got %q, want one of %q", m.Name, Names(All))
}

// Comparison compares generated samples with real ones. It is used once.
type Comparison struct {
	Products   *Products
	Real, Fake *Stats
	Others     Features   // other real samples, to choose the arguments that metrics leave to them
	draws      *rand.Rand // random numbers of a metric

	overlaps map[int]Overlap // by the number of neighbours
}

// Values are the numbers of some metrics by the names of their columns. Random draws are the same for every comparison, so that
// epochs and trials differ in their samples only.
func (c *Comparison) Values(ctx context.Context, metrics []spec.Metric) (map[string]float64, error) {
	values := map[string]float64{}
	c.overlaps = map[int]Overlap{}
	for _, m := range metrics {
		row, ok := Lookup(m.Name)
		if !ok {
			return nil, unknown(m)
		}
		c.draws = rand.New(rand.NewPCG(0, 0))
		numbers, err := row.compute(ctx, c, m)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", m, err)
		}
		for i, column := range row.Columns {
			if v := numbers[i]; math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("%v: %s is %g", m, column.Name, v)
			}
			values[column.Name] = numbers[i]
		}
	}
	return values, nil
}

// overlap is computed once for all metrics that count neighbours.
func (c *Comparison) overlap(ctx context.Context, k int) (Overlap, error) {
	if o, ok := c.overlaps[k]; ok {
		return o, nil
	}
	o, err := Compare(ctx, c.Products, c.Real.manifolds[k], c.Fake.manifolds[k])
	if err == nil {
		c.overlaps[k] = o
	}
	return o, err
}

// deriveManifold is the derivation of the metrics that count neighbours.
func deriveManifold(ctx context.Context, p *Products, s *Stats, m spec.Metric) (err error) {
	k := int(m.Arg("k"))
	if _, done := s.manifolds[k]; !done {
		s.manifolds[k], err = NewManifold(ctx, p, s.Features, k)
	}
	return err
}

// ErrNoLogits is the error of a metric that compares logits if there are none.
var ErrNoLogits = errors.New("the features have no logits; " +
	"want those of small(), or of inception() with weights that have them (pytorch-fid's)")
