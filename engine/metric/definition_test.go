package metric

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/internal/require"
)

// products computes on the backend cpu.
func products(t testing.TB) *Products { return productsOn(t, "cpu") }

func productsOn(t testing.TB, config string) *Products {
	t.Helper()
	b, err := lower.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	matrices := lower.NewProducts(b.Devices()[0])
	t.Cleanup(func() { matrices.Close(); b.Close() })
	return NewProducts(matrices.Multiply)
}

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// gaussian is n samples of N(mean, std²) in d dimensions.
func gaussian(r *rand.Rand, n, d int, mean, std float64) Features {
	f := Features{n, d, make([]float32, n*d)}
	for i := range f.X {
		f.X[i] = float32(mean + std*r.NormFloat64())
	}
	return f
}

// overlapByDefinition is Compare with all distances in float64.
func overlapByDefinition(real, fake Features, k int) Overlap {
	radii := func(f Features) (r []float64) {
		for i := range f.N {
			var d []float64
			for j := range f.N {
				if i != j {
					d = append(d, squared(f.Row(i), f.Row(j), math.Inf(1)))
				}
			}
			slices.Sort(d)
			r = append(r, d[k-1])
		}
		return r
	}
	in := inside{real: Manifold{real, k, radii(real)}, fake: Manifold{fake, k, radii(fake)},
		precise: make([]bool, fake.N), recalled: make([]bool, real.N), covered: make([]bool, real.N)}
	for i := range real.N {
		for j := range fake.N {
			in.pair(i, j, squared(real.Row(i), fake.Row(j), math.Inf(1)), 0)
		}
	}
	return in.overlap()
}

// STARSWEEP_PJRT adds a PJRT plugin to the backends, by its absolute path.
func TestOverlapAgreesWithTheDefinition(t *testing.T) {
	r := random(1)
	configs := []string{"cpu", "cpu:kernels=go", "go:parallelism=-1"}
	if !testing.Short() {
		t.Setenv("GOMLX_NO_AUTO_INSTALL", "1")
		if p := require.Plugin(t); p != "" {
			configs = append(configs, "xla:"+p)
		}
	}
	for _, config := range configs {
		p := productsOn(t, config)
		p.block = 37 // many blocks, of two sizes
		for _, c := range []struct{ n, m, d, k int }{{5, 5, 1, 3}, {100, 80, 2, 3}, {90, 130, 17, 5}, {150, 150, 64, 1}, {37, 74, 130, 4}} {
			real, fake := gaussian(r, c.n, c.d, 0, 1), gaussian(r, c.m, c.d, 0.1, 0.9)
			if got, want := compared(t, p, real, fake, c.k), overlapByDefinition(real, fake, c.k); got != want {
				t.Errorf("%s, %v: got %v, want %v", config, c, got, want)
			}
		}
	}
}
