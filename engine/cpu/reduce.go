package cpu

import (
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
)

// reductions maps reductions to their binary operations. These are commutative and, except for rounding, associative.
var reductions = map[compute.OpType]compute.OpType{
	compute.OpTypeReduceSum:        compute.OpTypeAdd,
	compute.OpTypeReduceProduct:    compute.OpTypeMul,
	compute.OpTypeReduceMax:        compute.OpTypeMax,
	compute.OpTypeReduceMin:        compute.OpTypeMin,
	compute.OpTypeReduceBitwiseAnd: compute.OpTypeBitwiseAnd,
	compute.OpTypeReduceBitwiseOr:  compute.OpTypeBitwiseOr,
	compute.OpTypeReduceBitwiseXor: compute.OpTypeBitwiseXor,
	compute.OpTypeReduceLogicalAnd: compute.OpTypeLogicalAnd,
	compute.OpTypeReduceLogicalOr:  compute.OpTypeLogicalOr,
	compute.OpTypeReduceLogicalXor: compute.OpTypeLogicalXor,
}

func isReduction(op compute.OpType) bool {
	_, ok := reductions[op]
	return ok
}

// reducer is the functions of a reduction of one dtype.
type reducer struct {
	f    blockFn               // of exactly n elements
	init func(d ptr, n int)    // sets n elements to the neutral element
	run  func(d, x ptr, n int) // d = op(d, x[0], ..., x[n-1])
}

// reducer returns nil if the operation is not defined for the dtype.
func (b *Backend) reducer(op compute.OpType, d dtypes.DType) *reducer {
	k := tableKey{op: reductions[op], in: d}
	r := typedReducer(op, d)
	if b.fns[k] == nil || r == nil {
		return nil
	}
	r.f = b.plain[k]
	if r.run == nil { // bitwise and logical operations
		r.run = func(y, x ptr, n int) {
			for i := range n {
				r.f(y, y, unsafe.Add(x, i*d.Size()), nil, 1)
			}
		}
	}
	if b.vectors != nil && d.Size() == 4 {
		r.f = exact(b.fns[k], b.plain[k])
		if run := b.vectors.runs[op]; run != nil && d == dtypes.Float32 {
			r.run = exactRun(run, r.run)
		}
	}
	return r
}

func typedReducer(op compute.OpType, d dtypes.DType) *reducer {
	switch d {
	case dtypes.Float32:
		return reducerOf(op, float32(math.Inf(-1)), float32(math.Inf(1)))
	case dtypes.Float64:
		return reducerOf(op, math.Inf(-1), math.Inf(1))
	case dtypes.Int8:
		return reducerOf[int8](op, math.MinInt8, math.MaxInt8)
	case dtypes.Int16:
		return reducerOf[int16](op, math.MinInt16, math.MaxInt16)
	case dtypes.Uint16:
		return reducerOf[uint16](op, 0, math.MaxUint16)
	case dtypes.Int32:
		return reducerOf[int32](op, math.MinInt32, math.MaxInt32)
	case dtypes.Uint32:
		return reducerOf[uint32](op, 0, math.MaxUint32)
	case dtypes.Int64:
		return reducerOf[int64](op, math.MinInt64, math.MaxInt64)
	case dtypes.Uint64:
		return reducerOf[uint64](op, 0, math.MaxUint64)
	case dtypes.Uint8, dtypes.Bool:
		return reducerOf[uint8](op, 0, math.MaxUint8)
	}
	return nil
}

func reducerOf[T number](op compute.OpType, lowest, highest T) *reducer {
	switch op {
	case compute.OpTypeReduceSum:
		return &reducer{init: filler[T](0), run: sumRun[T]}
	case compute.OpTypeReduceProduct:
		return &reducer{init: filler[T](1), run: productRun[T]}
	case compute.OpTypeReduceMax:
		return &reducer{init: filler(lowest), run: maxRun[T]}
	case compute.OpTypeReduceMin:
		return &reducer{init: filler(highest), run: minRun[T]}
	case compute.OpTypeReduceBitwiseAnd:
		return &reducer{init: fillBytes(0xff, int(unsafe.Sizeof(lowest)))}
	case compute.OpTypeReduceLogicalAnd:
		return &reducer{init: filler[T](1)}
	}
	return &reducer{init: filler[T](0)}
}

func filler[T any](v T) func(ptr, int) { return func(d ptr, n int) { fillWith[T](d, ptr(&v), n) } }

func fillBytes(v byte, es int) func(ptr, int) {
	return func(d ptr, n int) { fillWith[byte](d, ptr(&v), n*es) }
}

func sumRun[T number](d, x ptr, n int) {
	var s0, s1, s2, s3 T // four sums, since each addition waits for the previous one
	v := of[T](x, n)
	for ; len(v) >= 4; v = v[4:] {
		s0, s1, s2, s3 = s0+v[0], s1+v[1], s2+v[2], s3+v[3]
	}
	for _, e := range v {
		s0 += e
	}
	*(*T)(d) += (s0 + s1) + (s2 + s3)
}

func productRun[T number](d, x ptr, n int) {
	p := *(*T)(d)
	for _, v := range of[T](x, n) {
		p *= v
	}
	*(*T)(d) = p
}

func maxRun[T number](d, x ptr, n int) {
	m := *(*T)(d)
	for _, v := range of[T](x, n) {
		m = max(m, v)
	}
	*(*T)(d) = m
}

func minRun[T number](d, x ptr, n int) {
	m := *(*T)(d)
	for _, v := range of[T](x, n) {
		m = min(m, v)
	}
	*(*T)(d) = m
}

// reduce adds a reduction. The attribute of its node is the sorted axes.
func (f *Function) reduce(op compute.OpType, x compute.Value, axes []int) (compute.Value, error) {
	in, err := f.operands(op, x)
	if err != nil {
		return nil, err
	}
	if len(axes) == 0 { // none means all
		axes = others(in[0].shape.Rank())
	}
	for i, a := range axes {
		if a < 0 || a >= in[0].shape.Rank() || slices.Contains(axes[:i], a) {
			return nil, fmt.Errorf("backend cpu: %s: axes %v of %s", op, axes, in[0].shape)
		}
	}
	s, err := shapeinference.Reduce(in[0].shape, axes)
	axes = slices.Clone(axes)
	slices.Sort(axes)
	return f.add(op, s, err, axes, in...)
}

// lowerReduce returns the instruction of a reduction that is not part of a loop. It either reduces runs of contiguous elements to one, or
// combines whole rows. The number of pieces of the latter does not depend on the number of threads, and neither does the order of sums.
func (c *compiler) lowerReduce(n *node, in, out int) (run func(*memory), workspace int) {
	s, axes, es := n.in[0].shape, n.attr.([]int), n.shape.DType.Size()
	r, team := c.backend.reducer(n.op, s.DType), c.backend.team
	st, keep := strides(s), others(s.Rank(), axes)
	keepN, keepS := mergeAxes(pick(s.Dimensions, keep...), pick(st, keep...))
	overN, overS := mergeAxes(pick(s.Dimensions, axes...), pick(st, axes...))
	if s.Size() == 0 {
		return func(m *memory) { r.init(m.p[out], n.shape.Size()) }, 0
	}
	if last := len(overN) - 1; last >= 0 && overS[last] == 1 { // a run
		length, kept, over := overN[last], offsets(keepN, keepS), offsets(overN[:last], overS[:last])
		group := parts(1<<12, length*len(over)) // results in a piece of work
		return func(m *memory) {
			x, y := m.p[in], m.p[out]
			r.init(y, len(kept))
			team.Each(parts(len(kept), group), func(_, it int) {
				for i := it * group; i < min(len(kept), (it+1)*group); i++ {
					for _, o := range over {
						r.run(unsafe.Add(y, i*es), unsafe.Add(x, (kept[i]+o)*es), length)
					}
				}
			})
		}, 0
	}
	row := 1 // contiguous elements that are kept
	if last := len(keepN) - 1; last >= 0 && keepS[last] == 1 {
		row = keepN[last]
		keepN, keepS = keepN[:last], keepS[:last]
	}
	kept, over := offsets(keepN, keepS), offsets(overN, overS)
	pieces := 1
	if len(kept) < reducePieces {
		pieces = min(reducePieces, parts(len(over)*row, 1<<12), len(over))
	}
	work := c.newBuf(buf{bytes: len(kept) * pieces * row * es})
	return func(m *memory) {
		x, y, w := m.p[in], m.p[out], m.p[work]
		if pieces == 1 {
			w = y
		}
		r.init(w, len(kept)*pieces*row)
		team.Each(len(kept)*pieces, func(_, it int) {
			k, p := it/pieces, it%pieces
			acc := unsafe.Add(w, it*row*es)
			for _, o := range over[len(over)*p/pieces : len(over)*(p+1)/pieces] {
				r.f(acc, acc, unsafe.Add(x, (kept[k]+o)*es), nil, row)
			}
		})
		for k := 0; k < len(kept) && pieces > 1; k++ {
			acc := unsafe.Add(y, k*row*es)
			r.init(acc, row)
			for p := range pieces {
				r.f(acc, acc, unsafe.Add(w, (k*pieces+p)*row*es), nil, row)
			}
		}
	}, work
}

// reducePieces is the largest number of pieces that a long reduction to few rows is cut into.
const reducePieces = 16

func parts(n, size int) int { return (n + size - 1) / size }

func (f *Function) ReduceSum(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceSum, x, axes)
}

func (f *Function) ReduceProduct(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceProduct, x, axes)
}

func (f *Function) ReduceMax(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceMax, x, axes)
}

func (f *Function) ReduceMin(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceMin, x, axes)
}

func (f *Function) ReduceBitwiseAnd(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceBitwiseAnd, x, axes)
}

func (f *Function) ReduceBitwiseOr(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceBitwiseOr, x, axes)
}

func (f *Function) ReduceBitwiseXor(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceBitwiseXor, x, axes)
}

func (f *Function) ReduceLogicalAnd(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceLogicalAnd, x, axes)
}

func (f *Function) ReduceLogicalOr(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceLogicalOr, x, axes)
}

func (f *Function) ReduceLogicalXor(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceLogicalXor, x, axes)
}
