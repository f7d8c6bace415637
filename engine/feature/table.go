package feature

import "github.com/starsweep/starsweep/engine/spec"

// table has the extractors in the order of lists; the first is the default. Scripts and commands read everything about an extractor
// from its row: a new one is a file of this package that declares a row, and a line here.
var table = []row{fidInception, tturInception, kerasInception, smallMNIST, smallCIFAR10, pixelFeatures, randomFeatures}

// row declares an extractor and makes it.
//
// The digest of an extractor, which decides whether two values of a metric are comparable, covers its name, its weights and the layers
// that its file declares, not the Go code of its network. A change of that code which changes features therefore needs a new name. For a
// network without weights, such as pixels, the digest is that of the name alone.
type row struct {
	spec.Extractor
	batch int // the largest number of images in one call
	load  func(st Store) (content, error)
	takes memory // as measured: see TestExtractorsTakeTheMemoryThatIsEstimated
}

// content is the network and the weights of an extractor.
type content struct {
	network network
	weights weights
	probe   [4]int // a size of images that the network takes
	layers  []byte // the declaration of a network that its file declares
	origin  Origin // of weights that a user added
}

const (
	// These numbers are the cost of evaluating a single sample: 16 images of Inception take 0.8 s on two cores, as much per image as 50;
	// 250 of 32 x 32 x 3 take 0.09 s in small-cifar10 and 0.5 s in random.
	inceptionBatch = 16
	smallBatch     = 250
)

// anySize is the probe of networks that accept images of any size.
var anySize = [4]int{1, 8, 8, 3}

func lookup(name string) (row, bool) {
	for _, r := range table {
		if r.Name == name {
			return r, true
		}
	}
	return row{}, false
}

// Declarations lists the declarations of all extractors, whether or not their weights have been added.
func Declarations() (all []spec.Extractor) {
	for _, r := range table {
		all = append(all, r.Extractor)
	}
	return all
}

// Names lists the names of all extractors.
func Names() (names []string) {
	for _, r := range table {
		names = append(names, r.Name)
	}
	return names
}

// Width returns the number of features of an image of a number of values, whether or not the extractor's weights have been added; 0
// if there is no such extractor.
func Width(name string, numbers int) int {
	switch r, ok := lookup(name); {
	case !ok:
		return 0
	case r.Width > 0:
		return r.Width
	}
	return numbers
}
