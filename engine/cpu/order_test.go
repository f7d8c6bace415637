package cpu

import (
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
)

// allPaths is a test double of order, which records for every pair of sets of merged vertices whether one needs the other by any path.
type allPaths struct {
	part  []int // set of a vertex
	needs [][]bool
}

func (c *allPaths) path(u, v int) bool { return c.needs[c.part[u]][c.part[v]] }

// renew follows all paths.
func (c *allPaths) renew() {
	for k := range c.needs {
		for i := range c.needs {
			for j := range c.needs {
				c.needs[i][j] = c.needs[i][j] || c.needs[i][k] && c.needs[k][j]
			}
		}
	}
}

func (c *allPaths) merge(u, v int) {
	u, v = c.part[u], c.part[v]
	for i := range c.needs {
		c.needs[u][i] = c.needs[u][i] || c.needs[v][i]
		c.needs[i][u] = c.needs[i][u] || c.needs[i][v]
	}
	for i, p := range c.part {
		if p == v {
			c.part[i] = u
		}
	}
	c.renew()
}

// apart is by the definition.
func (c *allPaths) apart(a, b, n int, counts func(v int) bool) bool {
	var ofA, ofB bool
	for v := range n {
		if counts(v) {
			ofA = ofA || c.path(a, v) && !c.path(b, v)
			ofB = ofB || c.path(b, v) && !c.path(a, v)
		}
	}
	return ofA && ofB
}

func TestOrderAgreesWithAllPaths(t *testing.T) {
	const n = 40
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		o := &order{budget: 1 << 30}
		c := &allPaths{make([]int, n), make([][]bool, n)}
		for i := range n {
			c.part[i], c.needs[i] = i, make([]bool, n)
		}
		counts := func(v int) bool { return c.part[v]%3 == 0 } // a property of the whole set
		for u := range n {
			o.add()
			for range min(u, r.IntN(4)) {
				v := max(0, u-1-r.IntN(8))
				o.connect(u, o.find(v))
				c.needs[u][c.part[v]] = true
			}
			c.renew()
			if v := r.IntN(u + 1); c.part[u] != c.part[v] && !c.path(u, v) && !c.path(v, u) {
				if !o.merge(o.find(u), o.find(v)) {
					t.Fatalf("seed %d: %d and %d did not merge", seed, u, v)
				}
				c.merge(u, v)
			}
			for range 20 {
				a, b := r.IntN(u+1), r.IntN(u+1)
				if c.part[a] == c.part[b] {
					continue
				}
				if got, want := o.anyNeeds(o.find(b), o.find(a)), c.path(a, b); got != want {
					t.Fatalf("seed %d: a path from %d to %d: got %v, want %v", seed, a, b, got, want)
				}
				if c.path(a, b) || c.path(b, a) {
					continue
				}
				if got, want := o.needDifferent(o.find(a), o.find(b), counts), c.apart(a, b, u+1, counts); got != want {
					t.Fatalf("seed %d: %d and %d are apart: got %v, want %v", seed, a, b, got, want)
				}
			}
		}
	}
}

func TestSearchesBeyondTheirBudgetReportAPath(t *testing.T) {
	o := &order{budget: 1}
	o.add()
	far := o.add()
	for range 3 {
		v := o.add()
		o.connect(v, v-1)
	}
	lone := o.add()
	o.connect(lone, far)
	if !o.anyNeeds(0, 4) {
		t.Error("a search beyond its budget reported no path, want one")
	}
	if o.merge(0, 4) {
		t.Error("vertices merged though the search exceeded its budget")
	}
	if !o.needDifferent(4, lone, func(int) bool { return false }) {
		t.Error("a comparison beyond its budget reported no difference, want one")
	}
}

// longPrograms returns programs of n parts. Compiling them once took time that grew with the square or the cube of n.
func longPrograms(n int) map[string]build {
	two := func(f compute.Function) compute.Value { return must(f.Constant([]float32{2})) }
	dot := func(f compute.Function, x, w compute.Value) compute.Value {
		return must(f.DotGeneral(x, []int{1}, nil, w, []int{0}, nil, compute.DotGeneralConfig{}))
	}
	return map[string]build{
		"a chain": func(f compute.Function, in []compute.Value) []compute.Value {
			x := in[0]
			for range n {
				x = must(f.Tanh(must(f.Mul(x, two(f)))))
			}
			return []compute.Value{x}
		},
		"a recurrent network": func(f compute.Function, in []compute.Value) []compute.Value {
			x := in[0]
			for range n {
				x = must(f.Add(must(f.Tanh(dot(f, x, in[1]))), must(f.Mul(x, two(f)))))
			}
			return []compute.Value{x}
		},
		"steps from one beginning": func(f compute.Function, in []compute.Value) []compute.Value {
			x := in[0]
			for range n {
				x = must(f.Add(dot(f, x, in[1]), must(f.Tanh(in[0]))))
			}
			return []compute.Value{x}
		},
		"a sum of products": func(f compute.Function, in []compute.Value) []compute.Value {
			var parts []compute.Value
			for range n {
				parts = append(parts, dot(f, in[0], in[1]))
			}
			sum := must(f.Abs(parts[0]))
			for _, p := range parts[1:] {
				sum = must(f.Add(sum, p))
			}
			return []compute.Value{sum}
		},
		"a network and its gradient": func(f compute.Function, in []compute.Value) []compute.Value {
			x, all := in[0], []compute.Value{}
			for range n {
				x = must(f.Tanh(dot(f, x, in[1])))
				all = append(all, x)
			}
			for i := n - 1; i >= 0; i-- {
				x = dot(f, must(f.Mul(x, must(f.Sub(x, must(f.Mul(all[i], all[i])))))), in[1])
			}
			return []compute.Value{x}
		},
	}
}

func TestCompilingTakesLinearTime(t *testing.T) {
	b := must(New("threads=1"))
	work := func(name string, n int) (searched, scheduled int) {
		f := b.Builder("").Main().(*Function)
		var in []compute.Value
		for range 2 {
			in = append(in, must(f.Parameter("", f32(8, 8), nil)))
		}
		if err := f.Return(longPrograms(n)[name](f, in), nil); err != nil {
			t.Fatal(err)
		}
		c := newCompiler(f)
		for _, o := range f.out {
			c.emit(o)
		}
		return newGroupBuilder(f, liveNodes(f), true).work, c.schedule()
	}
	for name := range longPrograms(1) {
		searched, scheduled := work(name, 500)
		searched4, scheduled4 := work(name, 2000)
		if most := 5*searched + 1000; searched4 > most {
			t.Errorf("%s: 4 times the program takes %d steps to group, want at most %d", name, searched4, most)
		}
		if most := 5*scheduled + 1000; scheduled4 > most {
			t.Errorf("%s: 4 times the program takes %d steps to schedule, want at most %d", name, scheduled4, most)
		}
		t.Log(name, searched, searched4, scheduled, scheduled4)
	}
}
