package expr_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/starsweep/starsweep/engine/expr"
)

// A gradient penalty, printed: the derivative of a derivative is an expression like any other.
func ExampleGrad() {
	g := New()
	x, w := g.Input("x", Of(F32, "bc", 2, 3)), g.Input("w", Of(F32, "c", 3))
	d := Tanh(Dot(x, w, "c"))
	slope := Norm(Grad(Sum(d, "b"), x)[0], "c", 1e-12)
	penalty := Mul(g.Real(F32, 10), Mean(Square(Sub(slope, g.Const(F32, 1))), "b"))
	fmt.Print(Print(Grad(penalty, w)...))
	// Output:
	// %0 = real r0 : f32[]
	// %1 = const {0.5} : f32[]
	// %2 = mul %0 %1 : f32[]
	// %3 = const {1} : f32[]
	// %4 = input {x} : f32[b2 c3]
	// %5 = input {w} : f32[c3]
	// %6 = dot %4 %5 {c} : f32[b2]
	// %7 = tanh %6 : f32[b2]
	// %8 = mul %7 %7 : f32[b2]
	// %9 = sub %3 %8 : f32[b2]
	// %10 = dot %9 %5 {} : f32[b2 c3]
	// %11 = mul %10 %10 : f32[b2 c3]
	// %12 = sum %11 {c} : f32[b2]
	// %13 = const {1e-12} : f32[]
	// %14 = add %12 %13 : f32[b2]
	// %15 = sqrt %14 : f32[b2]
	// %16 = sub %15 %3 : f32[b2]
	// %17 = mul %2 %16 : f32[b2]
	// %18 = add %17 %17 : f32[b2]
	// %19 = mul %18 %1 : f32[b2]
	// %20 = div %19 %15 : f32[b2]
	// %21 = mul %20 %10 : f32[b2 c3]
	// %22 = add %21 %21 : f32[b2 c3]
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

func TestEqualExpressionsAreOneNode(t *testing.T) {
	g := New()
	a, b := g.Input("a", Of(F32, "bc", 3, 2)), g.Input("b", Of(F32, "c", 2))
	once, again := Exp(a), Exp(a)
	if Add(a, b) != Add(b, a) || Mul(a, b) != Mul(b, a) || once != again {
		t.Error("equal expressions are several nodes")
	}
	if Sub(a, b) == Sub(b, a) || Sum(a, "b") == Sum(a, "c") || Concat('b', a, a, a, a) == Concat('b', a, a, a) {
		t.Error("different expressions are one node")
	}
	first, second := g.Real(F32, 1), g.Real(F32, 1)
	if first == second {
		t.Error("two hyperparameters that happen to agree are one node")
	}
}

func TestIdentitiesAreOmitted(t *testing.T) {
	g := New()
	a, b := g.Input("a", Of(F32, "bc", 3, 2)), g.Input("b", Of(F32, "c", 2))
	zero, one := g.Const(F32, 0), g.Const(F32, 1)
	for _, c := range []struct {
		what      string
		got, want *Node
	}{
		{"x+0", Add(a, zero), a}, {"0+x", Add(zero, a), a},
		{"x-0", Sub(a, zero), a},
		{"x*1", Mul(a, one), a}, {"1*x", Mul(one, a), a},
		{"x/1", Div(a, one), a},
		{"--x", Neg(Neg(a)), a},
		{"convert to the same type", Convert(a, F32), a},
		{"expand to the same axes", Expand(b, b.Shape), b},
		{"expand twice", Expand(Expand(b, Of(F32, "b", 3)), Of(F32, "h", 4)), Expand(b, Of(F32, "bh", 3, 4))},
		{"expand what the partner has", Add(a, Expand(b, a.Shape)), Add(a, b)},
		{"slice of all", Slice(a, 'b', 0, 3, 1), a},
		{"pad by nothing", Pad(a, 'b', 0, 0, 1), a},
		{"concat of one", Concat('b', a), a},
		{"sum over nothing", Sum(a, ""), a},
		{"sum of a constant axis", Sum(Expand(b, a.Shape), "b"), Mul(b, g.Const(F32, 3))},
		{"sum of a constant axis and another", Sum(Expand(b, a.Shape), "bc"), Mul(Sum(b, "c"), g.Const(F32, 3))},
		{"sum of one of two constant axes", Sum(Expand(b, Of(F32, "bh", 3, 4)), "h"), Expand(Mul(b, g.Const(F32, 4)), Of(F32, "b", 3))},
	} {
		if c.got != c.want {
			t.Errorf("%s: got\n%swant\n%s", c.what, Print(c.got), Print(c.want))
		}
	}
	for what, n := range map[string]*Node{"x*0": Mul(a, zero), "x-x": Sub(a, a), "x/x": Div(a, a), "0-x": Sub(zero, a), "1/x": Div(one, a)} {
		if n == a || n.Op.Name == "const" {
			t.Errorf("%s is simplified, but x may be NaN", what)
		}
	}
}

// A fingerprint depends on what the outputs compute, not on how the graph was built or on the values of reals.
func TestFingerprintIsStructure(t *testing.T) {
	build := func(detour bool, lr float64) string {
		g := New()
		if detour {
			Exp(g.Real(F32, 3))
			g.Input("b", Of(F32, "c", 2))
		}
		a := g.Input("a", Of(F32, "bc", 3, 2))
		b := g.Input("b", Of(F32, "c", 2))
		return Fingerprint(Mul(g.Real(F32, lr), Sum(Mul(a, b), "bc")))
	}
	if build(false, 1) != build(true, 2) {
		t.Error("the fingerprint depends on the history or on a real")
	}
	g := New()
	a, b := g.Input("a", Of(F32, "bc", 3, 3)), g.Real(F32, 1)
	idx := g.Input("idx", Of(I32, "b", 2))
	img := g.Input("x", Of(F32, "bhwc", 2, 6, 6, 3))
	k := g.Input("k", Of(F32, "hwio", 3, 3, 3, 5))
	win := func(lo int) Window2 { return Window2{H: Explicit(6, 3, 1, lo, 1), W: Same(6, 3, 1)} }
	seed := g.Input("seed", Of(U32, ""))
	seen := map[string]string{}
	for what, outs := range map[string][]*Node{
		"a": {a}, "a a": {a, a}, "a b": {a, b}, "b a": {b, a}, "none": nil,
		"add": {Add(a, b)}, "mul": {Mul(a, b)}, "another real": {Mul(Add(a, b), g.Real(F32, 1))}, "the same real": {Mul(Add(a, b), b)},
		"sum b": {Sum(a, "b")}, "sum c": {Sum(a, "c")},
		"another name": {g.Input("a2", a.Shape)}, "another size": {g.Input("a", Of(F32, "bc", 3, 2))},
		"another type": {g.Input("a", a.Shape.As(F64))},
		"const 1":      {g.Const(F32, 1)}, "const 2": {g.Const(F32, 2)}, "const f64": {g.Const(F64, 1)},
		"slice 0": {Slice(a, 'b', 0, 2, 1)}, "slice 1": {Slice(a, 'b', 1, 3, 1)}, "slice step": {Slice(a, 'b', 0, 3, 2)},
		"rename h": {Rename(a, "c", "h")}, "rename w": {Rename(a, "c", "w")},
		"merge": {Merge(img, "hwc", 'c')}, "merge hw": {Merge(img, "hw", 'w')}, "split": {Split(a, 'b', "bh", 1, 3)},
		"split 3": {Split(a, 'b', "bh", 3, 1)},
		"take":    {Take(a, idx, 'b')}, "put 4": {Put(Take(a, idx, 'b'), idx, 'o', 4)}, "put 5": {Put(Take(a, idx, 'b'), idx, 'o', 5)},
		"conv 1": {Conv(img, k, win(1))}, "conv 2": {Conv(img, k, win(2))},
		"bits 1": {Bits(seed, seed, 1, a.Shape)}, "bits 2": {Bits(seed, seed, 2, a.Shape)}, "convert": {Convert(a, F64)},
		"convert i32": {Convert(a, I32)},
		"expand":      {Expand(b, a.Shape)}, "iota b": {g.Iota('b', 3)}, "iota 4": {g.Iota('b', 4)}, "concat": {Concat('b', a, a)},
		"concat 3": {Concat('b', a, a, a)},
	} {
		f := Fingerprint(outs...)
		if other, ok := seen[f]; ok {
			t.Errorf("%q and %q have one fingerprint", what, other)
		}
		seen[f] = what
	}
}

// The fingerprint names programs on disk, so it may change only with the language. If it does, update the value here.
func TestFingerprintIsTheSameInEveryProcess(t *testing.T) {
	const want = "17a31abb123d18df"
	if got := Fingerprint(newDCGAN(64).nsStep()...); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestPrintGolden pins the text of a step. UPDATE=1 writes the file; review the difference.
func TestPrintGolden(t *testing.T) {
	dLoss, _, dParams, _ := newDCGAN(2).losses()
	got := Print(append([]*Node{dLoss}, Grad(dLoss, dParams...)...)...)
	path := filepath.Join("testdata", "ns_discriminator.txt")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the program of the discriminator's step changed; compare after UPDATE=1 go test ./engine/expr. Got:\n%s", got)
	}
}

// invalid is a construction that fails, and its error.
type invalid struct {
	want  string
	build func()
}

// operands of the invalid constructions.
type operands struct {
	g               *Graph
	a, k, z, labels *Node
	w               Window2
}

func newOperands() operands {
	g := New()
	return operands{
		g:      g,
		a:      g.Input("a", Of(F32, "bhwc", 2, 8, 8, 3)),
		k:      g.Input("k", Of(F32, "hwio", 5, 5, 3, 8)),
		z:      g.Input("z", Of(F32, "bc", 2, 100)),
		labels: g.Input("labels", Of(I32, "b", 2)),
		w:      Window2{H: Same(8, 5, 2), W: Same(8, 5, 2)},
	}
}

// shapes lists operations on elements and axes that do not fit their operands.
func (o operands) shapes() []invalid {
	g, a, z, labels := o.g, o.a, o.z, o.labels
	return []invalid{
		{"add: axis b: got sizes 2 and 4, want equal ones (operands f32[b2 h8 w8 c3] and f32[b4])",
			func() { Add(a, g.Input("b", Of(F32, "b", 4))) }},
		{"add: element types: got f32 and f64, want one type; convert one (operands f32[b2 h8 w8 c3] and f64[])",
			func() { Add(a, g.Const(F64, 1)) }},
		{"where: condition: got f32, want bool (operands f32[b2 h8 w8 c3] and f32[b2 h8 w8 c3] and f32[b2 h8 w8 c3])", func() { Where(a, a, a) }},
		{"sum: axis o: got f32[b2 h8 w8 c3], which has none (operands f32[b2 h8 w8 c3])", func() { Sum(a, "o") }},
		{"sum: element type: got bool, want numbers; convert it (operands bool[b2 h8 w8 c3])", func() { Sum(Less(a, a), "b") }},
		{"exp: element type: got i32, want floats; convert it (operands i32[b2])", func() { Exp(labels) }},
		{"add: element type: got bool, want numbers; convert it (operands bool[b2] and bool[b2])",
			func() { Add(Less(labels, labels), Less(labels, labels)) }},
		{"xor: element type: got f32, want integers; convert it (operands f32[b2 c100] and f32[b2 c100])", func() { Xor(z, z) }},
		{`axis: got 'q', want one of the axes "kbjhwcio"`, func() { Sum(a, "q") }},
		{"shape: got size 0 for axis c, want at least 1", func() { Of(F32, "bc", 2, 0) }},
		{"shape: got size 10000000000 for axis c, want at most 2147483647", func() { Of(F32, "c", 1e10) }},
		{"shape: got 1 sizes for the axes \"bc\", want 2", func() { Of(F32, "bc", 2) }},
		{"input: got a result f32[b2000000 c2000000], want at most 1099511627776 elements", func() { g.Input("huge", Of(F32, "bc", 2e6, 2e6)) }},
		{"dot: axis i: got f32[b2 h8 w8 c3] and f32[b2 h8 w8 c3], want it in both (operands f32[b2 h8 w8 c3] and f32[b2 h8 w8 c3])",
			func() { Dot(a, a, "i") }},
		{"dot: axis c: got sizes 3 and 100, want equal ones (operands f32[b2 h8 w8 c3] and f32[b2 c100])", func() { Dot(a, z, "c") }},
		{`merge: got the axes "cw", want "wc": each once, in memory order (operands f32[b2 h8 w8 c3])`, func() { Merge(a, "cw", 'c') }},
		{`split: got the axes "chw", want "hwc": each once, in memory order (operands f32[b2 c100])`, func() { Split(z, 'c', "chw", 4, 5, 5) }},
		{"merge: got the axes hc of [b2 h8 w8 c3], want adjacent ones (operands f32[b2 h8 w8 c3])", func() { Merge(a, "hc", 'c') }},
		{"merge: axis h: got f32[b2 c3], which has none (operands f32[b2 c3])", func() { Merge(Sum(a, "hw"), "hwc", 'c') }},
		{"split: got 100 elements along c, want 96 for [h4 w4 c6] (operands f32[b2 c100])", func() { Split(z, 'c', "hwc", 4, 4, 6) }},
		{"slice: axis h: got 0:9 in steps of 1, want a range within 0:8 (operands f32[b2 h8 w8 c3])", func() { Slice(a, 'h', 0, 9, 1) }},
		{"rename: got axis b as a new name, want an unused one (operands f32[b2 h8 w8 c3])", func() { Rename(a, "c", "b") }},
	}
}

// windows lists operations by index, convolutions, draws and pools that do not fit their operands.
func (o operands) windows() []invalid {
	g, a, k, z, labels, w := o.g, o.a, o.k, o.z, o.labels, o.w
	return []invalid{
		{"concat: axis b: got sizes 2 and 3, want equal ones (operands f32[b2 c100] and f32[b3 c4])",
			func() { Concat('c', z, g.Input("z3", Of(F32, "bc", 3, 4))) }},
		{"take: indices: got f32, want i32 (operands f32[b2 c100] and f32[b2 c100])", func() { Take(z, z, 'b') }},
		{"take: indices: got the axes [b2], want none that remain of [b2 c100] (operands f32[b2 c100] and i32[b2])",
			func() { Take(z, labels, 'c') }},
		{"put: got c as the new axis, want an unused one (operands f32[b2 c100] and i32[b2])", func() { Put(z, labels, 'c', 4) }},
		{"conv: channels: got c3 in the image, want 4, the kernel's i (operands f32[b2 h8 w8 c3] and f32[h5 w5 i4 o8])",
			func() { Conv(a, g.Input("k4", Of(F32, "hwio", 5, 5, 4, 8)), w) }},
		{"conv: image: got 4 x 8 pixels, want 8 x 8 (operands f32[b2 h4 w8 c3] and f32[h5 w5 i3 o8])",
			func() { Conv(Slice(a, 'h', 0, 4, 1), k, w) }},
		{"conv: image: got the axes [b2 c100], want [b h w c] (operands f32[b2 c100] and f32[h5 w5 i3 o8])", func() { Conv(z, k, w) }},
		{"conv: kernel: got 5 x 5 taps, want 3 x 5 (operands f32[b2 h8 w8 c3] and f32[h5 w5 i3 o8])",
			func() { Conv(a, k, Window2{H: Same(8, 3, 2), W: w.W}) }},
		{"conv: window: got a kernel of 9 taps, want at most the 8 of the padded image (operands f32[b2 h8 w8 c3] and f32[h9 w5 i3 o8])", func() {
			Conv(a, g.Input("k9", Of(F32, "hwio", 9, 5, 3, 8)), Window2{H: Valid(8, 9, 1), W: w.W})
		}},
		{"conv_input_grad: channels: got c3 in the image, want 8, the kernel's o (operands f32[b2 h8 w8 c3] and f32[h5 w5 i3 o8])", func() {
			ConvInput(a, k, Window2{H: SameTransposed(8, 5, 2), W: SameTransposed(8, 5, 2)})
		}},
		{"bits: got a seed f32[b2 c100] and a step f32[b2 c100], want u32 numbers (operands f32[b2 c100] and f32[b2 c100])",
			func() { Bits(z, z, 1, z.Shape) }},
		{"pool: window: got 0+4+0 by 2/2, 0+8+0 by 2/2, want one of the size of the image (operands f32[b2 h8 w8 c3])", func() {
			MaxPool(a, Window2{H: Valid(4, 2, 2), W: Valid(8, 2, 2)})
		}},
	}
}

func TestErrorsNameShapesAndPlace(t *testing.T) {
	o := newOperands()
	for _, c := range append(o.shapes(), o.windows()...) {
		o.g.At("ring.star:14:9")
		err := o.g.Try(c.build)
		if want := "ring.star:14:9: " + c.want; err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// An error in a derivative points to the line of the operation, not to that of grad.
func TestNodesKeepTheirPlace(t *testing.T) {
	g := New()
	g.At("a.star:1:1")
	x := g.Input("x", Of(F32, "c", 3))
	g.At("a.star:2:1")
	y := Sum(Tanh(x), "c")
	g.At("a.star:3:1")
	d := Grad(y, x)[0]
	here := g.At("")
	if y.Pos != "a.star:2:1" || d.Pos != "a.star:2:1" || here != "a.star:3:1" {
		t.Errorf("got places %s and %s, graph %s", y.Pos, d.Pos, here)
	}
}

func TestEveryOperationIsDocumented(t *testing.T) {
	for name, op := range Ops {
		if op.Doc == "" || op.Shape == nil || op.Name != name || strings.ToLower(name) != name {
			t.Errorf("%s lacks a doc or a shape rule", name)
		}
	}
	if len(Ops) > 50 {
		t.Errorf("%d operations: is the new one not made of others?", len(Ops))
	}
}

func TestShapes(t *testing.T) {
	s := Of(F32, "cb", 3, 2)
	for _, c := range [][2]any{
		{s, Of(F32, "bc", 2, 3)}, {s.String(), "f32[b2 c3]"}, {s.Axes(), "bc"}, {fmt.Sprint(s.Dims()), "[2 3]"}, {s.Elems(), 6}, {s.Bytes(), 24},
		{s.Minus(Of(F32, "ch", 9, 9)), "b"}, {s.Without("b"), Of(F32, "c", 3)}, {s.Only("bh"), Of(F32, "b", 2)}, {s.As(F64), Of(F64, "bc", 2, 3)},
		{s.Scalar(), false}, {Shape{}.Scalar(), true}, {s.Has('b'), true},
	} {
		if c[0] != c[1] {
			t.Errorf("got %v, want %v", c[0], c[1])
		}
	}
	if s.Has('h') || s.Size('h') != 0 || s.With('h', 4) != Of(F32, "bhc", 2, 4, 3) {
		t.Error("an absent axis has a size")
	}
}

func TestWindows(t *testing.T) {
	for _, c := range []struct {
		what string
		got  Window
		want Window
		out  int
	}{
		{"same", Same(32, 5, 2), Window{32, 5, 2, 1, 2}, 16},
		{"same odd", Same(7, 5, 2), Window{7, 5, 2, 2, 2}, 4},
		{"same, kernel shorter than stride", Same(9, 1, 3), Window{9, 1, 3, 0, 0}, 3},
		{"valid", Valid(28, 5, 1), Window{28, 5, 1, 0, 0}, 24},
		{"valid with a tail", Valid(6, 3, 2), Window{6, 3, 2, 0, 0}, 2},
		{"too short", Valid(4, 5, 2), Window{4, 5, 2, 0, 0}, 0},
		{"explicit", Explicit(64, 4, 2, 1, 1), Window{64, 4, 2, 1, 1}, 32},
		{"same transposed", SameTransposed(4, 5, 2), Window{8, 5, 2, 1, 2}, 4},
		{"same transposed 4", SameTransposed(7, 4, 2), Window{14, 4, 2, 1, 1}, 7},
		{"valid transposed", ValidTransposed(4, 5, 2), Window{11, 5, 2, 0, 0}, 4},
		{"valid transposed, kernel shorter than stride", ValidTransposed(4, 1, 3), Window{12, 1, 3, 0, 0}, 4},
		{"explicit transposed", ExplicitTransposed(4, 4, 2, 1, 1), Window{8, 4, 2, 1, 1}, 4},
	} {
		if c.got != c.want || c.got.Out() != c.out {
			t.Errorf("%s: got %v -> %d, want %v -> %d", c.what, c.got, c.got.Out(), c.want, c.out)
		}
	}
}

// A copy is the same program, and new reals of its graph differ from those that it has.
func TestCopyKeepsTheProgram(t *testing.T) {
	outs := newDCGAN(2).nsStep()
	c := Copy(outs...)
	if Fingerprint(c...) != Fingerprint(outs...) || Print(c...) != Print(outs...) {
		t.Error("the copy is another program")
	}
	for i, n := range Order(outs...) {
		m := Order(c...)[i]
		if m.Value != n.Value || m.Pos != n.Pos || m.Attr != n.Attr {
			t.Fatalf("%s lost its value or place", n.Op.Name)
		}
	}
	g := c[0].Graph()
	fresh := g.Real(F32, math.Pi)
	for _, n := range Order(c...) {
		if n == fresh {
			t.Error("a new real is an old one")
		}
	}
}
