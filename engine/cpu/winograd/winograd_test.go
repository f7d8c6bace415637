package winograd

import (
	"math"
	"math/rand/v2"
	"testing"
)

func (m Matrix) times(v []float64) []float64 {
	out := make([]float64, len(m))
	for i, row := range m {
		for j, c := range row {
			out[i] += float64(c) * v[j]
		}
	}
	return out
}

func random(r *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 2*r.Float64() - 1
	}
	return v
}

func multiplied(a, b []float64) []float64 {
	c := make([]float64, len(a))
	for i := range c {
		c[i] = a[i] * b[i]
	}
	return c
}

func close(t *testing.T, what string, got, want []float64) {
	t.Helper()
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-6 { // entries of G are rounded to float32
			t.Fatalf("%s: %v, want %v", what, got, want)
		}
	}
}

func TestFilteringFollowsTheDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		d, g, y := random(r, Slots), random(r, Taps), random(r, Outputs)
		filtered, gradient := make([]float64, Outputs), make([]float64, Taps)
		for i := range Outputs {
			for j := range Taps {
				filtered[i] += g[j] * d[i+j]
				gradient[j] += y[i] * d[i+j]
			}
		}
		v := BT().times(d)
		close(t, "F(4, 3)", A().Transposed().times(multiplied(G().times(g), v)), filtered)
		close(t, "F(3, 4)", G().Transposed().times(multiplied(A().times(y), v)), gradient)
	}
}

func TestOnlyTheEndTapsContributeToTheirSlots(t *testing.T) {
	for j := range Taps {
		if g := G(); (g[FirstTap][j] != 0) != (j == 0) || (g[LastTap][j] != 0) != (j == Taps-1) {
			t.Errorf("tap %d contributes %g and %g", j, g[FirstTap][j], g[LastTap][j])
		}
	}
}
