package linalg

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// covariance is that of n random samples in d dimensions.
func covariance(r *rand.Rand, n, d int) Matrix {
	c := New(d, d)
	c.AddGram(random(r, n, d))
	return c
}

func TestEigenvaluesAgreeWithGonum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, panel - 1, panel, panel + 1, panel + 2, 2 * panel, 100} {
		for _, samples := range []int{1, n/2 + 1, 2 * n} { // also of lower rank
			a := covariance(r, samples, n)
			var e mat.EigenSym
			if !e.Factorize(mat.NewSymDense(n, slices.Clone(a.Data)), false) {
				t.Fatal("gonum found no eigenvalues")
			}
			want := e.Values(nil)
			got, ok := Eigenvalues(a)
			if !ok || !floats.EqualApprox(got, want, 1e-13*max(1, want[n-1])*float64(n)) {
				t.Errorf("n = %d: got %v, want %v", n, got, want)
			}
		}
	}
}

func TestEigenvaluesOfSpecialMatrices(t *testing.T) {
	diagonal := New(40, 40)
	for i := range 40 {
		diagonal.Data[i*41] = float64(40 - i)
	}
	got, ok := Eigenvalues(diagonal)
	for i, v := range got {
		if !ok || v != float64(i+1) {
			t.Fatalf("diagonal: got %v", got)
		}
	}
	if got, ok := Eigenvalues(New(35, 35)); !ok || floats.Norm(got, 2) != 0 {
		t.Errorf("zeros: got %v", got)
	}
	bad := New(3, 3)
	bad.Data[4] = math.NaN()
	if _, ok := Eigenvalues(bad); ok {
		t.Error("eigenvalues of NaN")
	}
}

func TestFactorsHaveAsManyRowsAsRank(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, rank := range []int{0, 1, 5, 30, 50} {
		a := covariance(r, rank, 50)
		f := Factor(Matrix{50, 50, slices.Clone(a.Data)})
		if f.Rows != rank {
			t.Errorf("got %d rows for rank %d", f.Rows, rank)
		}
		got := New(50, 50)
		got.AddGram(f)
		near(t, got, a, "FᵀF")
	}
}

func BenchmarkEigenvalues(b *testing.B) {
	c := covariance(rand.New(rand.NewPCG(1, 2)), 3000, 2048)
	for b.Loop() {
		Eigenvalues(Matrix{c.Rows, c.Cols, append([]float64{}, c.Data...)})
	}
}

func BenchmarkFactor(b *testing.B) {
	c := covariance(rand.New(rand.NewPCG(1, 2)), 3000, 2048)
	for b.Loop() {
		Factor(Matrix{c.Rows, c.Cols, append([]float64{}, c.Data...)})
	}
}
