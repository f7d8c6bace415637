package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/starsweep/starsweep/engine/cpu/kern"
	"github.com/starsweep/starsweep/internal/require"
)

// vectorSizes are lengths of blocks at which vector code is likely to fail.
var vectorSizes = append([]int{block, 1000}, edges...)

// native returns the vector functions that this processor runs.
func native(t testing.TB) map[string]*vectors {
	all := map[string]*vectors{}
	for _, s := range kern.Sets() {
		if v := vectorsOf(s.Name); v != nil {
			all[s.Name] = v
		}
	}
	if len(all) == 0 {
		require.Unavailable(t, "no vector functions for this processor")
	}
	return all
}

// edgeNumbers are arguments at which functions take different paths.
var edgeNumbers = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, .5, -1.5, 2.5, 1e-40, -1e-45, 0x1p-126, math.MaxFloat32, 3e9, -3e9, 1e5, -8192,
	float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 40, -90, -104,
}

// fillBlock fills memory with random elements. Words are random bits, small integers, small floats and edge numbers.
func fillBlock(r *rand.Rand, p ptr, d dtypes.DType, n int) {
	for i := range n {
		var word uint32
		switch r.IntN(4) {
		case 0:
			word = r.Uint32()
		case 1:
			word = r.Uint32N(40)
		case 2:
			word = math.Float32bits(float32(4*r.Float64() - 2))
		default:
			word = math.Float32bits(edgeNumbers[r.IntN(len(edgeNumbers))])
		}
		switch {
		case d == dtypes.Bool:
			of[uint8](p, n)[i] = uint8(word & 1)
		case d.Size() == 1:
			of[uint8](p, n)[i] = uint8(word)
		default:
			of[uint32](p, n)[i] = word
		}
	}
}

// operandTypes returns the dtypes of the operands of a block function.
func operandTypes(k tableKey) []dtypes.DType {
	switch in := k.in; {
	case k.op == compute.OpTypeWhere:
		return []dtypes.DType{dtypes.Bool, in, in}
	case k.into != dtypes.InvalidDType || unaryOps[k.op].op != nil:
		return []dtypes.DType{in}
	default:
		return []dtypes.DType{in, in}
	}
}

// sameElement compares the bytes of two elements. NaN equals NaN, and functions of accurate may differ by some units in the last place.
func sameElement(k tableKey, got, want []byte, ulp float64) bool {
	if slices.Equal(got, want) {
		return true
	}
	if len(want) != 4 || k.in != dtypes.Float32 {
		return false
	}
	g, w := *(*float32)(ptr(&got[0])), *(*float32)(ptr(&want[0]))
	return g != g && w != w || accurate[k.op] != nil && ulps(g, float64(w)) <= ulp && math.Signbit(float64(g)) == math.Signbit(float64(w))
}

// Vector functions compute what the portable ones do, also in place. They do not write beyond the end of a vector, and all sets return the
// same bits except for NaN.
func TestVectorFunctionsAgreeWithPortableOnes(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	plain := newTable()
	sets := native(t)
	for name, v := range sets {
		for k, f := range v.fns {
			if plain[k] == nil {
				t.Errorf("%s: no portable function of %v", name, k)
				continue
			}
			for _, n := range vectorSizes {
				what := fmt.Sprintf("%s: %s of %d %s", name, k.op, n, k.in)
				types := operandTypes(k)
				var in [3]ptr
				for i, d := range types {
					in[i] = newMemory(n * d.Size())
					fillBlock(r, in[i], d, parts(n, 16)*16)
				}
				const size = 4 * block
				var got, want, other [size + 2*slack]byte
				for i := range got {
					got[i] = 0xa5
				}
				f(ptr(&got), in[0], in[1], in[2], n)
				plain[k](ptr(&want), in[0], in[1], in[2], n)
				es := resultSize(k)
				for i := 0; i < n*es; i += es {
					if !sameElement(k, got[i:i+es], want[i:i+es], 2) {
						t.Fatalf("%s: element %d is %x, want %x", what, i/es, got[i:i+es], want[i:i+es])
					}
				}
				for i := parts(n, 16) * 16 * es; i < len(got); i++ {
					if got[i] != 0xa5 {
						t.Fatalf("%s: wrote %d bytes behind the last vector", what, i-n*es)
					}
				}
				for _, w := range sets {
					w.fns[k](ptr(&other), in[0], in[1], in[2], n)
					for i := 0; i < n*es; i += es {
						if !sameElement(k, other[i:i+es], got[i:i+es], 0) {
							t.Fatalf("%s: element %d is %x and %x", what, i/es, got[i:i+es], other[i:i+es])
						}
					}
				}
				if types[0].Size() == es {
					f(in[0], in[0], in[1], in[2], n)
					if !slices.Equal(of[byte](in[0], n*es), got[:n*es]) {
						t.Errorf("%s: other results in place", what)
					}
				}
			}
		}
	}
}

// resultSize returns the size of an element of the result.
func resultSize(k tableKey) int {
	switch k.op {
	case compute.OpTypeEqual, compute.OpTypeNotEqual, compute.OpTypeLessThan, compute.OpTypeLessOrEqual, compute.OpTypeGreaterThan,
		compute.OpTypeGreaterOrEqual, compute.OpTypeIsNaN, compute.OpTypeIsFinite:
		return 1
	case compute.OpTypeConvertDType:
		return k.into.Size()
	}
	return k.in.Size()
}

// Runs of all lengths add to the initial value, and NaN in any place makes the result NaN.
func TestVectorRunsAgreeWithPortableOnes(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	bits := map[string]uint32{}
	for name := range native(t) {
		b := must(New("kernels=" + name))
		for _, n := range vectorSizes {
			x := random(rand.New(rand.NewPCG(uint64(n), 1)), n)
			for op := range b.vectors.runs {
				got, want := float32(.25), float32(.25)
				b.reducer(op, dtypes.Float32).run(ptr(&got), ptr(&x[0]), n)
				typedReducer(op, dtypes.Float32).run(ptr(&want), ptr(&x[0]), n)
				if math.Abs(float64(got-want)) > 1e-5*float64(n) || op != compute.OpTypeReduceSum && got != want {
					t.Errorf("%s: %s of %d: got %g, want %g", name, op, n, got, want)
				}
				key := fmt.Sprint(op, n)
				if other, ok := bits[key]; ok && other != math.Float32bits(got) {
					t.Errorf("%s of %d: sets produce different bits", op, n)
				}
				bits[key] = math.Float32bits(got)

				at := r.IntN(n)
				old := x[at]
				x[at] = float32(math.NaN())
				b.reducer(op, dtypes.Float32).run(ptr(&got), ptr(&x[0]), n)
				if got == got {
					t.Errorf("%s: %s of %d with NaN at %d: got %g", name, op, n, at, got)
				}
				x[at] = old
			}
		}
	}
}
