package feature

import (
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
)

// What a script is refused before anything opens, an extractor refuses.
func TestExtractorsTakeTheChannelsThatTheSpecSays(t *testing.T) {
	for _, name := range []string{"small-mnist", "small-cifar10", spec.PixelFeatures, spec.RandomFeatures} {
		e := opened(t, name, Store{})
		for _, channels := range []int{1, 3} {
			want := spec.FeatureChannels(name)
			if _, err := e.Dim(32, 32, channels); (err == nil) != (want == 0 || want == channels) {
				t.Errorf("%s of %d channels: got %v, and spec says %d", name, channels, err, want)
			}
		}
	}
}
