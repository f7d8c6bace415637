package evaluation

import (
	"context"
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/engine/feature"
	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
)

// size is the size of one image.
type size struct{ h, w, c int }

// network computes features of images. Points are their own features.
type network struct {
	extractor *feature.Extractor // nil for points
}

// network opens an extractor, once for all sets of images.
func (c *Comparer) network(ctx context.Context, name string) (network, error) {
	if name == spec.PointFeatures {
		return network{}, nil
	}
	e, err := c.extractors.Do(ctx, name, func() (*feature.Extractor, error) { return feature.Open(c.Device, name, c.Networks) })
	return network{e}, err
}

func (n network) String() string {
	if n.extractor == nil {
		return spec.PointFeatures
	}
	return n.extractor.Name + ":" + n.extractor.Digest[:16]
}

// chunkValues bounds the values of the images that are requested at a time, at least Align images.
const chunkValues = 1 << 22

// chunkImages is how many images of so many values are requested at a time.
func chunkImages(values int) int { return max(1, chunkValues/(values*Align)) * Align }

// features computes the features of some images, and their logits, which have no columns if the extractor has none. What describes the
// images to those who watch the progress.
func (c *Comparer) features(ctx context.Context, n network, what string, s size, count int, images Images) (
	features, logits metric.Features, err error) {
	if n.extractor != nil {
		what += " through " + n.extractor.Name
	}
	progress := c.Progress.Begin(what, count)
	defer progress.End()
	values := s.h * s.w * s.c
	step := chunkImages(values)
	var rest []float32 // of images that do not fill a batch
	if n.extractor != nil {
		width, err := n.extractor.Dim(s.h, s.w, s.c)
		if err != nil {
			return features, logits, err
		}
		features.X, logits.X = make([]float32, 0, count*width), make([]float32, 0, count*n.extractor.Logits)
	}
	for from := 0; from < count; from += step {
		if ctx.Err() != nil {
			return features, logits, context.Cause(ctx)
		}
		to := min(count, from+step)
		x, err := images(from, to)
		if err != nil {
			return features, logits, err
		}
		if i := slices.IndexFunc(x, func(v float32) bool { return v-v != 0 }); i >= 0 { // conversion to 8 bits would hide it
			return features, logits, fmt.Errorf("image %d: got a value of %g: %w", from+i/values, x[i], metric.ErrNotFinite)
		}
		if n.extractor == nil {
			features = features.Append(metric.Features{N: to - from, D: s.c, X: x})
			progress.Advance(to - from)
			continue
		}
		rest = append(rest, x...)
		for batch := n.extractor.Batch(s.h, s.w, s.c); len(rest) >= batch*values || to == count && len(rest) > 0; {
			now := min(batch, len(rest)/values)
			f, l, err := n.extractor.Extract(ctx, rest[:now*values], now, s.h, s.w, s.c)
			if err != nil {
				return features, logits, err
			}
			features, logits = features.Append(f), logits.Append(l)
			rest = rest[now*values:]
			progress.Advance(now)
		}
	}
	return features, logits, nil
}
