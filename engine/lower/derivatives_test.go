package lower_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	. "github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
)

// First and second derivatives of every example, in float64, against central differences of what the backend computes.
func TestDerivativesAreDifferences(t *testing.T) {
	samples := 6
	if testing.Short() {
		samples = 2
	}
	each(t, func(t *testing.T, b *lower.Backend) {
		for _, ex := range examples() {
			t.Run(ex.name, func(t *testing.T) { ex.differentiate(t, b, samples) })
		}
	})
}

func (ex example) differentiate(t *testing.T, b *lower.Backend, samples int) {
	h, tolerance := 1e-5, 2e-6
	if ex.step > 0 {
		h, tolerance = ex.step, ex.step*ex.step
	}
	args := ex.arguments(F64)
	y := weigh(ex.build(args))
	d := Grad(y, args...)
	z := of(y, 0)
	for _, di := range d {
		z = Add(z, weigh(Add(di, Square(di))))
	}
	dd := Grad(z, args...)
	p := compile(t, b, append(append([]*Node{y, z}, d...), dd...)...)

	r := rand.New(rand.NewPCG(1, 2))
	data := values{}
	for i, s := range ex.shapes {
		data[argument(i)] = ex.draw(r, s)
	}
	base := p.run(t, data)
	for i, s := range ex.shapes {
		for range samples {
			j := r.IntN(s.Elems())
			at := func(dx float64) (y, z float64) {
				moved := values{}
				for name, v := range data {
					moved[name] = slices.Clone(v)
				}
				moved[argument(i)][j] += dx
				o := p.run(t, moved)
				return o[0][0], o[1][0]
			}
			y1, z1 := at(h)
			y0, z0 := at(-h)
			for order, c := range [2]struct{ got, want float64 }{
				{base[2+i][j], (y1 - y0) / (2 * h)},
				{base[2+len(args)+i][j], (z1 - z0) / (2 * h)},
			} {
				if !closeTo(c.got, c.want, tolerance) {
					t.Errorf("derivative %d by %s[%d]: got %.9g, by differences %.9g", order+1, argument(i), j, c.got, c.want)
				}
			}
		}
	}
}

// Three packed trials equal three single ones, for every example and every subset of packed arguments, with gradients.
func TestPackedTrialsEqualSingleOnes(t *testing.T) {
	each(t, func(t *testing.T, b *lower.Backend) {
		types := map[DType]float64{F64: 1e-9, F32: 1e-5}
		first := func(example) int { return 1 }
		if b.Name() == "xla" { // it compiles slowly: all arguments packed
			first = func(ex example) int { return 1<<len(ex.shapes) - 1 }
		}
		if testing.Short() || b.Name() == "xla" {
			types = map[DType]float64{F32: 1e-5}
		}
		for d, tolerance := range types {
			for _, ex := range examples() {
				for mask := first(ex); mask < 1<<len(ex.shapes); mask++ {
					t.Run(fmt.Sprintf("%v/%s/%b", d, ex.name, mask), func(t *testing.T) { ex.pack(t, b, d, mask, tolerance) })
				}
			}
		}
	})
}

// pack compares with the arguments in mask packed.
func (ex example) pack(t *testing.T, b *lower.Backend, d DType, mask int, tolerance float64) {
	const trials = 3
	r := rand.New(rand.NewPCG(5, 6))
	all, alone := values{}, [trials]values{{}, {}, {}}
	names := ""
	for i, s := range ex.shapes {
		name := argument(i)
		draws := 1
		if mask>>i&1 == 1 {
			draws, names = trials, names+name+" "
		}
		for range draws {
			all[name] = append(all[name], ex.draw(r, s)...)
		}
		for k := range alone {
			n := k * (draws - 1) / (trials - 1) * s.Elems() // k-th, or the only one
			alone[k][name] = all[name][n : n+s.Elems()]
		}
	}
	packed := func(n *Node) bool { return n.Op.Name == "input" && strings.Contains(names, n.Attr.(Leaf).Name+" ") }
	args := ex.arguments(d)
	y := ex.build(args)
	outs := append([]*Node{y}, Grad(weigh(y), args...)...)
	together := Vmap(New(), trials, packed, outs...)
	got := eval(t, b, all, together...)
	p := compile(t, b, outs...)
	for k := range alone {
		for o, want := range p.run(t, alone[k]) {
			mine := got[o]
			if together[o].Shape.Has('k') {
				mine = mine[k*len(want) : (k+1)*len(want)]
			}
			compare(t, fmt.Sprintf("trial %d, output %d", k, o), mine, want, tolerance)
		}
	}
}

// The backends agree in values and gradients of every example in float64, as one program.
func TestBackendsAgree(t *testing.T) {
	var outs []*Node
	var names []string
	data := values{}
	r := rand.New(rand.NewPCG(3, 4))
	g := New()
	for _, ex := range examples() {
		var args []*Node
		for i, s := range ex.shapes {
			name := ex.name + "." + argument(i)
			args = append(args, g.Input(name, s))
			data[name] = ex.draw(r, s)
		}
		y := ex.build(args)
		for i, o := range append([]*Node{y}, Grad(weigh(y), args...)...) {
			outs, names = append(outs, o), append(names, fmt.Sprintf("%s, output %d", ex.name, i))
		}
	}
	want := eval(t, open(t, "cpu"), data, outs...)
	each(t, func(t *testing.T, b *lower.Backend) {
		for o, got := range eval(t, b, data, outs...) {
			compare(t, names[o], got, want[o], 1e-9)
		}
	})
}
