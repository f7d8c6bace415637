package cpu

import (
	"fmt"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"

	"github.com/starsweep/starsweep/engine/cpu/kern"
)

// typed holds operations that are generic over the types of numbers.
type typed struct {
	conv             func(g *kern.Conv, team kern.Team, in []int, out int, sizes []int) func(*memory)
	dot              func(d *kern.Dot, team kern.Team, in []int, out int) func(*memory)
	scatter          func(n *node, in []int, out int) func(*memory)
	selectAndScatter func(c *compiler, n *node, in []int, out int) func(*memory)
	argMinMax        func(c *compiler, n *node, in, out int) func(*memory)
}

func typedOf[T number]() typed {
	return typed{plainConv[T], plainDot[T], scatterOf[T], selectAndScatter[T], argMinMax[T]}
}

// typedFor returns the operations on elements of d.
func typedFor(d dtypes.DType) typed {
	switch d {
	case dtypes.Float32:
		return typedOf[float32]()
	case dtypes.Float64:
		return typedOf[float64]()
	case dtypes.Int8:
		return typedOf[int8]()
	case dtypes.Uint8:
		return typedOf[uint8]()
	case dtypes.Int16:
		return typedOf[int16]()
	case dtypes.Uint16:
		return typedOf[uint16]()
	case dtypes.Int32:
		return typedOf[int32]()
	case dtypes.Uint32:
		return typedOf[uint32]()
	case dtypes.Int64:
		return typedOf[int64]()
	}
	return typedOf[uint64]()
}

// arg is the attribute of an ArgMinMax.
type arg struct {
	axis int
	min  bool
}

// ArgMinMax returns the first of equal elements, and the first NaN if there is one.
func (f *Function) ArgMinMax(x compute.Value, axis int, d dtypes.DType, isMin bool) (compute.Value, error) {
	in, err := f.operands(compute.OpTypeArgMinMax, x)
	if err != nil {
		return nil, err
	}
	s, err := shapeinference.ArgMinMax(in[0].shape, axis, d)
	if err == nil && in[0].shape.Dimensions[axis] == 0 {
		err = fmt.Errorf("axis %d of %s has no elements", axis, in[0].shape)
	}
	return f.add(compute.OpTypeArgMinMax, s, err, arg{axis, isMin}, in...)
}

func argMinMax[T number](c *compiler, n *node, in, out int) func(*memory) {
	a, x, d, team := n.attr.(arg), n.in[0].shape, n.shape.DType, c.backend.team
	count, step, total, results := x.Dimensions[a.axis], strides(x)[a.axis], x.Size(), n.shape.Size()
	better := func(a, b T) bool { return a > b }
	if a.min {
		better = func(a, b T) bool { return a < b }
	}
	group := parts(1<<12, count) // results in a piece of work
	return func(m *memory) {
		v := of[T](m.p[in], total)
		team.Each(parts(results, group), func(_, it int) {
			for r := it * group; r < min(results, (it+1)*group); r++ {
				base := r/step*step*count + r%step
				best := 0
				for i := 1; i < count; i++ {
					now, then := v[base+i*step], v[base+best*step]
					if better(now, then) || now != now && then == then {
						best = i
					}
				}
				setInteger(unsafe.Add(m.p[out], r*d.Size()), d.Size(), best)
			}
		})
	}
}

// setInteger stores v, which is not negative, as an integer of the given number of bytes.
func setInteger(p ptr, bytes, v int) {
	switch bytes {
	case 1:
		*(*uint8)(p) = uint8(v)
	case 2:
		*(*uint16)(p) = uint16(v)
	case 4:
		*(*uint32)(p) = uint32(v)
	default:
		*(*uint64)(p) = uint64(v)
	}
}
