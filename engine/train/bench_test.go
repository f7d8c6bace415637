package train

import (
	"context"
	"runtime"
	"testing"
)

// The networks of Westberg's thesis, one iteration an operation: a step of each player on minibatches of 64 images of 32 x 32.
// Reports compile seconds, and the memory that Go holds.
func BenchmarkThesisStep(b *testing.B) {
	gp := thesis
	gp.wasserstein = true
	for _, name := range []string{"cpu", "xla"} {
		for what, m := range map[string]gan{"ns": thesis, "wgan-gp": gp} {
			b.Run(name+"/"+what, func(b *testing.B) {
				r := start(b, open(b, name), m.job(b), blobs(640, 32, 32), 1)
				ctx := context.Background()
				if err := r.Steps(ctx, 1); err != nil { // the first call grows pools
					b.Fatal(err)
				}
				for b.Loop() {
					if err := r.Steps(ctx, 1); err != nil {
						b.Fatal(err)
					}
				}
				var mem runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&mem)
				b.ReportMetric(r.c.backend.Compilations().Seconds, "compile-s")
				b.ReportMetric(float64(mem.HeapAlloc)/1e6, "live-MB")
				b.ReportMetric(float64(mem.HeapSys)/1e6, "heap-MB")
				b.ReportMetric(float64(b.N*m.batch)/b.Elapsed().Seconds(), "images/s")
			})
		}
	}
}
