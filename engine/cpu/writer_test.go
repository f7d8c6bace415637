package cpu

import (
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// choices are bytes that decide. Missing ones are 0.
type choices struct{ left []byte }

func (c *choices) below(n int) int {
	if len(c.left) == 0 {
		return 0
	}
	b := c.left[0]
	c.left = c.left[1:]
	return int(b) % n
}

// randomChoices returns choices for a program of about 30 operations.
func randomChoices(seed uint64) []byte {
	r, b := rand.New(rand.NewPCG(seed, 7)), make([]byte, 160)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// given are the shapes of the parameters of every program.
var given = []shapes.Shape{
	f32(37, 64),
	f32(5, 8, 24),
	f32(3),
	f32(),
	f32(2, 6, 5, 8),
	shapes.Make(dtypes.Int32, 5, 8, 24),
	shapes.Make(dtypes.Uint8, 33),
	shapes.Make(dtypes.Bool, 37, 64),
	shapes.Make(dtypes.Float64, 3, 31),
}

// writer writes a program of all kinds of operations, guided by choices. Floats stay small, and inexact values are arguments of smooth
// functions only, so that rounding errors stay small.
type writer struct {
	*choices
	f     compute.Function
	vals  []compute.Value
	exact map[compute.Value]bool // values with the same bits on every backend, which may be compared, rounded and counted
	whole bool                   // includes what the Go backend lacks or defines otherwise
	depth int                    // of closures
}

// written returns the program of choices.
func written(b []byte, whole bool) build {
	return func(f compute.Function, in []compute.Value) []compute.Value {
		w := &writer{&choices{b}, f, slices.Clone(in), map[compute.Value]bool{}, whole, 0}
		for _, v := range in {
			w.exact[v] = true
		}
		for range 60 {
			if len(w.left) == 0 {
				break
			}
			w.write()
		}
		outs := w.vals[max(0, len(w.vals)-8):]
		return append(slices.Clone(outs), outs[0]) // perhaps a parameter, and one value twice
	}
}

func (w *writer) shape(v compute.Value) shapes.Shape { return must(w.f.Shape(v)) }

func (w *writer) keep(exact bool, vs ...compute.Value) {
	for _, v := range vs {
		if w.shape(v).Size() < 1<<13 {
			w.vals = append(w.vals, v)
			w.exact[v] = w.exact[v] || exact || !w.shape(v).DType.IsFloat()
		}
	}
}

// pick returns one of the values that fit, nil if there is none. Later values are more likely.
func (w *writer) pick(fits func(s shapes.Shape, v compute.Value) bool) compute.Value {
	var all []compute.Value
	for _, v := range w.vals {
		if fits(w.shape(v), v) {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[max(w.below(len(all)), w.below(len(all)))]
}

// partner returns a second operand for an elementwise operation on x: of the same shape, or a scalar.
func (w *writer) partner(x compute.Value) compute.Value {
	s := w.shape(x)
	return w.pick(func(t shapes.Shape, _ compute.Value) bool {
		return t.DType == s.DType && (t.Rank() == 0 || t.EqualDimensions(s))
	})
}

// number returns a constant of the dtype of x.
func (w *writer) number(x compute.Value, n float32) compute.Value {
	return must(w.f.ConvertDType(must(w.f.Constant([]float32{n})), w.shape(x).DType))
}

// away returns |x| + 1/2, for functions with a pole at 0.
func (w *writer) away(x compute.Value) compute.Value {
	return must(w.f.Add(must(w.f.Abs(x)), w.number(x, .5)))
}

// phrase writes operations on x, a value of a supported dtype, and possibly on its partner y.
type phrase struct {
	takes func(dtypes.DType) bool
	needs bool // exact operands
	gives bool // exact results of exact operands
	rank  int  // least rank of x
	whole bool
	write func(w *writer, x, y compute.Value) []compute.Value
}

func ofOne(op unaryOp) func(w *writer, x, _ compute.Value) []compute.Value {
	return func(w *writer, x, _ compute.Value) []compute.Value { return one(op(w.f, x)) }
}

func ofTwo(op binaryOp) func(w *writer, x, y compute.Value) []compute.Value {
	return func(w *writer, x, y compute.Value) []compute.Value { return one(op(w.f, x, y)) }
}

// small bounds the result of a smooth operation.
func small(op binaryOp) func(w *writer, x, y compute.Value) []compute.Value {
	return func(w *writer, x, y compute.Value) []compute.Value { return one(w.f.Tanh(must(op(w.f, x, y)))) }
}

// elementwisePhrases take any shape.
var elementwisePhrases = []phrase{
	{takes: floats, write: small(compute.Function.Add)},
	{takes: floats, write: small(compute.Function.Sub)},
	{takes: floats, write: small(compute.Function.Mul)},
	{takes: floats, write: func(w *writer, x, y compute.Value) []compute.Value { return one(w.f.Div(must(w.f.Tanh(x)), w.away(y))) }},
	{takes: floats, write: func(w *writer, x, y compute.Value) []compute.Value { return one(w.f.Pow(w.away(x), must(w.f.Sin(y)))) }},
	{takes: floats, write: func(w *writer, x, _ compute.Value) []compute.Value {
		return one(w.f.Exp(must(w.f.Neg(must(w.f.Abs(x))))))
	}},
	{takes: floats, write: func(w *writer, x, _ compute.Value) []compute.Value { return one(w.f.Log(w.away(x))) }},
	{takes: floats, write: func(w *writer, x, _ compute.Value) []compute.Value { return one(w.f.Sqrt(w.away(x))) }},
	{takes: floats, write: func(w *writer, x, _ compute.Value) []compute.Value { return one(w.f.Rsqrt(w.away(x))) }},
	{takes: floats, write: ofOne(compute.Function.Tanh)},
	{takes: floats, write: ofOne(compute.Function.Logistic)},
	{takes: floats, write: ofOne(compute.Function.Sin)},
	{takes: floats, write: ofOne(compute.Function.Cos)},
	{takes: floats, write: ofOne(compute.Function.Erf)},
	{takes: floats, needs: true, gives: true, write: ofOne(compute.Function.Floor)},
	{takes: floats, needs: true, gives: true, write: ofOne(compute.Function.Round)},
	{takes: floats, needs: true, write: ofOne(compute.Function.IsFinite)},
	{takes: numbers, gives: true, write: ofTwo(compute.Function.Max)},
	{takes: numbers, gives: true, write: ofTwo(compute.Function.Min)},
	{takes: signed, gives: true, write: ofOne(compute.Function.Neg)},
	{takes: numbers, gives: true, write: ofOne(compute.Function.Abs)},
	{takes: numbers, needs: true, gives: true, write: ofOne(compute.Function.Sign)},
	{takes: integers, write: ofTwo(compute.Function.Add)},
	{takes: integers, write: ofTwo(compute.Function.Mul)},
	{takes: integers, write: ofTwo(compute.Function.BitwiseXor)},
	{takes: integers, write: ofTwo(compute.Function.BitwiseAnd)},
	{takes: integers, write: ofOne(compute.Function.BitwiseNot)},
	{takes: integers, write: ofOne(compute.Function.BitCount)},
	{takes: integers, write: func(w *writer, x, y compute.Value) []compute.Value {
		return one(w.f.Rem(x, must(w.f.BitwiseOr(y, w.number(x, 1)))))
	}},
	{takes: integers, write: func(w *writer, x, y compute.Value) []compute.Value {
		return one(w.f.ShiftRightLogical(x, must(w.f.BitwiseAnd(y, w.number(x, 7)))))
	}},
	{takes: truths, write: ofTwo(compute.Function.LogicalXor)},
	{takes: truths, write: ofTwo(compute.Function.LogicalAnd)},
	{takes: truths, write: ofOne(compute.Function.LogicalNot)},
	{takes: numbers, needs: true, write: ofTwo(compute.Function.LessThan)},
	{takes: numbers, needs: true, write: ofTwo(compute.Function.Equal)},
	{takes: numbers, needs: true, gives: true, write: func(w *writer, x, _ compute.Value) []compute.Value {
		return one(w.f.ConvertDType(x, []dtypes.DType{dtypes.Float32, dtypes.Int32, dtypes.Float64, dtypes.Int8, dtypes.Int64}[w.below(5)]))
	}},
	{takes: all, gives: true, write: func(w *writer, x, y compute.Value) []compute.Value {
		s := w.shape(x)
		p := w.pick(func(t shapes.Shape, _ compute.Value) bool { return t.DType == dtypes.Bool && t.EqualDimensions(s) })
		if p == nil {
			return nil
		}
		return one(w.f.Where(p, x, y))
	}},
	{takes: floats, gives: true, whole: true, write: func(w *writer, x, y compute.Value) []compute.Value {
		return one(w.f.Clamp(w.number(x, -.5), x, must(w.f.Abs(y))))
	}},
	{takes: floats, whole: true, write: func(w *writer, x, y compute.Value) []compute.Value { return one(w.f.Atan2(x, w.away(y))) }},
}

// write adds a phrase on values that fit, if there are any.
func (w *writer) write() {
	table := elementwisePhrases
	if w.below(2) == 1 {
		table = axisPhrases
	}
	p := table[w.below(len(table))]
	x := w.pick(func(s shapes.Shape, v compute.Value) bool {
		return p.takes(s.DType) && s.Rank() >= p.rank && s.Size() > 0 && (w.exact[v] || !p.needs)
	})
	if x == nil || p.whole && !w.whole {
		return
	}
	y := w.partner(x)
	if p.needs && !w.exact[y] {
		return
	}
	w.keep(p.gives && w.exact[x] && w.exact[y], p.write(w, x, y)...)
}
