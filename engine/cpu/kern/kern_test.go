package kern

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// aligned returns n floats at a multiple of 64 bytes. They are NaN, since nothing may depend on their values.
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

func forEachSet(t *testing.T, f func(t *testing.T, s *Set)) {
	for _, s := range Sets() {
		t.Run(s.Name, func(t *testing.T) { f(t, s) })
	}
}

func TestChooseFindsSetsByName(t *testing.T) {
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

// forEachPrecision runs f for every set and, where the processor multiplies bfloat16, again with operands of that type.
func forEachPrecision(t *testing.T, f func(t *testing.T, s *Set, bf16 bool)) {
	forEachSet(t, func(t *testing.T, s *Set) {
		f(t, s, false)
		if s.Pairs != nil {
			t.Run("bf16", func(t *testing.T) { f(t, s, true) })
		}
	})
}

// randomOf returns random numbers. With bf16 they are bfloat16, so that rounding them is exact.
func randomOf(r *rand.Rand, n int, bf16 bool) []float32 {
	v := random(r, n)
	for i := range v {
		if bf16 {
			v[i] = widen(roundBF16(v[i]))
		}
	}
	return v
}

func TestKernelsOfEveryHeightSumTheirWholeList(t *testing.T) {
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
