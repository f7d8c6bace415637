package cpu

import (
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

func i32() shapes.Shape { return shapes.Make(dtypes.Int32) }

// closure builds a closure of f with the given parameters.
func closure(f compute.Function, b build, ss ...shapes.Shape) compute.Function {
	g := must(f.Closure())
	var in []compute.Value
	for _, s := range ss {
		in = append(in, must(g.Parameter("p", s, nil)))
	}
	if err := g.Return(b(g, in), nil); err != nil {
		panic(err)
	}
	return g
}

// loopBody is the body of a countdown: of its count and of another value.
type loopBody func(g compute.Function, n, x compute.Value) compute.Value

// countdown runs body start times, and returns the last value.
func countdown(f compute.Function, start compute.Value, body loopBody, x compute.Value) compute.Value {
	s := must(f.Shape(x))
	cond := closure(f, func(g compute.Function, in []compute.Value) []compute.Value {
		return []compute.Value{must(g.GreaterThan(in[0], must(g.Constant([]int32{0}))))}
	}, i32(), s)
	step := closure(f, func(g compute.Function, in []compute.Value) []compute.Value {
		return []compute.Value{must(g.Sub(in[0], must(g.Constant([]int32{1})))), body(g, in[0], in[1])}
	}, i32(), s)
	return must(f.While(cond, step, start, x))[1]
}

// mix is an operation that, unlike a sum, depends on the order of its operands.
func mix(f compute.Function, x, y compute.Value) compute.Value {
	if must(f.Shape(x)).DType == dtypes.Bool {
		return must(f.LogicalXor(x, y))
	}
	return must(f.Sub(y, x))
}

// controlGraph is a graph over x, y and a number: an Int32, or a truth value.
type controlGraph func(f compute.Function, n, x, y compute.Value) []compute.Value

// controlProperty runs closures that capture values, and closures within them. The Go backend runs the plain form without closures
// for the same number.
func controlProperty(d dtypes.DType, ours controlGraph, plain func(n int) controlGraph) property {
	return property{takes: all, draw: func(r *draw) trial {
		s, n := r.shape(r.IntN(3)), r.IntN(4)
		number := operand{i32(), []int32{int32(n)}}
		if d == dtypes.Bool {
			n = n % 2
			number = operand{shapes.Make(d), []bool{n == 1}}
		}
		over := func(g controlGraph) build {
			return func(f compute.Function, in []compute.Value) []compute.Value { return g(f, in[2], in[0], in[1]) }
		}
		return trial{
			in:    []operand{r.filled(s), r.filled(s), number},
			graph: over(ours),
			plain: over(plain(n)),
		}
	}}
}

func controlProperties() map[compute.OpType]property {
	return map[compute.OpType]property{
		compute.OpTypeWhile: controlProperty(dtypes.Int32, whileGraph, plainWhile),
		compute.OpTypeIf:    controlProperty(dtypes.Bool, ifGraph, plainIf),
		compute.OpTypeCall:  controlProperty(dtypes.Int32, callGraph, plainCall),
	}
}

func whileGraph(f compute.Function, n, x, y compute.Value) []compute.Value {
	z := mix(f, x, y)
	outer := countdown(f, n, func(g compute.Function, i, v compute.Value) compute.Value {
		return mix(g, y, countdown(g, i, func(h compute.Function, _, v compute.Value) compute.Value { return mix(h, v, z) }, v))
	}, x)
	return []compute.Value{outer, mix(f, outer, z)}
}

func plainWhile(n int) controlGraph {
	return func(f compute.Function, _, x, y compute.Value) []compute.Value {
		z := mix(f, x, y)
		for i := n; i > 0; i-- {
			for range i {
				x = mix(f, x, z)
			}
			x = mix(f, y, x)
		}
		return []compute.Value{x, mix(f, x, z)}
	}
}

func ifGraph(f compute.Function, p, x, y compute.Value) []compute.Value {
	z := mix(f, x, y)
	branch := func(f compute.Function, out func(g compute.Function) []compute.Value) compute.Function {
		return closure(f, func(g compute.Function, _ []compute.Value) []compute.Value { return out(g) })
	}
	yes := branch(f, func(g compute.Function) []compute.Value {
		never := branch(g, func(compute.Function) []compute.Value { return []compute.Value{x} })
		always := branch(g, func(h compute.Function) []compute.Value { return []compute.Value{mix(h, z, x)} })
		return []compute.Value{must(g.If(must(g.LogicalNot(p)), never, always))[0], z}
	})
	no := branch(f, func(g compute.Function) []compute.Value { return []compute.Value{y, mix(g, y, x)} })
	return must(f.If(p, yes, no))
}

func plainIf(n int) controlGraph {
	return func(f compute.Function, p, x, y compute.Value) []compute.Value {
		if z := mix(f, x, y); n == 1 {
			return []compute.Value{mix(f, z, x), z}
		}
		return []compute.Value{y, mix(f, y, x)}
	}
}

func callGraph(f compute.Function, _, x, y compute.Value) []compute.Value {
	s := must(f.Shape(x))
	g := must(f.Builder().NewFunction("mix"))
	a, b := must(g.Parameter("a", s, nil)), must(g.Parameter("b", s, nil))
	if err := g.Return([]compute.Value{mix(g, a, b), a}, nil); err != nil {
		panic(err)
	}
	once := must(f.Call(g, x, y))
	return append(must(f.Call(g, once[0], once[1])), once[0])
}

func plainCall(int) controlGraph {
	return func(f compute.Function, _, x, y compute.Value) []compute.Value {
		once := mix(f, x, y)
		return []compute.Value{mix(f, once, x), once, once}
	}
}

func TestWhileLoopsCaptureValues(t *testing.T) {
	for _, b := range ours() {
		f := func(f compute.Function, in []compute.Value) []compute.Value {
			n, x, w := in[0], in[1], in[2]
			twice := must(f.Add(w, w)) // captured, computed outside
			outer := countdown(f, n, func(g compute.Function, i, y compute.Value) compute.Value {
				// a nested loop, which captures from both
				inner := countdown(g, i, func(h compute.Function, j, z compute.Value) compute.Value {
					return must(h.Add(z, must(h.Mul(twice, must(h.ConvertDType(i, dtypes.Float32))))))
				}, y)
				return must(g.Sub(inner, w))
			}, x)
			return []compute.Value{outer, twice}
		}
		e := compiled(b, f, i32(), f32(3), f32(3))
		for _, n := range []int32{0, 1, 4} {
			x, w := []float32{1, 2, 3}, []float32{.5, -1, 2}
			want := []float32{1, 2, 3}
			for i := n; i > 0; i-- {
				for k := range want {
					for range i {
						want[k] += 2 * w[k] * float32(i)
					}
					want[k] -= w[k]
				}
			}
			got := execute(b, e, []int32{n}, x, w)
			if err := similar(got[0], want, 1e-6); err != nil {
				t.Errorf("%s: %d rounds: %v", b.Description(), n, err)
			}
		}
	}
}

func TestIfRunsOneBranch(t *testing.T) {
	for _, b := range ours() {
		e := compiled(b, func(f compute.Function, in []compute.Value) []compute.Value {
			yes := closure(f, func(g compute.Function, _ []compute.Value) []compute.Value {
				return []compute.Value{must(g.Add(in[1], in[2])), in[1]}
			})
			no := closure(f, func(g compute.Function, _ []compute.Value) []compute.Value {
				return []compute.Value{in[2], must(g.Mul(in[2], in[2]))}
			})
			return must(f.If(in[0], yes, no))
		}, shapes.Make(dtypes.Bool), f32(2), f32(2))
		x, y := []float32{1, 2}, []float32{10, 20}
		agree(t, "true", execute(b, e, []bool{true}, x, y), []any{[]float32{11, 22}, x}, 0)
		agree(t, "false", execute(b, e, []bool{false}, x, y), []any{y, []float32{100, 400}}, 0)
	}
}

func TestCallsShareOneFunction(t *testing.T) {
	b := must(New(""))
	bd := b.Builder("test")
	g := must(bd.NewFunction("square"))
	x := must(g.Parameter("x", f32(2), nil))
	if err := g.Return([]compute.Value{must(g.Mul(x, x))}, nil); err != nil {
		t.Fatal(err)
	}
	f := bd.Main()
	y := must(f.Parameter("y", f32(2), nil))
	once := must(f.Call(g, y))
	twice := must(f.Call(g, once[0]))
	if err := f.Return([]compute.Value{twice[0], once[0]}, nil); err != nil {
		t.Fatal(err)
	}
	agree(t, "calls", execute(b, must(bd.Compile()), []float32{2, 3}), []any{[]float32{16, 81}, []float32{4, 9}}, 0)
}

func TestFunctionsShareConstants(t *testing.T) {
	// GoMLX caches scalars per graph: a scalar may be made in a closure and then used outside.
	b := must(New(""))
	e := compiled(b, func(f compute.Function, in []compute.Value) []compute.Value {
		var three compute.Value
		yes := closure(f, func(g compute.Function, _ []compute.Value) []compute.Value {
			three = must(g.Constant([]float32{3}))
			return []compute.Value{must(g.Mul(in[1], three))}
		})
		no := closure(f, func(g compute.Function, _ []compute.Value) []compute.Value {
			return []compute.Value{must(g.Sub(in[1], three))}
		})
		return []compute.Value{must(f.If(in[0], yes, no))[0], must(f.Add(in[1], three))}
	}, shapes.Make(dtypes.Bool), f32(1))
	agree(t, "constant", execute(b, e, []bool{false}, []float32{1}), []any{[]float32{-2}, []float32{4}}, 0)
}

func TestBarriersAndIdentitiesAreFree(t *testing.T) {
	b := must(New(""))
	e := compiled(b, func(f compute.Function, in []compute.Value) []compute.Value {
		x := must(f.OptimizationBarrier(must(f.Neg(in[0])), in[0]))
		return []compute.Value{must(f.SchedulingBarrier(must(f.Identity(x[0])), x[1]))}
	}, f32(2)).(*executable)
	agree(t, "barrier", execute(b, e, []float32{1, 2}), []any{[]float32{-1, -2}}, 0)
	if len(e.code) != 1 {
		t.Errorf("%d instructions for one operation", len(e.code))
	}
}
