package spec

import "slices"

// Extractors are those of engine/feature, by name.
var Extractors = []string{"inception", "inception-ttur", "inception-keras", "small-mnist", "small-cifar10", PixelFeatures, RandomFeatures}

// FeatureChannels is how many channels the images of an extractor must have; 0 if it takes grey and colour.
func FeatureChannels(extractor string) int {
	if extractor == "small-mnist" {
		return 1
	}
	return 0
}

// Features that are not those of a trained network.
const (
	PixelFeatures  = "pixels"
	RandomFeatures = "random"
)

// HasLogits reports whether features may come with logits.
func HasLogits(features string) bool {
	return !slices.Contains([]string{PixelFeatures, RandomFeatures, PointFeatures}, features)
}
