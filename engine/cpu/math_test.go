package cpu

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/starsweep/starsweep/engine/cpu/kern"
)

// ulps returns the distance of got from want, in units in the last place of want as a float32.
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

// accurate maps functions of float32 to what they compute.
var accurate = map[compute.OpType]func(float64) float64{
	compute.OpTypeExp: math.Exp, compute.OpTypeExpm1: math.Expm1, compute.OpTypeLog: math.Log, compute.OpTypeLog1p: math.Log1p,
	compute.OpTypeTanh: math.Tanh, compute.OpTypeLogistic: logistic64, compute.OpTypeSin: math.Sin, compute.OpTypeCos: math.Cos,
	compute.OpTypeErf: math.Erf, compute.OpTypeSqrt: math.Sqrt,
	compute.OpTypeRsqrt: func(x float64) float64 { return 1 / math.Sqrt(x) },
}

// tables returns the block functions of all kernel sets, by name.
func tables() map[string]table {
	all := map[string]table{}
	for _, s := range kern.Sets() {
		all[s.Name] = must(New("kernels=" + s.Name)).fns
	}
	return all
}

// The arguments have all magnitudes, including subnormal numbers, infinities and NaN, with more in the usual range.
func TestMathFunctionsAreAccurate(t *testing.T) {
	step := uint64(19997)
	if !testing.Short() {
		step = 997
	}
	var x []float32
	for b := uint64(0); b < 1<<32; b += step {
		x = append(x, math.Float32frombits(uint32(b)))
	}
	r := rand.New(rand.NewPCG(5, 6))
	for _, scale := range []float64{1, 10, 100, 9000} {
		for range 30000 {
			x = append(x, float32(scale*(2*r.Float64()-1)))
		}
	}
	for _, v := range []float64{
		0, 88.72, 88.73, -87.3, -87.4, -103.2, -103.97, -104, 16.6, .625, -1, math.Pi, math.Pi / 2, 0x1p-126, 8191.9, 8192, 3217,
	} {
		x = append(x, float32(v), -float32(v), math.Nextafter32(float32(v), 1e9), math.Nextafter32(float32(v), -1e9))
	}
	y := make([]float32, len(x)+slack)
	for len(x) < len(y) {
		x = append(x, 1)
	}
	n := len(x) - slack
	for op, f := range accurate {
		want := make([]float64, n)
		for i := range want {
			want[i] = f(float64(x[i]))
		}
		for name, fns := range tables() {
			fns[tableKey{op: op, in: dtypes.Float32}](ptr(&y[0]), ptr(&x[0]), nil, nil, n)
			worst, at := 0.0, float32(0)
			for i, w := range want {
				if u := ulps(y[i], w); u > worst {
					worst, at = u, x[i]
				}
				if w == 0 && math.Signbit(w) != math.Signbit(float64(y[i])) {
					t.Errorf("%s of %g, %s: got %g, want %g", op, x[i], name, y[i], w)
				}
			}
			t.Logf("%s, %s: %.2f ulp at %g", op, name, worst, at)
			if worst > 2 {
				t.Errorf("%s, %s: %g ulp at %g", op, name, worst, at)
			}
		}
	}
}

// The result for an element depends on the element alone: not on its neighbours, nor on memory after the tensor.
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
	for name, t := range tables() {
		for op, k := range map[string]tableKey{
			"add": {op: compute.OpTypeAdd, in: dtypes.Float32}, "max": {op: compute.OpTypeMax, in: dtypes.Float32},
			"exp": {op: compute.OpTypeExp, in: dtypes.Float32}, "log": {op: compute.OpTypeLog, in: dtypes.Float32},
			"tanh": {op: compute.OpTypeTanh, in: dtypes.Float32}, "cos": {op: compute.OpTypeCos, in: dtypes.Float32},
			"logistic": {op: compute.OpTypeLogistic, in: dtypes.Float32}, "log1p": {op: compute.OpTypeLog1p, in: dtypes.Float32},
			"sqrt": {op: compute.OpTypeSqrt, in: dtypes.Float32}, "where": {op: compute.OpTypeWhere, in: dtypes.Float32},
			"xor": {op: compute.OpTypeBitwiseXor, in: dtypes.Uint32}, "shift": {op: compute.OpTypeShiftLeft, in: dtypes.Uint32},
			"sign": {op: compute.OpTypeSign, in: dtypes.Float32}, "less": {op: compute.OpTypeLessThan, in: dtypes.Float32},
			"uint32 to float32": {op: compute.OpTypeConvertDType, in: dtypes.Uint32, into: dtypes.Float32},
		} {
			b.Run(name+"/"+op, func(b *testing.B) {
				for b.Loop() {
					t[k](z, x, y, x, block)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/block, "ns/element")
			})
		}
	}
}
