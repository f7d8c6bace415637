package cpu

import (
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"
)

// move is a strided copy of parts of the operands. It is the attribute of operations that move elements.
type move struct {
	parts []part
	fill  bool  // the result is filled with the last operand first
	first bool  // the result is a copy of the first operand first
	start int   // operands from here on are the start of parts[0], one for each axis; 0 if that is fixed
	room  []int // how far the start can move, by axis
}

// part copies a box from one operand.
type part struct {
	arg, to, from int   // operand; offsets of the first element
	n, ds, ss     []int // by axis: sizes, strides of the destination, strides of the source
}

// strides returns those of a contiguous tensor.
func strides(s shapes.Shape) []int {
	st, n := make([]int, s.Rank()), 1
	for i := s.Rank() - 1; i >= 0; i-- {
		st[i] = n
		n *= s.Dimensions[i]
	}
	return st
}

// Reshape is free: its result is the same memory.
func (f *Function) Reshape(x compute.Value, dims ...int) (compute.Value, error) {
	in, err := f.operands(compute.OpTypeReshape, x)
	if err != nil {
		return nil, err
	}
	s, err := shapeinference.Reshape(in[0].shape, dims)
	return f.add(compute.OpTypeReshape, s, err, nil, in...)
}

// Bitcast is free: its result is the same memory.
func (f *Function) Bitcast(x compute.Value, d dtypes.DType) (compute.Value, error) {
	in, err := f.operands(compute.OpTypeBitcast, x)
	if err != nil {
		return nil, err
	}
	if s := in[0].shape; d.Size() > s.DType.Size() && s.Rank() == 0 {
		return nil, fmt.Errorf("backend cpu: Bitcast of a scalar %s to the larger %s", s.DType, d)
	}
	s, err := shapeinference.Bitcast(in[0].shape, d)
	return f.add(compute.OpTypeBitcast, s, err, nil, in...)
}

// Iota returns a constant.
func (f *Function) Iota(s shapes.Shape, axis int) (compute.Value, error) {
	if axis < 0 || axis >= s.Rank() {
		return nil, fmt.Errorf("backend cpu: Iota: axis %d of %s", axis, s)
	}
	if s.DType == dtypes.Bool {
		return nil, notImplemented("Iota of %s", s.DType)
	}
	count, step := make([]float64, s.Size()), strides(s)[axis]
	for i := range count {
		count[i] = float64(i / step % s.Dimensions[axis])
	}
	b := f.builder.backend
	f64 := &node{op: compute.OpTypeConstant, shape: shapes.Make(dtypes.Float64, s.Dimensions...)}
	convert := &node{op: compute.OpTypeConvertDType, shape: s, in: []*node{f64}}
	if err := b.check(convert); err != nil {
		return nil, err
	}
	c := b.newBuffer(s)
	b.fns.of(convert)(c.p, ptr(unsafe.SliceData(count)), nil, nil, len(count))
	return f.add(compute.OpTypeConstant, s, nil, c)
}

func (f *Function) Transpose(x compute.Value, perm ...int) (compute.Value, error) {
	in, err := f.operands(compute.OpTypeTranspose, x)
	if err != nil {
		return nil, err
	}
	s, err := shapeinference.Transpose(in[0].shape, perm)
	if err != nil {
		return nil, err
	}
	p := part{n: s.Dimensions, ds: strides(s), ss: pick(strides(in[0].shape), perm...)}
	return f.add(compute.OpTypeTranspose, s, nil, move{parts: []part{p}}, in...)
}

func (f *Function) Slice(x compute.Value, lo, hi, step []int) (compute.Value, error) {
	in, err := f.operands(compute.OpTypeSlice, x)
	if err != nil {
		return nil, err
	}
	if len(step) == 0 {
		step = slices.Repeat([]int{1}, len(lo))
	}
	s, err := shapeinference.Slice(in[0].shape, lo, hi, step)
	if err != nil {
		return nil, err
	}
	p := part{n: s.Dimensions, ds: strides(s), ss: strides(in[0].shape)}
	for i := range p.ss {
		p.from += lo[i] * p.ss[i]
		p.ss[i] *= step[i]
	}
	return f.add(compute.OpTypeSlice, s, nil, move{parts: []part{p}}, in...)
}

// Pad accepts negative padding, which crops.
func (f *Function) Pad(x, fill compute.Value, ax ...compute.PadAxis) (compute.Value, error) {
	in, err := f.operands(compute.OpTypePad, x, fill)
	if err != nil {
		return nil, err
	}
	s, err := shapeinference.Pad(in[0].shape, ax...)
	if err == nil && (in[1].shape.Rank() > 0 || in[1].shape.DType != s.DType) {
		err = fmt.Errorf("fill is a %s, want a scalar %s", in[1].shape, s.DType)
	}
	if err != nil {
		return nil, err
	}
	p := part{n: slices.Clone(in[0].shape.Dimensions), ds: strides(s), ss: strides(in[0].shape)}
	for i, a := range ax {
		step := a.Interior + 1
		first, last := 0, p.n[i]-1 // elements inside the result
		if a.Start < 0 {
			first = (-a.Start + step - 1) / step
		}
		if room := s.Dimensions[i] - 1 - a.Start; room < 0 {
			last = -1
		} else {
			last = min(last, room/step)
		}
		p.n[i] = max(0, last-first+1)
		p.from += first * p.ss[i]
		p.to += (a.Start + first*step) * p.ds[i]
		p.ds[i] *= step
	}
	return f.add(compute.OpTypePad, s, nil, move{parts: []part{p}, fill: true}, in...)
}

func (f *Function) Reverse(x compute.Value, axes ...int) (compute.Value, error) {
	in, err := f.operands(compute.OpTypeReverse, x)
	if err != nil {
		return nil, err
	}
	s := in[0].shape
	p := part{n: s.Dimensions, ds: strides(s), ss: strides(s)}
	for _, a := range axes {
		if a < 0 || a >= s.Rank() || p.ss[a] < 0 {
			return nil, fmt.Errorf("backend cpu: Reverse: axes %v of %s", axes, s)
		}
		p.from += (s.Dimensions[a] - 1) * p.ss[a]
		p.ss[a] = -p.ss[a]
	}
	return f.add(compute.OpTypeReverse, s, nil, move{parts: []part{p}}, in...)
}

func (f *Function) Concatenate(axis int, xs ...compute.Value) (compute.Value, error) {
	in, err := f.operands(compute.OpTypeConcatenate, xs...)
	if err != nil {
		return nil, err
	}
	var all []shapes.Shape
	for _, x := range in {
		all = append(all, x.shape)
	}
	s, err := shapeinference.Concatenate(all, axis)
	if err != nil {
		return nil, err
	}
	var m move
	at := 0
	for i, x := range all {
		m.parts = append(m.parts, part{arg: i, to: at * strides(s)[axis], n: x.Dimensions, ds: strides(s), ss: strides(x)})
		at += x.Dimensions[axis]
	}
	return f.add(compute.OpTypeConcatenate, s, nil, m, in...)
}

// DynamicSlice clamps the start so that the slice is inside.
func (f *Function) DynamicSlice(x compute.Value, start []compute.Value, size []int) (compute.Value, error) {
	in, err := f.startOperands(compute.OpTypeDynamicSlice, []compute.Value{x}, start)
	if err != nil {
		return nil, err
	}
	s, err := shapeinference.DynamicSlice(in[0].shape, size)
	if err != nil {
		return f.add(compute.OpTypeDynamicSlice, s, err, nil)
	}
	m := move{parts: []part{{n: s.Dimensions, ds: strides(s), ss: strides(in[0].shape)}}, start: 1, room: room(in[0].shape, s)}
	return f.add(compute.OpTypeDynamicSlice, s, nil, m, in...)
}

// DynamicUpdateSlice clamps the start so that the update is inside.
func (f *Function) DynamicUpdateSlice(x, update compute.Value, start []compute.Value) (compute.Value, error) {
	in, err := f.startOperands(compute.OpTypeDynamicUpdateSlice, []compute.Value{x, update}, start)
	if err != nil {
		return nil, err
	}
	u := in[1].shape
	s, err := shapeinference.DynamicUpdateSlice(in[0].shape, u)
	if err == nil && slices.ContainsFunc(room(s, u), func(r int) bool { return r < 0 }) {
		err = fmt.Errorf("the update %s is larger than %s", u, s)
	}
	if err != nil {
		return f.add(compute.OpTypeDynamicUpdateSlice, s, err, nil)
	}
	m := move{parts: []part{{arg: 1, n: u.Dimensions, ds: strides(s), ss: strides(u)}}, first: true, start: 2, room: room(s, u)}
	return f.add(compute.OpTypeDynamicUpdateSlice, s, nil, m, in...)
}

// startOperands returns the operands of a dynamic slice: tensors, and an integer scalar for each axis of the first. A vector may replace
// the scalars.
func (f *Function) startOperands(op compute.OpType, tensors, start []compute.Value) ([]*node, error) {
	in, err := f.operands(op, append(slices.Clone(tensors), start...)...)
	if err != nil {
		return nil, err
	}
	s := in[0].shape
	if at := in[len(tensors):]; len(at) == 1 && at[0].shape.Rank() == 1 && at[0].shape.Dimensions[0] == s.Rank() {
		var scalars []compute.Value
		for i := range s.Rank() {
			v, err := f.Slice(at[0], []int{i}, []int{i + 1}, nil)
			if err == nil {
				v, err = f.Reshape(v)
			}
			if err != nil {
				return nil, err
			}
			scalars = append(scalars, v)
		}
		return f.startOperands(op, tensors, scalars)
	} else if len(at) != s.Rank() {
		return nil, fmt.Errorf("backend cpu: %s: got %d starts, want one per axis of %s", op, len(at), s)
	}
	for i, v := range in[len(tensors):] {
		if v.shape.Rank() > 0 || !v.shape.DType.IsInt() {
			return nil, fmt.Errorf("backend cpu: %s: start %d is a %s, want an integer scalar", op, i, v.shape)
		}
	}
	return in, nil
}

// room returns how far a small box can move inside a large one, by axis.
func room(large, small shapes.Shape) (r []int) {
	for i, n := range large.Dimensions {
		if i < small.Rank() {
			r = append(r, n-small.Dimensions[i])
		}
	}
	return r
}

// lowerMove returns the instruction of a move.
func (c *compiler) lowerMove(n *node, in []int, out int) func(*memory) {
	copyPart := copyParallel[uint64]
	fill := fillWith[uint64]
	es := n.shape.DType.Size()
	switch es {
	case 1:
		copyPart, fill = copyParallel[uint8], fillWith[uint8]
	case 2:
		copyPart, fill = copyParallel[uint16], fillWith[uint16]
	case 4:
		copyPart, fill = copyParallel[uint32], fillWith[uint32]
	}
	mv, size := n.attr.(move), n.shape.Size()
	// An empty part may begin out of bounds, where pointers are invalid.
	mv.parts = slices.DeleteFunc(slices.Clone(mv.parts), func(p part) bool { return slices.Contains(p.n, 0) })
	var startTypes []dtypes.DType
	for _, a := range n.in[mv.start:] {
		startTypes = append(startTypes, a.shape.DType)
	}
	return func(m *memory) {
		if mv.fill {
			fill(m.p[out], m.p[in[len(in)-1]], size)
		}
		if mv.first {
			copyBytes(m.p[out], m.p[in[0]], size*es)
		}
		moving := 0
		if mv.start > 0 && len(mv.parts) > 0 {
			st := mv.parts[0].ss
			if mv.first {
				st = mv.parts[0].ds
			}
			for i, room := range mv.room {
				moving += min(max(0, integerAt(m.p[in[mv.start+i]], startTypes[i], 0)), room) * st[i]
			}
		}
		for i := range mv.parts {
			p := &mv.parts[i]
			to, from := p.to, p.from
			if mv.first {
				to += moving
			} else {
				from += moving
			}
			copyPart(c.backend.team, p, unsafe.Add(m.p[out], to*es), unsafe.Add(m.p[in[p.arg]], from*es))
		}
	}
}

// integerAt reads element i of a tensor of any integer dtype.
func integerAt(p ptr, d dtypes.DType, i int) int {
	switch d {
	case dtypes.Int8:
		return int(of[int8](p, i+1)[i])
	case dtypes.Uint8:
		return int(of[uint8](p, i+1)[i])
	case dtypes.Int16:
		return int(of[int16](p, i+1)[i])
	case dtypes.Uint16:
		return int(of[uint16](p, i+1)[i])
	case dtypes.Int32:
		return int(of[int32](p, i+1)[i])
	case dtypes.Uint32:
		return int(of[uint32](p, i+1)[i])
	case dtypes.Uint64:
		return int(min(of[uint64](p, i+1)[i], math.MaxInt))
	}
	return int(of[int64](p, i+1)[i])
}
