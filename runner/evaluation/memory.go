package evaluation

import (
	"slices"

	"github.com/starsweep/starsweep/engine/feature"
	"github.com/starsweep/starsweep/engine/spec"
)

// networkBytes is what extractors take beside the images and the features: weights, and the temporaries of a batch. Measured.
var networkBytes = map[string]int{
	"inception": 700 << 20, "inception-ttur": 700 << 20, "inception-keras": 700 << 20,
	"small-mnist": 20 << 20, "small-cifar10": 20 << 20, "random": 20 << 20,
}

// Memory is what an evaluation of images of h x w pixels and c channels takes at most, in bytes, beside what makes the images: kept
// is of the real images and stays from one evaluation to the next, passing is of one evaluation.
func Memory(e spec.Evaluate, h, w, c int) (kept, passing int) {
	if len(e.Metrics) == 0 {
		return 0, 0
	}
	values, n := h*w*c, e.Samples
	d := feature.Width(e.Features, values)
	features := n * d * 4
	kept, passing = features, 2*features // as they grow they are copied; the floor's are there for a while
	if e.Features != spec.PointFeatures {
		chunk := min(n, max(1, chunkValues/(values*Align))*Align)
		passing += 2 * chunk * values * 4 // images as they are made, and gathered for batches
		kept += networkBytes[e.Features]
	}
	if slices.ContainsFunc(e.Metrics, func(m spec.Metric) bool { return m.Name == spec.FID }) {
		const number = 8
		if n < d { // products of all samples with all, and some columns of both sets in float64
			passing += (4*n*n + 2*n*min(d, 4096)) * number
		} else { // two scatters, two covariances, a factor and two products
			kept += d * d * number
			passing += 6 * d * d * number
		}
	}
	return kept, passing
}
