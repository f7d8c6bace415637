package expr

import (
	"fmt"
	"strings"
)

// Op is one primitive operation.
type Op struct {
	Name, Doc string
	Commutes  bool
	Shape     func(n *Node) Shape // the shape of the result; fails with an *Error if the operands do not fit

	// VJP lists the cotangents of the arguments for the cotangent v of n, nil where the derivative is zero; the rule is nil if all
	// are. A cotangent may lack axes of its argument or have additional ones: Grad expands and sums it.
	VJP func(n, v *Node) []*Node
}

// Attributes are comparable, so that equal expressions are one node.
type (
	// Leaf is the attribute of input and real. Role and Index say what the program uses it for; they are not part of the structure,
	// in which inputs have names.
	Leaf struct {
		Role  Role
		Index int // among those of its role
		Name  string
		Shape Shape
	}
	// Number is the attribute of const.
	Number struct {
		DType DType
		V     float64
	}
	// Axis is the attribute of slice (lo:hi:step) and of pad (lo before, hi after, step-1 between).
	Axis struct {
		A            byte
		Lo, Hi, Step int
	}
	// Fold is the attribute of merge and split: axis One <-> axes Many.
	Fold struct {
		One  byte
		Many Shape
	}
	// Names is the attribute of rename, letter by letter.
	Names struct{ From, To string }
	// Index is the attribute of iota, take and put.
	Index struct {
		A    byte
		Size int
	}
	// Draw is the attribute of bits.
	Draw struct {
		Stream uint32
		Shape  Shape
	}
)

// Role is the use of an input in a training program.
type Role uint8

const (
	Other  Role = iota // identified by its name
	State              // a tensor that each step replaces
	Seed               // of the trial
	Step               // the number of the iteration
	Images             // a minibatch
	Labels             // of a minibatch
	Real               // a real number of the script
)

func (l Leaf) String() string  { return l.Name }
func (a Axis) String() string  { return fmt.Sprintf("%c %d:%d:%d", a.A, a.Lo, a.Hi, a.Step) }
func (f Fold) String() string  { return fmt.Sprintf("%c=%v", f.One, bare(f.Many)) }
func (r Names) String() string { return r.From + "->" + r.To }
func (i Index) String() string { return fmt.Sprintf("%c%d", i.A, i.Size) }
func (d Draw) String() string  { return fmt.Sprintf("stream %08x %v", d.Stream, d.Shape) }
func (n Number) String() string {
	return strings.TrimSuffix(fmt.Sprintf("%v:%v", n.V, n.DType), ":f32")
}

// bare prints without the element type.
type bare Shape

func (b bare) String() string {
	s := Shape(b)
	return strings.TrimPrefix(s.String(), s.DType.String())
}

// unary is element by element, of floats.
func unary(name, doc string, d func(x, y, v node) node) Op {
	o := Op{Name: name, Doc: doc, Shape: func(n node) Shape {
		s := n.Args[0].Shape
		n.typed(s, s.DType.Float(), "floats")
		return s
	}}
	if d != nil {
		o.VJP = func(n, v node) []node { return []node{d(n.Args[0], n, v)} }
	}
	return o
}

// numeric makes a unary row accept integers as well.
func numeric(o Op) Op {
	o.Shape = func(n node) Shape {
		s := n.Args[0].Shape
		n.typed(s, s.DType != Bool, "numbers")
		return s
	}
	return o
}

// binary is element by element, of numbers.
func binary(name, doc string, d func(a, b, y, v node) (da, db node)) Op {
	o := Op{Name: name, Doc: doc, Shape: func(n node) Shape {
		s := same(n, n.Args[0].Shape, n.Args[1].Shape)
		n.typed(s, s.DType != Bool, "numbers")
		return s
	}}
	if d != nil {
		o.VJP = func(n, v node) []node { a, b := d(n.Args[0], n.Args[1], n, v); return []node{a, b} }
	}
	return o
}

func predicate(name, doc string) Op {
	return Op{Name: name, Doc: doc, Shape: func(n node) Shape { return same(n, n.Args[0].Shape, n.Args[1].Shape).As(Bool) }}
}

func bitwise(name, doc string) Op {
	return Op{Name: name, Doc: doc, Shape: func(n node) Shape {
		s := same(n, n.Args[0].Shape, n.Args[1].Shape)
		n.typed(s, s.DType == U32 || s.DType == I32, "integers")
		return s
	}}
}

func commutes(o Op) Op { o.Commutes = true; return o }

// pick returns v where p holds and 0 elsewhere, and the reverse.
func pick(p, v *Node) (yes, no *Node) { zero := v.lit(0); return Where(p, v, zero), Where(p, zero, v) }

// need fails unless ok, with a text "got ..., want ...".
func (n *Node) need(ok bool, format string, a ...any) {
	if !ok {
		n.fail(format, a...)
	}
}

func leaf(n *Node) Shape { return n.Attr.(Leaf).Shape }

// join is the union of the axes, which must agree in size.
func join(n *Node, s, t Shape) Shape {
	u, ok := s.join(t)
	if !ok {
		for _, a := range []byte(s.shared(t)) {
			if s.Size(a) != t.Size(a) {
				n.fail("axis %c: got sizes %d and %d, want equal ones", a, s.Size(a), t.Size(a))
			}
		}
	}
	return u
}

// same is join for operands of one element type.
func same(n *Node, a, b Shape) Shape {
	if a.DType != b.DType {
		n.fail("element types: got %v and %v, want one type; convert one", a.DType, b.DType)
	}
	return join(n, a, b)
}

// has fails unless s has the axis.
func (n *Node) has(s Shape, a byte) {
	if !s.Has(a) {
		n.fail("axis %c: got %v, which has none", a, s)
	}
}

// typed fails unless the element type is right.
func (n *Node) typed(s Shape, ok bool, want string) {
	if !ok {
		n.fail("element type: got %v, want %s; convert it", s.DType, want)
	}
}

func reduce(n *Node) Shape {
	s, axes := n.Args[0].Shape, n.Attr.(string)
	for i := range axes {
		n.has(s, axes[i])
	}
	n.typed(s, s.DType != Bool, "numbers")
	return s.Without(axes)
}

// images checks that s, an operand of a convolution, is [b h w c] of a height and width.
func (n *Node) images(s Shape, what string, h, w int) {
	if got := s.Without("k"); got.Axes() != "bhwc" {
		n.fail("%s: got the axes %v, want [b h w c]", what, bare(got))
	}
	if s.Size('h') != h || s.Size('w') != w {
		n.fail("%s: got %d x %d pixels, want %d x %d", what, s.Size('h'), s.Size('w'), h, w)
	}
}

// kernel checks that s is a kernel [h w i o] for the window, and the window.
func (n *Node) kernel(s Shape, w Window2) {
	if got := s.Without("k"); got.Axes() != "hwio" {
		n.fail("kernel: got the axes %v, want [h w i o]", bare(got))
	}
	if s.Size('h') != w.H.Kernel || s.Size('w') != w.W.Kernel {
		n.fail("kernel: got %d x %d taps, want %d x %d", s.Size('h'), s.Size('w'), w.H.Kernel, w.W.Kernel)
	}
	n.window(w)
}

func (n *Node) window(w Window2) {
	for _, v := range [2]Window{w.H, w.W} {
		if v.Stride < 1 || v.Kernel < 1 || v.In < 1 || v.Lo < 0 || v.Hi < 0 {
			n.fail("window: got %v, want positive lengths, kernel and stride, and no negative padding", v)
		}
		if v.Out() < 1 {
			n.fail("window: got a kernel of %d taps, want at most the %d of the padded image", v.Kernel, v.Lo+v.In+v.Hi)
		}
	}
}

// channels fails unless the image's c is the kernel's axis a.
func (n *Node) channels(image, kernel Shape, a byte) {
	if image.Size('c') != kernel.Size(a) {
		n.fail("channels: got c%d in the image, want %d, the kernel's %c", image.Size('c'), kernel.Size(a), a)
	}
}

// trials is s with the trial axis of t, if it has one; the element types must be equal.
func trials(n *Node, s, t Shape) Shape { return same(n, s, t.Only("k")) }
