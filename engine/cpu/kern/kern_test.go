package kern

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

// aligned is n floats at a multiple of 64 bytes, of values that nobody may rely on.
func aligned(n int) []float32 {
	b := make([]float32, n+16)
	b = b[-uintptr(unsafe.Pointer(&b[0]))&63/4:][:n]
	for i := range b {
		b[i] = float32(math.NaN())
	}
	return b
}

func random(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = 2*r.Float32() - 1
	}
	return v
}

func same(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i, w := range want {
		if !(math.Abs(float64(got[i]-w)) <= 1e-4*(1+math.Abs(float64(w)))) {
			t.Fatalf("%s: element %d is %g, want %g", what, i, got[i], w)
		}
	}
}

// layKernelGradient lays out the gradient of a kernel: batch and channels change places, and the output gradient is the kernel.
func layKernelGradient(c *Conv) {
	in, im := c.N*c.Groups, c.M*c.Groups
	c.InS, c.InG = [4]int{c.In[1] * im, im, 1, c.In[0] * c.In[1] * im}, c.M
	c.KerS, c.KerG = [4]int{c.Ker[1] * in, in, c.Ker[0] * c.Ker[1] * in, 1}, c.N
	c.OutS, c.OutG = [4]int{c.Out[1] * c.M * in, c.M * in, in, 1}, c.N
}

// memory is what a convolution needs.
func memory(c *Conv) (m Memory) {
	shared, own := c.Workspace()
	for range c.Team.Size() {
		m.Own = append(m.Own, aligned(own))
	}
	m.Shared = aligned(shared)
	return m
}

func forEachSet(t *testing.T, f func(t *testing.T, s *Set)) {
	for _, s := range Sets() {
		t.Run(s.Name, func(t *testing.T) { f(t, s) })
	}
}

func TestChooseNamesTheSetsThatThereAre(t *testing.T) {
	if _, err := Choose("mmx"); err == nil || err.Error()[:28] != `no kernels "mmx" for this pr` {
		t.Error(err)
	}
	if s, err := Choose("go"); err != nil || s != portable {
		t.Error(s, err)
	}
	if s, err := Choose(""); err != nil || s.Name != Sets()[0].Name {
		t.Error(s, err)
	}
}

// forEachPrecision also runs f with operands in pairs of bfloat16, where the processor multiplies them.
func forEachPrecision(t *testing.T, f func(t *testing.T, s *Set, bf16 bool)) {
	forEachSet(t, func(t *testing.T, s *Set) {
		f(t, s, false)
		if s.Pairs != nil {
			t.Run("bf16", func(t *testing.T) { f(t, s, true) })
		}
	})
}

// randomOf gives numbers that are bfloat16 if asked for, so that their products are exact.
func randomOf(r *rand.Rand, n int, bf16 bool) []float32 {
	v := random(r, n)
	for i := range v {
		if bf16 {
			v[i] = widen(roundBF16(v[i]))
		}
	}
	return v
}

func TestKernelsOfEveryHeightSumTheWholeList(t *testing.T) {
	forEachPrecision(t, func(t *testing.T, s *Set, bf16 bool) {
		product := func(a, b float32) float64 { return float64(a) * float64(b) }
		if bf16 {
			s = s.Pairs
			product = func(a, b float32) float64 {
				x, y := math.Float32bits(a), math.Float32bits(b)
				return float64(widen(uint16(x)))*float64(widen(uint16(y))) + float64(widen(uint16(x>>16)))*float64(widen(uint16(y>>16)))
			}
		}
		r := rand.New(rand.NewPCG(1, 2))
		for _, tiles := range []Tiles{s.Main, s.Half, s.Wide} {
			for rows := 1; rows < len(tiles.By); rows++ {
				for acc := range 2 {
					const K, E = 3, 4
					w := tiles.Width
					a, b, c := random(r, E*rows*K+7), random(r, E*K*w+64), random(r, rows*w)
					if bf16 {
						a, b = randomPairs(r, len(a)), randomPairs(r, len(b))
					}
					want := make([]float32, len(c))
					list := make([]Pair, E)
					for e := range list {
						list[e] = Pair{A: (e*rows*K + e) * 4, B: (E - 1 - e) * K * w * 4}
					}
					for i := range want {
						m, n := i/w, i%w
						var v float64
						for e := range E {
							for k := range K {
								v += product(a[e*rows*K+e+m*K+k], b[((E-1-e)*K+k)*w+n])
							}
						}
						want[i] = float32(v) + float32(acc)*c[i]
					}
					h := worker{Args: Args{A: unsafe.Pointer(&a[0]), B: unsafe.Pointer(&b[0]), C: unsafe.Pointer(&c[0]), List: &list[0], N: E, K: K,
						ARS: K * 4, AKS: 4, BKS: w * 4, CRS: w * 4, Acc: acc}}
					tiles.By[rows](&h.Args)
					same(t, fmt.Sprintf("%d x %d, acc %d", rows, w, acc), c, want)
				}
			}
		}
	})
}

// name is that of the algorithm.
func (c *Conv) name() string {
	if s, ok := c.algorithm.(*strips); ok && s.thin != nil {
		return "thin strips"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", c.algorithm), "*kern.")
}

// meeting calls f for every pixel of the kernel that meets one of the input for output o: Taps by its definition.
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

func TestTapsOfAKernelMuchLargerThanTheImageAreFoundAtOnce(t *testing.T) {
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
			// NHWC, HWIO, or the roles of batch and channels exchanged
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

func TestConvolutionsOfNothingAreZero(t *testing.T) {
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

func TestProductsOfAnySizeFollowTheDefinition(t *testing.T) {
	forEachPrecision(t, func(t *testing.T, s *Set, bf16 bool) {
		r := rand.New(rand.NewPCG(5, 6))
		copied, rounded := 0, 0
		pick := func(v ...int) int { return v[r.IntN(len(v))] }
		for range 150 {
			B, m1, m2, N := pick(1, 1, 3), pick(0, 1, 7, 16, 33), pick(1, 1, 3), pick(1, 7, 15, 17, 31, 33, 64)
			M := m1 * m2
			k1, k2 := pick(0, 1, 5, 16), pick(1, 3, 7)
			table := func(sizes ...int) (tables [][]int, n int) { // of axes that lie in memory in a random order
				n = 1
				stride := make([]int, len(sizes))
				for _, a := range r.Perm(len(sizes)) {
					stride[a] = n
					n *= sizes[a]
				}
				for a, size := range sizes {
					var o []int
					for i := range size {
						o = append(o, i*stride[a])
					}
					tables = append(tables, o)
				}
				return tables, n
			}
			both := func(a, b []int) (o []int) {
				for _, x := range a {
					for _, y := range b {
						o = append(o, x+y)
					}
				}
				return o
			}
			lt, ln := table(B, m1, m2, k1, k2)
			rt, rn := table(B, 1, N, k1, k2)
			d := &Dot{Set: s, BF16: bf16, LB: lt[0], LM: both(lt[1], lt[2]), LK: both(lt[3], lt[4]), RB: rt[0], RN: rt[2], RK: both(rt[3], rt[4])}
			d.Plan()
			if !d.inPlace {
				copied++
			}
			if d.BF16 {
				rounded++
			}
			l, rr := randomOf(r, ln, bf16), randomOf(r, rn, bf16)
			got, want := aligned(B*M*N), make([]float32, B*M*N)
			d.Run(NewTeam(3), got, l, rr, aligned(d.Workspace()))
			for i := range want {
				b, m, n := i/(M*N), i/N%M, i%N
				var v float64
				for k := range d.LK {
					v += float64(l[d.LB[b]+d.LM[m]+d.LK[k]]) * float64(rr[d.RB[b]+d.RN[n]+d.RK[k]])
				}
				want[i] = float32(v)
			}
			same(t, fmt.Sprintf("%d x %d x %d x (%d %d) in place %v", B, M, N, k1, k2, d.inPlace), got, want)
		}
		if bf16 != (rounded > 0) {
			t.Errorf("%d products were rounded", rounded)
		}
		if copied == 0 {
			t.Error("the left operand was never copied: the test misses a case")
		}
	})
}

// An operand whose contracted elements are pages apart is copied, through squares that are turned and edges that are not.
func TestProductsOfPagesAreCopied(t *testing.T) {
	forEachSet(t, func(t *testing.T, s *Set) {
		const M, K, N, page = 19, 35, 300, 1100
		offsets := func(n, step int) (o []int) {
			for i := range n {
				o = append(o, i*step)
			}
			return o
		}
		d := &Dot{Set: s, LB: []int{0}, LM: offsets(M, 1), LK: offsets(K, page), RB: []int{0}, RK: offsets(K, 1), RN: offsets(N, K)}
		d.Plan()
		if d.inPlace {
			t.Error("the left operand is read where it lies")
		}
		r := rand.New(rand.NewPCG(7, 8))
		l, rr := random(r, K*page), random(r, K*N)
		got, want := aligned(M*N), make([]float32, M*N)
		d.Run(NewTeam(3), got, l, rr, aligned(d.Workspace()))
		for i := range want {
			var v float64
			for k := range K {
				v += float64(l[i/N+k*page]) * float64(rr[i%N*K+k])
			}
			want[i] = float32(v)
		}
		same(t, "product", got, want)
	})
}

func TestTeamHandsOutEveryNumberOnce(t *testing.T) {
	for _, size := range []int{1, 2, 5} {
		team := NewTeam(size)
		for _, n := range []int{0, 1, 3, 100} {
			seen := make([]int, n)
			team.Each(n, func(w, i int) {
				if w < 0 || w >= size {
					t.Errorf("worker %d of %d", w, size)
				}
				seen[i]++
			})
			for i, s := range seen {
				if s != 1 {
					t.Errorf("%d of %d was handed out %d times to a team of %d", i, n, s, size)
				}
			}
		}
	}
}

func TestTasksShareATeam(t *testing.T) {
	const tasks, rounds, n = 7, 200, 9
	team := NewTeam(3)
	var wg sync.WaitGroup
	for range tasks {
		wg.Go(func() {
			for range rounds {
				var seen [n]int
				var busy [3]bool // by worker
				team.Share(n, func(w int, next func() int) {
					if busy[w] {
						t.Errorf("two workers have number %d", w)
					}
					busy[w] = true
					for i := next(); i >= 0; i = next() {
						if i%4 == 0 {
							runtime.Gosched()
						}
						seen[i]++
					}
					busy[w] = false
				})
				if seen != [n]int{1, 1, 1, 1, 1, 1, 1, 1, 1} {
					t.Errorf("pieces were handed out %v times", seen)
				}
			}
		})
	}
	wg.Wait()
}

func TestATaskMayBePartOfATask(t *testing.T) {
	team := NewTeam(2)
	var sum atomic.Int64
	team.Each(10, func(_, i int) {
		team.Each(10, func(_, j int) { sum.Add(int64(i * j)) })
	})
	if sum.Load() != 45*45 {
		t.Errorf("sum is %d, want %d", sum.Load(), 45*45)
	}
}

func TestHelpersGoWhenNobodyCalls(t *testing.T) {
	team := NewTeam(4)
	for range 100 {
		team.Each(8, func(_, _ int) {})
	}
	for start := time.Now(); len(team.pool.idle) < 3; time.Sleep(time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatalf("%d of 3 helpers are gone", len(team.pool.idle))
		}
	}
}
