package feature

import "testing"

// BenchmarkInception is the FID network on a batch as pytorch-fid takes it: 50 images of 32 x 32 x 3. bench/features/speed.py
// compares it with PyTorch.
func BenchmarkInception(b *testing.B) {
	w, _, err := plantedFID().recognise()
	if err != nil {
		b.Fatal(err)
	}
	e := &Extractor{Name: "inception", Batch: inceptionBatch, backend: backend(b), network: inceptionFID, weights: w}
	x := noise(inceptionBatch, 32, 32, 3)
	extract(b, e, x, inceptionBatch, 32, 32, 3) // compiles
	for b.Loop() {
		extract(b, e, x, inceptionBatch, 32, 32, 3)
	}
	b.ReportMetric(float64(inceptionBatch)*float64(b.N)/b.Elapsed().Seconds(), "images/s")
}
