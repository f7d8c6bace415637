package feature

// memory is the memory of an extractor on the backend cpu, as measured (TestExtractorsTakeTheMemoryThatIsEstimated).
type memory struct {
	logits int // numbers per image
	fixed  int // bytes of weights
	image  int // bytes per image of a batch, for layers of a fixed size
	pixel  int // bytes per pixel of a batch, for layers of the images' size
}

// Memory estimates the memory, in bytes, of an extractor that has extracted images of h x w pixels and c channels on the backend
// cpu: kept is that of its weights and the temporaries of a batch, row that of the features and logits of one image. It reads no
// weights. For a name that is not one of Names, both are 0.
func Memory(name string, h, w, c int) (kept, row int) {
	r, ok := lookup(name)
	if !ok {
		return 0, 0
	}
	const number, copies = 4, 2 // images as they are passed, and resized or scaled
	each := r.takes.image + r.takes.pixel*h*w + copies*number*h*w*c
	return r.takes.fixed + batchOf(r.batch, h, w, c)*each, number * (Width(name, h*w*c) + r.takes.logits)
}
