package feature

import (
	"testing"

	"github.com/starsweep/starsweep/internal/machine"
)

// BenchmarkInception is the FID network on 48 images of 32 x 32 x 3. bench/features/speed.py compares it with PyTorch, also by
// CPU time, which depends less on other load.
func BenchmarkInception(b *testing.B) {
	w, _, err := plantedFID().recognize()
	if err != nil {
		b.Fatal(err)
	}
	e := &Extractor{Name: "inception", batch: inceptionBatch, on: backend(b), network: inceptionFID, weights: w}
	const n = 3 * inceptionBatch
	x := noise(n, 32, 32, 3)
	extract(b, e, x, n, 32, 32, 3) // compiles
	before := machine.Used().Processor()
	for b.Loop() {
		extract(b, e, x, n, 32, 32, 3)
	}
	b.ReportMetric((machine.Used().Processor()-before).Seconds()/float64(b.N), "cpu-s/op")
}
