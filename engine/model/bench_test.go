package model_test

import "testing"

// Building a program includes tracing the losses, their gradients, the optimizers and the sampling, all checks of shapes, and the
// fingerprint.
func BenchmarkBuild(b *testing.B) {
	for name, s := range map[string]study{"ns": thesis, "wgan-gp": thesis.wgan()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.build(b)
			}
		})
	}
}
