package cpu

import (
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

// Elementwise operations, and the dtypes that they support.
var (
	unaryOps = map[compute.OpType]struct {
		takes func(dtypes.DType) bool
		op    unaryOp
	}{
		compute.OpTypeAbs:        {numbers, compute.Function.Abs},
		compute.OpTypeNeg:        {signed, compute.Function.Neg},
		compute.OpTypeSign:       {numbers, compute.Function.Sign},
		compute.OpTypeFloor:      {floats, compute.Function.Floor},
		compute.OpTypeCeil:       {floats, compute.Function.Ceil},
		compute.OpTypeRound:      {floats, compute.Function.Round},
		compute.OpTypeExp:        {floats, compute.Function.Exp},
		compute.OpTypeExpm1:      {floats, compute.Function.Expm1},
		compute.OpTypeLog:        {floats, compute.Function.Log},
		compute.OpTypeLog1p:      {floats, compute.Function.Log1p},
		compute.OpTypeSqrt:       {floats, compute.Function.Sqrt},
		compute.OpTypeRsqrt:      {floats, compute.Function.Rsqrt},
		compute.OpTypeTanh:       {floats, compute.Function.Tanh},
		compute.OpTypeLogistic:   {floats, compute.Function.Logistic},
		compute.OpTypeSin:        {floats, compute.Function.Sin},
		compute.OpTypeCos:        {floats, compute.Function.Cos},
		compute.OpTypeErf:        {floats, compute.Function.Erf},
		compute.OpTypeIsFinite:   {floats, compute.Function.IsFinite},
		compute.OpTypeIsNaN:      {floats, compute.Function.IsNaN},
		compute.OpTypeLogicalNot: {truths, compute.Function.LogicalNot},
		compute.OpTypeBitwiseNot: {integers, compute.Function.BitwiseNot},
		compute.OpTypeBitCount:   {integers, compute.Function.BitCount},
		compute.OpTypeClz:        {integers, compute.Function.Clz},
	}
	binaryOps = map[compute.OpType]struct {
		takes func(dtypes.DType) bool
		op    binaryOp
	}{
		compute.OpTypeAdd:                  {numbers, compute.Function.Add},
		compute.OpTypeSub:                  {numbers, compute.Function.Sub},
		compute.OpTypeMul:                  {numbers, compute.Function.Mul},
		compute.OpTypeDiv:                  {numbers, compute.Function.Div},
		compute.OpTypeRem:                  {numbers, compute.Function.Rem},
		compute.OpTypePow:                  {numbers, possiblePow},
		compute.OpTypeMax:                  {numbers, compute.Function.Max},
		compute.OpTypeMin:                  {numbers, compute.Function.Min},
		compute.OpTypeBitwiseAnd:           {integers, compute.Function.BitwiseAnd},
		compute.OpTypeBitwiseOr:            {integers, compute.Function.BitwiseOr},
		compute.OpTypeBitwiseXor:           {integers, compute.Function.BitwiseXor},
		compute.OpTypeShiftLeft:            {integers, compute.Function.ShiftLeft},
		compute.OpTypeShiftRightLogical:    {integers, compute.Function.ShiftRightLogical},
		compute.OpTypeShiftRightArithmetic: {integers, compute.Function.ShiftRightArithmetic},
		compute.OpTypeLogicalAnd:           {truths, compute.Function.LogicalAnd},
		compute.OpTypeLogicalOr:            {truths, compute.Function.LogicalOr},
		compute.OpTypeLogicalXor:           {truths, compute.Function.LogicalXor},
		compute.OpTypeEqual:                {all, compute.Function.Equal},
		compute.OpTypeNotEqual:             {all, compute.Function.NotEqual},
		compute.OpTypeLessThan:             {numbers, compute.Function.LessThan},
		compute.OpTypeLessOrEqual:          {numbers, compute.Function.LessOrEqual},
		compute.OpTypeGreaterThan:          {numbers, compute.Function.GreaterThan},
		compute.OpTypeGreaterOrEqual:       {numbers, compute.Function.GreaterOrEqual},
	}
)

// possiblePow is the part of Pow that the Go backend supports: no negative exponents of integers.
func possiblePow(f compute.Function, x, y compute.Value) (compute.Value, error) {
	if must(f.Shape(y)).DType.IsInt() {
		y = must(f.Abs(y))
	}
	return f.Pow(x, y)
}

// broadcast draws an operand that broadcasts to shape s: of that shape, a scalar, or with some axes of 1.
func (r *draw) broadcast(s shapes.Shape) operand {
	switch r.IntN(4) {
	case 0:
		return r.filled(shapes.Make(s.DType))
	case 1:
		if s.Size() == 0 {
			break
		}
		s = s.Clone()
		for _, a := range r.some(s.Rank()) {
			s.Dimensions[a] = 1
		}
	}
	return r.filled(s)
}

func elementwiseProperties() map[compute.OpType]property {
	p := map[compute.OpType]property{
		compute.OpTypeConvertDType: {takes: all, draw: convertDTypeTrial},
		compute.OpTypeWhere:        {takes: all, draw: whereTrial},
		compute.OpTypeClamp:        {takes: numbers, draw: clampTrial},
		compute.OpTypeAtan2:        {takes: floats, draw: atan2Trial},
	}
	for name, u := range unaryOps {
		p[name] = property{takes: u.takes, draw: func(r *draw) trial {
			return trial{
				in: []operand{r.filled(r.shape(r.IntN(4)))},
				graph: func(f compute.Function, in []compute.Value) []compute.Value {
					return one(u.op(f, in[0]))
				},
				tolerance: 1e-6,
			}
		}}
	}
	for name, b := range binaryOps {
		p[name] = property{takes: b.takes, draw: func(r *draw) trial {
			s := r.shape(r.IntN(4))
			c := trial{
				in: []operand{r.broadcast(s), r.broadcast(s)},
				graph: func(f compute.Function, in []compute.Value) []compute.Value {
					return one(b.op(f, in[0], in[1]))
				},
				tolerance: 1e-6,
			}
			if r.d == dtypes.Bool && (name == compute.OpTypeEqual || name == compute.OpTypeNotEqual) { // the Go backend compares only numbers
				c.plain = func(f compute.Function, in []compute.Value) []compute.Value {
					return one(b.op(f, must(f.ConvertDType(in[0], dtypes.Uint8)), must(f.ConvertDType(in[1], dtypes.Uint8))))
				}
			}
			return c
		}}
	}
	return p
}

func convertDTypeTrial(r *draw) trial {
	into := supported[r.IntN(len(supported))]
	return trial{
		in: []operand{r.filled(r.shape(r.IntN(3)))},
		graph: func(f compute.Function, in []compute.Value) []compute.Value {
			return one(f.ConvertDType(in[0], into))
		},
	}
}

func whereTrial(r *draw) trial {
	s := r.shape(r.IntN(4))
	part := func(s shapes.Shape) operand { // whole or a scalar
		if r.IntN(3) == 0 {
			s = shapes.Make(s.DType)
		}
		return r.filled(s)
	}
	return trial{
		in: []operand{r.filled(withType(s, dtypes.Bool)), part(s), part(s)},
		graph: func(f compute.Function, in []compute.Value) []compute.Value {
			return one(f.Where(in[0], in[1], in[2]))
		},
	}
}

func clampTrial(r *draw) trial {
	s := r.shape(r.IntN(4))
	return trial{
		in: []operand{r.broadcast(s), r.filled(s), r.broadcast(s)},
		graph: func(f compute.Function, in []compute.Value) []compute.Value {
			return one(f.Clamp(in[0], in[1], in[2]))
		},
		plain: func(f compute.Function, in []compute.Value) []compute.Value {
			return one(f.Min(must(f.Max(in[1], in[0])), in[2]))
		},
	}
}

func atan2Trial(r *draw) trial {
	s := r.shape(r.IntN(4))
	y, x := r.filled(s), r.filled(s)
	return trial{
		in: []operand{y, x},
		graph: func(f compute.Function, in []compute.Value) []compute.Value {
			return one(f.Atan2(in[0], in[1]))
		},
		loops: func() []any {
			want := reflect.ValueOf(dtypes.MakeAnySlice(s.DType, s.Size()))
			for i := range s.Size() {
				want.Index(i).SetFloat(math.Atan2(reflect.ValueOf(y.flat).Index(i).Float(), reflect.ValueOf(x.flat).Index(i).Float()))
			}
			return []any{want.Interface()}
		},
		tolerance: 1e-6,
	}
}

func TestIntegersHaveNoUndefinedResults(t *testing.T) {
	for _, b := range ours() {
		for name, c := range map[string]struct {
			op         binaryOp
			x, y, want []int32
		}{
			"Div": {
				op:   compute.Function.Div,
				x:    []int32{7, -7, 5, math.MinInt32},
				y:    []int32{2, 2, 0, -1},
				want: []int32{3, -3, -1, math.MinInt32},
			},
			"Rem": {
				op:   compute.Function.Rem,
				x:    []int32{7, -7, 5, math.MinInt32},
				y:    []int32{2, 2, 0, -1},
				want: []int32{1, -1, 5, 0},
			},
			"Pow": {
				op:   compute.Function.Pow,
				x:    []int32{2, -3, 2, 1, -1, -1},
				y:    []int32{10, 3, -1, -5, -5, -4},
				want: []int32{1024, -27, 0, 1, -1, 1},
			},
			"ShiftLeft": {
				op:   compute.Function.ShiftLeft,
				x:    []int32{1, -1, 1, 1},
				y:    []int32{4, 31, 32, -1},
				want: []int32{16, math.MinInt32, 0, 0},
			},
			"ShiftRightLogical": {
				op:   compute.Function.ShiftRightLogical,
				x:    []int32{-1, -1, -1},
				y:    []int32{28, 32, -1},
				want: []int32{15, 0, 0},
			},
			"ShiftRightArithmetic": {
				op:   compute.Function.ShiftRightArithmetic,
				x:    []int32{-16, -1, 1, -5},
				y:    []int32{2, 32, 40, -1},
				want: []int32{-4, -1, 0, -1},
			},
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

// specials returns every pair of special values, as two lists.
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
			return []compute.Value{
				must(f.Max(in[0], in[1])),
				must(f.Min(in[0], in[1])),
				must(f.Clamp(in[0], in[1], in[0])),
				must(f.Sign(in[0])),
				must(f.Abs(in[0])),
				must(f.IsNaN(in[0])),
				must(f.IsFinite(in[0])),
				must(f.Equal(in[0], in[1])),
				must(f.NotEqual(in[0], in[1])),
				must(f.LessThan(in[0], in[1])),
				must(f.GreaterOrEqual(in[0], in[1])),
			}
		}, s, s), x, y)
		var want []any
		for range 5 {
			want = append(want, make([]T, n))
		}
		for range 6 {
			want = append(want, make([]bool, n))
		}
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

func TestComplementaryShiftsBecomeRotations(t *testing.T) {
	const n = 33
	word := func(f compute.Function, v uint32) compute.Value { return must(f.Constant([]uint32{v})) }
	for _, c := range []struct{ up, down uint32 }{{1, 31}, {13, 19}, {31, 1}, {16, 16}, {13, 18}, {5, 28}} {
		rotated := func(f compute.Function, in []compute.Value) []compute.Value {
			x := in[0]
			up, down := must(f.ShiftLeft(x, word(f, c.up))), must(f.ShiftRightLogical(x, word(f, c.down)))
			factor, other := must(f.Mul(x, word(f, 1<<c.up))), must(f.ShiftRightLogical(in[1], word(f, c.down)))
			return []compute.Value{must(f.BitwiseOr(up, down)), must(f.Add(factor, down)), must(f.Add(factor, other)), must(f.BitwiseOr(down, up))}
		}
		shape := shapes.Make(dtypes.Uint32, n)
		r := rand.New(rand.NewPCG(uint64(c.up), uint64(c.down)))
		words := func() (v []uint32) {
			for range n {
				v = append(v, r.Uint32())
			}
			return v
		}
		in := []any{words(), words()}
		want := execute(reference(), compiled(reference(), rotated, shape, shape), in...)
		for _, b := range ours() {
			agree(t, b.Description(), execute(b, compiled(b, rotated, shape, shape), in...), want, 0)
			x := must(b.Builder("rotation").Main().Parameter("x", shape, nil)).(*node)
			up, down := must(x.fn.ShiftLeft(x, word(x.fn, c.up))), must(x.fn.ShiftRightLogical(x, word(x.fn, c.down)))
			if _, _, ok := rotation(up, down); ok != (c.up+c.down == 32) {
				t.Errorf("up %d, down %d: rotated %v", c.up, c.down, ok)
			}
			s, list := must(x.fn.Constant([]uint32{5})), func(v uint32) compute.Value { return must(x.fn.Constant([]uint32{v}, 1)) }
			up, down = must(x.fn.ShiftLeft(s, list(c.up))), must(x.fn.ShiftRightLogical(s, list(c.down)))
			if got := must(x.fn.BitwiseOr(up, down)).(*node).shape; got.Rank() != 1 {
				t.Errorf("a scalar, rotated by lists of one, is a %s", got)
			}
		}
	}
}
