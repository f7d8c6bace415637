package cpu

import (
	"fmt"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// Sort is always stable. The comparator gets a left and a right scalar of the first tensor, and then those of the others.
func (f *Function) Sort(comparator compute.Function, axis int, _ bool, xs ...compute.Value) ([]compute.Value, error) {
	in, err := f.operands(compute.OpTypeSort, xs...)
	if err != nil {
		return nil, err
	}
	g, p, err := f.closure(compute.OpTypeSort, comparator)
	if err != nil {
		return nil, err
	}
	if len(in) == 0 || axis < 0 || axis >= in[0].shape.Rank() {
		return nil, fmt.Errorf("backend cpu: Sort of %d tensors along axis %d", len(in), axis)
	}
	var outs, scalars []shapes.Shape
	for i, x := range in {
		if !x.shape.EqualDimensions(in[0].shape) {
			return nil, fmt.Errorf("backend cpu: Sort: tensor %d is a %s, want the dimensions of %s", i, x.shape, in[0].shape)
		}
		scalar := shapes.Make(x.shape.DType)
		outs, scalars = append(outs, x.shape), append(scalars, scalar, scalar)
	}
	if err := checkShapes("Sort: parameter of the comparator", g.params, scalars); err != nil {
		return nil, err
	}
	if err := checkShapes("Sort: result of the comparator", g.out, []shapes.Shape{shapes.Make(dtypes.Bool)}); err != nil {
		return nil, err
	}
	s := &sorter{outs: outs, compare: p.exec, n: in[0].shape.Dimensions[axis], step: strides(in[0].shape)[axis], backend: f.builder.backend}
	if c := g.out[0]; isElementwise(c.op) && len(c.in) == 2 { // as in GoMLX's own Sort: needs no program
		if a, b := indexOf(g.params, c.in[0]), indexOf(g.params, c.in[1]); a >= 0 && b >= 0 {
			less := s.backend.fns.of(c)
			s.compare = func(in, out []ptr) { less(out[0], in[a], in[b], nil, 1) }
		}
	}
	return f.addControl(control{compute.OpTypeSort, outs, s.run}, in, g)
}

func indexOf(nodes []*node, n *node) int {
	for i, m := range nodes {
		if m == n {
			return i
		}
	}
	return -1
}

// sorter sorts tensors of one size along an axis.
type sorter struct {
	backend *Backend
	outs    []shapes.Shape
	compare func(in, out []ptr) // of a left and a right scalar of each tensor, and of captured values
	n, step int                 // of the axis
}

func (s *sorter) run(in, out []ptr) {
	size := s.outs[0].Size()
	if size == 0 {
		return
	}
	s.backend.team.Each(size/s.n, func(_, row int) {
		base := row/s.step*s.step*s.n + row%s.step
		var flag [slack]bool // vector functions write more than one element
		args, result := make([]ptr, 2*len(s.outs)), []ptr{ptr(&flag)}
		args = append(args, in[len(s.outs):]...)
		at := func(t, i int) ptr { return unsafe.Add(in[t], (base+i*s.step)*s.outs[t].DType.Size()) }
		order := make([]int, s.n)
		for i := range order {
			order[i] = i
		}
		mergeSort(order, make([]int, s.n), func(i, j int) bool {
			for t := range s.outs {
				args[2*t], args[2*t+1] = at(t, i), at(t, j)
			}
			s.compare(args, result)
			return flag[0]
		})
		for t, o := range s.outs {
			es := o.DType.Size()
			for i, from := range order {
				copyBytes(unsafe.Add(out[t], (base+i*s.step)*es), at(t, from), es)
			}
		}
	})
}

// mergeSort is stable, and terminates even if less is not an order.
func mergeSort(v, space []int, less func(i, j int) bool) {
	if len(v) < 2 {
		return
	}
	half := len(v) / 2
	mergeSort(v[:half], space, less)
	mergeSort(v[half:], space, less)
	a, b := space[:copy(space, v[:half])], v[half:]
	for i := range v {
		if len(a) > 0 && (len(b) == 0 || !less(b[0], a[0])) {
			v[i], a = a[0], a[1:]
		} else {
			v[i], b = b[0], b[1:]
		}
	}
}
