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

// reference is the real images that generated ones are measured against.
type reference struct {
	*portrait
	size       size
	validation metric.Features    // some other real images, none if there are too few
	floors     map[string]float64 // what as many other real images score, likewise
}

// Sets are the two splits that an evaluation of what is made to look like d may read: the one with the real images, and the other,
// which it reads where OwnFloor is false, there is another, and it holds enough images.
func Sets(d spec.Data, e spec.Evaluate) (real, other spec.Data) {
	if e.Real == "test" {
		return d.Test(), d
	}
	return d, d.Test()
}

// OwnFloor reports whether a set of so many real images has as many others, which the floor is then of.
func OwnFloor(real int, e spec.Evaluate) bool { return real >= 2*e.Samples }

// choosesWindow reports whether a metric is a Parzen window whose deviation is chosen by real images.
func choosesWindow(m spec.Metric) bool { return m.Name == spec.Parzen && m.Sigma == 0 }

// validationSamples is how many real images choose the window of Parzen.
const validationSamples = 1000

func (b *Bench) reference(ctx context.Context, net network, d spec.Data, e spec.Evaluate) (*reference, error) {
	main, rest := Sets(d, e)
	set, err := b.Config.Open(ctx, main)
	if err != nil {
		return nil, fmt.Errorf("real images: %w", err)
	}
	if set.N < e.Samples {
		return nil, fmt.Errorf("real images: got %d of %v, want %d, one for each generated image", set.N, main, e.Samples)
	}
	r := &reference{size: size{set.H, set.W, set.C}}
	if net.extractor != nil {
		if err := judge(net, r.size, e); err != nil {
			return nil, err
		}
	}
	if r.portrait, err = b.portrayReal(ctx, net, set, 0, e); err != nil {
		return nil, err
	}
	other, err := b.others(ctx, net, set, main, rest, e)
	if err != nil {
		return nil, err
	}
	if other == nil {
		if slices.ContainsFunc(e.Metrics, choosesWindow) {
			return nil, fmt.Errorf("parzen(): got no real images beside the %d that are compared, "+
				"by which it could choose its window: want parzen(sigma = ...)", e.Samples)
		}
		return r, nil
	}
	if slices.ContainsFunc(e.Metrics, choosesWindow) { // a copy: the others need not be kept
		some := other.features.Slice(0, min(validationSamples, other.features.N))
		r.validation = metric.Features{N: some.N, D: some.D, X: slices.Clone(some.X)}
	}
	// The window of a floor has nothing to be chosen by but the real images themselves, which makes it a little too good.
	own := r.features.Slice(0, min(validationSamples, r.features.N))
	r.floors, err = b.compare(ctx, e.Metrics, comparison{real: r.portrait, fake: other, validation: own})
	for _, m := range e.Metrics { // deviations have no floor
		if columns := m.Columns(); m.Name == spec.KID || m.Name == spec.InceptionScore {
			delete(r.floors, columns[1])
		}
	}
	return r, err
}

// judge finds what is wrong with the features before any is computed.
func judge(net network, s size, e spec.Evaluate) error {
	if _, err := net.extractor.Dim(s.h, s.w, s.c); err != nil {
		return err
	}
	for _, m := range e.Metrics {
		if m.Name == spec.InceptionScore && net.extractor.Logits == 0 {
			return fmt.Errorf("%v: %w", m, errNoLogits)
		}
	}
	return nil
}

// others is the portrait of real images that are not compared, which stand in for a perfect generator: from the rest of the set,
// or from the other split; nil if neither has enough.
func (b *Bench) others(ctx context.Context, net network, set *data.Set, main, rest spec.Data, e spec.Evaluate) (*portrait, error) {
	if OwnFloor(set.N, e) {
		return b.portrayReal(ctx, net, set, e.Samples, e)
	}
	if rest.Split == main.Split { // the test split is all there is
		return nil, nil
	}
	other, err := b.Config.Open(ctx, rest)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, fs.ErrNotExist): // a folder without a test split, for one
		return nil, nil
	case err != nil:
		b.warn(fmt.Errorf("no floors: the other split: %w", err))
		return nil, nil
	case other.H != set.H || other.W != set.W || other.C != set.C:
		b.warn(fmt.Errorf("no floors: the other split has images of %d x %d x %d, want %d x %d x %d",
			other.H, other.W, other.C, set.H, set.W, set.C))
		return nil, nil
	case other.N < e.Samples:
		return nil, nil
	}
	return b.portrayReal(ctx, net, other, 0, e)
}

// portrayReal is the portrait of some images of a set: those from skip on in an order that depends on the size of the set only.
func (b *Bench) portrayReal(ctx context.Context, net network, set *data.Set, skip int, e spec.Evaluate) (*portrait, error) {
	order := model.NewSource(0, "real images").Shuffle(set.N)[skip : skip+e.Samples]
	of := selection{size: size{set.H, set.W, set.C}, digest: set.Digest, which: fmt.Sprintf("shuffled 1, from %d", skip), count: e.Samples}
	features, logits, err := b.cached(net, of, func() (features, logits metric.Features, err error) {
		return b.features(ctx, net, "real images", of.size, of.count, func(from, to int) ([]float32, error) {
			x := make([]float32, (to-from)*set.H*set.W*set.C)
			set.Batch(x, order[from:to])
			return x, nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("real images: %w", err)
	}
	p, err := b.portray(ctx, e.Metrics, features, logits)
	if err != nil {
		return nil, fmt.Errorf("real images: %w", err)
	}
	return p, nil
}
