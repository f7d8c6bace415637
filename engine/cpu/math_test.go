package cpu

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// ulps is the distance of a float32 from a number, in units in the last place of the latter as a float32.
func ulps(got float32, want float64) float64 {
	w := float32(want)
	switch {
	case got == w || got != got && want != want:
		return 0
	case got != got || want != want || math.IsInf(float64(got), 0) != math.IsInf(float64(w), 0):
		return math.Inf(1)
	}
	_, e := math.Frexp(want)
	return math.Abs(float64(got)-want) / math.Ldexp(1, max(e-24, -149))
}

func TestMathFunctionsAreAccurate(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	uniform := func(lo, hi float64) func() float64 { return func() float64 { return lo + (hi-lo)*r.Float64() } }
	anyBits := func() float64 { return float64(math.Float32frombits(r.Uint32())) }
	positive := func() float64 { return math.Abs(anyBits()) }
	specials := []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), 1e-40, -1e-40, 1e-45, 1, -1, math.MaxFloat32, -math.MaxFloat32,
		88.72, 88.73, -87.3, -87.4, -103.2, -104, -110, .625, -.625, math.Pi, math.Pi / 2, 1.17549435e-38, 8191.9, 8192, 3217, -100}
	for name, c := range map[string]struct {
		f     unaryOp
		want  func(float64) float64
		draws []func() float64
	}{
		"exp":      {compute.Function.Exp, math.Exp, []func() float64{uniform(-110, 90), uniform(-1, 1), anyBits}},
		"log":      {compute.Function.Log, math.Log, []func() float64{positive, uniform(.5, 2), anyBits}},
		"tanh":     {compute.Function.Tanh, math.Tanh, []func() float64{uniform(-12, 12), uniform(-1, 1), anyBits}},
		"logistic": {compute.Function.Logistic, logistic64, []func() float64{uniform(-110, 90), uniform(-2, 2), anyBits}},
		"sin":      {compute.Function.Sin, math.Sin, []func() float64{uniform(-10, 10), uniform(-9000, 9000), anyBits}},
		"cos":      {compute.Function.Cos, math.Cos, []func() float64{uniform(-10, 10), uniform(-9000, 9000), anyBits}},
		"sqrt":     {compute.Function.Sqrt, math.Sqrt, []func() float64{positive, anyBits}},
		"rsqrt":    {compute.Function.Rsqrt, func(x float64) float64 { return 1 / math.Sqrt(x) }, []func() float64{positive}},
		"log1p":    {compute.Function.Log1p, math.Log1p, []func() float64{uniform(-1, 1), anyBits}},
		"expm1":    {compute.Function.Expm1, math.Expm1, []func() float64{uniform(-1, 1), anyBits}},
		"erf":      {compute.Function.Erf, math.Erf, []func() float64{uniform(-3, 3), anyBits}},
	} {
		var x []float32
		for _, s := range specials {
			x = append(x, float32(s))
		}
		for _, draw := range c.draws {
			for range 20000 {
				x = append(x, float32(draw()))
			}
		}
		for _, b := range []*Backend{must(New("")), must(New("kernels=go"))} { // vector functions, if there are any, and portable ones
			y := execute(b, compiled(b, func(f compute.Function, v []compute.Value) []compute.Value {
				return []compute.Value{must(c.f(f, v[0]))}
			}, f32(len(x))), x)[0].([]float32)
			worst, at := 0.0, float32(0)
			for i, v := range y {
				if u := ulps(v, c.want(float64(x[i]))); u > worst {
					worst, at = u, x[i]
				}
			}
			t.Logf("%s, %s: %.2f ulp at %g", name, b.Description(), worst, at)
			if worst > 4 {
				t.Errorf("%s, %s: %g ulp at %g", name, b.Description(), worst, at)
			}
		}
	}
}

// What is computed of an element depends on it alone: not on its neighbours, nor on what lies behind a tensor.
func TestAnElementDoesNotDependOnItsNeighbours(t *testing.T) {
	const n = 165
	r := rand.New(rand.NewPCG(7, 8))
	specials, with := specials[float32]()
	x, y := random(r, n), random(r, n)
	for i := range n {
		if i < 9 { // not in every vector
			k := r.IntN(len(specials))
			x[i], y[i] = specials[k], with[k]
		}
		if i == 9 {
			x[i] *= 1e5
		}
	}
	order := r.Perm(n)
	permuted := func(v []float32) (p []float32) {
		for _, i := range order {
			p = append(p, v[i])
		}
		return p
	}
	for _, b := range ours() {
		e := compiled(b, func(f compute.Function, in []compute.Value) (out []compute.Value) {
			for _, op := range slices.Sorted(maps.Keys(unaryOps)) {
				if u := unaryOps[op]; u.takes(dtypes.Float32) {
					out = append(out, must(f.ConvertDType(must(u.op(f, in[0])), dtypes.Float32)))
				}
			}
			for _, op := range slices.Sorted(maps.Keys(binaryOps)) {
				if u := binaryOps[op]; u.takes(dtypes.Float32) {
					out = append(out, must(f.ConvertDType(must(u.op(f, in[0], in[1])), dtypes.Float32)))
				}
			}
			return out
		}, f32(n), f32(n))
		there := execute(b, e, permuted(x), permuted(y))
		for k, here := range execute(b, e, x, y) {
			if want := permuted(here.([]float32)); !sameBits(there[k], want) {
				t.Errorf("%s, operation %d: got %v elsewhere, want %v", b.Description(), k, there[k], want)
			}
		}
	}
}

func BenchmarkBlock(b *testing.B) {
	x, y, z := newMemory(block*4), newMemory(block*4), newMemory(block*4)
	for i := range of[float32](x, block) {
		of[float32](x, block)[i] = float32(i)/block + .01
		of[float32](y, block)[i] = 1
	}
	for _, simd := range []bool{false, true} {
		if simd && !must(New("")).simd {
			continue
		}
		t := newTable(simd)
		name := map[bool]string{false: "portable/", true: "vector/"}[simd]
		for op, k := range map[string]tableKey{
			"add": {op: compute.OpTypeAdd, in: dtypes.Float32}, "max": {op: compute.OpTypeMax, in: dtypes.Float32},
			"exp": {op: compute.OpTypeExp, in: dtypes.Float32}, "log": {op: compute.OpTypeLog, in: dtypes.Float32},
			"tanh": {op: compute.OpTypeTanh, in: dtypes.Float32}, "cos": {op: compute.OpTypeCos, in: dtypes.Float32},
			"sqrt": {op: compute.OpTypeSqrt, in: dtypes.Float32}, "where": {op: compute.OpTypeWhere, in: dtypes.Float32},
			"xor": {op: compute.OpTypeBitwiseXor, in: dtypes.Uint32}, "shift": {op: compute.OpTypeShiftLeft, in: dtypes.Uint32},
			"sign": {op: compute.OpTypeSign, in: dtypes.Float32}, "less": {op: compute.OpTypeLessThan, in: dtypes.Float32},
			"uint32 to float32": {op: compute.OpTypeConvertDType, in: dtypes.Uint32, into: dtypes.Float32},
		} {
			b.Run(name+op, func(b *testing.B) {
				for b.Loop() {
					t[k](z, x, y, x, block)
				}
			})
		}
	}
}
