// Package evaluation compares the samples of trials with real images: it extracts features of both (engine/feature) and computes the
// metrics of the features that a script requests (engine/metric), with floors, the scores of real images against each other.
// A Comparer serves all trials of a run: features of real images are computed once and kept in a cache. The package knows neither
// training nor tables. Images come from a function, and numbers are returned by the names of their columns.
package evaluation

import (
	"context"
	"errors"
	"fmt"
	"math"
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

// Config is what a Comparer works with.
type Config struct {
	Device   lower.Device
	Numerics string                                              // of the device; with another, features differ in their last bits
	Networks feature.Store                                       // weights that the user added
	Cache    string                                              // folder of the features of real images
	Open     func(context.Context, spec.Data) (*data.Set, error) // opens a data set
	Warn     func(error)                                         // receives problems that stop nothing; nil drops them
	Progress pass.Observer                                       // of images on their way through extractors
	Now      func() time.Time                                    // dates the use of cached files; nil: they keep their dates
}

// Comparer compares sets of images. It may be used by several goroutines.
type Comparer struct {
	Config
	matrices *lower.Products
	products *metric.Products // computed by matrices

	extractors once.Map[string, *feature.Extractor]
	references once.Map[string, *reference]

	mu     sync.Mutex
	warned map[string]bool
}

// New makes a Comparer. The caller closes it before the backend.
func New(c Config) *Comparer {
	matrices := lower.NewProducts(c.Device)
	return &Comparer{Config: c, matrices: matrices, products: metric.NewProducts(matrices.Multiply), warned: map[string]bool{}}
}

// Close frees the memory of extractors on the device.
func (c *Comparer) Close() error {
	var errs []error
	for _, e := range c.extractors.Clear() {
		errs = append(errs, e.Close())
	}
	c.matrices.Close()
	return errors.Join(errs...)
}

// Scorer scores generated images against the real images of one data set. It may be used by several goroutines.
type Scorer struct {
	comparer *Comparer
	spec     spec.Evaluation
	network  network
	real     *reference
}

// Open prepares to score images that imitate those of d: it opens the extractor and extracts the features of the real images, unless
// that was done before. The evaluation must have metrics.
func (c *Comparer) Open(ctx context.Context, d spec.Data, e spec.Evaluation) (*Scorer, error) {
	net, err := c.network(ctx, e.Features)
	if err != nil {
		return nil, err
	}
	key := fmt.Sprint(d, " ", e.Real, " ", e.Samples, " ", e.Features, " ", e.Metrics)
	real, err := c.references.Do(ctx, key, func() (*reference, error) { return c.reference(ctx, net, d, e) })
	if err != nil {
		return nil, err
	}
	return &Scorer{comparer: c, spec: e, network: net, real: real}, nil
}

// Extractor names the extractor as the tables do: by its name and 16 digits of its digest.
func (s *Scorer) Extractor() string { return s.network.String() }

// Images returns images from, from+1, ..., to-1 of a set, [to-from h w c] in [-1, 1], or the coordinates of points. It is called for
// all images in turn, for multiples of Align at a time.
type Images func(from, to int) ([]float32, error)

// Align divides the numbers at which Images are cut.
const Align = 256

// Score returns the numbers of all columns of the evaluation, for as many generated images as it says. Columns without a number are
// missing: floors for which there are too few real images.
func (s *Scorer) Score(ctx context.Context, generated Images) (map[string]float64, error) {
	var pixels metric.Pixels
	watched := func(from, to int) ([]float32, error) {
		x, err := generated(from, to)
		if err == nil && s.real.pixels != nil {
			pixels.Add(x, to-from)
		}
		return x, err
	}
	features, logits, err := s.comparer.features(ctx, s.network, "generated images", s.real.size, s.spec.Samples, watched)
	if err != nil {
		return nil, err
	}
	own := pixels.Stats()
	fake, err := metric.Summarize(ctx, s.comparer.products, s.spec.Metrics, features, logits)
	if err != nil {
		return nil, fmt.Errorf("generated images: %w", err)
	}
	c := metric.Comparison{Products: s.comparer.products, Real: s.real.Stats, Fake: fake, Others: s.real.others}
	values, err := c.Values(ctx, s.spec.Metrics)
	if err != nil {
		return nil, err
	}
	if s.real.Spread > 0 { // 0 if all images are the same
		values[metric.Spread] = fake.Spread / s.real.Spread
	}
	if s.real.pixels != nil {
		if v := own.Variety(*s.real.pixels); !math.IsNaN(v) {
			values[metric.Variety] = v
		}
		if v := own.Distinctness(*s.real.pixels); !math.IsNaN(v) {
			values[metric.Distinctness] = v
		}
	}
	for name, v := range s.real.floors {
		values[name+metric.Floor] = v
	}
	return values, nil
}

// warn reports a problem once.
func (c *Comparer) warn(err error) {
	if c.first(err.Error()) && c.Warn != nil {
		c.Warn(err)
	}
}

// first reports whether a problem was not reported before.
func (c *Comparer) first(what string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.warned[what]
	c.warned[what] = true
	return !before
}
