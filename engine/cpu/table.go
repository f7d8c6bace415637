package cpu

import (
	"maps"
	"math"
	"math/bits"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/starsweep/starsweep/engine/cpu/math32"
)

// blockFn computes n elements d from a, b, c. Vector functions round n up to 16 elements, and may read and write the slack after the block.
// Portable functions compute exactly n elements.
type blockFn func(d, a, b, c ptr, n int)

// table holds block functions.
type table map[tableKey]blockFn

type tableKey struct {
	op   compute.OpType
	in   dtypes.DType // of the last operand
	into dtypes.DType // of the result of a conversion, else zero
}

// of returns the function for n, nil if there is none.
func (t table) of(n *node) blockFn {
	k := tableKey{op: n.op, in: n.in[len(n.in)-1].shape.DType}
	if n.op == compute.OpTypeConvertDType {
		k.into = n.shape.DType
	}
	return t[k]
}

func (t table) set(d dtypes.DType, op compute.OpType, f blockFn) { t[tableKey{op: op, in: d}] = f }

// newTable returns the portable functions.
func newTable() table {
	t := table{}
	addNumbers[float32](t, dtypes.Float32)
	addNumbers[float64](t, dtypes.Float64)
	addIntegers[int8, uint8](t, dtypes.Int8, dtypes.Uint8)
	addIntegers[int16, uint16](t, dtypes.Int16, dtypes.Uint16)
	addIntegers[int32, uint32](t, dtypes.Int32, dtypes.Uint32)
	addIntegers[int64, uint64](t, dtypes.Int64, dtypes.Uint64)
	addSigned[float32](t, dtypes.Float32)
	addSigned[float64](t, dtypes.Float64)
	addFloats[float32](t, dtypes.Float32)
	addFloats[float64](t, dtypes.Float64)
	addFloat32(t)
	addFloat64(t)
	addBools(t)
	t.set(dtypes.Uint32, rotateLeft, each2(func(x, n uint32) uint32 { return bits.RotateLeft32(x, int(n)) }))
	return t
}

// with returns the functions of u, and those of t that u lacks.
func (t table) with(u table) table {
	t = maps.Clone(t)
	maps.Copy(t, u)
	return t
}

func addNumbers[T number](t table, d dtypes.DType) {
	t.set(d, compute.OpTypeAdd, addOf[T])
	t.set(d, compute.OpTypeSub, subOf[T])
	t.set(d, compute.OpTypeMul, mulOf[T])
	t.set(d, compute.OpTypeMax, maxOf[T])
	t.set(d, compute.OpTypeMin, minOf[T])
	t.set(d, compute.OpTypeAbs, copyOf[T])
	t.set(d, compute.OpTypeSign, signOf[T])
	t.set(d, compute.OpTypeEqual, equalOf[T])
	t.set(d, compute.OpTypeNotEqual, notEqualOf[T])
	t.set(d, compute.OpTypeLessThan, lessOf[T])
	t.set(d, compute.OpTypeLessOrEqual, lessEqualOf[T])
	t.set(d, compute.OpTypeGreaterThan, func(y, a, b, c ptr, n int) { lessOf[T](y, b, a, c, n) })
	t.set(d, compute.OpTypeGreaterOrEqual, func(y, a, b, c ptr, n int) { lessEqualOf[T](y, b, a, c, n) })
	t.set(d, compute.OpTypeBroadcastInDim, copyOf[T])
	t.set(d, compute.OpTypeWhere, whereOf[T])
	convert := func(into dtypes.DType, f blockFn) { t[tableKey{compute.OpTypeConvertDType, d, into}] = f }
	convert(dtypes.Float32, convertOf[T, float32])
	convert(dtypes.Float64, convertOf[T, float64])
	convert(dtypes.Int8, convertOf[T, int8])
	convert(dtypes.Uint8, convertOf[T, uint8])
	convert(dtypes.Int16, convertOf[T, int16])
	convert(dtypes.Uint16, convertOf[T, uint16])
	convert(dtypes.Int32, convertOf[T, int32])
	convert(dtypes.Uint32, convertOf[T, uint32])
	convert(dtypes.Int64, convertOf[T, int64])
	convert(dtypes.Uint64, convertOf[T, uint64])
	convert(dtypes.Bool, nonZeroOf[T])
	t[tableKey{compute.OpTypeConvertDType, dtypes.Bool, d}] = fromBoolOf[T]
}

// addIntegers adds functions of a signed and an unsigned type of one size.
func addIntegers[S, U integer](t table, signed, unsigned dtypes.DType) {
	addNumbers[S](t, signed)
	addNumbers[U](t, unsigned)
	addSigned[S](t, signed)
	addBits[S, U](t, signed)
	addBits[U, U](t, unsigned)
}

// addBits adds functions of integers T, which have the size of the unsigned U.
func addBits[T, U integer](t table, d dtypes.DType) {
	t.set(d, compute.OpTypeDiv, divideOf[T])
	t.set(d, compute.OpTypeRem, remainderOf[T])
	t.set(d, compute.OpTypePow, each2(power[T]))
	t.set(d, compute.OpTypeBitwiseAnd, andOf[T])
	t.set(d, compute.OpTypeBitwiseOr, orOf[T])
	t.set(d, compute.OpTypeBitwiseXor, xorOf[T])
	t.set(d, compute.OpTypeBitwiseNot, notOf[T])
	t.set(d, compute.OpTypeBitCount, each1(func(x T) T { return T(bits.OnesCount64(uint64(U(x)))) }))
	t.set(d, compute.OpTypeClz, each1(func(x T) T { return T(bits.LeadingZeros64(uint64(U(x))) - 64 + 8*int(unsafe.Sizeof(x))) }))
	t.set(d, compute.OpTypeShiftLeft, shiftLeftOf[U])
	t.set(d, compute.OpTypeShiftRightLogical, shiftRightOf[U, U])
	t.set(d, compute.OpTypeShiftRightArithmetic, shiftRightOf[T, U])
}

func addSigned[T number](t table, d dtypes.DType) {
	t.set(d, compute.OpTypeNeg, negOf[T])
	t.set(d, compute.OpTypeAbs, absOf[T])
}

// addFloats adds rare functions, which compute in float64 and take a call for each element.
func addFloats[T float](t table, d dtypes.DType) {
	t.set(d, compute.OpTypeDiv, floatDivOf[T])
	t.set(d, compute.OpTypeRem, each2(func(a, b T) T { return T(math.Mod(float64(a), float64(b))) }))
	t.set(d, compute.OpTypePow, each2(func(a, b T) T { return T(math.Pow(float64(a), float64(b))) }))
	t.set(d, compute.OpTypeAtan2, each2(func(a, b T) T { return T(math.Atan2(float64(a), float64(b))) }))
	t.set(d, compute.OpTypeFloor, through64[T](math.Floor))
	t.set(d, compute.OpTypeCeil, through64[T](math.Ceil))
	t.set(d, compute.OpTypeRound, through64[T](math.RoundToEven))
	t.set(d, compute.OpTypeLog1p, through64[T](math.Log1p))
	t.set(d, compute.OpTypeExpm1, through64[T](math.Expm1))
	t.set(d, compute.OpTypeErf, through64[T](math.Erf))
	t.set(d, compute.OpTypeSqrt, sqrtOf[T])
	t.set(d, compute.OpTypeRsqrt, rsqrtOf[T])
	t.set(d, compute.OpTypeIsFinite, isFiniteOf[T])
	t.set(d, compute.OpTypeIsNaN, isNaNOf[T])
}

func addFloat32(t table) {
	for op, f := range map[compute.OpType]func(float32) float32{
		compute.OpTypeExp: math32.Exp, compute.OpTypeLog: math32.Log, compute.OpTypeTanh: math32.Tanh,
		compute.OpTypeLogistic: math32.Logistic, compute.OpTypeSin: math32.Sin, compute.OpTypeCos: math32.Cos,
	} {
		t.set(dtypes.Float32, op, each1(f))
	}
}

func logistic64(x float64) float64 {
	if x < 0 {
		e := math.Exp(x) // small: 1/(1 + e^-x) would be 0 too early
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-x))
}

func addFloat64(t table) {
	for op, f := range map[compute.OpType]func(float64) float64{
		compute.OpTypeExp: math.Exp, compute.OpTypeLog: math.Log, compute.OpTypeTanh: math.Tanh, compute.OpTypeLogistic: logistic64,
		compute.OpTypeSin: math.Sin, compute.OpTypeCos: math.Cos,
	} {
		t.set(dtypes.Float64, op, each1(f))
	}
}

// addBools adds functions of truth values, which are bytes 0 and 1.
func addBools(t table) {
	d := dtypes.Bool
	t.set(d, compute.OpTypeLogicalAnd, andOf[uint8])
	t.set(d, compute.OpTypeLogicalOr, orOf[uint8])
	t.set(d, compute.OpTypeLogicalXor, xorOf[uint8])
	t.set(d, compute.OpTypeLogicalNot, logicalNot)
	t.set(d, compute.OpTypeEqual, equalOf[uint8])
	t.set(d, compute.OpTypeNotEqual, xorOf[uint8])
	t.set(d, compute.OpTypeWhere, whereOf[uint8])
	t.set(d, compute.OpTypeBroadcastInDim, copyOf[uint8])
}

// exact makes a vector function of 4-byte elements compute exactly n, as sums in place require: the portable function computes the rest.
func exact(vector, portable blockFn) blockFn {
	return func(y, a, b, c ptr, n int) {
		m := n &^ 15
		if m > 0 {
			vector(y, a, b, c, m)
		}
		if m < n {
			portable(unsafe.Add(y, m*4), unsafe.Add(a, m*4), unsafe.Add(b, m*4), c, n-m)
		}
	}
}
