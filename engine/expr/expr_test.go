package expr_test

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/starsweep/starsweep/engine/expr"
)

// A gradient penalty, printed: the derivative of a derivative is an expression like any other.
func ExampleGrad() {
	g := New()
	x, w := g.Input("x", Of(F32, "cb", 3, 2)), g.Input("w", Of(F32, "c", 3))
	d := Tanh(Dot(x, w, "c"))
	slope := Norm(Grad(Sum(d, "b"), x)[0], "c", 1e-12)
	penalty := Mul(g.Real(F32, 10), Mean(Square(Sub(slope, g.Const(F32, 1))), "b"))
	fmt.Print(Print(Grad(penalty, w)...))
	// Output:
	// %0 = real r0 : f32[]
	// %1 = const {0.5} : f32[]
	// %2 = mul %0 %1 : f32[]
	// %3 = const {1} : f32[]
	// %4 = input {x} : f32[c3 b2]
	// %5 = input {w} : f32[c3]
	// %6 = dot %4 %5 {c} : f32[b2]
	// %7 = tanh %6 : f32[b2]
	// %8 = mul %7 %7 : f32[b2]
	// %9 = sub %3 %8 : f32[b2]
	// %10 = dot %9 %5 {} : f32[c3 b2]
	// %11 = mul %10 %10 : f32[c3 b2]
	// %12 = sum %11 {c} : f32[b2]
	// %13 = const {1e-12} : f32[]
	// %14 = add %12 %13 : f32[b2]
	// %15 = sqrt %14 : f32[b2]
	// %16 = sub %15 %3 : f32[b2]
	// %17 = mul %2 %16 : f32[b2]
	// %18 = add %17 %17 : f32[b2]
	// %19 = mul %18 %1 : f32[b2]
	// %20 = div %19 %15 : f32[b2]
	// %21 = mul %20 %10 : f32[c3 b2]
	// %22 = add %21 %21 : f32[c3 b2]
	// %23 = dot %22 %9 {b} : f32[c3]
	// %24 = dot %22 %5 {c} : f32[b2]
	// %25 = neg %24 : f32[b2]
	// %26 = mul %25 %7 : f32[b2]
	// %27 = add %26 %26 : f32[b2]
	// %28 = mul %27 %9 : f32[b2]
	// %29 = dot %28 %4 {b} : f32[c3]
	// %30 = add %23 %29 : f32[c3]
	// return %30
}

func TestInterning(t *testing.T) {
	g := New()
	a, b := g.Input("a", Of(F32, "cb", 2, 3)), g.Input("b", Of(F32, "c", 2))
	if Add(a, b) != Add(b, a) || Sub(a, b) == Sub(b, a) {
		t.Error("equal expressions must be one node, others not")
	}
	if g.Real(F32, 1) == g.Real(F32, 1) {
		t.Error("two hyperparameters that happen to agree are one node")
	}
}

// A fingerprint depends on what the outputs compute, not on how the graph came about.
func TestFingerprint(t *testing.T) {
	build := func(detour bool, lr float64) string {
		g := New()
		if detour {
			Exp(g.Real(F32, 3))
			g.Input("b", Of(F32, "c", 2))
		}
		a := g.Input("a", Of(F32, "cb", 2, 3))
		b := g.Input("b", Of(F32, "c", 2))
		return Fingerprint(Mul(g.Real(F32, lr), Sum(Mul(a, b), "cb")))
	}
	if build(false, 1) != build(true, 2) {
		t.Error("the fingerprint depends on the history or on a real")
	}
}

func TestShapes(t *testing.T) {
	g := New()
	a := g.Input("a", Of(F32, "chwb", 3, 8, 8, 2))
	w := Window2{H: Same(8, 5, 2), W: Same(8, 5, 2)}
	for _, c := range []struct {
		want  string
		build func() *Node
	}{
		{"here: add: axis b is 2 and 4 (got f32[c3 h8 w8 b2] and f32[b4])", func() *Node { return Add(a, g.Input("b", Of(F32, "b", 4))) }},
		{"here: add: mixed element types; convert one (got f32[c3 h8 w8 b2] and f64[])", func() *Node { return Add(a, g.Const(F64, 1)) }},
		{"here: conv: the image has 3 channels, the kernel reads 4 (got f32[c3 h8 w8 b2] and f32[o8 h5 w5 i4])", func() *Node { return Conv(a, g.Input("k", Of(F32, "ohwi", 8, 5, 5, 4)), w) }},
		{"here: conv: the image should be 8 x 8 (got f32[c3 h4 w8 b2] and f32[o8 h5 w5 i3])", func() *Node {
			return Conv(Slice(a, 'h', 0, 4, 1), g.Input("k3", Of(F32, "ohwi", 8, 5, 5, 3)), w)
		}},
		{"here: merge: the axes cw do not lie side by side (got f32[c3 h8 w8 b2])", func() *Node { return Merge(a, "cw", 'c') }},
		{"here: dot: both must have the axis i (got f32[c3 h8 w8 b2] and f32[c3 h8 w8 b2])", func() *Node { return Dot(a, a, "i") }},
		{"here: sum: there is no axis o (got f32[c3 h8 w8 b2])", func() *Node { return Sum(a, "o") }},
		{"here: axis: 'q' is not an axis; the axes are \"kochwijb\"", func() *Node { return Sum(a, "q") }},
	} {
		g.Pos = "here"
		err := g.Try(func() { c.build() })
		if err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

// Every operation says what it does, and the language is small.
func TestDocs(t *testing.T) {
	for name, op := range Ops {
		if op.Doc == "" || op.Shape == nil || strings.ToLower(name) != name {
			t.Errorf("%s lacks a doc or a shape rule", name)
		}
	}
	t.Logf("%d operations", len(Ops))
}
