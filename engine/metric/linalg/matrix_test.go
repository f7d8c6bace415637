package linalg

import (
	"math"
	"math/rand/v2"
	"testing"
)

func random(r *rand.Rand, rows, cols int) Matrix {
	m := New(rows, cols)
	for i := range m.Data {
		m.Data[i] = r.NormFloat64()
	}
	return m
}

func TestProductsAgreeWithTheDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		m, n, k := 1+r.IntN(40), 1+r.IntN(60), 1+r.IntN(2*depth+9)
		a, b, c := random(r, k, m), random(r, k, n), random(r, m, n)
		want := New(m, n)
		for i := range m {
			for j := range n {
				s := c.Data[i*n+j]
				for p := range k {
					s += a.Data[p*m+i] * b.Data[p*n+j]
				}
				want.Data[i*n+j] = s
			}
		}
		d := Matrix{m, n, append([]float64{}, c.Data...)}
		c.AddTMul(a, b)
		near(t, c, want, "aᵀb")
		d.AddMulT(transposed(a), transposed(b))
		near(t, d, want, "abᵀ")
	}
}

func TestGramIsTheProductWithItself(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 7, 8, 24, 25, 50, 97} {
		a := random(r, 300, n)
		got, want := New(n, n), New(n, n)
		got.AddGram(a)
		want.AddTMul(a, a)
		near(t, got, want, "aᵀa")
		got = New(n, n)
		got.AddOuter(transposed(a))
		near(t, got, want, "aaᵀ")
	}
}

func transposed(a Matrix) Matrix {
	b := New(a.Cols, a.Rows)
	for i := range a.Rows {
		for j, v := range a.Row(i) {
			b.Data[j*b.Cols+i] = v
		}
	}
	return b
}

func near(t *testing.T, got, want Matrix, what string) {
	t.Helper()
	for i, v := range got.Data {
		if math.Abs(v-want.Data[i]) > 1e-11 {
			t.Fatalf("%s: element %d of [%d, %d]: got %g, want %g", what, i, got.Rows, got.Cols, v, want.Data[i])
		}
	}
}

func BenchmarkGram(b *testing.B) {
	a, c := random(rand.New(rand.NewPCG(1, 2)), 512, 2048), New(2048, 2048)
	for b.Loop() {
		c.AddGram(a)
	}
	b.ReportMetric(512*2048*2048*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
