package evaluation

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
)

// Set is the features of some images, with their logits if the extractor has them.
type Set struct{ Features, Logits metric.Features }

// Extract extracts features of images of a set, by index, and names the extractor as Scorer.Extractor does. What describes the images
// to those who watch the progress.
func (c *Comparer) Extract(ctx context.Context, extractor, what string, set *data.Set, index []int) (s Set, name string, err error) {
	net, err := c.network(ctx, extractor)
	if err != nil {
		return Set{}, "", err
	}
	order := sha256.New()
	for _, i := range index {
		binary.Write(order, binary.LittleEndian, int64(i)) // a hash returns no error
	}
	of := selection{size: size{set.H, set.W, set.C}, digest: set.Digest, which: fmt.Sprintf("%x", order.Sum(nil)), count: len(index)}
	s.Features, s.Logits, err = c.cached(net, of, func() (features, logits metric.Features, err error) {
		return c.features(ctx, net, what, of.size, of.count, func(from, to int) ([]float32, error) {
			x, rows := make([]float32, (to-from)*set.H*set.W*set.C), make([]int32, to-from)
			for i := range rows {
				rows[i] = int32(index[from+i])
			}
			set.Batch(x, rows)
			return x, nil
		})
	})
	return s, net.String(), err
}

// Compare returns the numbers of the metrics' columns for any two sets. There are no other images to choose an argument: every metric
// must have all of its own.
func (c *Comparer) Compare(ctx context.Context, metrics []spec.Metric, real, fake Set) (map[string]float64, error) {
	r, err := metric.Summarize(ctx, c.products, metrics, real.Features, real.Logits)
	if err != nil {
		return nil, fmt.Errorf("real: %w", err)
	}
	f, err := metric.Summarize(ctx, c.products, metrics, fake.Features, fake.Logits)
	if err != nil {
		return nil, fmt.Errorf("fake: %w", err)
	}
	comparison := metric.Comparison{Products: c.products, Real: r, Fake: f}
	return comparison.Values(ctx, metrics)
}

// Slice is the samples i to j-1 of the set, a view.
func (s Set) Slice(i, j int) Set {
	return Set{Features: s.Features.Slice(i, j), Logits: s.Logits.Slice(i, j)}
}
