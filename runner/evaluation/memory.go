package evaluation

import (
	"slices"

	"github.com/starsweep/starsweep/engine/feature"
	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
)

// Memory estimates the memory of an evaluation of images of h x w pixels and c channels on the backend cpu, in bytes, without the data
// sets and the generator of the images. Kept is that of the extractor and of the features of real images, which evaluations of one kind
// share and keep; passing is that of one evaluation at its peak (TestEvaluationsTakeTheEstimatedMemory).
func Memory(e spec.Evaluation, h, w, c int) (kept, passing int) {
	if len(e.Metrics) == 0 {
		return 0, 0
	}
	const single = 4
	n, values := e.Samples, h*w*c
	d := values // points are their own features
	row := single * d
	chunk := min(n, chunkImages(values))
	images := single * chunk * values
	if e.Features != spec.PointFeatures {
		kept, row = feature.Memory(e.Features, h, w, c)
		d = feature.Width(e.Features, values)
		images *= 2 // as they are generated, and collected for a batch
		compared := images + single*min(n, metric.Compared)*values
		if chunk < n {
			images *= 2 // in memory that grows
		}
		images = max(images, compared)
	}
	kept += n * row
	takes := metric.MemoryOf(e.Metrics, n, d)
	if slices.ContainsFunc(e.Metrics, metric.NeedsOthers) {
		kept += min(n, choosingSamples) * row
	}
	const reused = 512 << 20 // the most that the backend keeps for reuse
	kept += takes.Set + min(takes.Device, reused)
	passing = n*row + max(0, takes.Device-reused) + max(images, takes.Set+takes.Work)
	if e.Final != nil {
		k, p := Memory(*e.Final, h, w, c)
		kept, passing = kept+k, max(passing, p)
	}
	return kept, passing
}
