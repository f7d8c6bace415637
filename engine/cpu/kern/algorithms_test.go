package kern

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// try computes a convolution of random numbers by the given algorithm, and by its definition.
func try(c *Conv, w algorithm, r *rand.Rand) (got, want []float32) {
	c.algorithm = w
	x, k := random(r, c.Groups*c.In[0]*c.In[1]*c.M*c.K+16), random(r, c.Groups*c.Ker[0]*c.Ker[1]*c.K*c.N+16)
	n := c.Groups * c.Out[0] * c.Out[1] * c.M * c.N
	got, want = aligned(n), make([]float32, n)
	c.Run(got, x, k, memory(c))
	naive(c, want, x, k)
	return got, want
}

type pick func(v ...int) int

// followsTheDefinition compares an algorithm with the definition on random convolutions, for every kernel set. plan returns nil where it
// does not apply.
func followsTheDefinition(t *testing.T, draw func(p pick) Conv, plan func(p pick, c *Conv) algorithm) {
	forEachSet(t, func(t *testing.T, s *Set) {
		r := rand.New(rand.NewPCG(3, 4))
		pick := func(v ...int) int { return v[r.IntN(len(v))] }
		done, count := 0, 600
		if testing.Short() {
			count = 150
		}
		for range count {
			c := draw(pick)
			c.Set, c.Team, c.Groups = s, NewTeam(3), pick(1, 1, 3)
			ik, in := c.K*c.Groups, c.N*c.Groups
			if c.Reverse || pick(0, 1) == 0 { // channels last, those of the kernel in either order
				c.InS, c.InG = [4]int{c.In[1] * c.M * ik, c.M * ik, ik, 1}, c.K
				c.KerS, c.KerG = [4]int{c.Ker[1] * c.K * in, c.K * in, in, 1}, c.N
				if pick(0, 1) == 0 {
					c.KerS, c.KerG = [4]int{c.Ker[1] * c.K * in, c.K * in, 1, c.K}, c.N*c.K
				}
				c.OutS, c.OutG = [4]int{c.Out[1] * in, in, c.Out[0] * c.Out[1] * in, 1}, c.N
			} else { // the gradient of a kernel
				layKernelGradient(&c)
			}
			w := plan(pick, &c)
			if reflect.ValueOf(w).IsNil() {
				continue
			}
			done++
			got, want := try(&c, w, r)
			c.algorithm = nil
			most := 1e-5 * math.Sqrt(float64(c.K*c.Ker[0]*c.Ker[1])) // rounding errors of a tile are those of its largest sum
			for i, v := range want {
				if !(math.Abs(float64(got[i]-v)) <= most) {
					t.Fatalf("%T of %+v: element %d is %g, want %g", w, c, i, got[i], v)
				}
			}
		}
		if done < count/20 {
			t.Errorf("only %d convolutions fit", done)
		}
	})
}

func TestDirectAlgorithmsFollowTheDefinition(t *testing.T) {
	for name, plan := range map[string]func(p pick, c *Conv) algorithm{
		"panels": func(p pick, c *Conv) algorithm { return newPanels(c) },
		"lanes":  func(p pick, c *Conv) algorithm { return newLanes(c) },
		"spread": func(p pick, c *Conv) algorithm { return newSpread(c) },
		"strips": func(p pick, c *Conv) algorithm {
			if !c.stripsFit() {
				return (*strips)(nil)
			}
			return newStrips(c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			followsTheDefinition(t, func(p pick) Conv {
				return Conv{M: p(1, 2, 3, 7, 33), K: p(1, 3, 8, 17), N: p(1, 3, 8, 15, 33),
					In: [2]int{p(1, 4, 5), p(1, 3, 8)}, Ker: [2]int{p(1, 2, 3), p(1, 3, 5, 8)}, Out: [2]int{p(1, 3, 6), p(1, 4, 5)},
					Stride: [2]int{p(1, 2), p(1, 1, 3)}, Pad: [2]int{p(-2, 0, 1, 4), p(-9, -1, 0, 2, 9)},
					InDil: [2]int{p(1, 1, 2), p(1, 1, 3)}, KerDil: [2]int{p(1, 2), p(1, 2)}, Reverse: p(0, 0, 0, 1) == 1}
			}, plan)
		})
	}
}

func TestMinimalFilteringFollowsTheDefinition(t *testing.T) {
	followsTheDefinition(t, func(p pick) Conv {
		return Conv{M: p(1, 2, 3, 7, 16, 33), K: p(1, 8, 16, 17, 40), N: p(1, 8, 15, 16, 17, 32, 33, 48, 64, 72, 100),
			In: [2]int{p(1, 4, 5, 9), p(1, 3, 8, 9, 17)}, Ker: [2]int{p(1, 2, 3, 5), p(1, 2, 3, 4, 5, 7)},
			Out:    [2]int{p(1, 3, 6), p(1, 4, 5, 9, 16)},
			Stride: [2]int{p(1, 2), p(1, 2, 3)}, Pad: [2]int{p(-2, 0, 1, 4), p(-1, 0, 1, 2, 3)},
			InDil: [2]int{p(1, 2), p(1, 2, 3)}, KerDil: [2]int{p(1, 2), p(1, 1, 1, 2)}, Reverse: p(0, 1, 1) == 1}
	}, func(p pick, c *Conv) algorithm {
		if p(0, 1) == 0 {
			c = c.swapAxes()
		}
		return newWinogradConv(c, p(0, 1) == 0, p(1<<14, 1<<30))
	})
}

func TestMinimalFilteringOfKernelGradientsFollowsTheDefinition(t *testing.T) {
	followsTheDefinition(t, func(p pick) Conv {
		return Conv{M: p(1, 8, 16, 17, 33, 40), K: p(1, 2, 5, 8, 16, 17), N: p(1, 8, 15, 16, 17, 32, 33, 48, 64, 72, 100),
			In: [2]int{p(1, 4, 5, 9), p(1, 3, 8, 9, 17)}, Ker: [2]int{p(1, 2, 3, 5), p(1, 2, 3, 4, 5, 8)}, Out: [2]int{p(1, 3, 5), p(1, 2, 3, 4, 5)},
			Stride: [2]int{p(1, 1, 2), 1}, Pad: [2]int{p(-2, 0, 1, 4), p(-1, 0, 1, 2, 3)},
			InDil: [2]int{1, 1}, KerDil: [2]int{p(1, 2), p(1, 2, 3)}}
	}, func(p pick, c *Conv) algorithm { return newWinogradGradient(c, p(0, 1) == 0, p(1<<14, 1<<30)) })
}

func TestPlanesFollowTheDefinition(t *testing.T) {
	followsTheDefinition(t, func(p pick) Conv {
		return Conv{M: p(1, 2, 3), K: p(1, 3, 16, 17, 40), N: p(1, 2, 3, 7, 15, 17, 33),
			In: [2]int{p(1, 4, 5, 9, 30), p(1, 3, 8, 17, 33)}, Ker: [2]int{p(1, 2, 3, 5), p(1, 2, 3, 4, 5)},
			Out:    [2]int{p(1, 3, 6, 40), p(1, 4, 5, 16)},
			Stride: [2]int{1, 1}, Pad: [2]int{p(-2, 0, 1, 4), p(-1, 0, 1, 2, 3)},
			InDil: [2]int{p(1, 2), p(1, 2, 3)}, KerDil: [2]int{p(1, 2), p(1, 1, 1, 2)}, Reverse: p(0, 1) == 1}
	}, func(p pick, c *Conv) algorithm { return newPlanes(c, p(1<<10, 1<<20)) })
}

// Fewer products lose little of float32's precision. On a layer of 64 to 128 channels the error against sums in float64 is at most four
// times that of sums in order.
func TestMinimalFilteringLosesLittlePrecision(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	rms := func(c *Conv, w algorithm) float64 {
		got, want := try(c, w, r)
		var sum, size float64
		for i, v := range want {
			sum += math.Pow(float64(got[i])-float64(v), 2)
			size += float64(v) * float64(v)
		}
		return math.Sqrt(sum / size)
	}
	s := Sets()[0]
	for _, c := range []struct {
		name string
		conv *Conv
	}{
		{"convolution", forward(s, 4, 16, 64, 128, 1)},
		{"input gradient", inputGradient(s, 4, 16, 64, 128, 1)},
		{"kernel gradient", kernelGradient(s, 8, 16, 64, 128, 1)},
	} {
		base := rms(c.conv, newPanels(c.conv))
		algorithms := c.conv.winogradAlgorithms()
		if len(algorithms) == 0 {
			t.Errorf("%s: no algorithm fits", c.name)
		}
		for _, w := range algorithms {
			e := rms(c.conv, w)
			t.Logf("%s: error %.2g, that of sums in order is %.2g", c.name, e, base)
			if e > 4*base {
				t.Errorf("%s: that is too much", c.name)
			}
		}
	}
}

// The phases and the form are those that leave the fewest products: seven taps on 17 pixels take 66 products for each pair of channels
// instead of 107, with F(3, 4) in two phases.
func TestLongFiltersAreSplitIntoPhases(t *testing.T) {
	for _, c := range []struct{ size, taps, phases, outputs, products int }{
		{17, 7, 2, 3, 66}, {35, 5, 2, 4, 110}, {16, 3, 1, 4, 24}, {6, 3, 1, 3, 10}, {16, 4, 1, 3, 36},
	} {
		conv := &Conv{Set: Sets()[0], In: [2]int{1, c.size}, Out: [2]int{1, c.size}, Ker: [2]int{1, c.taps}, Pad: [2]int{0, c.taps / 2},
			Stride: [2]int{1, 1}, InDil: [2]int{1, 1}, KerDil: [2]int{1, 1}}
		split, f := conv.bestFilters(1)
		if f == nil || split.InDil[1] != c.phases || f.form.outputs != c.outputs || f.products() != c.products {
			t.Errorf("%d taps on %d pixels: got %d phases, F(%d, %d), %d products, want %d phases, %d outputs, %d products", c.taps, c.size,
				split.InDil[1], f.form.outputs, f.form.taps, f.products(), c.phases, c.outputs, c.products)
		}
	}
}
