package evaluation

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
)

// reference is the real images that generated ones are compared with.
type reference struct {
	*metric.Stats
	size   size
	pixels *metric.PixelStats // nil for points
	others metric.Features    // some other real images, which choose the arguments that a metric leaves to them; none if none does
	floors map[string]float64 // what as many other real images score; none if there are too few
}

// Sets are the two splits that an evaluation of images that imitate d may read: the one with the real images, and the other. It reads
// the other if OwnFloor is false, the other exists, and it holds enough images.
func Sets(d spec.Data, e spec.Evaluation) (real, other spec.Data) {
	if e.Real == "test" {
		return d.Test(), d
	}
	return d, d.Test()
}

// OwnFloor reports whether a set of so many real images has as many others for the floor.
func OwnFloor(real int, e spec.Evaluation) bool { return real >= 2*e.Samples }

// choosingSamples is how many real images choose the arguments that a metric leaves to them.
const choosingSamples = 1000

func (c *Comparer) reference(ctx context.Context, net network, d spec.Data, e spec.Evaluation) (*reference, error) {
	main, rest := Sets(d, e)
	set, err := c.Config.Open(ctx, main)
	if err != nil {
		return nil, fmt.Errorf("real images: %w", err)
	}
	if set.N < e.Samples {
		return nil, fmt.Errorf("real images: got %d of %v, want %d, one for each generated image", set.N, main, e.Samples)
	}
	r := &reference{size: size{set.H, set.W, set.C}}
	if net.extractor != nil {
		if err := check(net, r.size, e); err != nil {
			return nil, err
		}
	}
	if r.Stats, err = c.realStats(ctx, net, set, 0, e); err != nil {
		return nil, err
	}
	if net.extractor != nil {
		if r.pixels, err = pixelsOf(ctx, set, realOrder(set, 0, e)); err != nil {
			return nil, err
		}
	}
	other, err := c.otherStats(ctx, net, set, main, rest, e)
	if err != nil {
		return nil, err
	}
	needsOthers := slices.IndexFunc(e.Metrics, metric.NeedsOthers)
	if other == nil {
		if needsOthers >= 0 {
			m, arg := e.Metrics[needsOthers], metric.ChosenParam(e.Metrics[needsOthers])
			return nil, fmt.Errorf("%v: got no real images beyond the %d that are compared, which could choose %s: want %s(%s = ...)",
				m, e.Samples, arg, m.Name, arg)
		}
		return r, nil
	}
	if needsOthers >= 0 { // a copy, so that the rest of them can be freed
		some := other.Features.Slice(0, min(choosingSamples, other.Features.N))
		r.others = metric.Features{N: some.N, D: some.D, X: slices.Clone(some.X)}
	}
	// Only the real images themselves are left to choose the arguments of a floor, which makes it a little too good.
	own := r.Features.Slice(0, min(choosingSamples, r.Features.N))
	floor := metric.Comparison{Products: c.products, Real: r.Stats, Fake: other, Others: own}
	if r.floors, err = floor.Values(ctx, e.Metrics); err != nil {
		return nil, err
	}
	columns := metric.Columns(e)
	for name := range r.floors {
		if !slices.Contains(columns, name+metric.Floor) {
			delete(r.floors, name)
		}
	}
	return r, nil
}

// check finds what is wrong with the features before any is computed.
func check(net network, s size, e spec.Evaluation) error {
	if _, err := net.extractor.Dim(s.h, s.w, s.c); err != nil {
		return err
	}
	for _, m := range e.Metrics {
		if row, _ := metric.Lookup(m.Name); row.Logits && net.extractor.Logits == 0 {
			return fmt.Errorf("%v: %w", m, metric.ErrNoLogits)
		}
	}
	return nil
}

// otherStats are those of real images that are not compared, and take the place of a perfect generator: from the rest of the set,
// or from the other split; nil if neither has enough.
func (c *Comparer) otherStats(ctx context.Context, net network, set *data.Set, main, rest spec.Data, e spec.Evaluation) (
	*metric.Stats, error) {
	if OwnFloor(set.N, e) {
		return c.realStats(ctx, net, set, e.Samples, e)
	}
	if rest.Split == main.Split { // the test split is the only one
		return nil, nil
	}
	other, err := c.Config.Open(ctx, rest)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, fs.ErrNotExist): // a folder without a test split, for example
		return nil, nil
	case err != nil:
		c.warn(fmt.Errorf("no floors: the other split: %w", err))
		return nil, nil
	case other.H != set.H || other.W != set.W || other.C != set.C:
		c.warn(fmt.Errorf("no floors: the other split has images of %d x %d x %d, want %d x %d x %d",
			other.H, other.W, other.C, set.H, set.W, set.C))
		return nil, nil
	case other.N < e.Samples:
		return nil, nil
	}
	return c.realStats(ctx, net, other, 0, e)
}

// realOrder is some images of a set: the ones from skip on, in an order that depends only on the size of the set.
func realOrder(set *data.Set, skip int, e spec.Evaluation) []int32 {
	return model.NewSource(0, "real images").Shuffle(set.N)[skip : skip+e.Samples]
}

// pixelsOf sums up images of a set. Their pixels are in memory, so they are not cached.
func pixelsOf(ctx context.Context, set *data.Set, order []int32) (*metric.PixelStats, error) {
	var p metric.Pixels
	values := set.H * set.W * set.C
	for some := range slices.Chunk(order, chunkImages(values)) {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		x := make([]float32, len(some)*values)
		set.Batch(x, some)
		p.Add(x, len(some))
	}
	stats := p.Stats()
	return &stats, nil
}

// realStats are those of some images of a set, in realOrder.
func (c *Comparer) realStats(ctx context.Context, net network, set *data.Set, skip int, e spec.Evaluation) (*metric.Stats, error) {
	order := realOrder(set, skip, e)
	of := selection{size: size{set.H, set.W, set.C}, digest: set.Digest, which: fmt.Sprintf("shuffled 1, from %d", skip), count: e.Samples}
	features, logits, err := c.cached(net, of, func() (features, logits metric.Features, err error) {
		return c.features(ctx, net, "real images", of.size, of.count, func(from, to int) ([]float32, error) {
			x := make([]float32, (to-from)*set.H*set.W*set.C)
			set.Batch(x, order[from:to])
			return x, nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("real images: %w", err)
	}
	s, err := metric.Summarize(ctx, c.products, e.Metrics, features, logits)
	if err != nil {
		return nil, fmt.Errorf("real images: %w", err)
	}
	return s, nil
}
