package lower_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/internal/require"
)

// generator makes an expression graph from choices: bytes, then zeros. Values stay small, and only exact ones, which have the same bits
// on every backend, are compared, rounded or passed to functions with kinks, so that rounding errors stay small.
type generator struct {
	left  []byte
	d     DType
	pool  []*Node
	exact map[*Node]bool
}

func (a *generator) below(n int) int {
	if len(a.left) == 0 {
		return 0
	}
	b := a.left[0]
	a.left = a.left[1:]
	return int(b) % n
}

// any returns a node of the pool; later ones are more likely.
func (a *generator) any() *Node {
	return a.pool[max(a.below(len(a.pool)), a.below(len(a.pool)))]
}

// axis returns an axis of n.
func (a *generator) axis(n *Node) string {
	axes := n.Shape.Axes()
	if axes == "" {
		panic(&Error{Why: "a scalar has no axis"})
	}
	i := a.below(len(axes))
	return axes[i : i+1]
}

// window returns a window of the kernel over x, which may not fit.
func (a *generator) window(x *Node, kernel *Node) Window2 {
	along := func(axis byte) Window {
		n := x.Shape.Size(axis)
		return Explicit(n, kernel.Shape.Size(axis), 1+a.below(2), a.below(2), a.below(3))
	}
	return Window2{H: along('h'), W: along('w')}
}

// kernel returns a kernel for images of c channels.
func (a *generator) kernel(c int) *Node {
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

// productions are the expressions of x and y that graphs are made of. Those that do not fit fail with an *Error.
var productions = []struct {
	exactIn, exactOut bool // wants exact operands; is exact if they are
	write             func(a *generator, x, y *Node) *Node
}{
	{write: func(_ *generator, x, _ *Node) *Node { return Tanh(x) }}, {write: func(_ *generator, x, _ *Node) *Node { return Sigmoid(x) }},
	{write: func(_ *generator, x, _ *Node) *Node { return Softplus(x) }}, {write: func(_ *generator, x, _ *Node) *Node { return Sin(x) }},
	{write: func(_ *generator, x, _ *Node) *Node { return Cos(x) }}, {write: func(_ *generator, x, _ *Node) *Node { return Exp(Tanh(x)) }},
	{write: func(_ *generator, x, _ *Node) *Node { return Log(away(x)) }},
	{write: func(_ *generator, x, _ *Node) *Node { return Log1p(Square(x)) }},
	{write: func(_ *generator, x, _ *Node) *Node { return Sqrt(away(x)) }},
	{write: func(_ *generator, x, _ *Node) *Node { return Rsqrt(away(x)) }},
	{write: func(_ *generator, x, y *Node) *Node { return mild(Add(x, y)) }},
	{write: func(_ *generator, x, y *Node) *Node { return mild(Sub(x, y)) }},
	{write: func(_ *generator, x, y *Node) *Node { return mild(Mul(x, y)) }},
	{write: func(_ *generator, x, y *Node) *Node { return mild(Div(x, away(y))) }},
	{write: func(_ *generator, x, y *Node) *Node { return Pow(away(x), Tanh(y)) }},
	{write: func(_ *generator, x, _ *Node) *Node { return Mul(x, x.Graph().Real(x.Shape.DType, .7)) }},
	{exactOut: true, write: func(_ *generator, x, _ *Node) *Node { return Neg(x) }},
	{exactOut: true, write: func(_ *generator, x, _ *Node) *Node { return Stop(x) }},
	{exactIn: true, exactOut: true, write: func(_ *generator, x, y *Node) *Node { return Max(x, y) }},
	{exactIn: true, exactOut: true, write: func(_ *generator, x, y *Node) *Node { return Min(x, y) }},
	{exactIn: true, exactOut: true, write: func(_ *generator, x, _ *Node) *Node { return Abs(x) }},
	{exactIn: true, exactOut: true, write: func(_ *generator, x, _ *Node) *Node { return Sign(x) }},
	{exactIn: true, exactOut: true, write: func(_ *generator, x, _ *Node) *Node { return Floor(x) }},
	{exactIn: true, exactOut: true, write: func(_ *generator, x, _ *Node) *Node { return Relu(x) }},
	{exactIn: true, exactOut: true, write: func(_ *generator, x, y *Node) *Node { return Where(Less(x, y), x, Neg(y)) }},
	{exactIn: true, exactOut: true, write: func(a *generator, x, y *Node) *Node { return Where(Equal(Floor(x), Sign(y)), y, of(x, .25)) }},
	{exactOut: true, write: func(a *generator, x, y *Node) *Node {
		return Where(Less(a.pool[0], of(x, .3)), x, y)
	}},
	{write: func(a *generator, x, _ *Node) *Node { return mild(Sum(x, a.axis(x))) }},
	{write: func(_ *generator, x, _ *Node) *Node { return mild(Mean(x, x.Shape.Axes())) }},
	{write: func(a *generator, x, _ *Node) *Node {
		axis := a.axis(x)
		return Mean(Square(Sub(x, Mean(x, axis))), axis)
	}},
	{write: func(a *generator, x, _ *Node) *Node { return Softmax(x, a.axis(x)) }},
	{exactIn: true, exactOut: true, write: func(a *generator, x, _ *Node) *Node { return Amax(x, a.axis(x)) }},
	{exactOut: true, write: func(_ *generator, x, y *Node) *Node { return Expand(x, y.Shape) }},
	{exactOut: true, write: func(a *generator, x, _ *Node) *Node { return Rename(x, a.axis(x), "bhwcio"[a.below(6):][:1]) }},
	{exactOut: true, write: func(_ *generator, x, _ *Node) *Node { return Merge(x, "hw", 'w') }},
	{exactOut: true, write: func(_ *generator, x, _ *Node) *Node { return Merge(x, "bh", 'b') }},
	{exactOut: true, write: func(a *generator, x, _ *Node) *Node { n := x.Shape.Size('w'); return Split(x, 'w', "hw", 2, n/2) }},
	{exactOut: true, write: func(a *generator, x, _ *Node) *Node {
		axis := a.axis(x)[0]
		n := x.Shape.Size(axis)
		lo := a.below(n)
		return Slice(x, axis, lo, lo+1+a.below(n-lo), 1+a.below(2))
	}},
	{exactOut: true, write: func(a *generator, x, _ *Node) *Node {
		return Pad(x, a.axis(x)[0], a.below(2), a.below(3), 1+a.below(2))
	}},
	{exactOut: true, write: func(a *generator, x, _ *Node) *Node { return Reverse(x, a.axis(x)[0]) }},
	{exactOut: true, write: func(a *generator, x, y *Node) *Node { return Concat(a.axis(x)[0], x, y, x) }},
	{exactOut: true, write: func(a *generator, x, _ *Node) *Node {
		axis := a.axis(x)[0]
		n := float64(x.Shape.Size(axis))
		return Take(x, ints(x.Graph(), axis, n-1, 0, float64(int(n)/2)), axis)
	}},
	{write: func(a *generator, x, _ *Node) *Node { return Put(x, ints(x.Graph(), 'b', 2, 0, 2), 'j', 4) }},
	{write: func(_ *generator, x, _ *Node) *Node {
		g := x.Graph()
		return Mul(x, Uniform(g.Const(U32, 7), g.Const(U32, 8), 9, x.Shape))
	}},
	{exactOut: true, write: func(a *generator, x, _ *Node) *Node { // small integers
		n := Convert(x.Graph().Iota('c', 2), U32)
		return Convert(Shr(Xor(n, x.Graph().Const(U32, 13)), x.Graph().Const(U32, 1)), x.Shape.DType)
	}},
	{write: func(a *generator, x, y *Node) *Node { return mild(Dot(x, y, a.axis(x))) }},
	{write: func(a *generator, x, _ *Node) *Node { return mild(Dot(x, Reverse(x, a.axis(x)[0]), a.axis(x))) }},
	{write: convolved}, {write: convolved},
	{write: func(a *generator, x, _ *Node) *Node {
		return mild(ConvKernel(x, convolved(a, x, nil), a.window(x, a.pool[1])))
	}},
	{write: func(a *generator, x, _ *Node) *Node {
		w := Window2{H: SameTransposed(x.Shape.Size('h'), 3, 2), W: SameTransposed(x.Shape.Size('w'), 2, 1)}
		return mild(ConvInput(x, Rename(a.kernel(x.Shape.Size('c')), "io", "oi"), w))
	}},
	{write: func(a *generator, x, _ *Node) *Node {
		c := Sin(Convert(x.Graph().Iota('c', max(1, x.Shape.Size('c'))), x.Shape.DType))
		return batchNorm(x, c, c, x.Shape.Without("c").Axes(), .1)
	}},
	{exactIn: true, exactOut: true, write: func(a *generator, x, _ *Node) *Node { return MaxPool(x, a.window(x, a.pool[1])) }},
	{write: func(_ *generator, x, _ *Node) *Node { return ResizeBilinear(x, 3, 4) }},
}

func convolved(a *generator, x, _ *Node) *Node {
	k := a.kernel(x.Shape.Size('c'))
	return mild(Conv(x, k, a.window(x, k)))
}

// randomGraph is the graph of choices: some values, and the first and second derivatives of one by the inputs.
func randomGraph(choices []byte) (outs []*Node) {
	a := &generator{left: choices, exact: map[*Node]bool{}}
	a.d = []DType{F32, F64}[a.below(2)]
	g := New()
	for i, s := range graphInputs {
		x := g.Input(argument(i), s.As(a.d))
		a.pool, a.exact[x] = append(a.pool, x), true
	}
	for range 40 {
		if len(a.left) == 0 {
			break
		}
		a.extend(g)
	}
	outs = a.pool[len(a.pool)-3:]
	y := weigh(a.any())
	d := Grad(y, a.pool[:len(graphInputs)]...)
	z := of(y, 0)
	for _, di := range d {
		z = Add(z, weigh(Scale(di, .5)))
	}
	outs = append(slices.Clone(outs), y)
	outs = append(outs, d...)
	return append(outs, Grad(z, a.pool[:len(graphInputs)]...)...)
}

// extend adds one production, of the first values that fit.
func (a *generator) extend(g *Graph) {
	s, at, y := productions[a.below(len(productions))], a.below(len(a.pool)), a.any()
	for i := range a.pool {
		x := a.pool[(at+i)%len(a.pool)]
		exact := a.exact[x] && a.exact[y]
		if s.exactIn && !exact {
			continue
		}
		var n *Node
		if err := g.Try(func() { n = s.write(a, x, y) }); err == nil && n.Shape.Elems() <= 1500 {
			a.pool = append(a.pool, n)
			a.exact[n] = a.exact[n] || s.exactOut && exact
			return
		}
	}
}

// graphInputs are the shapes of the inputs: images first, then a kernel.
var graphInputs = []Shape{f("bhwc", 3, 4, 5, 2), f("hwio", 3, 2, 2, 3), f("bc", 3, 2), f("wc", 5, 2), f("")}

func randomChoices(seed uint64) []byte {
	r, b := rand.New(rand.NewPCG(seed, 9)), make([]byte, 160)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestRandomGraphsHaveEveryOperation(t *testing.T) {
	found := map[string]bool{}
	for seed := range uint64(60) {
		for _, n := range Order(randomGraph(randomChoices(seed))[:4]...) {
			found[n.Op.Name] = true
		}
	}
	for name := range Ops {
		if !found[name] {
			t.Errorf("no graph has %s", name)
		}
	}
}

// FuzzExpressions evaluates random graphs with their derivatives, alone and as packed trials, on every backend.
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
	for i, s := range graphInputs {
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
		outs := randomGraph(choices)
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
		together := Vmap(New(), trials, func(n *Node) bool { return n.Op.Name == "input" }, outs[:4+len(graphInputs)]...)
		for o, got := range eval(t, open(t, "cpu"), packed, together...) {
			compare(t, fmt.Sprintf("packed, output %d", o), got[:len(want[o])], want[o], tolerance)
		}
	})
}
