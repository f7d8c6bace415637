package lower_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/internal/require"
)

// author writes an expression graph as bytes choose; what is missing is 0. Values stay small, and only what is exact, the same
// bits on every backend, is compared, rounded, or kinked: rounding stays rounding.
type author struct {
	left  []byte
	d     DType
	pool  []*Node
	exact map[*Node]bool
}

func (a *author) below(n int) int {
	if len(a.left) == 0 {
		return 0
	}
	b := a.left[0]
	a.left = a.left[1:]
	return int(b) % n
}

// any is one of the pool; later ones are likelier.
func (a *author) any() *Node {
	return a.pool[max(a.below(len(a.pool)), a.below(len(a.pool)))]
}

// axis is one of n's.
func (a *author) axis(n *Node) string {
	axes := n.Shape.Axes()
	if axes == "" {
		panic(&Error{Why: "a scalar has no axis"})
	}
	i := a.below(len(axes))
	return axes[i : i+1]
}

// window fits a kernel of the given taps to x, or fails.
func (a *author) window(x *Node, kernel *Node) Window2 {
	along := func(axis byte) Window {
		n := x.Shape.Size(axis)
		return Explicit(n, kernel.Shape.Size(axis), 1+a.below(2), a.below(2), a.below(3))
	}
	return Window2{H: along('h'), W: along('w')}
}

// kernel is one of c channels to others.
func (a *author) kernel(c int) *Node {
	k := a.pool[1]
	if c != k.Shape.Size('i') {
		k = Rename(k, "io", "oi")
	}
	return k
}

// away is x² + 1/2, for functions with a pole or a cusp at 0.
func away(x *Node) *Node { return Add(Square(x), of(x, .5)) }

// mild is a smooth function of sums and products, which may be large.
func mild(x *Node) *Node { return Tanh(Scale(x, .25)) }

// sentences are what an author may write about x and y. Those that do not fit fail with an *Error.
var sentences = []struct {
	needs, gives bool // exact operands; exact results of exact operands
	write        func(a *author, x, y *Node) *Node
}{
	{write: func(_ *author, x, _ *Node) *Node { return Tanh(x) }}, {write: func(_ *author, x, _ *Node) *Node { return Sigmoid(x) }},
	{write: func(_ *author, x, _ *Node) *Node { return Softplus(x) }}, {write: func(_ *author, x, _ *Node) *Node { return Sin(x) }},
	{write: func(_ *author, x, _ *Node) *Node { return Cos(x) }}, {write: func(_ *author, x, _ *Node) *Node { return Exp(Tanh(x)) }},
	{write: func(_ *author, x, _ *Node) *Node { return Log(away(x)) }}, {write: func(_ *author, x, _ *Node) *Node { return Log1p(Square(x)) }},
	{write: func(_ *author, x, _ *Node) *Node { return Sqrt(away(x)) }}, {write: func(_ *author, x, _ *Node) *Node { return Rsqrt(away(x)) }},
	{write: func(_ *author, x, y *Node) *Node { return mild(Add(x, y)) }},
	{write: func(_ *author, x, y *Node) *Node { return mild(Sub(x, y)) }},
	{write: func(_ *author, x, y *Node) *Node { return mild(Mul(x, y)) }},
	{write: func(_ *author, x, y *Node) *Node { return mild(Div(x, away(y))) }},
	{write: func(_ *author, x, y *Node) *Node { return Pow(away(x), Tanh(y)) }},
	{write: func(_ *author, x, _ *Node) *Node { return Mul(x, x.Graph().Real(x.Shape.DType, .7)) }},
	{gives: true, write: func(_ *author, x, _ *Node) *Node { return Neg(x) }},
	{gives: true, write: func(_ *author, x, _ *Node) *Node { return Stop(x) }},
	{needs: true, gives: true, write: func(_ *author, x, y *Node) *Node { return Max(x, y) }},
	{needs: true, gives: true, write: func(_ *author, x, y *Node) *Node { return Min(x, y) }},
	{needs: true, gives: true, write: func(_ *author, x, _ *Node) *Node { return Abs(x) }},
	{needs: true, gives: true, write: func(_ *author, x, _ *Node) *Node { return Sign(x) }},
	{needs: true, gives: true, write: func(_ *author, x, _ *Node) *Node { return Floor(x) }},
	{needs: true, gives: true, write: func(_ *author, x, _ *Node) *Node { return Relu(x) }},
	{needs: true, gives: true, write: func(_ *author, x, y *Node) *Node { return Where(Less(x, y), x, Neg(y)) }},
	{needs: true, gives: true, write: func(a *author, x, y *Node) *Node { return Where(Equal(Floor(x), Sign(y)), y, of(x, .25)) }},
	{gives: true, write: func(a *author, x, y *Node) *Node {
		return Where(Less(a.pool[0], of(x, .3)), x, y)
	}},
	{write: func(a *author, x, _ *Node) *Node { return mild(Sum(x, a.axis(x))) }},
	{write: func(_ *author, x, _ *Node) *Node { return mild(Mean(x, x.Shape.Axes())) }},
	{write: func(a *author, x, _ *Node) *Node {
		axis := a.axis(x)
		return Mean(Square(Sub(x, Mean(x, axis))), axis)
	}},
	{write: func(a *author, x, _ *Node) *Node { return Softmax(x, a.axis(x)) }},
	{needs: true, gives: true, write: func(a *author, x, _ *Node) *Node { return Amax(x, a.axis(x)) }},
	{gives: true, write: func(_ *author, x, y *Node) *Node { return Expand(x, y.Shape) }},
	{gives: true, write: func(a *author, x, _ *Node) *Node { return Rename(x, a.axis(x), "bhwcio"[a.below(6):][:1]) }},
	{gives: true, write: func(_ *author, x, _ *Node) *Node { return Merge(x, "hw", 'w') }},
	{gives: true, write: func(_ *author, x, _ *Node) *Node { return Merge(x, "bh", 'b') }},
	{gives: true, write: func(a *author, x, _ *Node) *Node { n := x.Shape.Size('w'); return Split(x, 'w', "hw", 2, n/2) }},
	{gives: true, write: func(a *author, x, _ *Node) *Node {
		axis := a.axis(x)[0]
		n := x.Shape.Size(axis)
		lo := a.below(n)
		return Slice(x, axis, lo, lo+1+a.below(n-lo), 1+a.below(2))
	}},
	{gives: true, write: func(a *author, x, _ *Node) *Node { return Pad(x, a.axis(x)[0], a.below(2), a.below(3), 1+a.below(2)) }},
	{gives: true, write: func(a *author, x, _ *Node) *Node { return Reverse(x, a.axis(x)[0]) }},
	{gives: true, write: func(a *author, x, y *Node) *Node { return Concat(a.axis(x)[0], x, y, x) }},
	{gives: true, write: func(a *author, x, _ *Node) *Node {
		axis := a.axis(x)[0]
		n := float64(x.Shape.Size(axis))
		return Take(x, ints(x.Graph(), axis, n-1, 0, float64(int(n)/2)), axis)
	}},
	{write: func(a *author, x, _ *Node) *Node { return Put(x, ints(x.Graph(), 'b', 2, 0, 2), 'j', 4) }},
	{write: func(_ *author, x, _ *Node) *Node {
		g := x.Graph()
		return Mul(x, Uniform(g.Const(U32, 7), g.Const(U32, 8), 9, x.Shape))
	}},
	{gives: true, write: func(a *author, x, _ *Node) *Node { // small integers
		n := Convert(x.Graph().Iota('c', 2), U32)
		return Convert(Shr(Xor(n, x.Graph().Const(U32, 13)), x.Graph().Const(U32, 1)), x.Shape.DType)
	}},
	{write: func(a *author, x, y *Node) *Node { return mild(Dot(x, y, a.axis(x))) }},
	{write: func(a *author, x, _ *Node) *Node { return mild(Dot(x, Reverse(x, a.axis(x)[0]), a.axis(x))) }},
	{write: convolved}, {write: convolved},
	{write: func(a *author, x, _ *Node) *Node {
		return mild(ConvKernel(x, convolved(a, x, nil), a.window(x, a.pool[1])))
	}},
	{write: func(a *author, x, _ *Node) *Node {
		w := Window2{H: SameTransposed(x.Shape.Size('h'), 3, 2), W: SameTransposed(x.Shape.Size('w'), 2, 1)}
		return mild(ConvInput(x, Rename(a.kernel(x.Shape.Size('c')), "io", "oi"), w))
	}},
	{write: func(a *author, x, _ *Node) *Node {
		c := Sin(Convert(x.Graph().Iota('c', max(1, x.Shape.Size('c'))), x.Shape.DType))
		return batchNorm(x, c, c, x.Shape.Without("c").Axes(), .1)
	}},
	{needs: true, gives: true, write: func(a *author, x, _ *Node) *Node { return MaxPool(x, a.window(x, a.pool[1])) }},
	{write: func(_ *author, x, _ *Node) *Node { return ResizeBilinear(x, 3, 4) }},
}

func convolved(a *author, x, _ *Node) *Node {
	k := a.kernel(x.Shape.Size('c'))
	return mild(Conv(x, k, a.window(x, k)))
}

// story is the graph of choices: some values, and the first and second derivatives of one by the inputs.
func story(choices []byte) (outs []*Node) {
	a := &author{left: choices, exact: map[*Node]bool{}}
	a.d = []DType{F32, F64}[a.below(2)]
	g := New()
	for i, s := range told {
		x := g.Input(argument(i), s.As(a.d))
		a.pool, a.exact[x] = append(a.pool, x), true
	}
	for range 40 {
		if len(a.left) == 0 {
			break
		}
		a.write(g)
	}
	outs = a.pool[len(a.pool)-3:]
	y := weigh(a.any())
	d := Grad(y, a.pool[:len(told)]...)
	z := of(y, 0)
	for _, di := range d {
		z = Add(z, weigh(Scale(di, .5)))
	}
	outs = append(slices.Clone(outs), y)
	outs = append(outs, d...)
	return append(outs, Grad(z, a.pool[:len(told)]...)...)
}

// write adds one sentence, about the first values that fit.
func (a *author) write(g *Graph) {
	s, at, y := sentences[a.below(len(sentences))], a.below(len(a.pool)), a.any()
	for i := range a.pool {
		x := a.pool[(at+i)%len(a.pool)]
		exact := a.exact[x] && a.exact[y]
		if s.needs && !exact {
			continue
		}
		var n *Node
		if err := g.Try(func() { n = s.write(a, x, y) }); err == nil && n.Shape.Elems() <= 1500 {
			a.pool = append(a.pool, n)
			a.exact[n] = a.exact[n] || s.gives && exact
			return
		}
	}
}

// told are the inputs: images first, then a kernel.
var told = []Shape{f("bhwc", 3, 4, 5, 2), f("hwio", 3, 2, 2, 3), f("bc", 3, 2), f("wc", 5, 2), f("")}

func randomChoices(seed uint64) []byte {
	r, b := rand.New(rand.NewPCG(seed, 9)), make([]byte, 160)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestStoriesTellOfEveryOperation(t *testing.T) {
	found := map[string]bool{}
	for seed := range uint64(60) {
		for _, n := range Order(story(randomChoices(seed))[:4]...) {
			found[n.Op.Name] = true
		}
	}
	for name := range Ops {
		if !found[name] {
			t.Errorf("no story has %s", name)
		}
	}
}

// FuzzExpressions evaluates graphs of all kinds of operations with their derivatives, alone and as packed trials, on every backend.
func FuzzExpressions(f *testing.F) {
	count := uint64(500)
	if testing.Short() {
		count = 60
	}
	for seed := range count {
		f.Add(randomChoices(seed))
	}
	const trials = 2
	data, packed, r := values{}, values{}, rand.New(rand.NewPCG(1, 2))
	for i, s := range told {
		for range trials {
			packed[argument(i)] = append(packed[argument(i)], example{lo: -1.5, hi: 1.5}.draw(r, s)...)
		}
		data[argument(i)] = packed[argument(i)][:s.Elems()] // the first one
	}
	configs := []string{"cpu", "go:parallelism=-1"}
	slow := map[string]int{}
	if !testing.Short() {
		if p := require.Plugin(f); p != "" {
			configs = append(configs, "xla:"+p)
			slow[configs[2]] = 100 // XLA compiles slowly
		}
	}
	done := 0
	f.Fuzz(func(t *testing.T, choices []byte) {
		outs := story(choices)
		tolerance := 2e-3
		if outs[len(outs)-1].Shape.DType == F64 {
			tolerance = 1e-7
		}
		want := eval(t, open(t, "cpu:kernels=go,nofuse,threads=1"), data, outs...)
		done++
		for _, config := range configs {
			if n := slow[config]; n > 0 && done > n {
				continue
			}
			for o, got := range eval(t, open(t, config), data, outs...) {
				compare(t, fmt.Sprintf("%s, output %d", config, o), got, want[o], tolerance)
			}
		}
		together := Vmap(New(), trials, func(n *Node) bool { return n.Op.Name == "input" }, outs[:4+len(told)]...)
		for o, got := range eval(t, open(t, "cpu"), packed, together...) {
			compare(t, fmt.Sprintf("packed, output %d", o), got[:len(want[o])], want[o], tolerance)
		}
	})
}
