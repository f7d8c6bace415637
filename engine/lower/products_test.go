package lower_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/starsweep/starsweep/engine/lower"
)

// Products are correct for any sequence of sizes, from several goroutines at once.
func TestProductsOfMatrices(t *testing.T) {
	p := lower.NewProducts(open(t, "cpu").Devices()[0])
	defer p.Close()
	r := rand.New(rand.NewPCG(1, 1))
	var done sync.WaitGroup
	for _, s := range [][3]int{{3, 5, 2}, {1, 1, 1}, {7, 4, 33}, {3, 5, 2}, {5, 3, 2}} {
		m, n, d := s[0], s[1], s[2]
		a, b, out, want := make([]float32, m*d), make([]float32, n*d), make([]float32, m*n), make([]float32, m*n)
		for _, x := range [][]float32{a, b} {
			for i := range x {
				x[i] = float32(r.IntN(17) - 8) // whole numbers: any order of the sum is exact
			}
		}
		for i := range want {
			for k := range d {
				want[i] += a[i/n*d+k] * b[i%n*d+k]
			}
		}
		done.Go(func() {
			if err := p.Multiply(out, a, b, d); err != nil || !slices.Equal(out, want) {
				t.Errorf("[%d %d] by [%d %d]: got %v and the error %v, want %v", m, d, n, d, out, err, want)
			}
		})
	}
	done.Wait()
	err := p.Multiply(make([]float32, 5), make([]float32, 4), make([]float32, 6), 2)
	if err == nil || !strings.Contains(err.Error(), "got 4, 6 and 5 numbers") {
		t.Errorf("a result of the wrong size: got the error %v", err)
	}
}
