package kern

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// tried computes a convolution of random numbers in one way, on all threads, and by its definition.
func tried(c *Conv, w way, r *rand.Rand) (got, want []float32) {
	c.way, c.work = w, 1<<30
	x, k := random(r, c.Groups*c.In[0]*c.In[1]*c.M*c.K+16), random(r, c.Groups*c.Ker[0]*c.Ker[1]*c.K*c.N+16)
	n := c.Groups * c.Out[0] * c.Out[1] * c.M * c.N
	got, want = aligned(n), make([]float32, n)
	c.Run(got, x, k, aligned(c.Workspace()))
	naive(c, want, x, k)
	return got, want
}

// channelsLast lays out the operands, the kernel's channels in either order. The batch of the input lies between pixels and channels.
func channelsLast(c *Conv, outputsLast bool) {
	ik, in := c.K*c.Groups, c.N*c.Groups
	c.InS, c.InG = [4]int{c.In[1] * c.M * ik, c.M * ik, ik, 1}, c.K
	if outputsLast {
		c.KerS, c.KerG = [4]int{c.Ker[1] * c.K * in, c.K * in, in, 1}, c.N
	} else {
		c.KerS, c.KerG = [4]int{c.Ker[1] * c.K * in, c.K * in, 1, c.K}, c.N*c.K
	}
	c.OutS, c.OutG = [4]int{c.Out[1] * in, in, c.Out[0] * c.Out[1] * in, 1}, c.N
}

func TestMinimalFilteringFollowsTheDefinition(t *testing.T) {
	forEachSet(t, func(t *testing.T, s *Set) {
		r := rand.New(rand.NewPCG(3, 4))
		pick := func(v ...int) int { return v[r.IntN(len(v))] }
		done := 0
		for range 600 {
			c := &Conv{Set: s, Team: NewTeam(3), M: pick(1, 2, 3, 7, 16, 33), K: pick(1, 8, 16, 17, 40), N: pick(1, 8, 15, 16, 17, 32, 33, 48, 64, 72, 100), Groups: pick(1, 1, 3),
				In: [2]int{pick(1, 4, 5, 9), pick(1, 3, 8, 9, 17)}, Ker: [2]int{pick(1, 2, 3, 5), pick(1, 2, 3, 4, 5)}, Out: [2]int{pick(1, 3, 6), pick(1, 4, 5, 9, 16)},
				Stride: [2]int{pick(1, 2), pick(1, 2, 3)}, Pad: [2]int{pick(-2, 0, 1, 4), pick(-1, 0, 1, 2, 3)},
				InDil: [2]int{pick(1, 2), pick(1, 2, 3)}, KerDil: [2]int{pick(1, 2), pick(1, 1, 1, 2)}, Reverse: pick(0, 1) == 1}
			channelsLast(c, pick(0, 1) == 0)
			w := newMinimal(c, pick(0, 1) == 0, pick(1<<14, 1<<30))
			if w == nil {
				continue
			}
			done++
			got, want := tried(c, w, r)
			sizes := *c
			sizes.way = nil
			same(t, fmt.Sprintf("%+v", sizes), got, want)
		}
		if done < 100 {
			t.Errorf("only %d convolutions fit", done)
		}
	})
}

func TestMinimalFilteringOfKernelGradientsFollowsTheDefinition(t *testing.T) {
	forEachSet(t, func(t *testing.T, s *Set) {
		r := rand.New(rand.NewPCG(5, 6))
		pick := func(v ...int) int { return v[r.IntN(len(v))] }
		done := 0
		for range 600 {
			c := &Conv{Set: s, Team: NewTeam(3), M: pick(1, 8, 16, 17, 33, 40), K: pick(1, 2, 5, 8, 16, 17), N: pick(1, 8, 15, 16, 17, 32, 33, 48, 64, 72, 100), Groups: pick(1, 1, 3),
				In: [2]int{pick(1, 4, 5, 9), pick(1, 3, 8, 9, 17)}, Ker: [2]int{pick(1, 2, 3, 5), pick(1, 2, 3, 4, 5, 8)}, Out: [2]int{pick(1, 3, 5), pick(1, 2, 3, 4, 5)},
				Stride: [2]int{pick(1, 2), 1}, Pad: [2]int{pick(-2, 0, 1, 4), pick(-1, 0, 1, 2, 3)},
				InDil: [2]int{1, 1}, KerDil: [2]int{pick(1, 2), pick(1, 2, 3)}}
			in, im := c.N*c.Groups, c.M*c.Groups
			c.InS, c.InG = [4]int{c.In[1] * im, im, 1, c.In[0] * c.In[1] * im}, c.M
			c.KerS, c.KerG = [4]int{c.Ker[1] * in, in, c.Ker[0] * c.Ker[1] * in, 1}, c.N
			c.OutS, c.OutG = [4]int{c.Out[1] * c.M * in, c.M * in, in, 1}, c.N
			w := newMinimalKernel(c, pick(0, 1) == 0, pick(1<<14, 1<<30))
			if w == nil {
				continue
			}
			done++
			got, want := tried(c, w, r)
			sizes := *c
			sizes.way = nil
			same(t, fmt.Sprintf("%+v", sizes), got, want)
		}
		if done < 100 {
			t.Errorf("only %d gradients fit", done)
		}
	})
}

// Fewer products cost little of float32's precision: on a layer of the thesis the error, against sums in float64, is at most a few
// times that of sums in order.
func TestMinimalFilteringLosesLittlePrecision(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	rms := func(c *Conv, w way) float64 {
		got, want := tried(c, w, r)
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
		ways := c.conv.minimalWays()
		if len(ways) == 0 {
			t.Errorf("%s: no way fits", c.name)
		}
		for _, w := range ways {
			e := rms(c.conv, w)
			t.Logf("%s: error %.2g, that of sums in order is %.2g", c.name, e, base)
			if e > 4*base {
				t.Errorf("%s: that is too much", c.name)
			}
		}
	}
}
