package lower

import (
	"reflect"
	"unsafe"

	"github.com/gomlx/compute"

	"github.com/starsweep/starsweep/engine/expr"
)

// Memory is the memory of a program's calls, in bytes.
type Memory struct {
	Work    int // temporaries
	Results int // results that do not reuse a donated input's memory
	Fixed   int // the program itself
}

// Total is the sum.
func (m Memory) Total() int { return m.Work + m.Results + m.Fixed }

// planned is an executable that knows the memory of its executions, and can release what it keeps between them.
type planned interface {
	Memory() (work, results, fixed int)
	Release()
}

// Memory returns the memory that the backend has planned; ok is false if it plans none, as with XLA and GoMLX's own backend.
func (e *Exec) Memory() (m Memory, ok bool) {
	p, ok := e.executable().(planned)
	if ok {
		m.Work, m.Results, m.Fixed = p.Memory()
	}
	return m, ok
}

// Release frees the memory that the backend keeps for the next call.
func (e *Exec) Release() {
	if p, ok := e.executable().(planned); ok {
		p.Release()
	}
}

// executable reads a private field of GoMLX's graph, which has no method for it.
func (e *Exec) executable() compute.Executable {
	f := reflect.ValueOf(e.graph).Elem().FieldByName("executable")
	return *(*compute.Executable)(unsafe.Pointer(f.UnsafeAddr()))
}

// Live is the memory of a call of outs without fusion: the largest number of bytes alive at once, without inputs, if expressions
// are computed in order and each is freed after its last use. Compilers that fuse need less.
func Live(outs ...*expr.Node) Memory {
	order := expr.Order(outs...)
	last := map[*expr.Node]int{}
	for i, n := range order {
		last[n] = i
		for _, a := range n.Args {
			last[a] = i
		}
	}
	var m Memory
	for _, o := range outs {
		last[o] = len(order)
		m.Results += o.Shape.Bytes()
	}
	dies := make([][]*expr.Node, len(order)+1)
	for n, i := range last {
		dies[i] = append(dies[i], n)
	}
	alive := 0
	for i, n := range order {
		if _, leaf := n.Attr.(expr.Leaf); !leaf {
			alive += n.Shape.Bytes()
		}
		m.Work = max(m.Work, alive)
		for _, d := range dies[i] {
			if _, leaf := d.Attr.(expr.Leaf); !leaf {
				alive -= d.Shape.Bytes()
			}
		}
	}
	m.Work = max(0, m.Work-m.Results)
	return m
}
