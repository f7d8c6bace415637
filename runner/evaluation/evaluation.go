// Package evaluation measures the samples of trials against real images: it takes both through an extractor (engine/feature)
// and gives the numbers of the metrics that a script asks for (engine/metric), with what real images score against each other.
// A Bench serves all trials of a run: the features of real images are computed once and kept in the cache. It knows neither
// training nor tables: images come from a function, numbers go out by the names of their columns.
package evaluation

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/feature"
	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/once"
	"github.com/starsweep/starsweep/internal/pass"
)

// Config is what a Bench works with.
type Config struct {
	Device   lower.Device
	Numerics string                                              // of the device: features of another differ in their last bits
	Networks feature.Store                                       // weights that the user added
	Cache    string                                              // folder of the features of real images
	Open     func(context.Context, spec.Data) (*data.Set, error) // opens a data set
	Warn     func(error)                                         // of what is worth knowing and stops nothing; nil drops it
	Progress pass.Observer                                       // of images on their way through extractors
	Now      func() time.Time                                    // dates what the cache has used; nil: nothing does
}

// Bench makes Evaluations. It may be used by several goroutines.
type Bench struct {
	Config
	matrices *lower.Products
	products *metric.Products // computed by matrices

	extractors once.Map[string, *feature.Extractor]
	references once.Map[string, *reference]

	mu   sync.Mutex
	told map[string]bool
}

// New makes a bench. The caller closes it before the backend.
func New(c Config) *Bench {
	matrices := lower.NewProducts(c.Device)
	return &Bench{Config: c, matrices: matrices, products: metric.NewProducts(matrices.Multiply), told: map[string]bool{}}
}

// Close frees what lies on the device.
func (b *Bench) Close() error {
	var errs []error
	for _, e := range b.extractors.Clear() {
		errs = append(errs, e.Close())
	}
	b.matrices.Close()
	return errors.Join(errs...)
}

// Evaluation measures images like those of one data set. It may be used by several goroutines.
type Evaluation struct {
	bench   *Bench
	spec    spec.Evaluate
	network network
	real    *reference
}

// Open gets ready to measure what is made to look like d: it opens the extractor and takes the real images through it, unless
// that was done before. It wants e to have metrics.
func (b *Bench) Open(ctx context.Context, d spec.Data, e spec.Evaluate) (*Evaluation, error) {
	net, err := b.network(ctx, e.Features)
	if err != nil {
		return nil, err
	}
	key := fmt.Sprint(d, " ", e.Real, " ", e.Samples, " ", e.Features, " ", e.Metrics)
	real, err := b.references.Do(ctx, key, func() (*reference, error) { return b.reference(ctx, net, d, e) })
	if err != nil {
		return nil, err
	}
	return &Evaluation{bench: b, spec: e, network: net, real: real}, nil
}

// Extractor is what rows have of it: its name, and 16 digits of its digest.
func (x *Evaluation) Extractor() string { return x.network.String() }

// Images gives images from, from+1, ..., to-1 of a set, [to-from h w c] in [-1, 1]; of points their coordinates. It is asked for
// all images in turn, multiples of Align at a time.
type Images func(from, to int) ([]float32, error)

// Align divides where Images are cut.
const Align = 256

// Measure gives the numbers of all columns of the evaluation, for as many generated images as it says. Columns that have no
// number are missing: floors for which there are too few real images.
func (x *Evaluation) Measure(ctx context.Context, generated Images) (map[string]float64, error) {
	features, logits, err := x.bench.features(ctx, x.network, "generated images", x.real.size, x.spec.Samples, generated)
	if err != nil {
		return nil, err
	}
	fake, err := x.bench.portray(ctx, x.spec.Metrics, features, logits)
	if err != nil {
		return nil, fmt.Errorf("generated images: %w", err)
	}
	values, err := x.bench.compare(ctx, x.spec.Metrics, comparison{real: x.real.portrait, fake: fake, validation: x.real.validation})
	if err != nil {
		return nil, err
	}
	if x.real.spread > 0 { // not of images that are all the same
		values[spec.Spread] = fake.spread / x.real.spread
	}
	for name, v := range x.real.floors {
		values[name+spec.Floor] = v
	}
	return values, nil
}

// warn tells a thing once.
func (b *Bench) warn(err error) {
	if b.first(err.Error()) && b.Warn != nil {
		b.Warn(err)
	}
}

// first reports whether a thing was not told before.
func (b *Bench) first(what string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.told[what]
	b.told[what] = true
	return !before
}
