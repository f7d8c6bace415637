package cpu

import (
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// wrongCalls are values of a function under construction, for calls that must fail.
type wrongCalls struct {
	f                                *Function
	x, words, flags, state           compute.Value // [2, 2], Uint32 [2], Bool [2], an Int32 scalar
	foreign, hidden                  compute.Value // of another program, and of a closure
	identity, alwaysTrue, duplicated compute.Function
	returned                         compute.Function
}

func newWrongCalls() *wrongCalls {
	b := must(New(""))
	f := b.Builder("test").Main()
	return &wrongCalls{
		f:       f.(*Function),
		x:       must(f.Parameter("x", f32(2, 2), nil)),
		words:   must(f.Parameter("u", shapes.Make(dtypes.Uint32, 2), nil)),
		flags:   must(f.Parameter("b", shapes.Make(dtypes.Bool, 2), nil)),
		state:   must(f.Parameter("s", i32(), nil)),
		foreign: must(b.Builder("other").Main().Parameter("x", f32(2, 2), nil)),
		hidden:  must(must(f.Closure()).Parameter("x", f32(2, 2), nil)),
		identity: closure(f, func(g compute.Function, in []compute.Value) []compute.Value {
			return in
		}, i32()),
		alwaysTrue: closure(f, func(g compute.Function, in []compute.Value) []compute.Value {
			return []compute.Value{must(g.Constant([]bool{true}))}
		}, i32()),
		duplicated: closure(f, func(g compute.Function, in []compute.Value) []compute.Value {
			return []compute.Value{in[0], in[0]}
		}, i32()),
		returned: closure(f, func(g compute.Function, in []compute.Value) []compute.Value { return in }, f32(2, 2)),
	}
}

// slice is the part of x from the beginning to hi.
func (c *wrongCalls) slice(hi ...int) compute.Value {
	return must(c.f.Slice(c.x, []int{0, 0}, hi, nil))
}

// errorCase is a call that must fail with an error that contains want.
type errorCase struct {
	want string
	call func(c *wrongCalls) (compute.Value, error)
}

func checkErrors(t *testing.T, cases []errorCase) {
	t.Helper()
	values := newWrongCalls()
	for _, c := range cases {
		v, err := c.call(values)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, %v, want an error with %q", v, err, c.want)
		}
	}
}

// The errors name the operation and the type.
func TestUnsupportedOperationsAreErrorsWhenBuilding(t *testing.T) {
	checkErrors(t, []errorCase{
		{"backend cpu: ReduceWindow of Bool is not implemented", func(c *wrongCalls) (compute.Value, error) {
			return c.f.ReduceWindow(c.flags, compute.ReduceOpMax, []int{1}, nil, nil, nil, nil)
		}},
		{"backend cpu: ReduceWindow by Undefined is not implemented", func(c *wrongCalls) (compute.Value, error) {
			return c.f.ReduceWindow(c.x, compute.ReduceOpUndefined, []int{1, 1}, nil, nil, nil, nil)
		}},
		{"backend cpu: Parameter of BFloat16 is not implemented", func(c *wrongCalls) (compute.Value, error) {
			return c.f.Parameter("y", shapes.Make(dtypes.BFloat16, 2), nil)
		}},
		{"backend cpu: Parameter with a dynamic axis", func(c *wrongCalls) (compute.Value, error) {
			return c.f.Parameter("y", shapes.MakeDynamic(dtypes.Float32, []int{shapes.DynamicDim}, []string{"batch"}), nil)
		}},
		{"backend cpu: Constant of Complex64 is not implemented", func(c *wrongCalls) (compute.Value, error) {
			return c.f.Constant([]complex64{1})
		}},
		{"backend cpu: ConvertDType from Float32 to Float16 is not implemented", func(c *wrongCalls) (compute.Value, error) {
			return c.f.ConvertDType(c.x, dtypes.Float16)
		}},
		{"backend cpu: EqualTotalOrder is not implemented", func(c *wrongCalls) (compute.Value, error) {
			return c.f.EqualTotalOrder(c.x, c.x)
		}},
		{"backend cpu: Max of Bool is not implemented", func(c *wrongCalls) (compute.Value, error) {
			return c.f.Max(c.flags, c.flags)
		}},
		{"backend cpu: ReduceSum of Bool is not implemented", func(c *wrongCalls) (compute.Value, error) {
			return c.f.ReduceSum(c.flags)
		}},
		{"backend cpu: ReduceBitwiseAnd of Float32 is not implemented", func(c *wrongCalls) (compute.Value, error) {
			return c.f.ReduceBitwiseAnd(c.x)
		}},
		{"backend cpu: DotGeneral of Bool is not implemented", func(c *wrongCalls) (compute.Value, error) {
			return c.f.DotGeneral(c.flags, []int{0}, nil, c.flags, []int{0}, nil, compute.DotGeneralConfig{})
		}},
		{"DotGeneral from Float32 to Float64", func(c *wrongCalls) (compute.Value, error) {
			return c.f.DotGeneral(c.x, []int{0}, nil, c.x, []int{0}, nil, compute.DotGeneralConfig{OutputDType: dtypes.Float64})
		}},
	})
}

func TestInvalidShapesAndAxesAreErrorsWhenBuilding(t *testing.T) {
	checkErrors(t, []errorCase{
		{"SelectAndScatterMax: the source is a (Float32)[2, 2], want a (Float32)[1, 1]", func(c *wrongCalls) (compute.Value, error) {
			return c.f.SelectAndScatterMax(c.x, c.x, []int{2, 2}, []int{1, 1}, nil)
		}},
		{"ArgMinMax: axis 0 of (Float32)[0, 2] has no elements", func(c *wrongCalls) (compute.Value, error) {
			return c.f.ArgMinMax(c.slice(0, 2), 0, dtypes.Int32, true)
		}},
		{"RNGBitGenerator: the state is a (Float32)[2, 2]", func(c *wrongCalls) (compute.Value, error) {
			_, bits, err := c.f.RNGBitGenerator(c.x, f32(2))
			return bits, err
		}},
		{"cannot be broadcast", func(c *wrongCalls) (compute.Value, error) { return c.f.Add(c.slice(0, 2), c.slice(1, 2)) }},
		{"backend cpu: Clz: ", func(c *wrongCalls) (compute.Value, error) { return c.f.Clz(c.x) }},
		{"BatchNormForTraining of (Float32)[2, 2] along axis 1: got a (Uint32)[2], want a (Float32)[2]",
			func(c *wrongCalls) (compute.Value, error) {
				y, _, _, err := c.f.BatchNormForTraining(c.x, c.words, c.words, 0, 1)
				return y, err
			}},
		{"Add: data types", func(c *wrongCalls) (compute.Value, error) { return c.f.Add(c.x, c.words) }},
		{"Reverse: axes [0 0]", func(c *wrongCalls) (compute.Value, error) { return c.f.Reverse(c.x, 0, 0) }},
		{"ReduceMax: axes [2]", func(c *wrongCalls) (compute.Value, error) { return c.f.ReduceMax(c.x, 2) }},
		{"Iota: axis 1", func(c *wrongCalls) (compute.Value, error) { return c.f.Iota(f32(2), 1) }},
		{"dtypes differ", func(c *wrongCalls) (compute.Value, error) {
			return c.f.BroadcastInDim(c.x, shapes.Make(dtypes.Int32, 2, 2), []int{0, 1})
		}},
		{"fill is a", func(c *wrongCalls) (compute.Value, error) { return c.f.Pad(c.x, c.words, compute.PadAxis{}) }},
		{"got 1 starts, want one per axis", func(c *wrongCalls) (compute.Value, error) {
			return c.f.DynamicSlice(c.x, []compute.Value{c.state}, []int{1, 1})
		}},
		{"want an integer scalar", func(c *wrongCalls) (compute.Value, error) {
			return c.f.DynamicSlice(c.x, []compute.Value{c.state, c.x}, []int{1, 1})
		}},
		{"update (Float32)[2, 2] is larger than (Float32)[1, 2]", func(c *wrongCalls) (compute.Value, error) {
			return c.f.DynamicUpdateSlice(c.slice(1, 2), c.x, []compute.Value{c.state, c.state})
		}},
		{"got a string, want a slice", func(c *wrongCalls) (compute.Value, error) { return c.f.Constant("x") }},
		{"got 3 elements in a []float32", func(c *wrongCalls) (compute.Value, error) { return c.f.Constant([]float32{1, 2, 3}, 2) }},
	})
}

func TestValuesAndClosuresOfOtherFunctionsAreErrorsWhenBuilding(t *testing.T) {
	checkErrors(t, []errorCase{
		{"Add: operand 1 (*cpu.node) is not a value of this program", func(c *wrongCalls) (compute.Value, error) {
			return c.f.Add(c.x, c.foreign)
		}},
		{"Add: operand 0 (int) is not a value of this program", func(c *wrongCalls) (compute.Value, error) { return c.f.Add(7, c.x) }},
		{"Neg: operand 0 is a value of function \"\"", func(c *wrongCalls) (compute.Value, error) { return c.f.Neg(c.hidden) }},
		{"after Return", func(c *wrongCalls) (compute.Value, error) { return c.returned.Neg(c.x) }},
		{"Sort: parameter of the comparator: got 1 values, want 2", func(c *wrongCalls) (compute.Value, error) {
			_, err := c.f.Sort(c.alwaysTrue, 0, true, c.x)
			return nil, err
		}},
		{"While: initial value: got 1 values, want 2", func(c *wrongCalls) (compute.Value, error) {
			_, err := c.f.While(c.alwaysTrue, c.duplicated, c.state)
			return nil, err
		}},
		{"While: result of the condition 0", func(c *wrongCalls) (compute.Value, error) {
			_, err := c.f.While(c.identity, c.identity, c.state)
			return nil, err
		}},
	})
}

func TestInvalidConfigurationsAreErrors(t *testing.T) {
	for _, config := range []string{"threads=0", "threads=x", "kernels=mmx", "fast"} {
		if b, err := compute.NewWithConfig("cpu:" + config); err == nil || b != nil {
			t.Errorf("configuration %q: got %v, %v, want an error and no backend", config, b, err)
		}
	}
}
