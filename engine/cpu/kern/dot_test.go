package kern

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// randomTables are tables of offsets, one for each axis of an array whose axes are in random order in memory, and its size.
func randomTables(r *rand.Rand, sizes ...int) (tables [][]int, n int) {
	n = 1
	stride := make([]int, len(sizes))
	for _, a := range r.Perm(len(sizes)) {
		stride[a] = n
		n *= sizes[a]
	}
	for a, size := range sizes {
		tables = append(tables, offsets(size, stride[a]))
	}
	return tables, n
}

// offsets are 0, step, 2 step, ...
func offsets(n, step int) (o []int) {
	for i := range n {
		o = append(o, i*step)
	}
	return o
}

// joint is the table of two axes, the second running faster.
func joint(a, b []int) (o []int) {
	for _, x := range a {
		for _, y := range b {
			o = append(o, x+y)
		}
	}
	return o
}

// naiveDot is the definition of a product, in float64.
func naiveDot(d *Dot, l, r []float32) []float32 {
	M, N := len(d.LM), len(d.RN)
	out := make([]float32, len(d.LB)*M*N)
	for i := range out {
		b, m, n := i/(M*N), i/N%M, i%N
		var v float64
		for k := range d.LK {
			v += float64(l[d.LB[b]+d.LM[m]+d.LK[k]]) * float64(r[d.RB[b]+d.RN[n]+d.RK[k]])
		}
		out[i] = float32(v)
	}
	return out
}

func TestProductsOfAnySizeFollowTheDefinition(t *testing.T) {
	forEachPrecision(t, func(t *testing.T, s *Set, bf16 bool) {
		r := rand.New(rand.NewPCG(5, 6))
		copied, rounded := 0, 0
		pick := func(v ...int) int { return v[r.IntN(len(v))] }
		for range 150 {
			batch, m1, m2, n := pick(1, 1, 3), pick(0, 1, 7, 16, 33), pick(1, 1, 3), pick(1, 7, 15, 17, 31, 33, 64)
			k1, k2 := pick(0, 1, 5, 16), pick(1, 3, 7)
			lt, ln := randomTables(r, batch, m1, m2, k1, k2)
			rt, rn := randomTables(r, batch, 1, n, k1, k2)
			d := &Dot{
				Set: s, BF16: bf16,
				LB: lt[0], LM: joint(lt[1], lt[2]), LK: joint(lt[3], lt[4]),
				RB: rt[0], RN: rt[2], RK: joint(rt[3], rt[4]),
			}
			d.Plan()
			if !d.inPlace {
				copied++
			}
			if d.BF16 {
				rounded++
			}
			left, right := randomOf(r, ln, bf16), randomOf(r, rn, bf16)
			got := aligned(batch * m1 * m2 * n)
			d.Run(NewTeam(3), got, left, right, aligned(d.Workspace()))
			what := fmt.Sprintf("%d x (%d %d) x %d x (%d %d) in place %v", batch, m1, m2, n, k1, k2, d.inPlace)
			same(t, what, got, naiveDot(d, left, right))
		}
		if bf16 != (rounded > 0) {
			t.Errorf("%d products were rounded", rounded)
		}
		if copied == 0 {
			t.Error("the left operand was never copied: the test misses a case")
		}
	})
}

// An operand whose contracted elements are pages apart is copied: by squares that are transposed, and the edges that are left.
func TestProductsOfPagesAreCopied(t *testing.T) {
	forEachSet(t, func(t *testing.T, s *Set) {
		const M, K, N, page = 19, 35, 300, 1100
		d := &Dot{
			Set: s,
			LB:  []int{0}, LM: offsets(M, 1), LK: offsets(K, page),
			RB: []int{0}, RK: offsets(K, 1), RN: offsets(N, K),
		}
		d.Plan()
		if d.inPlace {
			t.Error("the left operand is read in place, want a copy")
		}
		r := rand.New(rand.NewPCG(7, 8))
		left, right := random(r, K*page), random(r, K*N)
		got := aligned(M * N)
		d.Run(NewTeam(3), got, left, right, aligned(d.Workspace()))
		same(t, "product", got, naiveDot(d, left, right))
	})
}
