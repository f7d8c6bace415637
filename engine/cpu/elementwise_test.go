package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

type (
	unaryOp  = func(compute.Function, compute.Value) (compute.Value, error)
	binaryOp = func(compute.Function, compute.Value, compute.Value) (compute.Value, error)
)

var unaryOps = map[string]unaryOp{
	"BitCount": compute.Function.BitCount, "Clz": compute.Function.Clz,
	"Abs": compute.Function.Abs, "Neg": compute.Function.Neg, "Sign": compute.Function.Sign, "Floor": compute.Function.Floor,
	"Ceil": compute.Function.Ceil, "Round": compute.Function.Round, "Exp": compute.Function.Exp, "Expm1": compute.Function.Expm1,
	"Log": compute.Function.Log, "Log1p": compute.Function.Log1p, "Sqrt": compute.Function.Sqrt, "Rsqrt": compute.Function.Rsqrt,
	"Tanh": compute.Function.Tanh, "Logistic": compute.Function.Logistic, "Sin": compute.Function.Sin, "Cos": compute.Function.Cos,
	"Erf": compute.Function.Erf, "LogicalNot": compute.Function.LogicalNot, "BitwiseNot": compute.Function.BitwiseNot,
	"IsFinite": compute.Function.IsFinite, "IsNaN": compute.Function.IsNaN,
}

var binaryOps = map[string]binaryOp{
	"Add": compute.Function.Add, "Sub": compute.Function.Sub, "Mul": compute.Function.Mul, "Div": compute.Function.Div,
	"Rem": compute.Function.Rem, "Pow": compute.Function.Pow, "Atan2": compute.Function.Atan2, "Max": compute.Function.Max,
	"Min": compute.Function.Min, "BitwiseAnd": compute.Function.BitwiseAnd, "BitwiseOr": compute.Function.BitwiseOr,
	"BitwiseXor": compute.Function.BitwiseXor, "ShiftLeft": compute.Function.ShiftLeft,
	"ShiftRightLogical": compute.Function.ShiftRightLogical, "ShiftRightArithmetic": compute.Function.ShiftRightArithmetic,
	"LogicalAnd": compute.Function.LogicalAnd, "LogicalOr": compute.Function.LogicalOr, "LogicalXor": compute.Function.LogicalXor,
	"Equal": compute.Function.Equal, "NotEqual": compute.Function.NotEqual, "LessThan": compute.Function.LessThan,
	"LessOrEqual": compute.Function.LessOrEqual, "GreaterThan": compute.Function.GreaterThan, "GreaterOrEqual": compute.Function.GreaterOrEqual,
}

// edges are sizes about which vector code goes wrong, and one of several blocks.
var edges = []int{1, 7, 15, 17, 31, 33, 5 * block / 2}

// values are n random numbers of a dtype, small, of both signs where there are two.
func values(r *rand.Rand, d dtypes.DType, n int) any {
	v := reflect.ValueOf(dtypes.MakeAnySlice(d, n))
	for i := range n {
		x := v.Index(i)
		switch {
		case d == dtypes.Bool:
			x.SetBool(r.IntN(2) == 1)
		case d.IsFloat():
			x.SetFloat(float64(float32(6*r.Float64() - 3)))
		case d.IsUnsigned():
			x.SetUint(1 + r.Uint64N(7))
		default:
			x.SetInt((1 + r.Int64N(7)) * (1 - 2*r.Int64N(2)))
		}
	}
	return v.Interface()
}

// similar compares results of any dtype: floats within the tolerance, others exactly.
func similar(got, want any, tolerance float64) error {
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	if g.Type() != w.Type() || g.Len() != w.Len() {
		return fmt.Errorf("got %d elements in a %s, want %d in a %s", g.Len(), g.Type(), w.Len(), w.Type())
	}
	for i := range w.Len() {
		a, b := g.Index(i), w.Index(i)
		ok := a.Interface() == b.Interface()
		if b.CanFloat() {
			x, y := a.Float(), b.Float()
			ok = ok || x != x && y != y || math.Abs(x-y) <= tolerance*(1+math.Abs(y))
		}
		if !ok {
			return fmt.Errorf("element %d is %v, want %v", i, a, b)
		}
	}
	return nil
}

// tryRun builds and runs, or gives the error.
func tryRun(b compute.Backend, f build, in []any, ss ...shapes.Shape) (out []any, err error) {
	defer func() {
		if e := recover(); e != nil { // of must
			err = fmt.Errorf("%v", e)
		}
	}()
	return execute(b, compiled(b, f, ss...), in...), nil
}

func TestElementwiseOperationsAgreeWithTheGoBackend(t *testing.T) {
	ref, all := reference(), ours()
	compared, alone := 0, 0
	check := func(name string, d dtypes.DType, arity int, f build) {
		for _, n := range edges {
			r := rand.New(rand.NewPCG(uint64(n), 3))
			s := shapes.Make(d, n)
			in, ss := []any{values(r, d, n), values(r, d, n)}[:arity], []shapes.Shape{s, s}[:arity]
			var ours []any
			for i, b := range all {
				out, err := tryRun(b, f, in, ss...)
				if err != nil {
					if i > 0 {
						t.Errorf("%s of %s: %s alone: %v", name, d, b.Description(), err)
					}
					break
				}
				ours = append(ours, out[0])
			}
			if ours == nil {
				return
			}
			want, err := tryRun(ref, f, in, ss...)
			if err != nil {
				alone++
				want = ours[:1]
			}
			compared++
			for i, got := range ours {
				if err := similar(got, want[0], 1e-6); err != nil {
					t.Errorf("%s of %d %s: %s: %v", name, n, d, all[i].Description(), err)
				}
			}
		}
	}
	for _, d := range supported {
		for name, op := range unaryOps {
			check(name, d, 1, func(f compute.Function, in []compute.Value) []compute.Value {
				return []compute.Value{must(op(f, in[0]))}
			})
		}
		for name, op := range binaryOps {
			check(name, d, 2, func(f compute.Function, in []compute.Value) []compute.Value {
				y := in[1]
				if name == "Pow" && d.IsInt() { // the Go backend has no negative exponents
					y = must(f.Abs(y))
				}
				return []compute.Value{must(op(f, in[0], y))}
			})
		}
		for _, into := range supported {
			check("ConvertDType to "+into.String(), d, 1, func(f compute.Function, in []compute.Value) []compute.Value {
				return []compute.Value{must(f.ConvertDType(in[0], into))}
			})
		}
		check("Where", d, 2, func(f compute.Function, in []compute.Value) []compute.Value {
			return []compute.Value{must(f.Where(must(f.NotEqual(in[0], in[1])), in[0], in[1]))}
		})
		check("Clamp", d, 2, func(f compute.Function, in []compute.Value) []compute.Value {
			return []compute.Value{must(f.Clamp(in[1], in[0], must(f.Add(in[1], in[1]))))}
		})
	}
	t.Logf("%d comparisons, %d of them without the Go backend, which lacks the operation", compared, alone)
	if compared < 1000 || alone > compared/5 {
		t.Errorf("%d comparisons, %d of them without the Go backend", compared, alone)
	}
}

func TestIntegersHaveNoUndefinedResults(t *testing.T) {
	for _, b := range ours() {
		for name, c := range map[string]struct {
			op         binaryOp
			x, y, want []int32
		}{
			"Div":                  {compute.Function.Div, []int32{7, -7, 5, math.MinInt32}, []int32{2, 2, 0, -1}, []int32{3, -3, -1, math.MinInt32}},
			"Rem":                  {compute.Function.Rem, []int32{7, -7, 5, math.MinInt32}, []int32{2, 2, 0, -1}, []int32{1, -1, 5, 0}},
			"Pow":                  {compute.Function.Pow, []int32{2, -3, 2, 1, -1, -1}, []int32{10, 3, -1, -5, -5, -4}, []int32{1024, -27, 0, 1, -1, 1}},
			"ShiftLeft":            {compute.Function.ShiftLeft, []int32{1, -1, 1, 1}, []int32{4, 31, 32, -1}, []int32{16, math.MinInt32, 0, 0}},
			"ShiftRightLogical":    {compute.Function.ShiftRightLogical, []int32{-1, -1, -1}, []int32{28, 32, -1}, []int32{15, 0, 0}},
			"ShiftRightArithmetic": {compute.Function.ShiftRightArithmetic, []int32{-16, -1, 1, -5}, []int32{2, 32, 40, -1}, []int32{-4, -1, 0, -1}},
		} {
			s := shapes.Make(dtypes.Int32, len(c.x))
			got := execute(b, compiled(b, func(f compute.Function, in []compute.Value) []compute.Value {
				return []compute.Value{must(c.op(f, in[0], in[1]))}
			}, s, s), c.x, c.y)
			if err := similar(got[0], c.want, 0); err != nil {
				t.Errorf("%s: %s: %v", name, b.Description(), err)
			}
		}
	}
}

// specials has every pair of these values, in two lists.
func specials[T float]() (x, y []T) {
	inf, nan := T(math.Inf(1)), T(math.NaN())
	v := []T{nan, inf, -inf, 0, 1, -2, nan}
	for range 3 { // more than one vector
		for _, a := range v {
			for _, b := range v {
				x, y = append(x, a), append(y, b)
			}
		}
	}
	return x, y
}

func testNaN[T float](t *testing.T, d dtypes.DType) {
	x, y := specials[T]()
	n := len(x)
	s := shapes.Make(d, n)
	for _, b := range ours() {
		out := execute(b, compiled(b, func(f compute.Function, in []compute.Value) []compute.Value {
			return []compute.Value{must(f.Max(in[0], in[1])), must(f.Min(in[0], in[1])), must(f.Clamp(in[0], in[1], in[0])),
				must(f.Sign(in[0])), must(f.Abs(in[0])), must(f.IsNaN(in[0])), must(f.IsFinite(in[0])),
				must(f.Equal(in[0], in[1])), must(f.NotEqual(in[0], in[1])), must(f.LessThan(in[0], in[1])), must(f.GreaterOrEqual(in[0], in[1]))}
		}, s, s), x, y)
		want := []any{make([]T, n), make([]T, n), make([]T, n), make([]T, n), make([]T, n), make([]bool, n), make([]bool, n), make([]bool, n), make([]bool, n), make([]bool, n), make([]bool, n)}
		for i := range x {
			a, b := float64(x[i]), float64(y[i])
			sign := a
			if a == a && a != 0 {
				sign = math.Copysign(1, a)
			}
			for k, v := range []float64{math.Max(a, b), math.Min(a, b), math.Max(a, b), sign, math.Abs(a)} {
				if (a != a || b != b) && k < 3 {
					v = math.NaN() // math.Max(NaN, +Inf) is +Inf
				}
				if k == 2 && a == a && b == b {
					v = a // between a and a
				}
				want[k].([]T)[i] = T(v)
			}
			for k, v := range []bool{a != a, a-a == 0, a == b, a != b, a < b, a >= b} {
				want[5+k].([]bool)[i] = v
			}
		}
		for k := range want {
			if err := similar(out[k], want[k], 0); err != nil {
				t.Errorf("%s: result %d: %v", b.Description(), k, err)
			}
		}
	}
}

func TestNaNPassesThroughMaxAndMin(t *testing.T) {
	t.Run("Float32", func(t *testing.T) { testNaN[float32](t, dtypes.Float32) })
	t.Run("Float64", func(t *testing.T) { testNaN[float64](t, dtypes.Float64) })
}

func TestBitsAreCountedInTheWidthOfTheType(t *testing.T) {
	b := must(New(""))
	f := func(f compute.Function, in []compute.Value) []compute.Value {
		return []compute.Value{must(f.BitCount(in[0])), must(f.Clz(in[0]))}
	}
	small := execute(b, compiled(b, f, shapes.Make(dtypes.Int8, 4)), []int8{0, -1, 5, -128})
	large := execute(b, compiled(b, f, shapes.Make(dtypes.Uint64, 3)), []uint64{0, 1, math.MaxUint64})
	for k, want := range [][]any{{[]int8{0, 8, 2, 1}, []uint64{0, 1, 64}}, {[]int8{8, 0, 5, 0}, []uint64{64, 63, 0}}} {
		for i, got := range []any{small[k], large[k]} {
			if err := similar(got, want[i], 0); err != nil {
				t.Errorf("%s: %v", []string{"BitCount", "Clz"}[k], err)
			}
		}
	}
}
