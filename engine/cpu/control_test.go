package cpu

import (
	"strings"
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

// countdown runs body while its first value, an int32, is positive; body gets the other values.
func countdown(f compute.Function, start compute.Value, body func(g compute.Function, n, x compute.Value) compute.Value, x compute.Value) compute.Value {
	s := must(f.Shape(x))
	cond := closure(f, func(g compute.Function, in []compute.Value) []compute.Value {
		return []compute.Value{must(g.GreaterThan(in[0], must(g.Constant([]int32{0}))))}
	}, i32(), s)
	step := closure(f, func(g compute.Function, in []compute.Value) []compute.Value {
		return []compute.Value{must(g.Sub(in[0], must(g.Constant([]int32{1})))), body(g, in[0], in[1])}
	}, i32(), s)
	return must(f.While(cond, step, start, x))[1]
}

// controlProperties run closures with captures, nested, on operands x and y, and a count or a truth value. The Go backend gets the
// same without closures: it computes over values that they capture.
func controlProperties() map[compute.OpType]property {
	mix := func(f compute.Function, x, y compute.Value) compute.Value {
		if must(f.Shape(x)).DType == dtypes.Bool {
			return must(f.LogicalXor(x, y))
		}
		return must(f.Sub(y, x))
	}
	type graph func(f compute.Function, n, x, y compute.Value) []compute.Value
	on := func(d dtypes.DType, ours graph, plain func(count int) graph) property {
		return property{takes: all, draw: func(r *draw) trial {
			s, n := r.shape(r.IntN(3)), r.IntN(4)
			count := operand{i32(), []int32{int32(n)}}
			if d == dtypes.Bool {
				n = n % 2
				count = operand{shapes.Make(d), []bool{n == 1}}
			}
			over := func(g graph) build {
				return func(f compute.Function, in []compute.Value) []compute.Value { return g(f, in[2], in[0], in[1]) }
			}
			return trial{in: []operand{r.filled(s), r.filled(s), count}, graph: over(ours), plain: over(plain(n))}
		}}
	}
	return map[compute.OpType]property{
		compute.OpTypeWhile: on(dtypes.Int32, func(f compute.Function, n, x, y compute.Value) []compute.Value {
			z := mix(f, x, y)
			outer := countdown(f, n, func(g compute.Function, i, v compute.Value) compute.Value {
				return mix(g, y, countdown(g, i, func(h compute.Function, _, v compute.Value) compute.Value { return mix(h, v, z) }, v))
			}, x)
			return []compute.Value{outer, mix(f, outer, z)}
		}, func(count int) graph {
			return func(f compute.Function, _, x, y compute.Value) []compute.Value {
				z := mix(f, x, y)
				for i := count; i > 0; i-- {
					for range i {
						x = mix(f, x, z)
					}
					x = mix(f, y, x)
				}
				return []compute.Value{x, mix(f, x, z)}
			}
		}),
		compute.OpTypeIf: on(dtypes.Bool, func(f compute.Function, p, x, y compute.Value) []compute.Value {
			z := mix(f, x, y)
			branch := func(f compute.Function, out func(g compute.Function) []compute.Value) compute.Function {
				return closure(f, func(g compute.Function, _ []compute.Value) []compute.Value { return out(g) })
			}
			return must(f.If(p, branch(f, func(g compute.Function) []compute.Value {
				inner := must(g.If(must(g.LogicalNot(p)), branch(g, func(compute.Function) []compute.Value { return []compute.Value{x} }),
					branch(g, func(h compute.Function) []compute.Value { return []compute.Value{mix(h, z, x)} })))
				return []compute.Value{inner[0], z}
			}), branch(f, func(g compute.Function) []compute.Value { return []compute.Value{y, mix(g, y, x)} })))
		}, func(truth int) graph {
			return func(f compute.Function, p, x, y compute.Value) []compute.Value {
				if z := mix(f, x, y); truth == 1 {
					return []compute.Value{mix(f, z, x), z}
				}
				return []compute.Value{y, mix(f, y, x)}
			}
		}),
		compute.OpTypeCall: on(dtypes.Int32, func(f compute.Function, _, x, y compute.Value) []compute.Value {
			s := must(f.Shape(x))
			g := must(f.Builder().NewFunction("mix"))
			a, b := must(g.Parameter("a", s, nil)), must(g.Parameter("b", s, nil))
			if err := g.Return([]compute.Value{mix(g, a, b), a}, nil); err != nil {
				panic(err)
			}
			once := must(f.Call(g, x, y))
			return append(must(f.Call(g, once[0], once[1])), once[0])
		}, func(int) graph {
			return func(f compute.Function, _, x, y compute.Value) []compute.Value {
				once := mix(f, x, y)
				return []compute.Value{mix(f, once, x), once, once}
			}
		}),
	}
}

func TestWhileLoopsSeeTheValuesAroundThem(t *testing.T) {
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

func TestAConstantOfOneFunctionServesAnother(t *testing.T) {
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

// TestWhatIsMissingIsAnErrorWhenBuilding: and the error names the operation and the type.
func TestWhatIsMissingIsAnErrorWhenBuilding(t *testing.T) {
	b := must(New(""))
	f := b.Builder("test").Main()
	x, u, flag := must(f.Parameter("x", f32(2, 2), nil)), must(f.Parameter("u", shapes.Make(dtypes.Uint32, 2), nil)), must(f.Parameter("b", shapes.Make(dtypes.Bool, 2), nil))
	foreign := must(b.Builder("other").Main().Parameter("x", f32(2, 2), nil))
	stranger := closure(f, func(g compute.Function, in []compute.Value) []compute.Value { return in }, f32(2, 2))
	hidden := must(must(f.Closure()).Parameter("x", f32(2, 2), nil))
	state := must(f.Parameter("s", i32(), nil))
	always := closure(f, func(g compute.Function, in []compute.Value) []compute.Value {
		return []compute.Value{must(g.Constant([]bool{true}))}
	}, i32())
	for _, c := range []struct {
		want string
		call func() (compute.Value, error)
	}{
		{"backend cpu: ReduceWindow of Bool is not implemented", func() (compute.Value, error) {
			return f.ReduceWindow(flag, compute.ReduceOpMax, []int{1}, nil, nil, nil, nil)
		}},
		{"backend cpu: ReduceWindow by Undefined is not implemented", func() (compute.Value, error) {
			return f.ReduceWindow(x, compute.ReduceOpUndefined, []int{1, 1}, nil, nil, nil, nil)
		}},
		{"SelectAndScatterMax: the source is a (Float32)[2, 2], want a (Float32)[1, 1]", func() (compute.Value, error) {
			return f.SelectAndScatterMax(x, x, []int{2, 2}, []int{1, 1}, nil)
		}},
		{"ArgMinMax: axis 0 of (Float32)[0, 2] has no elements", func() (compute.Value, error) {
			return f.ArgMinMax(must(f.Slice(x, []int{0, 0}, []int{0, 2}, nil)), 0, dtypes.Int32, true)
		}},
		{"RNGBitGenerator: the state is a (Float32)[2, 2]", func() (compute.Value, error) {
			_, bits, err := f.RNGBitGenerator(x, f32(2))
			return bits, err
		}},
		{"Sort: parameter of the comparator: got 1 values, want 2", func() (compute.Value, error) {
			_, err := f.Sort(always, 0, true, x)
			return nil, err
		}},
		{"backend cpu: Parameter of BFloat16 is not implemented", func() (compute.Value, error) { return f.Parameter("y", shapes.Make(dtypes.BFloat16, 2), nil) }},
		{"backend cpu: Parameter with a dynamic axis", func() (compute.Value, error) {
			return f.Parameter("y", shapes.MakeDynamic(dtypes.Float32, []int{shapes.DynamicDim}, []string{"batch"}), nil)
		}},
		{"cannot be broadcast", func() (compute.Value, error) {
			return f.Add(must(f.Slice(x, []int{0, 0}, []int{0, 2}, nil)), must(f.Slice(x, []int{0, 0}, []int{1, 2}, nil)))
		}},
		{"backend cpu: Constant of Complex64 is not implemented", func() (compute.Value, error) { return f.Constant([]complex64{1}) }},
		{"backend cpu: ConvertDType from Float32 to Float16 is not implemented", func() (compute.Value, error) { return f.ConvertDType(x, dtypes.Float16) }},
		{"backend cpu: EqualTotalOrder is not implemented", func() (compute.Value, error) { return f.EqualTotalOrder(x, x) }},
		{"backend cpu: Clz: ", func() (compute.Value, error) { return f.Clz(x) }},
		{"BatchNormForTraining of (Float32)[2, 2] along axis 1: got a (Uint32)[2], want a (Float32)[2]", func() (compute.Value, error) {
			y, _, _, err := f.BatchNormForTraining(x, u, u, 0, 1)
			return y, err
		}},
		{"backend cpu: Max of Bool is not implemented", func() (compute.Value, error) { return f.Max(flag, flag) }},
		{"backend cpu: ReduceSum of Bool is not implemented", func() (compute.Value, error) { return f.ReduceSum(flag) }},
		{"backend cpu: ReduceBitwiseAnd of Float32 is not implemented", func() (compute.Value, error) { return f.ReduceBitwiseAnd(x) }},
		{"backend cpu: DotGeneral of Bool is not implemented", func() (compute.Value, error) {
			return f.DotGeneral(flag, []int{0}, nil, flag, []int{0}, nil, compute.DotGeneralConfig{})
		}},
		{"DotGeneral from Float32 to Float64", func() (compute.Value, error) {
			return f.DotGeneral(x, []int{0}, nil, x, []int{0}, nil, compute.DotGeneralConfig{OutputDType: dtypes.Float64})
		}},
		{"Add: data types", func() (compute.Value, error) { return f.Add(x, u) }},
		{"Add: operand 1 (*cpu.node) is not a value of this program", func() (compute.Value, error) { return f.Add(x, foreign) }},
		{"Add: operand 0 (int) is not a value of this program", func() (compute.Value, error) { return f.Add(7, x) }},
		{"Neg: operand 0 is a value of function \"\"", func() (compute.Value, error) { return f.Neg(hidden) }},
		{"after Return", func() (compute.Value, error) { return stranger.Neg(x) }},
		{"Reverse: axes [0 0]", func() (compute.Value, error) { return f.Reverse(x, 0, 0) }},
		{"ReduceMax: axes [2]", func() (compute.Value, error) { return f.ReduceMax(x, 2) }},
		{"Iota: axis 1", func() (compute.Value, error) { return f.Iota(f32(2), 1) }},
		{"dtypes differ", func() (compute.Value, error) {
			return f.BroadcastInDim(x, shapes.Make(dtypes.Int32, 2, 2), []int{0, 1})
		}},
		{"fill is a", func() (compute.Value, error) { return f.Pad(x, u, compute.PadAxis{}) }},
		{"got 1 starts, want one per axis", func() (compute.Value, error) { return f.DynamicSlice(x, []compute.Value{state}, []int{1, 1}) }},
		{"want an integer scalar", func() (compute.Value, error) { return f.DynamicSlice(x, []compute.Value{state, x}, []int{1, 1}) }},
		{"update (Float32)[2, 2] is larger than (Float32)[1, 2]", func() (compute.Value, error) {
			y := must(f.Slice(x, []int{0, 0}, []int{1, 2}, nil))
			return f.DynamicUpdateSlice(y, x, []compute.Value{state, state})
		}},
		{"While: initial value: got 1 values, want 2", func() (compute.Value, error) {
			body := closure(f, func(g compute.Function, in []compute.Value) []compute.Value { return []compute.Value{in[0], in[0]} }, i32())
			_, err := f.While(always, body, state)
			return nil, err
		}},
		{"While: result of the condition 0", func() (compute.Value, error) {
			id := closure(f, func(g compute.Function, in []compute.Value) []compute.Value { return in }, i32())
			_, err := f.While(id, id, state)
			return nil, err
		}},
		{"got a string, want a slice", func() (compute.Value, error) { return f.Constant("x") }},
		{"got 3 elements in a []float32", func() (compute.Value, error) { return f.Constant([]float32{1, 2, 3}, 2) }},
	} {
		v, err := c.call()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, %v, want an error with %q", v, err, c.want)
		}
	}
	for _, config := range []string{"threads=0", "threads=x", "kernels=mmx", "fast"} {
		if b, err := compute.NewWithConfig("cpu:" + config); err == nil || b != nil {
			t.Errorf("configuration %q: got %v, %v, want an error and no backend", config, b, err)
		}
	}
}
