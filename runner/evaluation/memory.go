package evaluation

import (
	"slices"

	"github.com/starsweep/starsweep/engine/feature"
	"github.com/starsweep/starsweep/engine/spec"
)

// Memory estimates what an evaluation of images of h x w pixels and c channels takes on the backend cpu, in bytes, beside the data
// sets and what makes the images: kept is the extractor and what is known of the real images, which evaluations of one kind share and
// which stays from one to the next, passing is of one evaluation at its peak (TestEvaluationsTakeTheMemoryThatIsEstimated).
func Memory(e spec.Evaluate, h, w, c int) (kept, passing int) {
	if len(e.Metrics) == 0 {
		return 0, 0
	}
	const single, double = 4, 8
	n, values := e.Samples, h*w*c
	d := values // points are their own features
	row := single * d
	chunk := min(n, chunkImages(values))
	images := single * chunk * values
	if e.Features != spec.PointFeatures {
		kept, row = feature.Memory(e.Features, h, w, c)
		d = feature.Width(e.Features, values)
		images *= 4 // as they are made, and gathered for a batch in memory that grows
	}
	kept += n * row
	// Of the fake images, on the device, where memory is used again, and of the metric that takes the most.
	var scatter, device, work int
	block := min(n, 1024)
	for _, m := range e.Metrics {
		var takes int
		switch m.Name {
		case spec.FID:
			if n < d { // a problem of n x n, from some columns of both sets at a time
				takes = double * max(4*n*n+4*n*256, n*n+2*n*min(d, 4096)+2*n*256)
			} else { // two covariances, and a factor and its like
				scatter = double * d * d
				takes = double * max(5*d*d, block*d+2*256*d)
			}
		case spec.PrecisionRecall, spec.DensityCoverage:
			kept += double * n
			device = max(device, single*(2*n*d+4*block*d))
			takes = 16*n*(m.K+4) + single*block*(4*d+block)
		case spec.KID:
			block := min(m.Size, 1024)
			takes = 2*single*m.Size*d + double*block*(3*d+block)
		case spec.PRD:
			device = max(device, single*2*n*d)
			takes = single * d * (2*n + min(2*n, 3072) + 4*min(2*n, 1024))
		case spec.Parzen:
			takes = double * (n*d + block*(d+2*n) + 256*n)
		}
		work = max(work, takes)
	}
	if slices.ContainsFunc(e.Metrics, choosesWindow) {
		kept += min(n, validationSamples) * row
	}
	const reused = 512 << 20 // the most that the backend keeps for use again
	kept += scatter + min(device, reused)
	return kept, n*row + max(0, device-reused) + max(images, scatter+work)
}
