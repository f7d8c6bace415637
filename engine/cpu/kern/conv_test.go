package kern

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// layKernelGradient sets the strides of the gradient of a kernel: batch and channels are exchanged, and the output gradient is the kernel.
func layKernelGradient(c *Conv) {
	in, im := c.N*c.Groups, c.M*c.Groups
	c.InS, c.InG = [4]int{c.In[1] * im, im, 1, c.In[0] * c.In[1] * im}, c.M
	c.KerS, c.KerG = [4]int{c.Ker[1] * in, in, c.Ker[0] * c.Ker[1] * in, 1}, c.N
	c.OutS, c.OutG = [4]int{c.Out[1] * c.M * in, c.M * in, in, 1}, c.N
}

// memory allocates the workspace of a convolution.
func memory(c *Conv) (m Memory) {
	shared, own := c.Workspace()
	for range c.Team.Size() {
		m.Own = append(m.Own, aligned(own))
	}
	m.Shared = aligned(shared)
	return m
}

// name returns the name of the algorithm.
func (c *Conv) name() string {
	if s, ok := c.algorithm.(*strips); ok && s.thin != nil {
		return "thin strips"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", c.algorithm), "*kern.")
}

// meeting calls f for every pixel of the kernel that meets a pixel of the input for output o. It is Taps by definition.
func (c *Conv) meeting(o int, f func(t Tap)) {
	for ky := range c.Ker[0] {
		for kx := range c.Ker[1] {
			y, okY := c.meets(0, o/c.Out[1], ky)
			x, okX := c.meets(1, o%c.Out[1], kx)
			if okY && okX {
				f(Tap{ky*c.Ker[1] + kx, c.kernelPixel(ky, kx), y, x})
			}
		}
	}
}

func TestTapsAreThePixelsThatMeet(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 3000 {
		two := func(low, n int) [2]int { return [2]int{low + r.IntN(n), low + r.IntN(n)} }
		c := &Conv{In: two(0, 6), Ker: two(1, 9), Out: two(1, 6), Stride: two(1, 3), Pad: two(-4, 12), InDil: two(1, 3), KerDil: two(1, 3)}
		c.KerS = [4]int{c.Ker[1], 1, 0, 0}
		count := 0
		for o := range c.Out[0] * c.Out[1] {
			var got, want []Tap
			c.Taps(o, func(t Tap) { got = append(got, t) })
			c.meeting(o, func(t Tap) { want = append(want, t) })
			if !slices.Equal(got, want) {
				t.Fatalf("%+v, output %d: got %v, want %v", c, o, got, want)
			}
			count += len(want)
		}
		if got := c.CountTaps(); got != count {
			t.Fatalf("%+v: got %d taps, want %d", c, got, count)
		}
	}
}

func TestCountingTapsOfAHugeKernelTakesNoTime(t *testing.T) {
	const side = 1 << 40
	c := &Conv{In: [2]int{8, 8}, Ker: [2]int{side, side}, Out: [2]int{8, 8}, Stride: [2]int{1, 1}, Pad: [2]int{side / 2, side / 2},
		InDil: [2]int{1, 1}, KerDil: [2]int{1, 1}}
	if got, want := c.CountTaps(), 8*8*8*8; got != want {
		t.Errorf("got %d taps, want %d", got, want)
	}
}

// naive is the definition of a convolution, in float64.
func naive(c *Conv, out, in, ker []float32) {
	for g := range c.Groups {
		for o := range c.Out[0] * c.Out[1] {
			for m := range c.M {
				for n := range c.N {
					var v float64
					c.meeting(o, func(t Tap) {
						for k := range c.K {
							v += float64(in[g*c.InG+t.Y*c.InS[0]+t.X*c.InS[1]+m*c.InS[2]+k*c.InS[3]]) * float64(ker[g*c.KerG+t.Kernel+k*c.KerS[2]+n*c.KerS[3]])
						}
					})
					out[g*c.OutG+o/c.Out[1]*c.OutS[0]+o%c.Out[1]*c.OutS[1]+m*c.OutS[2]+n*c.OutS[3]] = float32(v)
				}
			}
		}
	}
}

func TestConvolutionsOfAnySizeFollowTheDefinition(t *testing.T) {
	count := 400
	if testing.Short() {
		count = 120
	}
	forEachPrecision(t, func(t *testing.T, s *Set, bf16 bool) {
		r := rand.New(rand.NewPCG(3, 4))
		pick := func(v ...int) int { return v[r.IntN(len(v))] }
		algorithms := map[string]int{}
		for range count {
			c := &Conv{Set: s, Team: NewTeam(3), BF16: bf16, M: pick(1, 2, 3, 7, 16, 33, 64), K: pick(1, 3, 8, 40),
				N: pick(1, 3, 7, 8, 15, 16, 17, 31, 32, 33, 48, 64), Groups: pick(1, 1, 3),
				In: [2]int{pick(1, 4, 5, 9), pick(1, 3, 8)}, Ker: [2]int{pick(1, 2, 3, 12), pick(1, 3, 8)}, Out: [2]int{pick(1, 3, 6), pick(1, 4, 5)},
				Stride: [2]int{pick(1, 2), pick(1, 3)}, Pad: [2]int{pick(-2, 0, 1, 4), pick(-1, 0, 2)},
				InDil: [2]int{pick(1, 2), pick(1, 3)}, KerDil: [2]int{pick(1, 2), pick(1, 2)}, Reverse: pick(0, 1) == 1}
			// NHWC and HWIO, or with batch and channels exchanged
			ik, in := c.K*c.Groups, c.N*c.Groups
			if pick(0, 1) == 0 {
				c.InS, c.InG = [4]int{c.In[1] * c.M * ik, c.M * ik, ik, 1}, c.K
			} else {
				c.InS, c.InG = [4]int{c.In[1] * c.M * ik, c.M * ik, 1, c.M}, c.K*c.M
			}
			if pick(0, 1) == 0 {
				c.KerS, c.KerG = [4]int{c.Ker[1] * c.K * in, c.K * in, in, 1}, c.N
			} else {
				c.KerS, c.KerG = [4]int{c.Ker[1] * c.K * in, c.K * in, 1, c.K}, c.N*c.K
			}
			if pick(0, 2) == 0 {
				c.OutS, c.OutG = [4]int{c.Out[1] * in, in, c.Out[0] * c.Out[1] * in, 1}, c.N
			} else {
				c.OutS, c.OutG = [4]int{c.Out[1] * c.M * in, c.M * in, 1, c.M}, c.N*c.M
			}
			if pick(0, 1, 2) == 0 { // the gradient of a kernel
				layKernelGradient(c)
				if pick(0, 1) == 0 {
					c.InDil, c.Reverse = [2]int{1, 1}, false
				}
			}
			c.Plan()
			algorithms[c.name()]++
			x, k := randomOf(r, c.In[0]*c.In[1]*c.M*ik+16, bf16), randomOf(r, c.Ker[0]*c.Ker[1]*c.K*in+16, bf16)
			got, want := aligned(c.Out[0]*c.Out[1]*c.M*in), make([]float32, c.Out[0]*c.Out[1]*c.M*in)
			c.Run(got, x, k, memory(c))
			naive(c, want, x, k)
			sizes := *c
			sizes.algorithm = nil
			same(t, fmt.Sprintf("%s of %+v", c.name(), sizes), got, want)
		}
		if bf16 != (algorithms["paired"] > count/10) {
			t.Errorf("the test misses an algorithm: %v", algorithms)
		}
	})
}

func TestConvolutionsWithoutProductsAreZero(t *testing.T) {
	forEachSet(t, func(t *testing.T, s *Set) {
		for _, k := range []int{0, 2} {
			c := &Conv{Set: s, Team: NewTeam(2), M: 2, K: k, N: 3, Groups: 1, In: [2]int{0, 4}, Ker: [2]int{1, 1}, Out: [2]int{2, 2},
				OutS:   [4]int{12, 6, 3, 1},
				Stride: [2]int{1, 1}, Pad: [2]int{1, 0}, InDil: [2]int{1, 1}, KerDil: [2]int{1, 1}}
			c.Plan()
			got := aligned(24)
			c.Run(got, nil, random(rand.New(rand.NewPCG(1, 2)), 6), memory(c))
			same(t, "nothing", got, make([]float32, 24))
		}
		for _, size := range [][2]int{{0, 16}, {2, 0}} { // no examples, no channels
			c := forward(s, size[0], 8, 16, size[1], 1)
			c.Plan()
			c.Run(nil, nil, nil, memory(c))
			c = inputGradient(s, size[0], 8, size[1], 16, 1)
			c.Plan()
			c.Run(nil, nil, nil, memory(c))
		}
	})
}
