package feature

// memory is what an extractor takes on the backend cpu, in bytes but for the first, as measured
// (TestExtractorsTakeTheMemoryThatIsEstimated): temporaries of layers of a size of their own, and of those of the images' size.
type memory struct {
	logits int // numbers an image
	fixed  int // weights
	image  int // an image of a batch
	pixel  int // a pixel of one
}

// Memory estimates what an extractor holds in memory once it has extracted images of h x w pixels and c channels on the backend
// cpu: kept are its weights and the temporaries of a batch, in bytes, row is what it returns of one image. It needs no weights. Of a
// name that is not one of Names both are 0.
func Memory(name string, h, w, c int) (kept, row int) {
	r, ok := lookup(name)
	if !ok {
		return 0, 0
	}
	const number, copies = 4, 2 // images as they come, and resized or scaled
	each := r.takes.image + r.takes.pixel*h*w + copies*number*h*w*c
	return r.takes.fixed + batchOf(r.batch, h, w, c)*each, number * (Width(name, h*w*c) + r.takes.logits)
}
