package lower_test

import (
	"fmt"
	"math"
	"testing"

	. "github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
)

func TestThreefryIsThreefry(t *testing.T) {
	// Random123 1.14, tests/kat_vectors: threefry2x32, 20 rounds.
	for _, c := range [][6]uint32{
		{0, 0, 0, 0, 0x6b200159, 0x99ba4efe},
		{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc, 0xbb002be7},
		{0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, 0xc4923a9c, 0x483df7a0},
	} {
		if x, y := Threefry(c[0], c[1], c[2], c[3]); x != c[4] || y != c[5] {
			t.Errorf("key %x %x, counter %x %x: got %x %x, want %x %x", c[0], c[1], c[2], c[3], x, y, c[4], c[5])
		}
	}
}

// drawn is the definition of bits, in Go.
func drawn(seed, stream, step uint32, n int) []uint32 {
	k0, k1 := Threefry(seed, 0, stream, step)
	w := make([]uint32, n)
	half := (n + 1) / 2
	for i := range half {
		x, y := Threefry(k0, k1, uint32(i), 0)
		w[i] = x
		if i+half < n {
			w[i+half] = y
		}
	}
	return w
}

// Bits and uniforms equal their definition bit by bit, on each backend, alone and packed, for even and odd sizes.
func TestRandomBitsAreTheirDefinition(t *testing.T) {
	const stream, step = 0xdeadbeef, 5
	seeds := []uint32{42, 1 << 31}
	each(t, func(t *testing.T, b *lower.Backend) {
		for _, shape := range []Shape{Of(F32, ""), Of(F32, "c", 1), Of(F32, "bhc", 3, 3, 2), Of(F32, "bhc", 3, 3, 5)} {
			g := New()
			seed, at := g.Input("seed", Of(U32, "")), g.Input("step", Of(U32, ""))
			outs := []*Node{Bits(seed, at, stream, shape), Uniform(seed, at, stream, shape), Normal(seed, at, stream, shape)}
			p := compile(t, b, outs...)
			isSeed := func(n *Node) bool { return n.Attr.(Leaf).Name == "seed" }
			packed := eval(t, b, values{"seed": {float64(seeds[0]), float64(seeds[1])}, "step": {step}}, Vmap(New(), len(seeds), isSeed, outs...)...)
			n := shape.Elems()
			for k, s := range seeds {
				got := p.run(t, values{"seed": {float64(s)}, "step": {step}})
				var bits, uniform []float64
				for _, w := range drawn(s, stream, step, n) {
					bits = append(bits, float64(w))
					uniform = append(uniform, (float64(w>>9)+.5)/(1<<23))
				}
				what := fmt.Sprint(b.Name(), ", ", shape, ", seed ", s)
				compare(t, what+", bits", got[0], bits, 0)
				compare(t, what+", uniform", got[1], uniform, 0)
				compare(t, what+", normal", got[2], boxMuller(drawn(s, stream, step, (n+1)/2*2), n), 1e-5)
				for o := range outs {
					tolerance := []float64{0, 0, 1e-6}[o]
					compare(t, fmt.Sprint(what, ", packed ", o), packed[o][k*n:(k+1)*n], got[o], tolerance)
				}
			}
		}
	})
}

// boxMuller is the definition of normal draws.
func boxMuller(words []uint32, n int) []float64 {
	half := len(words) / 2
	u := func(i int) float64 { return (float64(words[i]>>9) + .5) / (1 << 23) }
	z := make([]float64, 2*half)
	for i := range half {
		r := math.Sqrt(-2 * math.Log(u(i)))
		z[i], z[i+half] = r*math.Cos(2*math.Pi*u(i+half)), r*math.Sin(2*math.Pi*u(i+half))
	}
	return z[:n]
}

// Uniforms lie inside (0, 1); normals have the moments of a normal.
func TestDrawsHaveTheirDistribution(t *testing.T) {
	g := New()
	seed, step := g.Input("seed", Of(U32, "")), g.Input("step", Of(U32, ""))
	shape := Of(F32, "b", 100000)
	got := eval(t, open(t, "cpu"), values{"seed": {1}, "step": {2}}, Uniform(seed, step, 3, shape), Normal(seed, step, 4, shape))
	moments := func(v []float64) (mean, square, fourth float64) {
		n := float64(len(v))
		for _, x := range v {
			mean, square, fourth = mean+x/n, square+x*x/n, fourth+x*x*x*x/n
		}
		return
	}
	for _, u := range got[0] {
		if u <= 0 || u >= 1 {
			t.Fatalf("uniform %v", u)
		}
	}
	// 5 standard deviations of each estimate.
	if m, s, _ := moments(got[0]); math.Abs(m-.5) > .005 || math.Abs(s-1./3) > .005 {
		t.Errorf("uniform: mean %v, mean square %v", m, s)
	}
	if m, s, q := moments(got[1]); math.Abs(m) > .016 || math.Abs(s-1) > .023 || math.Abs(q-3) > .16 {
		t.Errorf("normal: mean %v, mean square %v, mean fourth power %v", m, s, q)
	}
}
